/**
 * The core of the name service: whom to believe about names, for how long, and whom to tell.
 *
 * ```
 *   receive ── clock too far off ──> dropped, a warning
 *           ── origin unknown ─────> held for a minute, until the mesh knows it
 *           ── else ───────────────> records ──> news: passed on      our own that were wrong: broadcast
 *   peers   ── one is gone ────────> its names stay for a few seconds, then they are dropped
 *   add, remove, died ─────────────> records ──> broadcast
 * ```
 *
 * It knows nothing of bytes (`records_wire.ts`), of the mesh (`names_channel.ts`) or of queries (`resolver.ts`).
 *
 * @module
 */

import {
  formatPeerName,
  type Ipv4,
  type Machine,
  type Millis,
  type PeerName,
} from "../../base/mod.ts";
import { greaterOf, keyOf, type NameEntry } from "./entry.ts";
import { type NameFilter, Records, TOMBSTONE_S } from "./records.ts";
import type { NamesMessage } from "./records_wire.ts";

/** Clocks that differ by more make what is told with them worthless. Real peers cut the connection then. */
export const MAX_SKEW_S = 900;
/** Names of a peer that is gone are answered for so long: a link that flaps makes no name flap. */
const GRACE_MS = 5_000;
/** News of a peer may overtake the news that there is such a peer, by seconds; a minute covers a slow mesh. */
const HOLD_MS = 60_000;
/** Most entries that wait for their origin, oldest dropped first; periodic gossip brings what is lost. */
const MAX_HELD = 50_000;
const SWEEP_MS = TOMBSTONE_S * 1_000;

/** A peer of the mesh. */
export interface NamesPeer {
  /** Its name. */
  readonly name: PeerName;
  /** Its label. */
  readonly nickname: string;
  /** Frames can reach it. */
  readonly reachable: boolean;
  /** It is one of us, who drops names told with a wrong clock where a real peer cuts the connection. */
  readonly weft: boolean;
}

/** What needs no answer. */
export type NamesInput =
  /** Time has passed, or something is to be drained. */
  | { readonly kind: "tick" }
  /** The peers that the mesh knows now. */
  | { readonly kind: "peers"; readonly peers: readonly NamesPeer[] };

/** What is to be done. */
export type NamesOutput =
  /** Tell everybody. */
  | { readonly kind: "broadcast"; readonly entries: readonly NameEntry[] }
  /** Tell some neighbours. */
  | { readonly kind: "gossip"; readonly entries: readonly NameEntry[] };

/** What the core needs. */
export interface NamesOptions {
  /** Our name. */
  readonly self: PeerName;
  /** Returns the unix time at a moment of the core's clock, in seconds with their fraction. */
  readonly wallSeconds: (now: Millis) => number;
  /** Most entries of the table; default 200,000. */
  readonly maxEntries?: number;
}

/** What arrived. */
export interface NamesReceived {
  /** By gossip of a neighbour, or by broadcast of any peer. */
  readonly kind: "gossip" | "broadcast";
  /** The neighbour, or who began the broadcast. */
  readonly from: PeerName;
  /** What it said. */
  readonly message: NamesMessage;
}

/** The core. What asks for something is a method of its own, since it wants an answer; drain and arm after each. */
export class NamesCore implements Machine<NamesInput, NamesOutput> {
  /** The table. */
  readonly records: Records;
  #options: NamesOptions;
  #peers: ReadonlyMap<PeerName, NamesPeer> = new Map();
  /** Peers that are gone, with the end of their grace. */
  #lost = new Map<PeerName, Millis>();
  /** Entries of unknown peers, oldest first. */
  #held = new Map<string, { readonly entry: NameEntry; readonly until: Millis }>();
  /** By how many seconds clocks differ from ours, where it is too much, and when that was seen. */
  #skews = new Map<PeerName, { readonly skew: number; readonly at: Millis }>();
  #nextSweep: Millis;
  #outputs: NamesOutput[] = [];

  /** Knows nobody and no names. */
  constructor(options: NamesOptions, now: Millis) {
    this.#options = options;
    this.records = new Records(options.self, options.maxEntries);
    this.#nextSweep = now + SWEEP_MS;
  }

