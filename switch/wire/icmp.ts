/**
 * ICMP "fragmentation needed" (RFC 792, RFC 1191), the answer to an IPv4 packet with DF that does not fit
 * (spec/sleeve.md 10.1).
 *
 * ```
 *   Ethernet  addresses swapped, EtherType as it was
 *   IPv4 20   TOS copied, id 0, flags 0, TTL 64, protocol 1, source = the packet's destination, destination = its source
 *   ICMP      0 type 3 | 1 code 4 | 2 checksum 2 | 4 zeros 2 | 6 MTU 2 | 8 the packet's IP header and 8 bytes behind it
 * ```
 *
 * Big-endian. Padded with zeros to 60 bytes.
 *
 * @module
 */

import type { Slab } from "../frame.ts";
import { fold, sum16 } from "./checksum.ts";
import { isGroup, MIN_FRAME_BYTES, sourceHigh } from "./ethernet.ts";
import { plainIpv4HeaderLength } from "./fragment.ts";
import {
  IPV4_HEADER_BYTES,
  IPV4_OFFSET_MASK,
  ipv4Fragment,
  ipv4TotalLength,
  PROTOCOL_ICMP,
} from "./ip.ts";

/** Bytes that the answer needs at most: both headers, ICMP, a header with all options and 8 bytes. */
export const FRAGMENTATION_NEEDED_BYTES = 14 + 20 + 8 + 60 + 8;

const ETHERNET_BYTES = 14;
const ICMP_HEADER_BYTES = 8;
const QUOTED_PAYLOAD_BYTES = 8;
const TYPE_UNREACHABLE = 3;
const CODE_FRAGMENTATION_NEEDED = 4;
const TTL = 64;

/** Types of ICMP that are questions or answers, not errors: an error about them is allowed. */
const ICMP_QUERIES: readonly number[] = [0, 8, 9, 10, 13, 14, 15, 16, 17, 18];

/**
 * Writes the answer to a frame that is too big.
 *
 * No answer is given where RFC 1122 (3.2.2) forbids it: to ICMP errors, to any but the first fragment, to a group,
 * loopback or unspecified source, about a packet for a group.
 *
 * @param slab memory of both frames
 * @param frame offset of the frame
 * @param length its bytes
 * @param mtuBytes what would fit, in bytes of IP packet
 * @param destination where to write, {@link FRAGMENTATION_NEEDED_BYTES} long, apart from the frame
 * @returns length of the answer, 0 for none
 */
export function writeFragmentationNeeded(
  slab: Slab,
  frame: number,
  length: number,
  mtuBytes: number,
  destination: number,
): number {
  const { bytes, view } = slab;
  const header = plainIpv4HeaderLength(view, frame, length);
  if (header < 0 || !mayAnswer(view, frame, header)) return 0;
  const packet = frame + ETHERNET_BYTES;
  const quoted = Math.min(header + QUOTED_PAYLOAD_BYTES, ipv4TotalLength(view, packet));
  bytes.copyWithin(destination, frame + 6, frame + 12);
  bytes.copyWithin(destination + 6, frame, frame + 6);
  view.setUint16(destination + 12, view.getUint16(frame + 12));

  const ip = destination + ETHERNET_BYTES;
  view.setUint8(ip, 0x45);
  view.setUint8(ip + 1, view.getUint8(packet + 1));
  view.setUint16(ip + 2, IPV4_HEADER_BYTES + ICMP_HEADER_BYTES + quoted);
  view.setUint32(ip + 4, 0);
  view.setUint8(ip + 8, TTL);
  view.setUint8(ip + 9, PROTOCOL_ICMP);
  view.setUint16(ip + 10, 0);
  bytes.copyWithin(ip + 12, packet + 16, packet + 20);
  bytes.copyWithin(ip + 16, packet + 12, packet + 16);
  view.setUint16(ip + 10, fold(sum16(view, ip, IPV4_HEADER_BYTES, 0)));

  const icmp = ip + IPV4_HEADER_BYTES;
  view.setUint8(icmp, TYPE_UNREACHABLE);
  view.setUint8(icmp + 1, CODE_FRAGMENTATION_NEEDED);
  view.setUint32(icmp + 2, 0);
  view.setUint16(icmp + 6, mtuBytes);
  bytes.copyWithin(icmp + ICMP_HEADER_BYTES, packet, packet + quoted);
  view.setUint16(icmp + 2, fold(sum16(view, icmp, ICMP_HEADER_BYTES + quoted, 0)));

  const written = ETHERNET_BYTES + IPV4_HEADER_BYTES + ICMP_HEADER_BYTES + quoted;
  if (written >= MIN_FRAME_BYTES) return written;
  bytes.fill(0, destination + written, destination + MIN_FRAME_BYTES);
  return MIN_FRAME_BYTES;
}

function mayAnswer(view: DataView, frame: number, header: number): boolean {
  const ip = frame + ETHERNET_BYTES;
  const source = view.getUint8(ip + 12);
  const target = view.getUint8(ip + 16);
  if (isGroup(sourceHigh(view, frame)) || source >= 224 || source === 127 || target >= 224) {
    return false;
  }
  if (view.getInt32(ip + 12) === 0) return false;
  if ((ipv4Fragment(view, ip) & IPV4_OFFSET_MASK) !== 0) return false;
  if (view.getUint8(ip + 9) !== PROTOCOL_ICMP) return true;
  return header < ipv4TotalLength(view, ip) && ICMP_QUERIES.includes(view.getUint8(ip + header));
}
