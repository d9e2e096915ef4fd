/**
 * ICMPv6 "packet too big" (RFC 4443, 3.2), the answer to an IPv6 packet that does not fit.
 *
 * ```
 *   Ethernet  addresses swapped, tags and EtherType as they were
 *   IPv6 40   source = the packet's destination, destination = its source, next header 58, hop limit 64
 *   ICMPv6    0 type 2 | 1 code 0 | 2 checksum 2 | 4 MTU 4 | 8 as much of the packet as fits in 1280 bytes of IPv6
 * ```
 *
 * Big-endian.
 *
 * @module
 */

import { fold, sum16 } from "./checksum.ts";
import {
  ADDRESSES_BYTES,
  ethernetHeaderLength,
  etherType,
  ETHERTYPE_IPV6,
  isGroup,
  sourceHigh,
} from "./ethernet.ts";
import {
  IPV6_HEADER_BYTES,
  ipv6NextHeader,
  ipv6PseudoSum,
  ipv6Valid,
  PROTOCOL_ICMPV6,
} from "./ip.ts";

/** Smallest MTU of any IPv6 link; no ICMPv6 error is longer. */
export const IPV6_MIN_MTU = 1280;

/** Bytes that the answer needs at most: Ethernet with two tags and 1280 of IPv6. */
export const PACKET_TOO_BIG_BYTES: number = IPV6_MIN_MTU + 22;

const TYPE_PACKET_TOO_BIG = 2;
const TYPE_REDIRECT = 137;
const ICMPV6_HEADER_BYTES = 8;
const HOP_LIMIT = 64;
const MULTICAST = 0xff;

/**
 * Writes the answer to a frame that is too big.
 *
 * No answer is given where RFC 4443 (2.4 e) forbids it: to ICMPv6 errors and redirects, to a group or unspecified source; nor
 * to a packet for a group, whose address cannot be a source.
 *
 * @param view memory of both frames
 * @param frame offset of the frame
 * @param length its bytes
 * @param mtuBytes what would fit, in bytes of IP packet
 * @param destination where to write, {@link PACKET_TOO_BIG_BYTES} long, apart from the frame
 * @returns length of the answer, 0 for none
 */
export function writePacketTooBig(
  view: DataView,
  frame: number,
  length: number,
  mtuBytes: number,
  destination: number,
): number {
  const network = ethernetHeaderLength(view, frame, length);
  if (network < 0 || etherType(view, frame, network) !== ETHERTYPE_IPV6) return 0;
  const ip = frame + network;
  if (!ipv6Valid(view, ip, length - network) || !mayAnswer(view, frame, ip)) return 0;
  copyBytes(view, destination, frame + 6, 6);
  copyBytes(view, destination + 6, frame, 6);
  copyBytes(view, destination + ADDRESSES_BYTES, frame + ADDRESSES_BYTES, network - 12);
  const packet = IPV6_HEADER_BYTES + view.getUint16(ip + 4);
  const quoted = Math.min(packet, IPV6_MIN_MTU - IPV6_HEADER_BYTES - ICMPV6_HEADER_BYTES);
  const answer = destination + network;
  view.setUint32(answer, 0x60000000);
  view.setUint16(answer + 4, ICMPV6_HEADER_BYTES + quoted);
  view.setUint8(answer + 6, PROTOCOL_ICMPV6);
  view.setUint8(answer + 7, HOP_LIMIT);
  copyBytes(view, answer + 8, ip + 24, 16);
  copyBytes(view, answer + 24, ip + 8, 16);
  const icmp = answer + IPV6_HEADER_BYTES;
  view.setUint32(icmp, TYPE_PACKET_TOO_BIG << 24);
  view.setUint32(icmp + 4, mtuBytes);
  copyBytes(view, icmp + ICMPV6_HEADER_BYTES, ip, quoted);
  const bytes = ICMPV6_HEADER_BYTES + quoted;
  const pseudo = ipv6PseudoSum(view, answer, PROTOCOL_ICMPV6, bytes);
  view.setUint16(icmp + 2, fold(sum16(view, icmp, bytes, pseudo)));
  return network + IPV6_HEADER_BYTES + bytes;
}

function mayAnswer(view: DataView, frame: number, ip: number): boolean {
  const unspecified = (view.getInt32(ip + 8) | view.getInt32(ip + 12) | view.getInt32(ip + 16) |
    view.getInt32(ip + 20)) === 0;
  if (unspecified || isGroup(sourceHigh(view, frame))) return false;
  if (view.getUint8(ip + 8) === MULTICAST || view.getUint8(ip + 24) === MULTICAST) return false;
  if (ipv6NextHeader(view, ip) !== PROTOCOL_ICMPV6) return true;
  // Without a payload there is no type to read; such a packet is never too big.
  if (view.getUint16(ip + 4) === 0) return false;
  const type = view.getUint8(ip + IPV6_HEADER_BYTES);
  return type >= 128 && type !== TYPE_REDIRECT;
}

/** Copies byte by byte: answers are too seldom to need memcpy. */
function copyBytes(view: DataView, destination: number, source: number, length: number): void {
  for (let i = 0; i < length; i++) view.setUint8(destination + i, view.getUint8(source + i));
}
