/**
 * A real peer's table of names, by the letter of spec/dns.md 3 and 4: what ends its process ends it here.
 *
 * @module
 */

import type { Ipv4, PeerName } from "../../base/mod.ts";
import type { NameEntry } from "../../container/dns/entry.ts";
import { decodeNames, encodeNames } from "../../container/dns/records_wire.ts";

/** Is thrown when a real peer would cut the connection. */
export class CutError extends Error {}

/** What a message led to. */
export interface RealOutcome {
  /** Goes on at once. */
  readonly pass: readonly NameEntry[];
  /** Is to be broadcast. */
  readonly broadcast: readonly NameEntry[];
}

/** The table. Entries are the same if all but version and tombstone agree, letter by letter. */
export class RealNames {
  #table = new Map<string, NameEntry>();
  #known = new Set<PeerName>();

  /** Is empty. */
  constructor(readonly self: PeerName) {}

  /** All entries. */
  entries(): NameEntry[] {
    return [...this.#table.values()];
  }

  /** Takes the peers that are known; entries of others go. */
  setPeers(peers: Iterable<PeerName>): void {
    this.#known = new Set(peers);
    for (const [key, { origin }] of this.#table) {
      if (!this.#known.has(origin) && origin !== this.self) this.#table.delete(key);
    }
  }

  /** Registers a name. */
  add(hostname: string, container: string, ip: Ipv4): NameEntry {
    const fresh = { hostname, container, origin: this.self, ip, version: 0, tombstone: 0 };
    const known = this.#table.get(keyOf(fresh));
    const entry = known === undefined
      ? fresh
      : known.tombstone === 0
      ? known
      : { ...known, version: known.version + 1, tombstone: 0 };
    this.#put(entry);
    return entry;
  }

  /** Removes the names of a container. */
  remove(container: string, now: number): NameEntry[] {
    const gone = this.entries().filter((entry) =>
      entry.origin === this.self && entry.container === container && entry.tombstone === 0
    ).map((entry) => ({ ...entry, version: entry.version + 1, tombstone: now }));
    for (const entry of gone) this.#put(entry);
    return gone;
  }

  /** Takes a message. @throws {CutError} if clocks differ too much; else it ends */
  receive(payload: Uint8Array, kind: "gossip" | "broadcast", now: number): RealOutcome {
    const { timestamp, entries } = decodeNames(payload);
    if (Math.abs(timestamp - now) > 900) throw new CutError("clocks");
    check(entries);
    const broadcast: NameEntry[] = [];
    const news: NameEntry[] = [];
    const taken = entries.filter(({ origin }) => origin === this.self || this.#known.has(origin))
      .map((entry) => {
        const answer = entry.origin === this.self ? this.#answer(entry, now) : entry;
        if (answer !== entry) broadcast.push(answer);
        return answer;
      });
    for (const entry of taken) {
      const known = this.#table.get(keyOf(entry));
      const newer = known === undefined || entry.version > known.version ||
        (entry.version === known.version && entry.tombstone > known.tombstone);
      if (!newer) continue;
      this.#put(entry);
      news.push(entry);
    }
    return { pass: kind === "gossip" ? news : taken, broadcast };
  }

  #answer(entry: NameEntry, now: number): NameEntry {
    const ours = this.#table.get(keyOf(entry));
    if (ours === undefined) {
      return entry.tombstone !== 0
        ? entry
        : { ...entry, version: entry.version + 1, tombstone: now };
    }
    const outdated = ours.version < entry.version ||
      (ours.version === entry.version && ours.tombstone !== entry.tombstone);
    return outdated ? { ...ours, version: entry.version + 1 } : entry;
  }

  /** Encodes entries, by default all. */
  encode(entries: readonly NameEntry[], now: number): Uint8Array[] {
    return encodeNames({ timestamp: now, entries });
  }

  #put(entry: NameEntry): void {
    this.#table.set(keyOf(entry), entry);
    check(this.entries());
  }
}

function keyOf(entry: NameEntry): string {
  return JSON.stringify([entry.hostname, entry.container, entry.origin, entry.ip]);
}

/** Looks for two entries that differ in case alone, or not at all. */
function check(entries: readonly NameEntry[]): void {
  const seen = new Set<string>();
  for (const entry of entries) {
    const key = keyOf({ ...entry, hostname: entry.hostname.toLowerCase() });
    if (seen.has(key)) throw new Error(`a real peer ends of ${key}`);
    seen.add(key);
  }
}
