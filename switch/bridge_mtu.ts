/**
 * Frames from the overlay that our bridge would silently drop because they are above its MTU (design: MTU rows).
 *
 * @module
 */

import {
  ethernetHeaderLength,
  etherType,
  ETHERTYPE_IPV4,
  ETHERTYPE_IPV6,
} from "./wire/ethernet.ts";
import { IPV4_DF, ipv4Fragment, ipv4HeaderLength } from "./wire/ip.ts";

/** What to do with a frame before it is written to the TAP. */
export const MTU_VERDICT = {
  /** It fits: write it. */
  FITS: 0,
  /** IPv4 without DF: write its fragments. */
  FRAGMENT: 1,
  /** IPv4 with DF: drop, answer with ICMP fragmentation-needed. */
  TOO_BIG_IPV4: 2,
  /** IPv6: drop, answer with ICMPv6 packet-too-big. */
  TOO_BIG_IPV6: 3,
  /** Anything else: drop, there is nobody to tell. */
  TOO_BIG: 4,
} as const;

/**
 * Tells what becomes of a frame on a bridge of that MTU. hot path
 *
 * IPv4 counts as such only directly behind the addresses, as where fragments are made (spec/sleeve.md 10); VLAN tags are
 * not counted, as the bridge does not.
 *
 * @param view memory
 * @param frame offset of the Ethernet header
 * @param length bytes of the frame, at least 14
 * @param mtuBytes MTU of the bridge, in bytes of IP packet
 * @returns one of {@link MTU_VERDICT}
 */
export function bridgeMtuVerdict(
  view: DataView,
  frame: number,
  length: number,
  mtuBytes: number,
): number {
  if (length <= mtuBytes + 14) return MTU_VERDICT.FITS;
  const network = ethernetHeaderLength(view, frame, length);
  if (network >= 0 && length <= mtuBytes + network) return MTU_VERDICT.FITS;
  if (network < 0) return MTU_VERDICT.TOO_BIG;
  const type = etherType(view, frame, network);
  if (type === ETHERTYPE_IPV6) return MTU_VERDICT.TOO_BIG_IPV6;
  if (type !== ETHERTYPE_IPV4 || network !== 14) return MTU_VERDICT.TOO_BIG;
  const ip = frame + network;
  if (ipv4HeaderLength(view, ip, length - network) < 0) return MTU_VERDICT.TOO_BIG;
  return (ipv4Fragment(view, ip) & IPV4_DF) !== 0 ? MTU_VERDICT.TOO_BIG_IPV4 : MTU_VERDICT.FRAGMENT;
}
