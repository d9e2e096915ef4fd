/**
 * The peer table: what every peer claims about its own connections (spec/mesh.md 11, 12, 14, 15.3).
 *
 * ```
 *   gossip --apply--> table --encode--> gossip          entries are ordered by (version, uid); only its peer changes one
 *   own connections --add, remove, setEstablished--> own entry, version + 1
 *   sweep: who cannot be reached over reported connections is forgotten
 * ```
 *
 * Whoever changes it asks {@link Topology.takeAnnouncement} afterwards whether our own entry has to be told to others.
 *
 * @module
 */

import { must, type PeerName, UNKNOWN_PEER } from "../base/mod.ts";
import { randomShortId, ShortIds } from "./short_ids.ts";
import {
  type ConnectionEntry,
  decodeTopology,
  encodeTopology,
  type PeerEntry,
} from "./topology_wire.ts";
import { ProtocolError } from "./wire.ts";

/** Most peers in the table: far above what the protocol is used for, and it bounds what gossip makes us hold. */
const MAX_PEERS = 16_384;
/** Most connections in the table, for the same reason. */
const MAX_CONNECTIONS = 1_000_000;

/** Most sightings that wait to be taken; more are of no use. */
const MAX_SIGHTINGS = 1_000;
/** What decides which of two entries of a peer is newer. */
export type PeerRank = Pick<PeerEntry, "uid" | "version" | "shortId">;

/** Who we are. */
export interface TopologyOptions {
  /** Our name. */
  readonly name: PeerName;
  /** Our label. */
  readonly nickname: string;
  /** Random, not zero. */
  readonly uid: bigint;
  /** Returns 0 <= x < 1. */
  readonly random: () => number;
}

/** An entry came with another UID than the one we know: a restart, old news of an earlier run, or a second holder. */
export interface Sighting {
  /** What came. */
  readonly entry: PeerEntry;
  /** What we knew. */
  readonly known: PeerEntry;
}

/** All peers that we know of, ourselves included. */
export class Topology {
  /** Our name. */
  readonly name: PeerName;
  #random: () => number;
  #peers = new Map<PeerName, PeerEntry>();
  #held = new Map<PeerName, number>();
  #shortIds = new ShortIds();
  #connectionCount = 0;
  #revision = 0;
  #announce = false;
  #sightings: Sighting[] = [];

  /** Starts with ourselves alone, version 0 and a random short id. */
  constructor(options: TopologyOptions) {
    this.name = options.name;
    this.#random = options.random;
    const { name, nickname, uid } = options;
    const shortId = randomShortId(options.random);
    this.#put({ name, nickname, uid, version: 0n, shortId, connections: [] });
  }

  /** Grows whenever anything changes. */
  get revision(): number {
    return this.#revision;
  }

