/**
 * The mesh as the data plane takes it: peers by index, links by index of the neighbour.
 *
 * ```
 *   mesh.forwarding(): names, next hops, edges ─┐
 *                                               ├─> ForwardingState ─> configure for the worker
 *   links that are in the topology ─────────────┘     name <-> index
 * ```
 *
 * An index belongs to a peer for as long as the mesh knows it, and goes to another one only after a state in which it was
 * `null`: so nothing that the worker learnt about the old peer is taken for the new one's.
 *
 * @module
 */

import { must, type PeerName } from "../base/mod.ts";
import type { ForwardingPeer, MeshLink } from "../mesh/mod.ts";
import type { Configure, LinkEntry, PeerEntry } from "../switch/mod.ts";

/** Datagrams of a GSO train to a weft peer: what the kernel takes at most (`UDP_MAX_SEGMENTS`). */
const WEFT_TRAIN_SEGMENTS = 64;
/** The same to a real Weave Net router, whose receive buffer is the kernel's default (spec/shuttle.md). */
const WEAVE_TRAIN_SEGMENTS = 8;

/** Between heartbeats of a lively tunnel. */
const LIVELY_MS = 250;
/** All lively tunnels together send so many heartbeats a second at most. */
const HEARTBEATS_PER_SECOND = 400;
/** The interval changes in such steps: each change is told to all neighbours. */
const LIVELY_STEP_MS = 50;

/** What a `configure` says, without its version. */
export type Forwarding = Omit<Configure, "kind" | "version">;

/** Gives peers their indices. */
export class ForwardingState {
  readonly #self: PeerName;
  /** Name at each index; `undefined`: was null in the last state, so free. */
  #names: (PeerName | undefined)[];
  readonly #indices = new Map<PeerName, number>();

  /** Starts with ourselves alone, at index 0. */
  constructor(self: PeerName) {
    this.#self = self;
    this.#names = [self];
    this.#indices.set(self, 0);
  }

  /** Returns who has an index now. */
  nameAt(index: number): PeerName | undefined {
    return this.#names[index];
  }

  /**
   * Takes the mesh as it is and returns the state for the worker. Each state that is returned must reach the worker, in
   * order.
   *
   * @param peers ourselves among them or not
   * @param links those whose neighbour the mesh does not know are left out: it will say so when it does
   */
  update(peers: readonly ForwardingPeer[], links: Iterable<MeshLink>): Forwarding {
    const byName = new Map(peers.map((peer) => [peer.name, peer]));
    if (!byName.has(this.#self)) {
      byName.set(this.#self, { name: this.#self, nextHop: this.#self, edges: [] });
    }
    const retired = this.#retire(byName);
    this.#admit(byName, retired);
    const entries = this.#names.map((name): PeerEntry | null =>
      name === undefined ? null : this.#entry(must(byName.get(name), "peer with an index"))
    );
    return { self: 0, peers: entries, links: this.#links(links) };
  }

  #retire(known: ReadonlyMap<PeerName, ForwardingPeer>): Set<number> {
    const retired = new Set<number>();
    for (const [name, index] of this.#indices) {
      if (known.has(name)) continue;
      this.#indices.delete(name);
      this.#names[index] = undefined;
      retired.add(index);
    }
    return retired;
  }

  #admit(known: ReadonlyMap<PeerName, ForwardingPeer>, retired: ReadonlySet<number>): void {
    let next = 0;
    for (const name of known.keys()) {
      if (this.#indices.has(name)) continue;
      while (this.#names[next] !== undefined || retired.has(next)) next++;
      this.#names[next] = name;
      this.#indices.set(name, next);
    }
    // Holes of an array would be skipped by map().
    this.#names = Array.from(this.#names);
  }

  #entry(peer: ForwardingPeer): PeerEntry {
    const nextHop = peer.nextHop === undefined ? undefined : this.#indices.get(peer.nextHop);
    const edges = peer.edges.map((name) => this.#indices.get(name))
      .filter((index) => index !== undefined);
    return { name: peer.name, nextHop: nextHop ?? -1, edges, shortId: -1 };
  }

  #links(links: Iterable<MeshLink>): LinkEntry[] {
    const entries: LinkEntry[] = [];
    const all = [...links];
    const livelyMs = livelyInterval(all);
    for (const link of all) {
      const peer = this.#indices.get(link.peer);
      if (peer === undefined) continue;
      entries.push({
        id: link.id,
        peer,
        overlays: link.overlays,
        connUid: link.connUid,
        outbound: link.outbound,
        trainSegments: link.weft ? WEFT_TRAIN_SEGMENTS : WEAVE_TRAIN_SEGMENTS,
        livelyMs: link.lively ? livelyMs : undefined,
        encrypted: link.sessionKey !== undefined,
        // Who was dialled learns the address from the first datagram: NAT may have changed it.
        remote: link.outbound ? link.remote : undefined,
      });
    }
    return entries;
  }
}

function livelyInterval(links: readonly MeshLink[]): number {
  let tunnels = 0;
  for (const { lively, overlays } of links) if (lively) tunnels += overlays.length;
  const fair = tunnels * 1_000 / HEARTBEATS_PER_SECOND;
  return Math.max(LIVELY_MS, Math.ceil(fair / LIVELY_STEP_MS) * LIVELY_STEP_MS);
}
