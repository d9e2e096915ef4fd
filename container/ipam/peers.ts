/**
 * The peers as address allocation sees them: who can be reached, and the label of everybody ever heard of.
 *
 * @module
 */

import { formatPeerName, parsePeerName, type PeerName } from "../../base/mod.ts";
import type { KnownPeer } from "./allocator_io.ts";
import type { Ring } from "./ring.ts";

/** Most labels that are kept of peers that are not there. */
const MAX_NICKNAMES = 10_000;

/** Peers and labels. */
export class Peers {
  readonly #self: PeerName;
  #known = new Map<PeerName, KnownPeer>();
  #nicknames = new Map<PeerName, string>();

  /** Knows ourselves only. */
  constructor(self: PeerName, nickname: string) {
    this.#self = self;
    this.#nicknames.set(self, nickname);
  }

  /** Labels for the wire. */
  get nicknames(): readonly (readonly [PeerName, string])[] {
    return [...this.#nicknames];
  }

  /** All peers of the topology but us. */
  get others(): readonly KnownPeer[] {
    return [...this.#known.values()].filter(({ name }) => name !== this.#self);
  }

  /** Takes the peers there are. Labels of those that went are kept only for `owners` of the ring. */
  update(peers: readonly KnownPeer[], owners: ReadonlySet<PeerName>): void {
    const before = this.#known;
    this.#known = new Map(peers.map((peer) => [peer.name, peer]));
    for (const name of before.keys()) {
      if (!this.#known.has(name) && !owners.has(name)) this.#nicknames.delete(name);
    }
    for (const { name, nickname } of peers) {
      if (name !== this.#self) this.#nicknames.set(name, nickname);
    }
  }

  /** Takes the labels that another knows. */
  hear(nicknames: readonly (readonly [PeerName, string])[]): void {
    for (const [name, nickname] of nicknames) {
      if (name === this.#self || this.#known.has(name)) continue;
      if (this.#nicknames.size < MAX_NICKNAMES) this.#nicknames.set(name, nickname);
    }
  }

  /** Forgets labels of peers that are neither there nor in the ring. */
  prune(owners: ReadonlySet<PeerName>): void {
    for (const name of this.#nicknames.keys()) {
      const kept = name === this.#self || this.#known.has(name) || owners.has(name);
      if (!kept) this.#nicknames.delete(name);
    }
  }

  /** Returns a peer of the topology. */
  get(name: PeerName): KnownPeer | undefined {
    return this.#known.get(name);
  }

  /** Tells whether there is a route to a peer. */
  isReachable(name: PeerName): boolean {
    return name === this.#self || this.#known.get(name)?.reachable === true;
  }

  /** Returns whose copy a ring is: names cost nothing, so one that nobody has stands for whoever sent it. */
  tellerOf(ring: Ring, from: PeerName): PeerName {
    return this.#known.has(ring.peer) ? ring.peer : from;
  }

  /** Returns the label of a peer. */
  nicknameOf(name: PeerName): string | undefined {
    return this.#nicknames.get(name);
  }

  /** Returns a peer for texts: `host1(02:00:00:00:00:01)`, or the bare name. */
  labelOf(name: PeerName): string {
    const nickname = this.nicknameOf(name);
    return nickname ? `${nickname}(${formatPeerName(name)})` : formatPeerName(name);
  }

  /** Returns all peers that a text may mean: those with that label, else the one of that name, else none. */
  resolve(text: string): PeerName[] {
    const labelled = [...this.#nicknames].filter(([, nickname]) => nickname === text);
    if (labelled.length > 0) return labelled.map(([name]) => name);
    try {
      return [parsePeerName(text)];
    } catch {
      return [];
    }
  }
}
