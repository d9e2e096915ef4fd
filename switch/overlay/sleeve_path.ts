/**
 * Which way a frame goes through a sleeve tunnel (spec/sleeve.md 10).
 *
 * @module
 */

import { plainIpv4HeaderLength } from "../wire/fragment.ts";
import { IPV4_DF, ipv4Fragment } from "../wire/ip.ts";

/** What becomes of a frame. */
export const PATH = {
  /** Send with don't-fragment. */
  DF: 0,
  /** Send without; the kernel may fragment the datagram. */
  NON_DF: 1,
  /** Cut it, send the pieces with don't-fragment. */
  FRAGMENT: 2,
  /** Drop it and tell its origin. */
  TOO_BIG: 3,
  /** Drop it. */
  DROP: 4,
} as const;

/**
 * Returns which way a frame goes. hot path
 *
 * @param frame offset of the Ethernet header
 * @param length bytes of the frame, at least 14
 * @param mtuBytes MTU of the tunnel
 * @param stackFragments the last fragmentation test came through
 * @param flooded the frame is a copy of a broadcast, multicast or unknown unicast
 * @returns one of {@link PATH}
 */
export function choosePath(
  view: DataView,
  frame: number,
  length: number,
  mtuBytes: number,
  stackFragments: boolean,
  flooded: boolean,
): number {
  if (plainIpv4HeaderLength(view, frame, length) < 0) return PATH.NON_DF;
  const tooBig = length > mtuBytes + 14;
  if ((ipv4Fragment(view, frame + 14) & IPV4_DF) !== 0) {
    if (!tooBig) return PATH.DF;
    return flooded ? PATH.DROP : PATH.TOO_BIG;
  }
  if (stackFragments) return PATH.NON_DF;
  return tooBig ? PATH.FRAGMENT : PATH.DF;
}
