/**
 * Our part of the universe: the ring, what of our ranges is given out, and what of both is not on the disk yet.
 *
 * ```
 *   merge, seed, grant, transfer, report ──> ring ──> space follows: new ranges are free, lost ones forgotten
 *                                             └─────> takeChanges: only entries that differ from what was stored
 * ```
 *
 * @module
 */

import type { Ipv4, PeerName } from "../../base/mod.ts";
import type { IpamChange, StoredIpam } from "./allocator_io.ts";
import { type Range, sizeOf } from "./range.ts";
import {
  bump,
  emptyRing,
  grantRange,
  isEmpty,
  ownerOf,
  partsAt,
  rangesOf,
  reportFree,
  type Ring,
  type RingEntry,
  TRANSFER_VERSIONS,
  transferEntries,
} from "./ring.ts";
import { type MergeResult, mergeRings } from "./ring_merge.ts";
import { seedRing } from "./seeding.ts";
import { SpaceSet } from "./space.ts";

/** Ring and space of one router. */
export class Territory {
  /** All addresses that are shared. */
  readonly universe: Range;
  /** What we may do with our addresses. */
  readonly space = new SpaceSet();
  readonly #self: PeerName;
  #ring: Ring;
  #stored: Ring;
  #donated: boolean;
  #change: IpamChange = {};
  #needsDisk = false;
  /** Ring and space of the last report. */
  #known: { readonly ring: Ring | undefined; readonly changes: number } = {
    ring: undefined,
    changes: 0,
  };

  /** Begins with what was stored, if anything. */
  constructor(universe: Range, self: PeerName, stored: StoredIpam | undefined) {
    this.universe = universe;
    this.#self = self;
    this.#ring = stored === undefined || isEmpty(stored.ring)
      ? emptyRing(universe, self)
      : { ...stored.ring, peer: self };
    this.#stored = this.#ring;
    this.#donated = stored?.donated ?? false;
    this.space.update(rangesOf(this.#ring, self));
  }

  /** The ring; empty if there is none yet. */
  get ring(): Ring {
    return this.#ring;
  }

  /** There is a ring. */
  get exists(): boolean {
    return !isEmpty(this.#ring);
  }

  /** We gave space of this ring away. */
  get donated(): boolean {
    return this.#donated;
  }

  /** Returns who owns an address. */
  ownerOf(address: Ipv4): PeerName | undefined {
    return ownerOf(this.#ring, address);
  }

  /** Makes the first ring. */
  seed(names: Iterable<PeerName>): void {
    this.#needsDisk = true;
    this.#become(seedRing(this.universe, this.#self, names));
  }

  /** Joins what another knows; a conflict changes nothing. */
  merge(theirs: Ring, nicknameOf: (peer: PeerName) => string | undefined): MergeResult {
    const busy = (range: Range): boolean => this.space.busy(range);
    const result = mergeRings(this.#ring, theirs, { busy, nicknameOf });
    if (result.kind === "merged") this.#become(result.ring);
    return result;
  }

  /** Gives free addresses of a range to a peer; returns which, `undefined` if there are none. */
  donate(within: Range, to: PeerName): Range | undefined {
    const given = this.space.donate(within);
    if (given === undefined) return undefined;
    this.#needsDisk = true;
    if (!this.#donated) this.#change = { ...this.#change, donated: true };
    this.#donated = true;
    this.#become(grantRange(this.#ring, given, to));
    return given;
  }

  /** Takes all that a dead peer owned; returns how many free addresses that brought. */
  takeOver(from: PeerName): number {
    const before = this.space.freeCount;
    this.#needsDisk = true;
    this.#become(transferEntries(this.#ring, from, this.#self));
    return this.space.freeCount - before;
  }

  /** Gives all that we own to an heir, in use or not. */
  bequeath(heir: PeerName): void {
    this.#needsDisk = true;
    this.space.clear();
    this.#become(transferEntries(this.#ring, this.#self, heir));
  }

  /** Tells the ring how much is free; returns whether that is news. */
  report(): boolean {
    const ring = reportFree(this.#ring, (range) => this.space.freeIn(range));
    this.#known = { ring, changes: this.space.changes };
    if (ring === this.#ring) return false;
    this.#ring = ring;
    return true;
  }

  /** The ring may not know how much is free. */
  get reportPending(): boolean {
    return this.#known.ring !== this.#ring || this.#known.changes !== this.space.changes;
  }

  /** The others believe that a range of ours is full, and it is not. */
  get hasNewSpace(): boolean {
    return this.reportPending &&
      this.#ring.entries.some(({ peer, free }, i) =>
        peer === this.#self && free === 0 &&
        partsAt(this.#ring, i).some((part) => this.space.freeIn(part) > 0)
      );
  }

  /** Leaves this ring for another; what is given out must be ours there too. The old one is kept aside. */
  adopt(theirs: Ring, reason: string): void {
    this.#needsDisk = true;
    this.#change = { ...this.#change, donated: false, setAside: { ring: this.#ring, reason } };
    this.#donated = false;
    // It is another ring even where entries look alike.
    this.#stored = emptyRing(this.universe, this.#self);
    this.#become({ ...theirs, peer: this.#self });
  }

  /** Lifts the versions of our entries above those of another ring, so that its idle owners give in. */
  impose(theirs: Ring): void {
    this.#needsDisk = true;
    const versions = new Map(theirs.entries.map((entry) => [entry.token, entry.version]));
    const entries = this.#ring.entries.map((entry) => {
      const version = Math.max(entry.version, versions.get(entry.token) ?? 0);
      return entry.peer === this.#self
        ? { ...entry, version: bump(version, TRANSFER_VERSIONS) }
        : entry;
    });
    this.#ring = { ...this.#ring, entries };
  }

  /** Returns the addresses of the universe that an owner has. */
  sizeOf(peer: PeerName): number {
    return rangesOf(this.#ring, peer).reduce((sum, range) => sum + sizeOf(range), 0);
  }

  /** Returns what is to be stored since the last call, and whether it must be on the disk before others hear of it. */
  takeChanges(): { change: IpamChange; needsDisk: boolean } {
    const result = {
      change: { ...this.#change, ...this.#ringChange() },
      needsDisk: this.#needsDisk,
    };
    this.#stored = this.#ring;
    this.#change = {};
    this.#needsDisk = false;
    return result;
  }

  #ringChange(): IpamChange {
    if (this.#ring === this.#stored) return {};
    const sameRing = !isEmpty(this.#stored) && this.#stored.seeds === this.#ring.seeds;
    if (!sameRing) return { ring: this.#ring };
    const entries = changedEntries(this.#stored, this.#ring);
    return entries.length > 0 ? { entries } : {};
  }

  #become(ring: Ring): void {
    if (ring === this.#ring) return;
    this.#ring = ring;
    this.space.update(rangesOf(ring, this.#self));
  }
}

/** Returns the entries of `after` that are not, as they are, in `before`. Unchanged ones are the same objects. */
function changedEntries(before: Ring, after: Ring): RingEntry[] {
  const changed: RingEntry[] = [];
  let i = 0;
  for (const entry of after.entries) {
    while ((before.entries[i]?.token ?? Infinity) < entry.token) i++;
    if (before.entries[i] !== entry) changed.push(entry);
  }
  return changed;
}
