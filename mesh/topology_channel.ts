/**
 * The channel `topology`: gossip into the peer table and out of it.
 *
 * News is not passed on at once but collected by neighbour that told it, so that a burst of updates costs one
 * computation of routes; the owner takes it with {@link TopologyChannel.takeNews}. News of a peer that cannot be reached
 * waits until it can, or until it is swept: passed on, it would outrun the sweep on a slow ring and run round for ever
 * (docs/adr/0007).
 *
 * @module
 */

import type { PeerName } from "../base/mod.ts";
import type { Channel } from "./channel.ts";
import type { Topology } from "./topology.ts";
import { ProtocolError } from "./wire.ts";

/** Name of the channel. */
export const TOPOLOGY = "topology";

/** Names of entries to send, or all. */
export type TopologyItem = ReadonlySet<PeerName> | "all";

/** Handler of the channel `topology`. */
export class TopologyChannel implements Channel<TopologyItem> {
  /** Name on the wire. */
  readonly name = TOPOLOGY;
  #topology: Topology;
  #news = new Map<PeerName, Set<PeerName>>();
  #fresh = false;
  #whole: { revision: number; payloads: readonly Uint8Array[] } = { revision: -1, payloads: [] };

  /** Serves one table. */
  constructor(topology: Topology) {
    this.#topology = topology;
  }

  /** Merges an update and remembers what was new. */
  gossip(payload: Uint8Array, from: PeerName): undefined {
    const names = this.#topology.apply(payload);
    if (names.length === 0) return;
    const news = this.#news.get(from) ?? new Set();
    for (const name of names) news.add(name);
    this.#news.set(from, news);
    this.#fresh = true;
  }

  /** Merges an update; real peers never broadcast one, but would pass it on whole. */
  broadcast(payload: Uint8Array): TopologyItem {
    const names = this.#topology.apply(payload);
    return new Set(names);
  }

  /** Refuses: topology is never sent to one peer. */
  unicast(): never {
    throw new ProtocolError("it sent topology as unicast");
  }

  /** Stands for the whole table. */
  full(): TopologyItem {
    return "all";
  }

  /** Unites names. */
  merge(a: TopologyItem, b: TopologyItem): TopologyItem {
    return a === "all" || b === "all" ? "all" : a.union(b);
  }

  /** Encodes entries as they are now; the whole table is encoded once for all neighbours. */
  encode(item: TopologyItem): readonly Uint8Array[] {
    if (item !== "all") return this.#topology.encode(item);
    const { revision } = this.#topology;
    if (this.#whole.revision !== revision) {
      this.#whole = { revision, payloads: this.#topology.encode() };
    }
    return this.#whole.payloads;
  }

  /** Whether there is news that {@link TopologyChannel.takeNews} was not asked about. */
  get hasNews(): boolean {
    return this.#fresh;
  }

  /** Says that news which waited may be ready now. */
  lookAgain(): void {
    this.#fresh = this.#news.size > 0;
  }

  /**
   * Returns and forgets the news: for each neighbour that told some, the names.
   *
   * News of peers that cannot be reached, as far as we know, stays here until they can or are swept; and all news of a
   * neighbour of which nobody knows yet that it is ours.
   */
  takeNews(
    isReachable: (name: PeerName) => boolean,
    isAnnounced: (from: PeerName) => boolean,
  ): [from: PeerName, names: Set<PeerName>][] {
    const taken: [PeerName, Set<PeerName>][] = [];
    for (const [from, names] of this.#news) {
      const known = [...names].filter((name) => this.#topology.get(name) !== undefined);
      const ready = new Set(isAnnounced(from) ? known.filter(isReachable) : []);
      if (ready.size > 0) taken.push([from, ready]);
      const kept = new Set(known).difference(ready);
      if (kept.size > 0) this.#news.set(from, kept);
      else this.#news.delete(from);
    }
    this.#fresh = false;
    return taken;
  }
}
