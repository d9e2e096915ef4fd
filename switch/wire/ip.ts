/**
 * IPv4 (RFC 791) and the fixed header of IPv6 (RFC 8200).
 *
 * ```
 *   IPv4   0 version 4, IHL 4 | 1 TOS | 2 total length 2 | 4 id 2 | 6 flags 3, fragment offset 13 |
 *          8 TTL | 9 protocol | 10 checksum 2 | 12 source 4 | 16 destination 4 | 20 options
 *   IPv6   0 version 4, class 8, flow 20 | 4 payload length 2 | 6 next header | 7 hop limit | 8 source 16 | 24 destination 16
 * ```
 *
 * Big-endian. A walk checks once; the accessors then cannot leave the frame.
 *
 * @module
 */

import { sum16 } from "./checksum.ts";

/** Bytes of an IPv4 header without options. */
export const IPV4_HEADER_BYTES = 20;

/** Bytes of the IPv6 fixed header. */
export const IPV6_HEADER_BYTES = 40;

/** IPv4 flag: do not fragment. */
export const IPV4_DF = 0x4000;

/** IPv4 flag: more fragments follow. */
export const IPV4_MF = 0x2000;

/** Fragment offset, in units of 8 bytes. */
export const IPV4_OFFSET_MASK = 0x1fff;

/** Protocol number of ICMP. */
export const PROTOCOL_ICMP = 1;

/** Protocol number of TCP. */
export const PROTOCOL_TCP = 6;

/** Protocol number of UDP. */
export const PROTOCOL_UDP = 17;

/** Protocol number of ICMPv6. */
export const PROTOCOL_ICMPV6 = 58;

/**
 * Returns the length of a valid IPv4 header, options included; -1 if it is none. hot path
 *
 * Valid: version 4, IHL and total length fit each other and the bytes that are there. The checksum is not looked at.
 *
 * @param available bytes from `ip` to the end of the frame
 */
export function ipv4HeaderLength(view: DataView, ip: number, available: number): number {
  if (available < IPV4_HEADER_BYTES) return -1;
  const first = view.getUint8(ip);
  const header = (first & 15) * 4;
  if (first >>> 4 !== 4 || header < IPV4_HEADER_BYTES) return -1;
  const total = view.getUint16(ip + 2);
  return total < header || total > available ? -1 : header;
}

/** Returns the total length of an IPv4 packet, header included. hot path */
export function ipv4TotalLength(view: DataView, ip: number): number {
  return view.getUint16(ip + 2);
}

/** Returns flags and fragment offset. hot path */
export function ipv4Fragment(view: DataView, ip: number): number {
  return view.getUint16(ip + 6);
}

/** Returns the protocol. hot path */
export function ipv4Protocol(view: DataView, ip: number): number {
  return view.getUint8(ip + 9);
}

/** Tells whether an IPv6 header is valid: version 6, the payload length fits the bytes that are there. hot path */
export function ipv6Valid(view: DataView, ip: number, available: number): boolean {
  return available >= IPV6_HEADER_BYTES && view.getUint8(ip) >>> 4 === 6 &&
    view.getUint16(ip + 4) + IPV6_HEADER_BYTES <= available;
}

/** Returns the payload length of an IPv6 packet: all behind the fixed header. hot path */
export function ipv6PayloadLength(view: DataView, ip: number): number {
  return view.getUint16(ip + 4);
}

/** Returns the next header. hot path */
export function ipv6NextHeader(view: DataView, ip: number): number {
  return view.getUint8(ip + 6);
}

/** Returns the sum of the IPv4 pseudo-header (RFC 793): addresses, protocol, length of header and payload. hot path */
export function ipv4PseudoSum(
  view: DataView,
  ip: number,
  protocol: number,
  length: number,
): number {
  return sum16(view, ip + 12, 8, protocol + length);
}

/** Returns the sum of the IPv6 pseudo-header (RFC 8200, 8.1); `length` below 65,536. hot path */
export function ipv6PseudoSum(
  view: DataView,
  ip: number,
  protocol: number,
  length: number,
): number {
  return sum16(view, ip + 8, 32, protocol + length);
}
