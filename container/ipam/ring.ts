/**
 * The ring: who owns which addresses, the same on all peers in time (spec/ipam.md 5).
 *
 * ```
 *   universe  start                                              end
 *   entries   |token A v3     |token B v0   |token A v7          |        a range runs to the next token,
 *   owner     |<----- A ----->|<---- B ---->|<-------- A ------->|        the last round to the first
 * ```
 *
 * A ring is a plain value and is never changed: each operation returns another. Tokens are never removed, and ranges of
 * one owner are never joined, since real peers could not follow. Only the owner of an entry changes it, or a takeover.
 *
 * @module
 */

import { Bug, type Ipv4, type PeerName } from "../../base/mod.ts";
import { intersect, type Range, rangesMeet, sizeOf } from "./range.ts";

/** Versions stop here: they are 32 bits on the wire and must not begin anew. */
export const MAX_VERSION = 0xffff_ffff;
/** By so much a takeover lifts a version, to win over ordinary changes made meanwhile. */
export const TRANSFER_VERSIONS = 100;

/** One range of the ring. Never changed, but replaced. */
export interface RingEntry {
  /** First address. */
  readonly token: Ipv4;
  /** Owner. */
  readonly peer: PeerName;
  /** Counts changes; 32 bits. */
  readonly version: number;
  /** How many addresses its owner has free there: a hint. */
  readonly free: number;
}

/** Who owns what of a universe. Plain data, fit for the wire and the disk. */
export interface Ring {
  /** First address of the universe. */
  readonly start: Ipv4;
  /** Address after its last. */
  readonly end: number;
  /** Whose copy it is. */
  readonly peer: PeerName;
  /** Whom the universe was first divided among, ascending; empty if unknown. */
  readonly seeds: readonly PeerName[];
  /** Ascending by token; empty if there is no ring yet. */
  readonly entries: readonly RingEntry[];
}

/** How entries can break the rules, in the order in which they are looked at. */
export type RingFault = "not-sorted" | "repeated-token" | "token-out-of-range" | "too-much-free";

/** Returns a ring in which nobody owns anything yet. */
export function emptyRing(universe: Range, self: PeerName): Ring {
  return { start: universe.start, end: universe.end, peer: self, seeds: [], entries: [] };
}

/** Tells whether nobody owns anything yet. */
export function isEmpty(ring: Ring): boolean {
  return ring.entries.length === 0;
}

/** Returns how many addresses lie from `a` up to `b`, round the end if need be; all if they are equal. */
export function distance(ring: Range, a: Ipv4, b: Ipv4): number {
  return b > a ? b - a : ring.end - a + (b - ring.start);
}

/** Returns what is wrong with the entries, `undefined` if nothing is. */
export function faultOf(ring: Ring): RingFault | undefined {
  const { entries } = ring;
  for (let i = 1; i < entries.length; i++) {
    const [before, entry] = [at(entries, i - 1), at(entries, i)];
    if (entry.token < before.token) return "not-sorted";
    if (entry.token === before.token) return "repeated-token";
  }
  if (entries.some(({ token }) => token < ring.start || token >= ring.end)) {
    return "token-out-of-range";
  }
  return entries.some((entry, i) => entry.free > sizeAt(ring, i)) ? "too-much-free" : undefined;
}

/** Returns how many addresses the range of an entry has. */
export function sizeAt(ring: Ring, index: number): number {
  const { entries } = ring;
  const next = at(entries, index + 1 < entries.length ? index + 1 : 0);
  return distance(ring, at(entries, index).token, next.token);
}

/** Returns the index of the entry whose range holds an address; -1 if the ring is empty or does not hold it. */
export function indexOf(ring: Ring, address: Ipv4): number {
  if (isEmpty(ring) || address < ring.start || address >= ring.end) return -1;
  const after = firstTokenAfter(ring.entries, address);
  return after === 0 ? ring.entries.length - 1 : after - 1;
}

/** Returns who owns an address; `undefined` if nobody does. */
export function ownerOf(ring: Ring, address: Ipv4): PeerName | undefined {
  return ring.entries[indexOf(ring, address)]?.peer;
}

/** Returns the ranges of a peer in the order of their tokens, not joined; one that wraps is two, its low part first. */
export function rangesOf(ring: Ring, peer: PeerName): Range[] {
  const { entries } = ring;
  const ranges: Range[] = [];
  for (let i = 0; i < entries.length; i++) {
    if (at(entries, i).peer === peer) ranges.push(...partsAt(ring, i));
  }
  return ranges;
}

/** Returns how many addresses each owner has. */
export function sizesOf(ring: Ring): Map<PeerName, number> {
  const sizes = new Map<PeerName, number>();
  ring.entries.forEach(({ peer }, i) => sizes.set(peer, (sizes.get(peer) ?? 0) + sizeAt(ring, i)));
  return sizes;
}

/**
 * Gives a range that we own away, or only cuts it if `to` is us.
 *
 * @param range not empty, all of it ours
 * @throws {Bug} if any of it is not
 */
