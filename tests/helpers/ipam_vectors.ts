/**
 * Rings and spaces as the vectors write them.
 *
 * @module
 */

import fc from "fast-check";
import { type Range } from "../../container/ipam/range.ts";
import type { Ring, RingEntry } from "../../container/ipam/ring.ts";
import { SpaceSet } from "../../container/ipam/space.ts";

/** An entry of `ipam-vectors.json`: token, owner, version, free. */
export type VectorEntry = readonly [number, number, number, number];
/** A range of `ipam-vectors.json`: start, end. */
export type VectorRange = readonly [number, number];

/** Who we are in most vectors. */
export const US = 1;

/** Returns the range that a vector means. */
export function toRange([start, end]: VectorRange): Range {
  return { start, end };
}

/** Returns the entry that a vector means. */
export function toEntry([token, peer, version, free]: VectorEntry): RingEntry {
  return { token, peer, version, free };
}

/** Returns an entry in the form of the vectors. */
export function fromEntry({ token, peer, version, free }: RingEntry): VectorEntry {
  return [token, peer, version, free];
}

/** Returns a ring of 256 addresses. */
export function ringOf(entries: readonly VectorEntry[], options: Partial<Ring> = {}): Ring {
  return { start: 0, end: 256, peer: US, seeds: [], entries: entries.map(toEntry), ...options };
}

/** Returns a space of our own ranges in which some addresses are given out. */
export function spaceOf(ranges: Iterable<Range>, given: readonly number[] = []): SpaceSet {
  const space = new SpaceSet();
  space.update(ranges);
  for (const address of given) {
    if (!space.claim(address)) throw new Error(`address ${address} is not free`);
  }
  return space;
}

/** Makes valid rings of a few owners over 256 addresses, from nothing to many entries, some of them wrapping. */
export function arbitraryRing(peer = US): fc.Arbitrary<Ring> {
  const entry = fc.tuple(fc.nat(255), fc.integer({ min: 1, max: 4 }), fc.nat(6), fc.nat(256));
  return fc.array(entry, { maxLength: 12 }).map((entries) => {
    const sorted = [...new Map(entries.map((each) => [each[0], each])).values()]
      .sort((a, b) => a[0] - b[0]);
    return ringOf(
      sorted.map(([token, owner, version, free], i): VectorEntry => {
        const next = sorted[(i + 1) % sorted.length]?.[0] ?? 0;
        return [
          token,
          owner,
          version,
          Math.min(free, next > token ? next - token : 256 - token + next),
        ];
      }),
      { peer },
    );
  });
}
