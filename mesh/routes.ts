/**
 * Next hops for gossip and for frames (spec/mesh.md 16), computed from the peer table.
 *
 * An edge is *established* if both ends report it so: frames take those. Gossip takes *all* edges that the peer they
 * start at reports.
 *
 * @module
 */

import { breadthFirst, broadcastHops, must, type PeerGraph, type PeerName } from "../base/mod.ts";
import type { Topology } from "./topology.ts";
import type { PeerEntry } from "./topology_wire.ts";
import type { ForwardingPeer } from "./types.ts";

/** One kind of edges, and the first hops along them; those are computed when they are asked for. */
interface Walk {
  edges: (readonly number[])[];
  via: Int32Array | undefined;
}

/**
 * Routes as of the last {@link Routes.refresh}.
 *
 * Entries of the table are never changed but replaced, so a refresh looks only at those that are others than before. All is
 * computed anew only when peers came or went.
 */
export class Routes {
  #topology: Topology;
  #revision = -1;
  #entries: PeerEntry[] = [];
  #names: PeerName[] = [];
  #indices = new Map<PeerName, number>();
  #all: Walk = { edges: [], via: undefined };
  #established: Walk = { edges: [], via: undefined };
  #broadcasts = new Map<PeerName, PeerName[]>();

  /** Knows nothing before the first refresh. */
  constructor(topology: Topology) {
    this.#topology = topology;
  }

  /** Whether the table changed since the last refresh. */
  get stale(): boolean {
    return this.#revision !== this.#topology.revision;
  }

  /** Takes in what changed in the table. */
  refresh(): void {
    if (!this.stale) return;
    this.#revision = this.#topology.revision;
    const changed = this.#takeChanges();
    if (changed === undefined) this.#rebuild();
    else for (const index of changed) this.#update(index);
    this.#all.via = this.#established.via = undefined;
    this.#broadcasts.clear();
  }

  /** Returns who has another entry than before, `undefined` if not the same peers are there. */
  #takeChanges(): number[] | undefined {
    if (this.#topology.size !== this.#names.length) return undefined;
    const changed: number[] = [];
    for (const entry of this.#topology.entries()) {
      const index = this.#indices.get(entry.name);
      if (index === undefined) return undefined;
      if (this.#entries[index] === entry) continue;
      this.#entries[index] = entry;
      changed.push(index);
    }
    // Of all of them before any edge is judged: it takes both ends.
    for (const index of changed) this.#all.edges[index] = this.#edgesOf(index);
    return changed;
  }

  #rebuild(): void {
    this.#entries = [...this.#topology.entries()];
    this.#names = this.#entries.map((entry) => entry.name);
    this.#indices = new Map(this.#names.map((name, index) => [name, index]));
    const edges = this.#names.map((_, index) => this.#edgesOf(index));
    const claimed = this.#entries.map((entry) => this.#claimed(entry));
    this.#all.edges = edges;
    this.#established.edges = edges.map((all, index) =>
      shared(all.filter((other) => claimed[index]?.has(other) && claimed[other]?.has(index)), all)
    );
  }

  /** Judges the edges of a peer anew, from both ends. */
  #update(index: number): void {
    const before = this.#established.edges[index] ?? [];
    const all = this.#all.edges[index] ?? [];
    const name = this.#names[index];
    const claimed = this.#claimed(must(this.#entries[index], "entry"));
    const after = all.filter((other) =>
      claimed.has(other) &&
      this.#entries[other]?.connections.some((each) => each.peer === name && each.established)
    );
    this.#established.edges[index] = shared(after, all);
    for (const other of new Set(before).symmetricDifference(new Set(after))) {
      const edges = (this.#established.edges[other] ?? []).filter((each) => each !== index);
      if (after.includes(other)) edges.push(index);
      this.#established.edges[other] = shared(edges, this.#all.edges[other] ?? []);
    }
  }

  #edgesOf(index: number): number[] {
    const edges = new Set<number>();
    for (const { peer } of must(this.#entries[index], "entry").connections) {
      const other = this.#indices.get(peer);
      if (other !== undefined) edges.add(other);
    }
    return [...edges];
  }

  #claimed(entry: PeerEntry): Set<number> {
    const claimed = new Set<number>();
    for (const { peer, established } of entry.connections) {
      const other = this.#indices.get(peer);
      if (established && other !== undefined) claimed.add(other);
    }
    return claimed;
  }

  /** Returns the neighbour towards a peer for gossip; `undefined` for unreachable peers and ourselves. */
  nextHop(destination: PeerName): PeerName | undefined {
    return this.#hop(this.#all, destination);
  }

  /** Returns the neighbour towards a peer for frames; `undefined` for unreachable peers and ourselves. */
  nextHopEstablished(destination: PeerName): PeerName | undefined {
    return this.#hop(this.#established, destination);
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
    const reachable = this.#via(this.#all).reduce((sum, via) => sum + (via === -1 ? 0 : 1), 0);
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
      uid: this.#entries[index]?.uid ?? 0n,
      shortId: this.#topology.soleShortId(name),
    }));
  }

  #hop(walk: Walk, destination: PeerName): PeerName | undefined {
    const index = this.#indices.get(destination);
    if (index === undefined || destination === this.#topology.name) return undefined;
    const hop = this.#via(walk)[index] ?? -1;
    return hop === -1 ? undefined : this.#names[hop];
  }

  #via(walk: Walk): Int32Array {
    return walk.via ??= breadthFirst(this.#graph(walk), this.#self(), -1).via;
  }

  #graph({ edges }: Walk): PeerGraph {
    return { names: this.#names, edges };
  }

  #broadcastOver(walk: Walk, source: PeerName): PeerName[] {
    const index = this.#indices.get(source);
    if (index === undefined) return [];
    return broadcastHops(this.#graph(walk), this.#self(), index).map((hop) =>
      this.#names[hop] ?? 0
    );
  }

  #self(): number {
    return this.#indices.get(this.#topology.name) ?? -1;
  }
}

/** Returns `all` if nothing of it is missing in `part`: in most tables every edge is established. */
function shared(part: readonly number[], all: readonly number[]): readonly number[] {
  return part.length === all.length ? all : part;
}