  /** Our own entry. */
  get self(): PeerEntry {
    return must(this.#peers.get(this.name), "own entry");
  }

  /** Number of peers. */
  get size(): number {
    return this.#peers.size;
  }

  /** Returns an entry. */
  get(name: PeerName): PeerEntry | undefined {
    return this.#peers.get(name);
  }

  /** Returns all entries. */
  entries(): Iterable<PeerEntry> {
    return this.#peers.values();
  }

  /** Returns the short id of a peer; `undefined` if it has none, or if another claims the same. */
  soleShortId(name: PeerName): number | undefined {
    const shortId = this.#peers.get(name)?.shortId;
    return shortId !== undefined && this.#shortIds.claims(shortId) === 1 ? shortId : undefined;
  }

  /** Returns and clears whether our own entry changed. */
  takeAnnouncement(): boolean {
    const announce = this.#announce;
    this.#announce = false;
    return announce;
  }

  /** Returns and clears the names that came with two UIDs. */
  takeSightings(): Sighting[] {
    return this.#sightings.splice(0);
  }

  /** Enters a peer that introduced itself, if it is unknown; its entry proper comes by gossip. */
  introduce(peer: Pick<PeerEntry, "name" | "nickname" | "uid" | "shortId">): void {
    if (this.#peers.has(peer.name)) return;
    const { name, nickname, uid, shortId } = peer;
    this.#put({ name, nickname, uid, version: 0n, shortId, connections: [] });
    this.#settleShortId();
  }

  /** Keeps a peer from being swept, until {@link Topology.release} is called as often. */
  hold(name: PeerName): void {
    this.#held.set(name, (this.#held.get(name) ?? 0) + 1);
  }

  /** Undoes one {@link Topology.hold}. */
  release(name: PeerName): void {
    const count = (this.#held.get(name) ?? 0) - 1;
    if (count > 0) this.#held.set(name, count);
    else this.#held.delete(name);
  }

  /** Adds a connection of ours. */
  addConnection(connection: ConnectionEntry): void {
    this.#changeSelf({ connections: [...this.self.connections, connection] });
  }

  /** Removes our connection to a peer. */
  removeConnection(peer: PeerName): void {
    this.#changeSelf({ connections: this.self.connections.filter((each) => each.peer !== peer) });
  }

  /** Changes whether our connection to a peer works. */
  setEstablished(peer: PeerName, established: boolean): void {
    const changes = (each: ConnectionEntry): boolean =>
      each.peer === peer && each.established !== established;
    if (!this.self.connections.some(changes)) return;
    this.#changeSelf({
      connections: this.self.connections.map((each) =>
        changes(each) ? { ...each, established } : each
      ),
    });
  }

  /** Encodes entries, all if no names are given; unknown names are left out. */
  encode(names?: Iterable<PeerName>): Uint8Array[] {
    if (names === undefined) return encodeTopology(this.#peers.values());
    const entries = [...names].map((name) => this.#peers.get(name));
    return encodeTopology(entries.filter((entry) => entry !== undefined));
  }

  /**
   * Merges a payload of gossip; all of it or nothing.
   *
   * @returns names of the entries that were new to us
   * @throws {WireError} if it does not parse
   * @throws {ProtocolError} if the table would become too large
   */
  apply(payload: Uint8Array): PeerName[] {
    // Zero means "unknown" and is nobody's name: such an entry says nothing.
    const update = decodeTopology(payload).filter((entry) => entry.name !== UNKNOWN_PEER);
    this.#checkSize(update);
    const news = new Set<PeerName>();
    for (const entry of update) {
      if (this.#peers.has(entry.name)) continue;
      this.#put(entry);
      news.add(entry.name);
    }
    for (const entry of update) {
      this.#sight(entry);
      if (entry.name === this.name) this.#answerOldSelf(entry);
      else if (
        !news.has(entry.name) && isNewer(entry, must(this.#peers.get(entry.name), "entry"))
      ) {
        this.#put(entry);
        news.add(entry.name);
      }
    }
    this.#addPlaceholders(update);
    this.#settleShortId();
    return [...news];
  }

  /** Forgets all peers that cannot be reached and are not held. @returns their names */
  sweep(): PeerName[] {
    const reached = new Set<PeerName>([this.name]);
    for (const name of reached) {
      for (const { peer } of this.#peers.get(name)?.connections ?? []) {
        if (this.#peers.has(peer)) reached.add(peer);
      }
    }
    const gone = [...this.#peers.keys()].filter((name) =>
      !reached.has(name) && !this.#held.has(name)
    );
    for (const name of gone) this.#delete(name);
    if (gone.length > 0) this.#settleShortId();
    return gone;
  }

  #sight(entry: PeerEntry): void {
    const known = this.#peers.get(entry.name);
    if (known === undefined || known.uid === entry.uid) return;
    if (this.#sightings.length < MAX_SIGHTINGS) this.#sightings.push({ entry, known });
  }

  #checkSize(update: readonly PeerEntry[]): void {
    const names = new Set(update.map((entry) => entry.name));
    let connections = this.#connectionCount;
    for (const entry of update) {
      connections += entry.connections.length;
      for (const { peer } of entry.connections) names.add(peer);
    }
    const fresh = [...names].filter((name) => !this.#peers.has(name)).length;
    if (this.#peers.size + fresh > MAX_PEERS || connections > MAX_CONNECTIONS) {
      throw new ProtocolError("its topology is too large");
    }
  }

  /** Somebody still tells of an earlier run of ours: our version must pass it, else nobody believes us. */
  #answerOldSelf(entry: PeerEntry): void {
    if (entry.uid === this.self.uid || entry.version < this.self.version) return;
    this.#put({ ...this.self, version: entry.version + 1n });
    this.#announce = true;
  }

  #addPlaceholders(update: readonly PeerEntry[]): void {
    for (const { connections } of update) {
      for (const { peer: name } of connections) {
        if (this.#peers.has(name) || name === UNKNOWN_PEER) continue;
        const placeholder = { nickname: "", uid: 0n, version: 0n, shortId: undefined };
        this.#put({ name, ...placeholder, connections: [] });
      }
    }
  }

  /** Takes another short id if a lower name has ours; if none is free we keep it and try after a later sweep. */
  #settleShortId(): void {
    const { shortId } = this.self;
    if (shortId === undefined || this.#shortIds.owner(shortId) === this.name) return;
    const free = this.#shortIds.pickFree(this.#random);
    if (free !== undefined) this.#changeSelf({ shortId: free });
  }

  #changeSelf(change: Partial<PeerEntry>): void {
    this.#put({ ...this.self, ...change, version: this.self.version + 1n });
    this.#announce = true;
  }

  #put(entry: PeerEntry): void {
    this.#delete(entry.name);
    this.#peers.set(entry.name, entry);
    this.#connectionCount += entry.connections.length;
    if (entry.shortId !== undefined) this.#shortIds.claim(entry.shortId, entry.name);
    this.#revision++;
  }

  #delete(name: PeerName): void {
    const entry = this.#peers.get(name);
    if (entry === undefined) return;
    this.#peers.delete(name);
    this.#connectionCount -= entry.connections.length;
    if (entry.shortId !== undefined) this.#shortIds.release(entry.shortId, name);
    this.#revision++;
  }
}

/** Orders entries of one peer: version first, then UID; a short id adds to an entry without one. */
export function isNewer(a: PeerRank, b: PeerRank): boolean {
  if (a.version !== b.version) return a.version > b.version;
  if (a.uid !== b.uid) return a.uid > b.uid;
  return a.shortId !== undefined && b.shortId === undefined;
}
