/**
 * One run of a peer with names: one of ours, or a real one.
 *
 * @module
 */

import type { Ipv4, Millis, PeerName } from "../../base/mod.ts";
import { keyOf, type NameEntry } from "../../container/dns/entry.ts";
import { NamesCore } from "../../container/dns/names.ts";
import { NamesChannel, type NamesItem, namesItem } from "../../container/dns/names_channel.ts";
import { RealNames } from "./names_real.ts";

/** What goes out: to all, or to some neighbours but one. */
export type Emission =
  | { readonly kind: "broadcast"; readonly item: NamesItem }
  | { readonly kind: "gossip"; readonly item: NamesItem; readonly except?: PeerName };

/** The clock of a peer: what it shows at a moment of the world's. */
export type Wall = (now: Millis) => number;

/** A running peer. */
export interface NamesRun {
  /** Who it is. */
  readonly name: PeerName;
  /** It speaks as ours do. */
  readonly weft: boolean;
  /** All it has. */
  entries(): readonly NameEntry[];
  /** Registers a name. */
  add(hostname: string, container: string, ip: Ipv4, now: Millis): Emission[];
  /** Removes the names of a container. */
  remove(container: string, now: Millis): Emission[];
  /** Takes the peers that it knows. */
  setPeers(
    peers: readonly PeerName[],
    isWeft: (name: PeerName) => boolean,
    now: Millis,
  ): Emission[];
  /** Takes a message. */
  receive(
    kind: "gossip" | "broadcast",
    payload: Uint8Array,
    from: PeerName,
    now: Millis,
  ): { readonly pass: NamesItem | undefined; readonly emissions: Emission[] };
  /** Lets time pass. */
  tick(now: Millis): Emission[];
  /** When it wants to be told of the time. */
  deadline(): Millis;
  /** Encodes an item. */
  encode(item: NamesItem, now: Millis): readonly Uint8Array[];
  /** Whether nothing may be sent to a neighbour. */
  isHeldBack(peer: PeerName): boolean;
}

/** One of ours. */
export class WeftRun implements NamesRun {
  readonly weft = true;
  #core: NamesCore;
  #channel: NamesChannel;
  #now: Millis;
  /** Versions of its own entries may not fall. */
  #versions = new Map<string, number>();

  /** Starts empty. */
  constructor(readonly name: PeerName, wall: Wall, now: Millis) {
    this.#now = now;
    this.#core = new NamesCore({ self: name, wallSeconds: wall }, now);
    this.#channel = new NamesChannel(this.#core, { now: () => this.#now, changed: () => {} });
  }

  entries(): readonly NameEntry[] {
    return this.#core.records.entries();
  }

  add(hostname: string, container: string, ip: Ipv4, now: Millis): Emission[] {
    this.#core.add(hostname.toLowerCase(), container, ip, now);
    return this.#drain();
  }

  remove(container: string, now: Millis): Emission[] {
    this.#core.remove({ container }, now);
    return this.#drain();
  }

  setPeers(
    peers: readonly PeerName[],
    isWeft: (name: PeerName) => boolean,
    now: Millis,
  ): Emission[] {
    const known = peers.map((name) => ({
      name,
      nickname: "",
      reachable: true,
      weft: isWeft(name),
    }));
    this.#core.handle({ kind: "peers", peers: known }, now);
    return this.#drain();
  }

  receive(
    kind: "gossip" | "broadcast",
    payload: Uint8Array,
    from: PeerName,
    now: Millis,
  ): { pass: NamesItem | undefined; emissions: Emission[] } {
    this.#now = now;
    const pass = this.#channel[kind](payload, from);
    return { pass, emissions: this.#drain() };
  }

  tick(now: Millis): Emission[] {
    this.#core.handle({ kind: "tick" }, now);
    return this.#drain();
  }

  deadline(): Millis {
    return this.#core.deadline();
  }

  encode(item: NamesItem, now: Millis): readonly Uint8Array[] {
    this.#now = now;
    return this.#channel.encode(item);
  }

  isHeldBack(peer: PeerName): boolean {
    return this.#core.isHeldBack(peer);
  }

  #drain(): Emission[] {
    const emissions: Emission[] = [];
    for (let out = this.#core.poll(); out !== undefined; out = this.#core.poll()) {
      for (const entry of out.kind === "broadcast" ? out.entries : []) this.#noteVersion(entry);
      emissions.push({ kind: out.kind, item: namesItem(out.entries) });
    }
    return emissions;
  }

  #noteVersion(entry: NameEntry): void {
    const before = this.#versions.get(keyOf(entry)) ?? 0;
    if (entry.version < before) throw new Error(`${keyOf(entry)} fell to version ${entry.version}`);
    this.#versions.set(keyOf(entry), entry.version);
  }
}

/** A real one. */
export class RealRun implements NamesRun {
  readonly weft = false;
  #names: RealNames;
  #wall: Wall;

  /** Starts empty. */
  constructor(readonly name: PeerName, wall: Wall) {
    this.#names = new RealNames(name);
    this.#wall = wall;
  }

  entries(): readonly NameEntry[] {
    return this.#names.entries();
  }

  add(hostname: string, container: string, ip: Ipv4): Emission[] {
    return broadcastOf([this.#names.add(hostname, container, ip)]);
  }

  remove(container: string, now: Millis): Emission[] {
    return broadcastOf(this.#names.remove(container, this.#seconds(now)));
  }

  setPeers(peers: readonly PeerName[]): Emission[] {
    this.#names.setPeers(peers);
    return [];
  }

  receive(
    kind: "gossip" | "broadcast",
    payload: Uint8Array,
    _from: PeerName,
    now: Millis,
  ): { pass: NamesItem | undefined; emissions: Emission[] } {
    const { pass, broadcast } = this.#names.receive(payload, kind, this.#seconds(now));
    return {
      pass: pass.length === 0 ? undefined : namesItem(pass),
      emissions: broadcastOf(broadcast),
    };
  }

  tick(): Emission[] {
    return [];
  }

  deadline(): Millis {
    return Infinity;
  }

  encode(item: NamesItem, now: Millis): readonly Uint8Array[] {
    const entries = item === "all" ? this.#names.entries() : [...item.values()];
    return this.#names.encode(entries, this.#seconds(now));
  }

  isHeldBack(): boolean {
    return false;
  }

  #seconds(now: Millis): number {
    return Math.floor(this.#wall(now));
  }
}

function broadcastOf(entries: readonly NameEntry[]): Emission[] {
  return entries.length === 0 ? [] : [{ kind: "broadcast", item: namesItem(entries) }];
}
