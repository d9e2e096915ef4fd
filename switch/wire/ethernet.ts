/**
 * Ethernet II frames with up to two VLAN tags (IEEE 802.3, 802.1Q, 802.1ad).
 *
 * ```
 *   0  destination 6     12  EtherType 2, big-endian as all        untagged: payload at 14
 *   6  source      6     12  TPID 2, tag 2, then again             one tag:  payload at 18, two: 22
 * ```
 *
 * Addresses are two integers each: upper 16 and lower 32 bits, the lower one signed (compare it with `| 0`).
 *
 * @module
 */

/** Bytes of both addresses. */
export const ADDRESSES_BYTES = 12;

/** Bytes of one VLAN tag with its TPID. */
export const VLAN_TAG_BYTES = 4;

/** IPv4. */
export const ETHERTYPE_IPV4 = 0x0800;

/** ARP. */
export const ETHERTYPE_ARP = 0x0806;

/** IPv6. */
export const ETHERTYPE_IPV6 = 0x86dd;

/** A VLAN tag follows (802.1Q). */
export const TPID_VLAN = 0x8100;

/** A service VLAN tag follows (802.1ad). */
export const TPID_SERVICE_VLAN = 0x88a8;

/** Shortest frame that a cable takes, without its check sequence; shorter ones are padded with zeros. */
export const MIN_FRAME_BYTES = 60;

/** Returns the upper 16 bits of the destination. hot path */
export function destinationHigh(view: DataView, frame: number): number {
  return view.getUint16(frame);
}

/** Returns the lower 32 bits of the destination, signed. hot path */
export function destinationLow(view: DataView, frame: number): number {
  return view.getInt32(frame + 2);
}

/** Returns the upper 16 bits of the source. hot path */
export function sourceHigh(view: DataView, frame: number): number {
  return view.getUint16(frame + 6);
}

/** Returns the lower 32 bits of the source, signed. hot path */
export function sourceLow(view: DataView, frame: number): number {
  return view.getInt32(frame + 8);
}

/** Tells by the upper half whether an address is that of a group. hot path */
export function isGroup(high: number): boolean {
  return (high & 0x0100) !== 0;
}

/**
 * Returns the length of the Ethernet header with its tags: 14, 18 or 22; -1 if the frame ends in it. hot path
 *
 * A third tag is not walked: its TPID is then the EtherType.
 */
export function ethernetHeaderLength(view: DataView, frame: number, length: number): number {
  let header = ADDRESSES_BYTES + 2;
  if (length < header) return -1;
  for (let tags = 0; tags < 2; tags++) {
    const type = view.getUint16(frame + header - 2);
    if (type !== TPID_VLAN && type !== TPID_SERVICE_VLAN) break;
    header += VLAN_TAG_BYTES;
    if (length < header) return -1;
  }
  return header;
}

/** Returns the EtherType, given what {@link ethernetHeaderLength} found. hot path */
export function etherType(view: DataView, frame: number, headerLength: number): number {
  return view.getUint16(frame + headerLength - 2);
}
