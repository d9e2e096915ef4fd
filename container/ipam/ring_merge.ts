/**
 * Joining our copy of the ring with another (spec/ipam.md 6, with the repairs of its part 21).
 *
 * ```
 *   theirs --valid, same seeds, same universe?--> walk both by token --> result --valid, nothing in use lost?--> merged
 *                        |                            |                                  |
 *                        +------------- conflict <----+----------------------------------+        ours is as it was
 * ```
 *
 * Where both have an entry the newer one counts, and of equally old ones with different owners the one with more free
 * space, then the one with the lower owner. An entry of ours gives in only if nothing in it is in use. A conflict changes
 * nothing; real peers close the connection then, we set the message aside.
 *
 * @module
 */

import { formatIpv4, formatPeerName, type Ipv4, type PeerName } from "../../base/mod.ts";
import { formatRange, type Range } from "./range.ts";
import { RangeSet } from "./range_set.ts";
import {
  bump,
  faultOf,
  rangesOf,
  type Ring,
  type RingEntry,
  type RingFault,
  sizeAt,
} from "./ring.ts";

/** Why two rings do not go together. */
export type ConflictCode =
  | RingFault
  /** The universe was first divided among others. */
  | "different-seeds"
  /** The universe is another. */
  | "different-range"
  /** They put a foreign token into a range of ours that is in use. */
  | "range-i-own"
  /** They say that an entry of ours, in use, is somebody else's, with its very version. */
  | "inconsistent-entry"
  /** The same with a newer version. */
  | "newer-version-of-my-range"
  /** The result would break the rules; with the fault behind it. */
  | `merge-would-cause-${RingFault}`;

/** How a merge went. */
export type MergeResult =
  | {
    /** They go together. */
    readonly kind: "merged";
    /** The result; `ours` itself if nothing is new. */
    readonly ring: Ring;
    /** An entry of theirs was taken. */
    readonly updated: boolean;
  }
  | {
    /** They do not, and ours is as it was. */
    readonly kind: "conflict";
    /** Why, for programs. */
    readonly code: ConflictCode;
    /** Why, for people; runbooks look for its beginning. */
    readonly text: string;
  };

/** What a merge asks the rest of the allocator. */
export interface MergeFacts {
  /** Tells whether any address of a range is in use by us. */
  readonly busy: (range: Range) => boolean;
  /** Returns the label of a peer, for texts. */
  readonly nicknameOf?: (peer: PeerName) => string | undefined;
}

/** Joins another ring into ours, into a new one. `ours.peer` is who we are. */
export function mergeRings(ours: Ring, theirs: Ring, facts: MergeFacts): MergeResult {
  try {
    checkWhole(ours, theirs, facts);
    const walk = new Walk(ours, theirs, facts.busy);
    const merged = clampFree({ ...ours, entries: walk.run(), seeds: seedsOf(ours, theirs) });
    const fault = faultOf(merged);
    if (fault !== undefined) {
      throw new Conflict(
        `merge-would-cause-${fault}`,
        `Merge of IP allocation would cause ${fault}`,
      );
    }
    checkLosses(ours, merged, facts.busy);
    return { kind: "merged", ring: same(ours, merged) ? ours : merged, updated: walk.updated };
  } catch (error) {
    if (!(error instanceof Conflict)) throw error;
    return { kind: "conflict", code: error.code, text: error.message };
  }
}

/** Leaves a merge; never leaves this file. */
class Conflict extends Error {
  constructor(readonly code: ConflictCode, text: string) {
    super(text);
  }
}

function checkWhole(ours: Ring, theirs: Ring, facts: MergeFacts): void {
  const fault = faultOf(theirs);
  if (fault !== undefined) throw new Conflict(fault, `Received invalid IP allocation: ${fault}`);
  const label = (peers: readonly PeerName[]): string =>
    `[${
      peers.map((peer) => `${formatPeerName(peer)}(${facts.nicknameOf?.(peer) ?? ""})`).join(" ")
    }]`;
  if (ours.seeds.length > 0 && theirs.seeds.length > 0 && !equal(ours.seeds, theirs.seeds)) {
    throw new Conflict(
      "different-seeds",
      "IP allocation was seeded by different peers " +
        `(received: ${label(theirs.seeds)}, ours: ${label(ours.seeds)})`,
    );
  }
  if (ours.start !== theirs.start || ours.end !== theirs.end) {
    throw new Conflict(
      "different-range",
      "Incompatible IP allocation ranges " +
        `(received: ${formatRange(theirs)}, ours: ${formatRange(ours)})`,
    );
  }
}

/** A walk over both lists by token. */
class Walk {
  updated = false;
  #result: RingEntry[] = [];
  /** Owner of the last entry kept from our list: into whose range a foreign token falls. */
  #before: PeerName | undefined;

  constructor(
    readonly ours: Ring,
    readonly theirs: Ring,
    readonly busy: (range: Range) => boolean,
  ) {}

