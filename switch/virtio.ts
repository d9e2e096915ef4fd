/**
 * The virtio-net header before each frame of the TAP (linux/virtio_net.h).
 *
 * ```
 *   0 flags 1 | 1 gso_type 1 | 2 hdr_len 2 | 4 gso_size 2 | 6 csum_start 2 | 8 csum_offset 2        little-endian
 * ```
 *
 * @module
 */

import { VIRTIO_HEADER_BYTES } from "./frame.ts";

/** Flag: the checksum field holds only the sum of the pseudo-header. */
export const NEEDS_CSUM = 1;

/** gso_type: not a superframe. */
export const GSO_NONE = 0;

/** gso_type: TCP over IPv4. */
export const GSO_TCPV4 = 1;

/** gso_type: TCP over IPv6. */
export const GSO_TCPV6 = 4;

/** gso_type: UDP datagrams of equal size (USO), IPv4 or IPv6. */
export const GSO_UDP = 5;

/** Bit of gso_type: CWR is set, on the first segment only. */
export const GSO_ECN = 0x80;

/** Returns the flags. hot path */
export function virtioFlags(view: DataView, at: number): number {
  return view.getUint8(at);
}

/** Returns gso_type. hot path */
export function virtioGsoType(view: DataView, at: number): number {
  return view.getUint8(at + 1);
}

/** Returns gso_size, payload bytes per segment. hot path */
export function virtioGsoSize(view: DataView, at: number): number {
  return view.getUint16(at + 4, true);
}

/** Returns csum_start, from the Ethernet header on. hot path */
export function virtioCsumStart(view: DataView, at: number): number {
  return view.getUint16(at + 6, true);
}

/** Returns csum_offset, from csum_start on. hot path */
export function virtioCsumOffset(view: DataView, at: number): number {
  return view.getUint16(at + 8, true);
}

/** Writes the header of a frame with complete checksums: ten zeros. hot path */
export function writePlainVirtio(view: DataView, at: number): void {
  view.setInt32(at, 0);
  view.setInt32(at + 4, 0);
  view.setInt16(at + VIRTIO_HEADER_BYTES - 2, 0);
}

/** Writes the header of a superframe with a partial checksum. hot path */
export function writeGsoVirtio(
  view: DataView,
  at: number,
  gsoType: number,
  headerLength: number,
  gsoSize: number,
  csumStart: number,
  csumOffset: number,
): void {
  view.setUint8(at, NEEDS_CSUM);
  view.setUint8(at + 1, gsoType);
  view.setUint16(at + 2, headerLength, true);
  view.setUint16(at + 4, gsoSize, true);
  view.setUint16(at + 6, csumStart, true);
  view.setUint16(at + 8, csumOffset, true);
}
