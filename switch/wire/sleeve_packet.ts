/**
 * Sleeve datagrams (weft spec/sleeve.md 2, 3, 6 and 11; byte compatible with Weave Net).
 *
 * ```
 *   plain    0 sender name 6 | 6 records
 *   sealed   0 sender name 6 | 6 sequence 8 | 14 tag 16 | 30 ciphertext of the records
 *   record   0 origin name 6 | 6 destination name 6 | 12 length 2 | 14 Ethernet frame
 *   sequence bit 63: 1 = DF space; bits 0..62: number in that space, from 0
 *   nonce    0 0x80 if the sender dialled, else 0 | 1 zeros 15 | 16 sequence 8, as in the datagram
 * ```
 *
 * Big-endian. Names are two integers, upper 16 and lower 32 bits, the lower one signed. Everything works on memory by
 * offset. A walk over the records asks {@link recordEnd} first; the accessors then cannot leave the datagram.
 *
 * @module
 */

import { formatPeerName, macOf } from "../../base/mod.ts";

/** Bytes of the header of a plain datagram: the sender's name. */
export const PLAIN_HEADER_BYTES = 6;

/** Offset of the sequence number in a sealed datagram. */
export const SEQUENCE_OFFSET = 6;

/** Offset of the tag in a sealed datagram. */
export const TAG_OFFSET = 14;

/** Bytes of the header of a sealed datagram: name, sequence number, tag. */
export const SEALED_HEADER_BYTES = 30;

/** Bytes of the header of a record. */
export const RECORD_HEADER_BYTES = 14;

/** Bytes of a secretbox nonce. */
export const NONCE_BYTES = 24;

/** IPv4 and UDP headers around a datagram. */
export const OUTER_IPV4_BYTES = 28;

/** IPv6 and UDP headers around a datagram. */
export const OUTER_IPV6_BYTES = 48;

/** Largest UDP payload over IPv4. */
export const MAX_UDP_PAYLOAD_BYTES = 65_507;

/** A heartbeat: 14 zeros and the connection's UID. */
export const HEARTBEAT_BYTES = 22;

/** Fragmentation test: a frame of so many zeros. */
export const FRAGMENTATION_TEST_BYTES = 60_001;

/** A frame that no path carries: the kernel answers with the path MTU. */
export const PROVOCATION_BYTES = 60_000;

/** Ethernet header of the inner frame. */
const INNER_ETHERNET_BYTES = 14;

/** Returns the bytes before the records of a datagram. */
export function packetOverheadBytes(sealed: boolean): number {
  return sealed ? SEALED_HEADER_BYTES : PLAIN_HEADER_BYTES;
}

/**
 * Returns how much smaller an inner IP packet is than the underlay's path MTU (spec/sleeve.md 11).
 *
 * @param outerBytes {@link OUTER_IPV4_BYTES} or {@link OUTER_IPV6_BYTES}
 */
export function totalOverheadBytes(sealed: boolean, outerBytes: number): number {
  return outerBytes + packetOverheadBytes(sealed) + RECORD_HEADER_BYTES + INNER_ETHERNET_BYTES;
}

/** Returns the offset behind the record at `at`, -1 if it does not end before `end`. hot path */
export function recordEnd(view: DataView, at: number, end: number): number {
  if (at + RECORD_HEADER_BYTES > end) return -1;
  const next = at + RECORD_HEADER_BYTES + view.getUint16(at + 12);
  return next > end ? -1 : next;
}

/** Tells whether a frame of at least 14 bytes is special: addresses and EtherType are zero. hot path */
export function isSpecial(view: DataView, frame: number): boolean {
  return (view.getInt32(frame) | view.getInt32(frame + 4) | view.getInt32(frame + 8) |
    view.getUint16(frame + 12)) === 0;
}

/** Tells whether bytes are all zero. */
export function isZero(view: DataView, offset: number, length: number): boolean {
  let at = offset;
  const end = offset + length;
  for (; at + 4 <= end; at += 4) if (view.getInt32(at) !== 0) return false;
  for (; at < end; at++) if (view.getUint8(at) !== 0) return false;
  return true;
}

/** Writes a name. hot path */
export function writeName(view: DataView, at: number, high: number, low: number): void {
  view.setUint16(at, high);
  view.setInt32(at + 2, low);
}

/** Writes the header of a record. hot path */
export function writeRecordHeader(
  view: DataView,
  at: number,
  originHigh: number,
  originLow: number,
  destinationHigh: number,
  destinationLow: number,
  length: number,
): void {
  view.setUint16(at, originHigh);
  view.setInt32(at + 2, originLow);
  view.setUint16(at + 6, destinationHigh);
  view.setInt32(at + 8, destinationLow);
  view.setUint16(at + 12, length);
}

/**
 * Writes the sequence number of a sealed datagram. hot path
 *
 * @param high upper 31 bits of the number
 * @param low lower 32 bits
 */
export function writeSequence(
  view: DataView,
  datagram: number,
  df: boolean,
  high: number,
  low: number,
): void {
  view.setInt32(datagram + SEQUENCE_OFFSET, df ? high | 0x8000_0000 : high & 0x7fff_ffff);
  view.setInt32(datagram + SEQUENCE_OFFSET + 4, low);
}

/**
 * Writes the nonce of a sealed datagram that has its sequence number. hot path
 *
 * @param nonce offset of {@link NONCE_BYTES} bytes of which 1 to 15 are zero
 * @param dialled the sender of the datagram dialled the connection
 */
export function writeNonce(
  view: DataView,
  nonce: number,
  dialled: boolean,
  datagram: number,
): void {
  view.setUint8(nonce, dialled ? 0x80 : 0);
  view.setInt32(nonce + 16, view.getInt32(datagram + SEQUENCE_OFFSET));
  view.setInt32(nonce + 20, view.getInt32(datagram + SEQUENCE_OFFSET + 4));
}

/**
 * Formats an open datagram on one line, for tests and debugging.
 *
 * @param sealed it has the header of a sealed one; the records must have been opened
 */
export function formatSleevePacket(
  view: DataView,
  datagram: number,
  length: number,
  sealed: boolean,
): string {
  const end = datagram + length;
  if (length < packetOverheadBytes(sealed)) return `sleeve: ${length} bytes, too short`;
  let text = `sleeve from ${formatName(view, datagram)}`;
  if (sealed) {
    const sequence = view.getBigUint64(datagram + SEQUENCE_OFFSET);
    text += ` ${sequence >> 63n === 1n ? "df" : "non-df"} ${sequence & 0x7fff_ffff_ffff_ffffn}`;
  }
  let at = datagram + packetOverheadBytes(sealed);
  while (at < end) {
    const next = recordEnd(view, at, end);
    if (next < 0) return `${text}; malformed: ${end - at} bytes`;
    text += `; ${formatName(view, at)} > ${formatName(view, at + 6)}: ${view.getUint16(at + 12)}`;
    at = next;
  }
  return text;
}

function formatName(view: DataView, at: number): string {
  return formatPeerName(macOf(view.getUint16(at), view.getUint32(at + 2)));
}