export function grantRange(ring: Ring, range: Range, to: PeerName): Ring {
  const us = ring.peer;
  const first = indexOf(ring, range.start);
  const owner = ring.entries[first];
  if (owner?.peer !== us || sizeOf(range) === 0) throw new Bug("Granted a range that is not ours");
  const entries = [...ring.entries];
  const free = Math.min(distance(ring, range.start, nextToken(ring, first)), sizeOf(range));
  let next: number;
  if (owner.token === range.start) {
    entries[first] = { ...owner, peer: to, version: bump(owner.version), free };
    next = first + 1;
  } else {
    const rest = distance(ring, owner.token, range.start);
    entries[first] = { ...owner, version: bump(owner.version), free: rest };
    next = firstTokenAfter(entries, range.start);
    entries.splice(next++, 0, { token: range.start, peer: to, version: 0, free });
  }
  for (; next < entries.length && at(entries, next).token < range.end; next++) {
    const entry = at(entries, next);
    if (entry.peer !== us) throw new Bug("Granted a range that is not ours");
    const most = distance(ring, entry.token, range.end);
    const version = bump(entry.version);
    entries[next] = { ...entry, peer: to, version, free: Math.min(entry.free, most) };
  }
  return { ...ring, entries: markEnd(ring, entries, range.end) };
}

/** Keeps what lies behind a granted range ours. */
function markEnd(ring: Ring, entries: RingEntry[], end: number): RingEntry[] {
  const token = end === ring.end ? ring.start : end;
  const i = firstTokenAfter(entries, token - 1);
  if (entries[i]?.token === token) return entries;
  const next = at(entries, i < entries.length ? i : 0).token;
  const free = distance(ring, token, next);
  entries.splice(i, 0, { token, peer: ring.peer, version: 0, free });
  return entries;
}

/**
 * Tells the ring how much is free in our ranges; returns the same ring if it knew.
 *
 * @param freeIn counts the free addresses of a range
 */
export function reportFree(ring: Ring, freeIn: (range: Range) => number): Ring {
  let entries: RingEntry[] | undefined;
  for (let i = 0; i < ring.entries.length; i++) {
    const entry = at(ring.entries, i);
    if (entry.peer !== ring.peer) continue;
    const free = partsAt(ring, i).reduce((sum, part) => sum + freeIn(part), 0);
    if (free === entry.free) continue;
    entries ??= [...ring.entries];
    entries[i] = { ...entry, free, version: bump(entry.version) };
  }
  return entries === undefined ? ring : { ...ring, entries };
}

/** Hands all that one peer owns to another: a leaving peer to its heir, a dead one to whoever takes over. */
export function transferEntries(ring: Ring, from: PeerName, to: PeerName): Ring {
  if (!ring.entries.some((entry) => entry.peer === from)) return ring;
  const entries = ring.entries.map((entry) =>
    entry.peer === from
      ? { ...entry, peer: to, version: bump(entry.version, TRANSFER_VERSIONS) }
      : entry
  );
  return { ...ring, entries };
}

/**
 * Returns whom to ask for space in a range, best first: those who have something free there, by chance in proportion to
 * how much it can be at most.
 *
 * @param random returns 0 <= x < 1
 */
export function askOrder(ring: Ring, within: Range, random: () => number): PeerName[] {
  const weights = new Map<PeerName, number>();
  ring.entries.forEach((entry, i) => {
    if (entry.free === 0 || entry.peer === ring.peer) return;
    const meeting = partsAt(ring, i).filter((part) => rangesMeet(part, within));
    const most = meeting.reduce((sum, part) => sum + sizeOf(intersect(part, within)), 0);
    if (most === 0) return;
    weights.set(entry.peer, (weights.get(entry.peer) ?? 0) + Math.min(entry.free, most));
  });
  return [...weights].map(([peer, weight]) => ({ peer, score: weight * random() }))
    .sort((a, b) => b.score - a.score).map(({ peer }) => peer);
}

/** Returns a larger version, as far as there is one. */
export function bump(version: number, by = 1): number {
  return Math.min(MAX_VERSION, version + by);
}

/** Returns the range of an entry; two, the low one first, if it wraps. */
export function partsAt(ring: Ring, index: number): Range[] {
  const { token } = at(ring.entries, index);
  if (index + 1 < ring.entries.length) {
    return [{ start: token, end: at(ring.entries, index + 1).token }];
  }
  const tail = { start: token, end: ring.end };
  const first = at(ring.entries, 0).token;
  return first > ring.start ? [{ start: ring.start, end: first }, tail] : [tail];
}

function nextToken(ring: Ring, index: number): Ipv4 {
  return at(ring.entries, index + 1 < ring.entries.length ? index + 1 : 0).token;
}

/** Returns the index of the first entry whose token is larger. */
function firstTokenAfter(entries: readonly RingEntry[], address: Ipv4): number {
  let low = 0;
  let high = entries.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (at(entries, middle).token <= address) low = middle + 1;
    else high = middle;
  }
  return low;
}

function at(entries: readonly RingEntry[], index: number): RingEntry {
  const entry = entries[index];
  if (entry === undefined) throw new Bug(`Missing entry ${index} of a ring`);
  return entry;
}
