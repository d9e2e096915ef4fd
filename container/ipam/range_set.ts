/**
 * A set of addresses, kept as the ranges it is made of.
 *
 * ```
 *   starts  10   40   90        sorted; ranges neither meet nor touch
 *   ends    20   80   91
 * ```
 *
 * Finding a range is a binary search; a change moves the ranges behind it.
 *
 * @module
 */

import type { Ipv4 } from "../../base/mod.ts";
import { type Range, sizeOf } from "./range.ts";

/** Addresses as sorted ranges. */
export class RangeSet {
  #starts: number[] = [];
  #ends: number[] = [];
  #size = 0;

  /** Holds all addresses of some ranges, which may meet. */
  constructor(ranges: Iterable<Range> = []) {
    for (const range of ranges) this.add(range);
  }

  /** How many addresses it holds. */
  get size(): number {
    return this.#size;
  }

  /** How many ranges they make. */
  get pieces(): number {
    return this.#starts.length;
  }

  /** Puts all addresses of a range in; those that are in stay so. */
  add(range: Range): void {
    if (sizeOf(range) === 0) return;
    // Ranges that meet or touch become one.
    const first = firstAtLeast(this.#ends, range.start);
    const last = firstAtLeast(this.#starts, range.end + 1);
    const start = Math.min(range.start, first < last ? this.#starts[first] ?? Infinity : Infinity);
    const end = Math.max(range.end, first < last ? this.#ends[last - 1] ?? 0 : 0);
    this.#replace(first, last, [start], [end]);
  }

  /** Takes all addresses of a range out, as far as they are in. */
  remove(range: Range): void {
    if (sizeOf(range) === 0) return;
    const first = firstAtLeast(this.#ends, range.start + 1);
    const last = firstAtLeast(this.#starts, range.end);
    if (first >= last) return;
    const [low, high] = [this.#starts[first] ?? 0, this.#ends[last - 1] ?? 0];
    const starts: number[] = [];
    const ends: number[] = [];
    if (low < range.start) {
      starts.push(low);
      ends.push(range.start);
    }
    if (high > range.end) {
      starts.push(range.end);
      ends.push(high);
    }
    this.#replace(first, last, starts, ends);
  }

  /** Tells whether it holds an address. */
  has(address: Ipv4): boolean {
    const i = firstAtLeast(this.#ends, address + 1);
    return (this.#starts[i] ?? Infinity) <= address;
  }

  /** Tells whether it holds any address of a range. */
  meets(range: Range): boolean {
    if (sizeOf(range) === 0) return false;
    const i = firstAtLeast(this.#ends, range.start + 1);
    return (this.#starts[i] ?? Infinity) < range.end;
  }

  /** Returns its lowest address in a range. */
  first(within: Range): Ipv4 | undefined {
    const { value } = this.within(within).next();
    return value?.start;
  }

  /** Counts its addresses in a range. */
  count(within: Range): number {
    let sum = 0;
    if (sizeOf(within) === 0) return sum;
    for (let i = firstAtLeast(this.#ends, within.start + 1); i < this.#starts.length; i++) {
      const start = this.#starts[i] ?? 0;
      if (start >= within.end) break;
      sum += Math.min(this.#ends[i] ?? 0, within.end) - Math.max(start, within.start);
    }
    return sum;
  }

  /** Returns its ranges, cut to `within`, upward. It must not be changed meanwhile. */
  *within(within: Range): Generator<Range, undefined> {
    if (sizeOf(within) === 0) return;
    for (let i = firstAtLeast(this.#ends, within.start + 1); i < this.#starts.length; i++) {
      const start = this.#starts[i] ?? 0;
      if (start >= within.end) return;
      yield { start: Math.max(start, within.start), end: Math.min(this.#ends[i] ?? 0, within.end) };
    }
  }

  /** Returns a copy of its ranges, upward. */
  ranges(): Range[] {
    return this.#starts.map((start, i) => ({ start, end: this.#ends[i] ?? 0 }));
  }

  /** Returns what is in this set and not in another, upward. */
  minus(other: RangeSet): Range[] {
    const left: Range[] = [];
    let j = 0;
    this.#starts.forEach((start, i) => {
      const end = this.#ends[i] ?? 0;
      let from = start;
      while ((other.#ends[j] ?? Infinity) <= from) j++;
      // The last range of the other that is looked at may reach into our next one, so that j stays at it.
      for (let k = j; from < end; k++) {
        const wall = Math.min(other.#starts[k] ?? Infinity, end);
        if (wall > from) left.push({ start: from, end: wall });
        from = Math.max(from, other.#ends[k] ?? Infinity);
        j = Math.min(k, other.#ends.length);
      }
    });
    return left;
  }

  /** Takes all out. */
  clear(): void {
    this.#starts = [];
    this.#ends = [];
    this.#size = 0;
  }

  #replace(first: number, last: number, starts: number[], ends: number[]): void {
    for (let i = first; i < last; i++) this.#size -= (this.#ends[i] ?? 0) - (this.#starts[i] ?? 0);
    starts.forEach((start, i) => this.#size += (ends[i] ?? 0) - start);
    this.#starts.splice(first, last - first, ...starts);
    this.#ends.splice(first, last - first, ...ends);
  }
}

/** Returns the index of the first number that is not smaller, in an ascending list. */
function firstAtLeast(sorted: readonly number[], least: number): number {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((sorted[middle] ?? 0) < least) low = middle + 1;
    else high = middle;
  }
  return low;
}
