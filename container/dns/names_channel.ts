/**
 * The gossip channel `nameserver`: bytes of the mesh into the core, and out of it.
 *
 * ```
 *   gossip     ──decode──> core ──> only what was new goes on
 *   broadcast  ──decode──> core ──> all of it goes on, but entries in two spellings
 *   full            "all", encoded once for all neighbours
 * ```
 *
 * What waits for a neighbour is encoded as the table has it by then, with the clock of that moment: each entry in one
 * spelling, in the order of the wire. Two spellings of one entry end a real peer (spec/dns.md 15).
 *
 * @module
 */

import type { Millis, PeerName } from "../../base/mod.ts";
import type { Channel } from "../../mesh/mod.ts";
import { greaterOf, keyOf, type NameEntry } from "./entry.ts";
import type { NamesCore } from "./names.ts";
import { decodeNames, encodeNames } from "./records_wire.ts";

/** Name of the channel. */
export const NAMES_CHANNEL = "nameserver";

/** Entries to send by their keys, or all. */
export type NamesItem = ReadonlyMap<string, NameEntry> | "all";

/** What the channel needs beside the core. */
export interface NamesChannelOptions {
  /** The core's clock. */
  readonly now: () => Millis;
  /** Is called after each message: the core has outputs, perhaps, and another deadline. */
  readonly changed: () => void;
}

/** Returns entries as an item to send. */
export function namesItem(entries: readonly NameEntry[]): NamesItem {
  return new Map(entries.map((entry) => [keyOf(entry), entry]));
}

/** Handler of the channel `nameserver`. */
export class NamesChannel implements Channel<NamesItem> {
  /** Name on the wire. */
  readonly name: string = NAMES_CHANNEL;
  /** A wrong clock, or another spelling of a name, is noticed before anything is told. */
  readonly hearsFirst = true;
  #core: NamesCore;
  #options: NamesChannelOptions;
  #whole:
    | { readonly of: readonly NameEntry[]; readonly at: number; readonly payloads: Uint8Array[] }
    | undefined;

  /** Serves one core. */
  constructor(core: NamesCore, options: NamesChannelOptions) {
    this.#core = core;
    this.#options = options;
  }

  /** Tells whether a neighbour would cut the connection for the time on our clock. */
  withholds(neighbour: PeerName): boolean {
    return this.#core.isHeldBack(neighbour);
  }

  /** Merges what a neighbour has; returns what was new. @throws {WireError} if it does not parse */
  gossip(payload: Uint8Array, from: PeerName): NamesItem | undefined {
    return this.#receive("gossip", payload, from);
  }

  /** Merges a change; returns what of it goes on. @throws {WireError} if it does not parse */
  broadcast(payload: Uint8Array, source: PeerName): NamesItem | undefined {
    return this.#receive("broadcast", payload, source);
  }

  #receive(
    kind: "gossip" | "broadcast",
    payload: Uint8Array,
    from: PeerName,
  ): NamesItem | undefined {
    const message = decodeNames(payload);
    const entries = this.#core.receive({ kind, from, message }, this.#options.now());
    this.#options.changed();
    return entries.length === 0 ? undefined : namesItem(entries);
  }

  /** Ignores it: names are never sent to one peer. */
  unicast(): void {}

  /** Stands for the whole table; an empty one still tells our clock. */
  full(): NamesItem {
    return "all";
  }

  /** Unites entries, the greater state of each. */
  merge(a: NamesItem, b: NamesItem): NamesItem {
    if (a === "all" || b === "all") return "all";
    const both = new Map(a);
    for (const [key, entry] of b) {
      const other = both.get(key);
      both.set(key, other === undefined ? entry : greaterOf(other, entry));
    }
    return both;
  }

  /** Encodes entries as they are now. */
  encode(item: NamesItem): readonly Uint8Array[] {
    const timestamp = this.#core.timestamp(this.#options.now());
    if (item === "all") return this.#encodeAll(timestamp);
    const { records } = this.#core;
    const entries = Array.from(item, ([key, entry]) => records.get(key) ?? entry);
    records.tell(entries);
    return entries.length === 0 ? [] : encodeNames({ timestamp, entries });
  }

  /** Encodes the table once for all neighbours that are told within a second. */
  #encodeAll(timestamp: number): readonly Uint8Array[] {
    const entries = this.#core.full();
    if (this.#whole?.of !== entries || this.#whole.at !== timestamp) {
      this.#core.records.tell(entries);
      const payloads = encodeNames({ timestamp, entries });
      this.#whole = { of: entries, at: timestamp, payloads };
    }
    return this.#whole.payloads;
  }
}
