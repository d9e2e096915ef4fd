/**
 * IPv4 fragmentation (RFC 791, 2.3) of whole Ethernet frames, one piece at a time (spec/sleeve.md 10.2).
 *
 * ```
 *   frame   | Ethernet 14 | IP header h | payload ...................... | padding
 *   piece   | Ethernet 14 | IP header h: total length, MF, offset + position / 8, checksum | step bytes of payload |
 * ```
 *
 * All options are copied into each piece, as the reference does. Pieces below 60 bytes are padded with zeros.
 *
 * @module
 */

import type { Slab } from "../frame.ts";
import { fold, sum16 } from "./checksum.ts";
import { ETHERTYPE_IPV4, MIN_FRAME_BYTES } from "./ethernet.ts";
import {
  IPV4_MF,
  IPV4_OFFSET_MASK,
  ipv4Fragment,
  ipv4HeaderLength,
  ipv4TotalLength,
} from "./ip.ts";

/** Bytes before the IP header: no VLAN tag. */
const IP_OFFSET = 14;

/**
 * Returns the length of the IPv4 header directly behind the addresses, -1 if there is no valid one. hot path
 *
 * @param frame offset of the Ethernet header
 * @param length bytes of the frame
 */
export function plainIpv4HeaderLength(view: DataView, frame: number, length: number): number {
  if (length < IP_OFFSET || view.getUint16(frame + 12) !== ETHERTYPE_IPV4) return -1;
  return ipv4HeaderLength(view, frame + IP_OFFSET, length - IP_OFFSET);
}

/**
 * Returns the payload bytes of each piece but the last; 0 if the frame cannot be cut: no plain, valid IPv4, or the MTU has no
 * room for 8 bytes behind the header. Whether it may be cut (DF) is for the caller to say. hot path
 */
export function fragmentStep(
  view: DataView,
  frame: number,
  length: number,
  mtuBytes: number,
): number {
  const header = plainIpv4HeaderLength(view, frame, length);
  if (header < 0 || mtuBytes < header) return 0;
  return (mtuBytes - header) & ~7;
}

/** Returns the payload bytes of the frame's IPv4 packet, padding left out. hot path */
export function fragmentPayloadBytes(view: DataView, frame: number): number {
  return ipv4TotalLength(view, frame + IP_OFFSET) - headerLength(view, frame);
}

/**
 * Writes one piece of a frame that {@link fragmentStep} found good. hot path
 *
 * @param slab memory of both frames
 * @param frame offset of the whole frame
 * @param position where in the payload the piece begins, a multiple of `step`
 * @param step what {@link fragmentStep} returned
 * @param destination where to write, apart from the frame; up to `14 + mtuBytes` bytes, at least 60
 * @returns length of the piece
 */
export function writeFragment(
  slab: Slab,
  frame: number,
  position: number,
  step: number,
  destination: number,
): number {
  const { bytes, view } = slab;
  const header = headerLength(view, frame);
  const left = fragmentPayloadBytes(view, frame) - position;
  const payload = left < step ? left : step;
  const headers = IP_OFFSET + header;
  bytes.copyWithin(destination, frame, frame + headers);
  const from = frame + headers + position;
  bytes.copyWithin(destination + headers, from, from + payload);
  const ip = destination + IP_OFFSET;
  const fragment = ipv4Fragment(view, ip);
  const more = left > step ? IPV4_MF : 0;
  view.setUint16(ip + 2, header + payload);
  // The offset of a forged fragment may overflow its field; it then wraps and the receiver's assembly fails.
  const offset = ((fragment & IPV4_OFFSET_MASK) + (position >>> 3)) & IPV4_OFFSET_MASK;
  view.setUint16(ip + 6, (fragment & ~IPV4_OFFSET_MASK) | more | offset);
  view.setUint16(ip + 10, 0);
  view.setUint16(ip + 10, fold(sum16(view, ip, header, 0)));
  const length = headers + payload;
  if (length >= MIN_FRAME_BYTES) return length;
  bytes.fill(0, destination + length, destination + MIN_FRAME_BYTES);
  return MIN_FRAME_BYTES;
}

function headerLength(view: DataView, frame: number): number {
  return (view.getUint8(frame + IP_OFFSET) & 15) * 4;
}
