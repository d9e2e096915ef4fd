/**
 * What we may do with each address of the ranges that the ring says are ours.
 *
 * ```
 *   ours = given | free | reserved            disjoint; reserved addresses outside our ranges are remembered too
 *           ^-- claim, allocate -- free --> free         a reserved one is never allocated or donated, but may be claimed
 * ```
 *
 * Local to this router: addresses never travel, only ranges do. An address that something on this host used at the
 * start is reserved until its holder claims it, or it is known to be unused.
 *
 * @module
 */

import { Bug, type Ipv4 } from "../../base/mod.ts";
import { formatRange, largestAlignedBlock, type Range, sizeOf } from "./range.ts";
import { RangeSet } from "./range_set.ts";

/** The addresses of our ranges and what has become of them. */
export class SpaceSet {
  #ours = new RangeSet();
  #given = new RangeSet();
  #free = new RangeSet();
  #reserved = new RangeSet();
  #changes = 0;

  /** Grows whenever another address may be free, or one not any more. */
  get changes(): number {
    return this.#changes;
  }

  /** How many addresses are given out. */
  get givenCount(): number {
    return this.#given.size;
  }

  /** How many addresses may be given out. */
  get freeCount(): number {
    return this.#free.size;
  }

  /** Gives out the lowest free address of a range; `undefined` if there is none. */
  allocate(within: Range): Ipv4 | undefined {
    const address = this.#free.first(within);
    if (address !== undefined) this.#move(address, this.#free, this.#given);
    return address;
  }

  /** Returns the free addresses of a range as ranges, upward: what `allocate` would give out, in that order. */
  freeWithin(within: Range): Range[] {
    return [...this.#free.within(within)];
  }

  /** Gives out one address, which may be reserved; returns whether it was ours and not given out. */
  claim(address: Ipv4): boolean {
    if (this.#given.has(address) || !this.#ours.has(address)) return false;
    this.#reserved.remove(only(address));
    this.#move(address, this.#free, this.#given);
    return true;
  }

  /** Takes an address back; returns whether it was given out. */
  free(address: Ipv4): boolean {
    if (!this.#given.has(address)) return false;
    this.#move(address, this.#given, this.#free);
    return true;
  }

  /** Keeps an address, ours or not, from being given out. One that is given out stays so. */
  reserve(address: Ipv4): void {
    if (this.#given.has(address)) return;
    this.#changes++;
    this.#reserved.add(only(address));
    this.#free.remove(only(address));
  }

  /** Ends a reservation. */
  unreserve(address: Ipv4): void {
    if (!this.#reserved.has(address)) return;
    this.#changes++;
    this.#reserved.remove(only(address));
    if (this.#ours.has(address)) this.#free.add(only(address));
  }

  /** Tells whether an address is given out. */
  isGiven(address: Ipv4): boolean {
    return this.#given.has(address);
  }

  /** Tells whether an address may be given out. */
  isFree(address: Ipv4): boolean {
    return this.#free.has(address);
  }

  /** Tells whether an address is reserved. */
  isReserved(address: Ipv4): boolean {
    return this.#reserved.has(address);
  }

  /** Tells whether an address lies in our ranges. */
  isOurs(address: Ipv4): boolean {
    return this.#ours.has(address);
  }

  /** Counts the free addresses of a range. */
  freeIn(range: Range): number {
    return this.#free.count(range);
  }

  /** Tells whether a range holds an address of ours that is in use: given out, or reserved. */
  busy(range: Range): boolean {
    if (this.#given.meets(range)) return true;
    for (const part of this.#reserved.within(range)) if (this.#ours.meets(part)) return true;
    return false;
  }

  /**
   * Takes free addresses of a range out, for another peer, and returns them: an aligned block of the free part, or the
   * upper half of one if it is more than half of all that is free (spec/ipam.md 4).
   */
  donate(within: Range): Range | undefined {
    let best: Range | undefined;
    for (const chunk of this.#free.within(within)) {
      const bestSize = best === undefined ? 0 : sizeOf(best);
      if (sizeOf(chunk) < bestSize) continue;
      const block = largestAlignedBlock(chunk);
      if (sizeOf(block) >= bestSize) best = block;
    }
    if (best === undefined) return undefined;
    const size = sizeOf(best);
    if (size > Math.floor(this.freeIn(within) / 2)) {
      best = { start: best.start + Math.floor(size / 2), end: best.end };
    }
    this.#changes++;
    this.#free.remove(best);
    this.#ours.remove(best);
    return best;
  }

  /**
   * Follows the ring: new addresses become free, lost ones are forgotten.
   *
   * @param ranges all that we own now
   * @throws {Bug} if an address that is given out is lost; the merge of rings must not let that happen
   */
  update(ranges: Iterable<Range>): void {
    const ours = new RangeSet(ranges);
    this.#changes++;
    for (const lost of this.#ours.minus(ours)) {
      if (this.#given.meets(lost)) throw new Bug(`Lost a range in use at ${formatRange(lost)}`);
      this.#free.remove(lost);
    }
    for (const fresh of ours.minus(this.#ours)) {
      this.#free.add(fresh);
      for (const range of this.#reserved.within(fresh)) this.#free.remove(range);
    }
    this.#ours = ours;
  }

  /** Returns our ranges, joined where they touch. */
  ranges(): Range[] {
    return this.#ours.ranges();
  }

  /** Returns what is given out. */
  givenRanges(): Range[] {
    return this.#given.ranges();
  }

  /** Returns what is reserved, ours or not. */
  reservedRanges(): Range[] {
    return this.#reserved.ranges();
  }

  /** Forgets all but the reservations: nothing is ours. */
  clear(): void {
    this.#changes++;
    for (const set of [this.#ours, this.#given, this.#free]) set.clear();
  }

  #move(address: Ipv4, from: RangeSet, to: RangeSet): void {
    this.#changes++;
    from.remove(only(address));
    to.add(only(address));
  }
}

function only(address: Ipv4): Range {
  return { start: address, end: address + 1 };
}