  run(): RingEntry[] {
    const [mine, others] = [this.ours.entries, this.theirs.entries];
    for (let i = 0, j = 0; i < mine.length || j < others.length;) {
      const [own, other] = [mine[i], others[j]];
      const end = mine[i]?.token ?? this.ours.end;
      if (own !== undefined && (other === undefined || own.token < other.token)) {
        this.#keep(own);
        i++;
      } else if (other !== undefined && (own === undefined || other.token < own.token)) {
        this.#insert(other, end);
        j++;
      } else if (own !== undefined && other !== undefined) {
        this.#choose(own, other, mine[i + 1]?.token ?? this.ours.end);
        i++;
        j++;
      }
    }
    return this.#result;
  }

  #keep(own: RingEntry): void {
    this.#result.push(own);
    this.#before = own.peer;
  }

  #take(other: RingEntry): void {
    this.#result.push(other);
    this.#before = undefined;
    this.updated = true;
  }

  /** Takes a token that we do not have. */
  #insert(other: RingEntry, end: Ipv4): void {
    const inOurs = this.#before === this.ours.peer && other.peer !== this.ours.peer;
    if (inOurs && this.busy({ start: other.token, end })) {
      throw this.#conflict("range-i-own", other);
    }
    this.#take(other);
  }

  /** Decides on a token that both have. */
  #choose(own: RingEntry, other: RingEntry, end: Ipv4): void {
    if (own.version > other.version) return this.#keep(own);
    const isOurs = own.peer === this.ours.peer;
    const inUse = (): boolean => isOurs && this.busy({ start: own.token, end });
    if (own.version === other.version) {
      if (own.peer === other.peer) return this.#keep(own);
      if (inUse()) throw this.#conflict("inconsistent-entry", other, own);
      const wins = other.free !== own.free ? other.free > own.free : other.peer < own.peer;
      return wins ? this.#take(other) : this.#keep(own);
    }
    if (!isOurs) return this.#take(other);
    if (other.peer === own.peer) {
      // Only we change our entries: what is newer is of an earlier life of ours.
      this.#result.push({ ...own, version: bump(other.version) });
      return;
    }
    if (inUse()) throw this.#conflict("newer-version-of-my-range", other, own);
    this.#take(other);
  }

  #conflict(code: ConflictCode, other: RingEntry, own?: RingEntry): Conflict {
    const version = own?.version ?? this.#versionOfRange(other.token);
    return new Conflict(
      code,
      `Received update for IP range I own at ${formatIpv4(other.token)} v${version}: ` +
        `incoming message says owner ${formatPeerName(other.peer)} v${other.version}`,
    );
  }

  #versionOfRange(token: Ipv4): number {
    const { entries } = this.ours;
    return (entries.findLast((entry) => entry.token <= token) ?? entries.at(-1))?.version ?? 0;
  }
}

/** Free space is a hint: one that is too large for a range that became shorter is no reason to refuse. */
function clampFree(ring: Ring): Ring {
  const entries = ring.entries.map((entry, i) => {
    const most = sizeAt(ring, i);
    return entry.free > most && most > 0 ? { ...entry, free: most } : entry;
  });
  return { ...ring, entries };
}

/** However the entries came about: no address in use may lie in a range that is no longer ours. */
function checkLosses(ours: Ring, merged: Ring, busy: (range: Range) => boolean): void {
  const [before, after] = [ours, merged].map((ring) => new RangeSet(rangesOf(ring, ours.peer)));
  const lost = before?.minus(after ?? new RangeSet()).find(busy);
  if (lost === undefined) return;
  const entry = merged.entries.findLast((each) => each.token <= lost.start) ??
    merged.entries.at(-1);
  const own = ours.entries.findLast((each) => each.token <= lost.start) ?? ours.entries.at(-1);
  throw new Conflict(
    "range-i-own",
    `Received update for IP range I own at ${formatIpv4(lost.start)} v${own?.version}: ` +
      `incoming message says owner ${formatPeerName(entry?.peer ?? 0)} v${entry?.version}`,
  );
}

function seedsOf(ours: Ring, theirs: Ring): readonly PeerName[] {
  return ours.seeds.length > 0 ? ours.seeds : theirs.seeds;
}

function same(a: Ring, b: Ring): boolean {
  return equal(a.seeds, b.seeds) && a.entries.length === b.entries.length &&
    a.entries.every((entry, i) => sameEntry(entry, b.entries[i]));
}

function sameEntry(a: RingEntry, b: RingEntry | undefined): boolean {
  return a === b ||
    (b !== undefined && a.token === b.token && a.peer === b.peer && a.version === b.version &&
      a.free === b.free);
}

function equal(a: readonly PeerName[], b: readonly PeerName[]): boolean {
  return a.length === b.length && a.every((name, i) => name === b[i]);
}
