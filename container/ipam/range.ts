/**
 * Runs of addresses, and what a subnet is made of.
 *
 * ```
 *   10.5.0.0/29 = [10.5.0.0 | 10.5.0.1 ... 10.5.0.6 | 10.5.0.7]      rangeOf: all; hostRangeOf: the middle
 * ```
 *
 * An end is not in its range and may be 2^32, so that ends are Numbers and never 32-bit arithmetic.
 *
 * @module
 */

import { type Cidr, formatCidr, formatIpv4, type Ipv4, networkOf } from "../../base/mod.ts";

/** The addresses from `start` to before `end`; empty if `end` is not larger. */
export interface Range {
  /** First address. */
  readonly start: Ipv4;
  /** Address after the last; at most 2^32. */
  readonly end: number;
}

/** Returns how many addresses there are. */
export function sizeOf(range: Range): number {
  return Math.max(0, range.end - range.start);
}

/** Tells whether an address lies in a range. */
export function rangeContains(range: Range, address: Ipv4): boolean {
  return address >= range.start && address < range.end;
}

/** Tells whether two ranges have an address in common. */
export function rangesMeet(a: Range, b: Range): boolean {
  return Math.max(a.start, b.start) < Math.min(a.end, b.end);
}

/** Returns what two ranges have in common; it may be empty. */
export function intersect(a: Range, b: Range): Range {
  return { start: Math.max(a.start, b.start), end: Math.min(a.end, b.end) };
}

/** Returns all addresses of the subnet that a CIDR lies in. */
export function rangeOf(cidr: Cidr): Range {
  const start = networkOf(cidr);
  return { start, end: start + 2 ** (32 - cidr.length) };
}

/** Returns the addresses of a subnet that containers may get: all but the first and the last. */
export function hostRangeOf(cidr: Cidr): Range {
  const { start, end } = rangeOf(cidr);
  return { start: start + 1, end: end - 1 };
}

/** Returns the fewest CIDRs that make a range, upward. */
export function cidrsOf(range: Range): Cidr[] {
  const cidrs: Cidr[] = [];
  for (let start = range.start; start < range.end;) {
    let size = 1;
    while (size < 2 ** 32 && start % (2 * size) === 0 && start + 2 * size <= range.end) size *= 2;
    cidrs.push({ address: start, length: 32 - Math.log2(size) });
    start += size;
  }
  return cidrs;
}

/** Formats a range as CIDRs: `10.32.0.0/12`, or several if it is not one subnet; `10.32.0.0-10.32.0.0` if it is empty. */
export function formatRange(range: Range): string {
  if (sizeOf(range) === 0) return `${formatIpv4(range.start)}-${formatIpv4(range.end)}`;
  return cidrsOf(range).map(formatCidr).join(" ");
}

/**
 * Returns a block of a non-empty range that is aligned to its own size, a power of two.
 *
 * It is larger than a quarter of the range; of two equally large ones it is the one that the model takes
 * (spec/ipam.md 4), so that a mixed mesh splits its space the same way.
 */
export function largestAlignedBlock(range: Range): Range {
  const { start, end } = range;
  const power = 2 ** Math.floor(Math.log2(end - start));
  const over = start % power;
  if (over === 0) return { start, end: start + power };
  const aligned = start - over + power;
  if (aligned + power <= end) return { start: aligned, end: aligned + power };
  const half = power / 2;
  if (over <= half) return { start: aligned - half, end: aligned };
  return { start: aligned, end: aligned + half };
}
