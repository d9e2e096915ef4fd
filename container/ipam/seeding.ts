/**
 * The first division of the universe among the peers that agreed on it (spec/ipam.md 5.4).
 *
 * ```
 *   three peers: |<---- 1st: 1/2 ---->|<- 2nd: 1/4 ->|<- 3rd: 1/4 ->|
 * ```
 *
 * Whoever computes it from the same names gets the same ring; it must, or rings never merge.
 *
 * @module
 */

import type { PeerName } from "../../base/mod.ts";
import { type Range, sizeOf } from "./range.ts";
import type { Ring, RingEntry } from "./ring.ts";

/** Returns names in the order in which they seed a ring: ascending, each once. */
export function seedOrder(names: Iterable<PeerName>): PeerName[] {
  return [...new Set(names)].sort((a, b) => a - b);
}

/**
 * Returns the ring of the first hour.
 *
 * @param self whose copy it is; it need not be among the seeds
 * @param names at least one
 */
export function seedRing(universe: Range, self: PeerName, names: Iterable<PeerName>): Ring {
  const seeds = seedOrder(names);
  const entries: RingEntry[] = [];
  divide(universe, seeds, entries);
  return { start: universe.start, end: universe.end, peer: self, seeds, entries };
}

/** An odd size, which no subnet has, leaves its middle to the range before it, uncounted, as the model does. */
function divide(range: Range, peers: readonly PeerName[], entries: RingEntry[]): void {
  const size = sizeOf(range);
  const [peer] = peers;
  if (size === 0 || peer === undefined) return;
  if (size === 1 || peers.length === 1) {
    entries.push({ token: range.start, peer, version: 0, free: size });
    return;
  }
  const middle = range.start + Math.floor(size / 2);
  const half = Math.floor(peers.length / 2);
  divide({ start: range.start, end: middle }, peers.slice(0, half), entries);
  divide({ start: middle + size % 2, end: range.end }, peers.slice(half), entries);
}
