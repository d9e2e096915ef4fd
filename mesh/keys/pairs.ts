/**
 * The peers of the topology, and the pairs that we form with them.
 *
 * @module
 */

import type { Millis, PeerName } from "../../base/mod.ts";
import { Pair } from "./pair.ts";

/** Peers with whom keys are agreed before there is traffic. */
const MAX_EAGER = 256;
/** Most pairs: there are no more short ids. */
const MAX_PAIRS = 4_096;
/** How long keys of a peer outlive its place in the topology: a partition may heal. */
const GONE_MS = 120_000;

/** All pairs by name of the peer. */
export class Pairs {
  #self: PeerName;
  #uid = 0n;
  #peers = new Map<PeerName, bigint>();
  #pairs = new Map<PeerName, Pair>();

  /** Knows nobody yet. */
  constructor(self: PeerName) {
    this.#self = self;
  }

  /** Our UID, 0 while it is unknown. */
  get uid(): bigint {
    return this.#uid;
  }

  /** Returns a pair that is there. */
  get(name: PeerName): Pair | undefined {
    return this.#pairs.get(name);
  }

  /** Returns all pairs. */
  values(): Iterable<Pair> {
    return this.#pairs.values();
  }

  /** Returns the pair with a peer of the topology; makes it if need be. */
  with(name: PeerName, now: Millis): Pair | undefined {
    const uid = this.#peers.get(name);
    if (uid === undefined) return undefined;
    const known = this.#pairs.get(name);
    if (known !== undefined || this.#pairs.size >= MAX_PAIRS) return known;
    const pair = new Pair(name, uid, this.#self < name, now);
    this.#pairs.set(name, pair);
    return pair;
  }

  /** Takes the peers of the topology. @returns pairs whose peer went or was restarted: their runs are over */
  update(list: readonly { name: PeerName; uid: bigint }[], now: Millis): Pair[] {
    this.#uid = list.find(({ name }) => name === this.#self)?.uid ?? this.#uid;
    const others = list.filter(({ name, uid }) => name !== this.#self && uid !== 0n);
    this.#peers = new Map(others.map(({ name, uid }) => [name, uid]));
    const changed = [...this.#pairs.values()].filter((pair) => this.#place(pair, now));
    for (const name of this.#peers.keys()) {
      if (this.#pairs.size >= MAX_EAGER) break;
      this.with(name, now);
    }
    return changed;
  }

  /** Forgets a pair. */
  delete(pair: Pair): void {
    this.#pairs.delete(pair.name);
  }

  /** Notes where the peer of a pair is now. @returns whether it is not the same any more */
  #place(pair: Pair, now: Millis): boolean {
    const uid = this.#peers.get(pair.name);
    if (uid === undefined) pair.goneAt = Math.min(pair.goneAt, now + GONE_MS);
    else {
      pair.goneAt = Infinity;
      if (uid === pair.uid) return false;
      pair.restart(uid, now);
    }
    return true;
  }
}
