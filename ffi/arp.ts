/**
 * ARP on an Ethernet interface (RFC 826, RFC 5227): telling neighbours where an address now is.
 *
 * ```
 *    0 destination 6   6 source 6   12 type 0x0806
 *   14 hardware 1   16 protocol 0x0800   18 lengths 6, 4   20 operation   22 sender MAC 6, IPv4 4   32 target MAC 6, IPv4 4
 * ```
 *
 * @module
 */

import { type Ipv4, type Mac, macToBytes } from "../base/mod.ts";
import { ERRNO, SysError } from "./errno.ts";
import { PacketSocket } from "./packet.ts";

/** `linux/if_ether.h` */
export const ETH_P_ARP = 0x0806;
const ARP_REQUEST = 1;
const FRAME_BYTES = 42;
/** A frame that is sent the moment an interface came up does not reach the bridge. */
const SETTLE_MS = 1;

/**
 * Returns an ARP request to all for an address, from itself: who has an entry for it takes over the MAC.
 *
 * @param mac of the interface that has the address now
 * @param address what to announce
 */
export function arpAnnouncement(mac: Mac, address: Ipv4): Uint8Array<ArrayBuffer> {
  const frame = new Uint8Array(FRAME_BYTES);
  const view = new DataView(frame.buffer);
  const own = macToBytes(mac);
  frame.fill(0xff, 0, 6);
  frame.set(own, 6);
  view.setUint16(12, ETH_P_ARP);
  view.setUint16(14, 1);
  view.setUint16(16, 0x0800);
  view.setUint16(18, 0x0604);
  view.setUint16(20, ARP_REQUEST);
  frame.set(own, 22);
  view.setUint32(28, address);
  view.setUint32(38, address);
  return frame;
}

/**
 * Announces addresses on an interface, once each, after a pause of 1 ms.
 *
 * Equivalent to: `arping -U -c 1 -I NAME ADDRESS`.
 *
 * An interface that is down or has no room announces nothing: nobody hears it yet, and the addresses are good.
 *
 * @param ifindex in the namespace of this thread
 * @throws {SysError} EPERM without CAP_NET_RAW
 */
export function announceIpv4(ifindex: number, mac: Mac, addresses: readonly Ipv4[]): void {
  if (addresses.length === 0) return;
  pause(SETTLE_MS);
  using socket = PacketSocket.open({ ifindex, etherType: ETH_P_ARP });
  for (const address of addresses) {
    try {
      socket.send(ifindex, arpAnnouncement(mac, address));
    } catch (error) {
      const harmless: number[] = [ERRNO.ENETDOWN, ERRNO.ENOBUFS, ERRNO.ENXIO];
      if (!(error instanceof SysError) || !harmless.includes(error.errno)) throw error;
    }
  }
}

/** Blocks the thread, for the few milliseconds that the kernel needs between two steps. */
export function pause(ms: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
}