  /** Takes one input. */
  handle(input: NamesInput, now: Millis): void {
    if (input.kind === "peers") this.#setPeers(input.peers, now);
    for (const [origin, end] of this.#lost) {
      if (end > now) continue;
      this.#lost.delete(origin);
      this.records.dropOrigin(origin);
    }
    for (const [key, { until }] of this.#held) {
      if (until > now) break;
      this.#held.delete(key);
    }
    if (this.#nextSweep <= now) {
      this.#nextSweep = now + SWEEP_MS;
      this.records.sweep(this.#options.wallSeconds(now));
    }
  }

  /** Returns the next output. */
  poll(): NamesOutput | undefined {
    return this.#outputs.shift();
  }

  /** Returns when something runs out. */
  deadline(): Millis {
    const held = this.#held.values().next().value?.until ?? Infinity;
    return Math.min(this.#nextSweep, held, ...this.#lost.values());
  }

  /** Registers a name, which is in our domain and in lower case. */
  add(name: string, container: string, ip: Ipv4, now: Millis): void {
    this.#broadcast([this.records.add(name, container, ip, this.#options.wallSeconds(now))]);
  }

  /** Removes names of ours. @returns the entries */
  remove(filter: NameFilter, now: Millis): readonly NameEntry[] {
    const removed = this.records.remove(filter, this.#options.wallSeconds(now));
    this.#broadcast(removed);
    return removed;
  }

  /** Takes a message. @returns what goes on at once */
  receive(received: NamesReceived, now: Millis): readonly NameEntry[] {
    const { kind, message } = received;
    const wallSeconds = this.#options.wallSeconds(now);
    if (!this.#isTimely(received, wallSeconds, now)) return [];
    const [known, unknown]: [NameEntry[], NameEntry[]] = [[], []];
    for (const entry of message.entries) {
      (this.#isKnown(entry.origin) ? known : unknown).push(entry);
    }
    const held = this.#hold(unknown, now);
    const { news, answers, passable } = this.records.merge(known, wallSeconds);
    this.#broadcast(answers);
    return kind === "gossip" ? news : [...passable, ...held];
  }

  #isTimely({ kind, from, message }: NamesReceived, wallSeconds: number, now: Millis): boolean {
    const skew = message.timestamp - Math.floor(wallSeconds);
    if (Math.abs(skew) <= MAX_SKEW_S) {
      this.#skews.delete(from);
      return true;
    }
    // A neighbour may speak before the mesh lists it; of others anybody could invent as many as it likes.
    if (kind === "gossip" || this.#isKnown(from)) this.#skews.set(from, { skew, at: now });
    return false;
  }

  #isKnown(peer: PeerName): boolean {
    return peer === this.#options.self || this.#peers.has(peer);
  }

  /** Keeps entries until their origin is known. @returns those that may be passed on */
  #hold(entries: readonly NameEntry[], now: Millis): NameEntry[] {
    const passable = new Map<string, NameEntry>();
    const mixed = new Set<string>();
    for (const heard of entries) {
      const key = keyOf(heard);
      const known = this.#held.get(key)?.entry ?? heard;
      if (known.hostname !== heard.hostname) mixed.add(key);
      const entry = greaterOf(known, heard);
      this.#held.delete(key);
      this.#held.set(key, { entry, until: now + HOLD_MS });
      passable.set(key, entry);
    }
    for (const key of this.#held.keys()) {
      if (this.#held.size <= MAX_HELD) break;
      this.#held.delete(key);
    }
    for (const key of mixed) passable.delete(key);
    return [...passable.values()];
  }

  #setPeers(peers: readonly NamesPeer[], now: Millis): void {
    const before = this.#peers;
    this.#peers = new Map(peers.map((peer) => [peer.name, peer]));
    for (const name of before.keys()) {
      if (this.#isKnown(name)) continue;
      this.#lost.set(name, now + GRACE_MS);
    }
    for (const [name, { at }] of this.#skews) {
      if (!this.#isKnown(name) && (before.has(name) || at + HOLD_MS < now)) {
        this.#skews.delete(name);
      }
    }
    for (const name of this.#lost.keys()) if (this.#peers.has(name)) this.#lost.delete(name);
    const reachable = peers.filter((peer) => peer.reachable).map((peer) => peer.name);
    this.records.setReachable(new Set(reachable));
    this.#release(now);
  }

  /** Takes what waited for peers that are known now. */
  #release(now: Millis): void {
    const known: NameEntry[] = [];
    for (const [key, { entry, until }] of this.#held) {
      if (!this.#isKnown(entry.origin)) continue;
      this.#held.delete(key);
      if (until > now) known.push(entry);
    }
    const { news, answers } = this.records.merge(known, this.#options.wallSeconds(now));
    this.#broadcast(answers);
    if (news.length > 0) this.#outputs.push({ kind: "gossip", entries: news });
  }

  #broadcast(entries: readonly NameEntry[]): void {
    if (entries.length > 0) this.#outputs.push({ kind: "broadcast", entries });
  }

  /** Returns the entries to tell a neighbour on request: all but those of peers that are gone. */
  full(): readonly NameEntry[] {
    const all = this.records.entries();
    return this.#lost.size === 0 ? all : all.filter((entry) => this.#isKnown(entry.origin));
  }

  /** Returns unix seconds as they are sent. */
  timestamp(now: Millis): number {
    return Math.floor(this.#options.wallSeconds(now));
  }

  /**
   * Tells whether a neighbour must not be told any names: it would cut the connection, frames and all.
   *
   * Peers of ours are told, so that both notice when their clocks agree again.
   */
  isHeldBack(peer: PeerName): boolean {
    return this.#skews.has(peer) && this.#peers.get(peer)?.weft !== true;
  }

  /** Returns what an operator should know. */
  warnings(): readonly string[] {
    const clocks = Array.from(
      this.#skews,
      ([peer, { skew }]) =>
        `the clock of ${this.#labelOf(peer)} is ${Math.abs(skew)} s ` +
        `${
          skew > 0 ? "ahead of" : "behind"
        } ours, ${MAX_SKEW_S} s at most are right: its names are ignored`,
    );
    const { refused } = this.records;
    if (refused === 0) return clocks;
    const full = `the table of names is full: ${refused} entries of peers were ignored; ` +
      "weft status dns shows whose there are";
    return [...clocks, full];
  }

  #labelOf(peer: PeerName): string {
    const nickname = this.#peers.get(peer)?.nickname;
    const name = formatPeerName(peer);
    return nickname === undefined || nickname === "" ? name : `${name}(${nickname})`;
  }
}
