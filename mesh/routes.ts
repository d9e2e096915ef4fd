/**
 * Next hops for gossip and for frames (spec/mesh.md 16), computed from the peer table.
 *
 * An edge is *established* if both ends report it so: frames take those. Gossip takes *all* edges that the peer they
 * start at reports.
 *
 * @module
 */

import { breadthFirst, broadcastHops, type PeerGraph, type PeerName } from "../base/mod.ts";
import type { Topology } from "./topology.ts";
import type { ForwardingPeer } from "./types.ts";

/** Routes as of the last {@link Routes.refresh}. */
export class Routes {
  #topology: Topology;
  #revision = -1;
  #names: PeerName[] = [];
  #indices = new Map<PeerName, number>();
  #all: PeerGraph = { names: [], edges: [] };
  #established: PeerGraph = { names: [], edges: [] };
  #viaAll: Int32Array = new Int32Array(0);
  #viaEstablished: Int32Array = new Int32Array(0);
  #broadcasts = new Map<PeerName, PeerName[]>();

  /** Knows nothing before the first refresh. */
  constructor(topology: Topology) {
    this.#topology = topology;
  }

  /** Whether the table changed since the last refresh. */
  get stale(): boolean {
    return this.#revision !== this.#topology.revision;
  }

  /** Computes everything anew if the table changed. */
  refresh(): void {
    if (!this.stale) return;
    this.#revision = this.#topology.revision;
    const entries = [...this.#topology.entries()];
    this.#names = entries.map((entry) => entry.name);
    this.#indices = new Map(this.#names.map((name, index) => [name, index]));
    const all: number[][] = [];
    const claimed: Set<number>[] = [];
    for (const entry of entries) {
      const edges = new Set<number>();
      const works = new Set<number>();
      for (const { peer, established } of entry.connections) {
        const index = this.#indices.get(peer);
        if (index === undefined) continue;
        edges.add(index);
        if (established) works.add(index);
      }
      all.push([...edges]);
      claimed.push(works);
    }
    const both = claimed.map((works, index) =>
      [...works].filter((other) => claimed[other]?.has(index))
    );
    this.#all = { names: this.#names, edges: all };
    this.#established = { names: this.#names, edges: both };
    const self = this.#self();
    this.#viaAll = breadthFirst(this.#all, self, -1).via;
    this.#viaEstablished = breadthFirst(this.#established, self, -1).via;
    this.#broadcasts.clear();
  }

  /** Returns the neighbour towards a peer for gossip; `undefined` for unreachable peers and ourselves. */
  nextHop(destination: PeerName): PeerName | undefined {
    return this.#hop(this.#viaAll, destination);
  }

  /** Returns the neighbour towards a peer for frames; `undefined` for unreachable peers and ourselves. */
  nextHopEstablished(destination: PeerName): PeerName | undefined {
    return this.#hop(this.#viaEstablished, destination);
  }

  /** Returns the neighbours that get a gossip broadcast of `source`. */
  broadcast(source: PeerName): readonly PeerName[] {
    const known = this.#broadcasts.get(source);
    if (known !== undefined) return known;
    const hops = this.#broadcastOver(this.#all, source);
    // Sources that we do not know are of arbitrary number.
    if (this.#indices.has(source)) this.#broadcasts.set(source, hops);
    return hops;
  }

  /** Returns the neighbours that get a broadcast frame of `source`. */
  broadcastEstablished(source: PeerName): readonly PeerName[] {
    return this.#broadcastOver(this.#established, source);
  }

  /** Returns for how many peers each neighbour but `except` is the next hop of gossip. */
  weights(except?: PeerName): Map<PeerName, number> {
    const weights = new Map<PeerName, number>();
    for (const name of this.#names) {
      const hop = this.nextHop(name);
      if (hop === undefined || hop === except) continue;
      weights.set(hop, (weights.get(hop) ?? 0) + 1);
    }
    return weights;
  }

  /** Returns how many neighbours get gossip, given how many could. */
  fanOut(candidates: number): number {
    const reachable = this.#viaAll.reduce((sum, via) => sum + (via === -1 ? 0 : 1), 0);
    return Math.floor(Math.min(2 * Math.log2(reachable), candidates));
  }

  /** Picks the neighbours that get gossip, those that lead to more peers more often. `random` returns 0 <= x < 1. */
  randomNeighbours(random: () => number, except?: PeerName): PeerName[] {
    const weights = this.weights(except);
    let total = [...weights.values()].reduce((sum, weight) => sum + weight, 0);
    const picked: PeerName[] = [];
    for (let left = this.fanOut(weights.size); left > 0; left--) {
      let at = random() * total;
      for (const [name, weight] of weights) {
        at -= weight;
        if (at >= 0) continue;
        picked.push(name);
        weights.delete(name);
        total -= weight;
        break;
      }
    }
    return picked;
  }

  /** Returns all peers with their routes for frames. */
  forwarding(): ForwardingPeer[] {
    return this.#names.map((name, index) => ({
      name,
      nextHop: name === this.#topology.name ? name : this.nextHopEstablished(name),
      edges: (this.#established.edges[index] ?? []).map((edge) => this.#names[edge] ?? 0),
    }));
  }

  #hop(via: Int32Array, destination: PeerName): PeerName | undefined {
    const index = this.#indices.get(destination);
    if (index === undefined || destination === this.#topology.name) return undefined;
    const hop = via[index] ?? -1;
    return hop === -1 ? undefined : this.#names[hop];
  }

  #broadcastOver(graph: PeerGraph, source: PeerName): PeerName[] {
    const index = this.#indices.get(source);
    if (index === undefined) return [];
    return broadcastHops(graph, this.#self(), index).map((hop) => this.#names[hop] ?? 0);
  }

  #self(): number {
    return this.#indices.get(this.#topology.name) ?? -1;
  }
}
