/**
 * Rings that do not go with ours: kept aside, never a reason to cut a link.
 *
 * ```
 *   theirs --merge--> conflict --> quarantine: alarm, no donations, long ARP probes, until it merges or the peer goes
 *                        |
 *                        +-- other seeds, and nothing of ours is in use: we leave our ring for theirs
 * ```
 *
 * Two rings were founded by peers that had not heard of each other. If both could leave theirs, the one with the higher
 * first seed does.
 *
 * @module
 */

import {
  formatIpv4,
  formatPeerName,
  type Ipv4,
  type Millis,
  type PeerName,
} from "../../base/mod.ts";
import { sizeOf } from "./range.ts";
import type { Ring } from "./ring.ts";
import type { ConflictCode } from "./ring_merge.ts";

/** Most conflicts that are kept, one of each peer. */
const MAX_CONFLICTS = 1000;
/** Most entries of a conflict that are shown. */
const MAX_SHOWN = 20;

/** A ring that does not go with ours. */
export interface Conflict {
  /** Whose copy it is. */
  readonly peer: PeerName;
  /** The ring. */
  readonly theirs: Ring;
  /** Why, for programs. */
  readonly code: ConflictCode;
  /** Why, for people. */
  readonly text: string;
  /** When it was first seen, on the clock of the core. */
  readonly since: Millis;
}

/** A range on whose owner two rings do not agree. */
export interface Disagreement {
  /** First address. */
  readonly token: Ipv4;
  /** Owner and version in ours; `undefined` if there is no such range. */
  readonly ours: { readonly peer: PeerName; readonly version: number } | undefined;
  /** Owner and version in theirs. */
  readonly theirs: { readonly peer: PeerName; readonly version: number } | undefined;
}

/** All rings that do not go with ours. */
export class Conflicts {
  #byPeer = new Map<PeerName, Conflict>();

  /** There are some. */
  get any(): boolean {
    return this.#byPeer.size > 0;
  }

  /** All of them. */
  get all(): readonly Conflict[] {
    return [...this.#byPeer.values()];
  }

  /** Tells whether what this peer says is set aside. */
  has(peer: PeerName): boolean {
    return this.#byPeer.has(peer);
  }

  /** Notes one; returns whether it is news. */
  note(conflict: Conflict): boolean {
    const before = this.#byPeer.get(conflict.peer);
    if (before === undefined && this.#byPeer.size >= MAX_CONFLICTS) return false;
    this.#byPeer.set(conflict.peer, { ...conflict, since: before?.since ?? conflict.since });
    return before?.code !== conflict.code;
  }

  /** Forgets the one with a peer; returns whether there was one. */
  end(peer: PeerName): boolean {
    return this.#byPeer.delete(peer);
  }

  /** Forgets all: our ring is another now. */
  clear(): void {
    this.#byPeer.clear();
  }

  /** Forgets those with peers that are gone. */
  retain(isThere: (peer: PeerName) => boolean): void {
    for (const peer of this.#byPeer.keys()) if (!isThere(peer)) this.#byPeer.delete(peer);
  }
}

/** What {@link reasonToLeave} has to know of us. */
export interface Stake {
  /** We hold or await an address of the universe, or something on this host uses one. */
  readonly busy: boolean;
  /** We gave space of our ring away. */
  readonly donated: boolean;
}

/** Returns why we leave our ring for one that has other seeds; `undefined` if we stay. */
export function reasonToLeave(ours: Ring, theirs: Ring, stake: Stake): string | undefined {
  if (stake.busy) return undefined;
  const self = ours.peer;
  const owner = soleOwner(ours);
  const theirOwner = soleOwner(theirs);
  if (owner !== self) {
    // Ours was of one peer, which has left it.
    if (owner === undefined || owner !== theirs.peer) return undefined;
    // Both left at once, each for the other's: one goes back.
    if (theirOwner === self && !isHigher(ours, theirs)) return undefined;
    return `${formatPeerName(owner)}, which owned all of it, left it`;
  }
  if (stake.donated) return undefined;
  const bothCould = theirOwner !== undefined && theirOwner === theirs.peer && isUntouched(theirs);
  if (bothCould && !isHigher(ours, theirs)) return undefined;
  return "nothing of it was in use, and another ring was met";
}

/** Returns where two rings differ in owners, as far as shown. */
export function disagreements(ours: Ring, theirs: Ring): Disagreement[] {
  const mine = new Map(ours.entries.map((entry) => [entry.token, entry]));
  const others = new Map(theirs.entries.map((entry) => [entry.token, entry]));
  const tokens = [...new Set([...mine.keys(), ...others.keys()])].sort((a, b) => a - b);
  return tokens.map((token) => ({ token, ours: mine.get(token), theirs: others.get(token) }))
    .filter((each) => each.ours?.peer !== each.theirs?.peer).slice(0, MAX_SHOWN);
}

/** Formats one for people: `10.32.0.0: ours says … v3, theirs says … v1`. */
export function formatDisagreement(each: Disagreement, label: (peer: PeerName) => string): string {
  const side = (entry: Disagreement["ours"]): string =>
    entry === undefined ? "nobody begins there" : `${label(entry.peer)} v${entry.version}`;
  return `${formatIpv4(each.token)}: ours says ${side(each.ours)}, theirs says ${
    side(each.theirs)
  }`;
}

function soleOwner(ring: Ring): PeerName | undefined {
  const owner = ring.entries[0]?.peer;
  return ring.entries.every(({ peer }) => peer === owner) ? owner : undefined;
}

/** Nothing is given out as far as its owners told. */
function isUntouched(ring: Ring): boolean {
  return ring.entries.reduce((sum, { free }) => sum + free, 0) === sizeOf(ring);
}

function isHigher(ours: Ring, theirs: Ring): boolean {
  return (ours.seeds[0] ?? 0) > (theirs.seeds[0] ?? 0);
}
