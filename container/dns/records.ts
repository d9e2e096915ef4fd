/**
 * The table of names: all entries of all peers that we know, ours among them.
 *
 * ```
 *   add, remove, died ──> entries of ours ──┐
 *   merge(what we heard) ──> the greater ───┤ rows by key ──> live ones by name, by address: NameLookup
 *   sweep, dropOrigin   <── too old, gone ──┘
 * ```
 *
 * Entries that differ in letter case alone are one entry here: two of them end a real peer. Whom to believe in, when,
 * and whom to tell is not known here (`names.ts`).
 *
 * @module
 */

import { type Ipv4, must, type PeerName } from "../../base/mod.ts";
import { isDnsName } from "./domain.ts";
import { compareInTable, greaterOf, keyOf, type NameEntry, nameKey } from "./entry.ts";

/** One address of a name. */
export interface NameAddress {
  /** The address. */
  readonly ip: Ipv4;
  /** Whether the peer that registered it can be reached now. */
  readonly reachable: boolean;
}

/** What the answers to queries are made of. */
export interface NameLookup {
  /**
   * Returns the addresses of a name, those that can be reached first; one for each entry, so that one may come twice.
   *
   * @param lowerName fully qualified, in lower case, with the dot at its end: `web.weave.local.`
   */
  addressesOf(lowerName: string): readonly NameAddress[];
  /** Returns the name of an address as it was registered, with the dot at its end; of several the first in table order. */
  nameOf(ip: Ipv4): string | undefined;
}

/** Which of our entries are meant: those that agree with all that is given. */
export interface NameFilter {
  /** Who has the name. */
  readonly container?: string;
  /** The address. */
  readonly ip?: Ipv4;
  /** The name, any case, with the dot at its end. */
  readonly hostname?: string;
  /** Registered before this moment, in unix seconds. */
  readonly registeredBefore?: number;
}

/** What became of entries that were heard. */
export interface Merged {
  /** What was new, as it is in the table now. */
  readonly news: readonly NameEntry[];
  /** Entries of ours that others had wrong, put right: to be told to everybody. */
  readonly answers: readonly NameEntry[];
  /** What may be passed on: not our own, nor any that came in two spellings. */
  readonly passable: readonly NameEntry[];
}

/** Tombstones live so long, in seconds: longer than gossip and two wrong clocks take. */
export const TOMBSTONE_S = 30 * 60;
/** Ours with capitals stay until nobody has them any more, so that a name which returns is spelt as it was. */
const SPELLING_S = 2 * 60 * 60;

/** Most entries: many times those of a few hundred hosts. Peers could make up names without end. */
export const MAX_ENTRIES = 200_000;

interface Row {
  entry: NameEntry;
  /** Its name in lower case. */
  readonly lower: string;
  /** When it was last registered here, in unix seconds; nothing to do with entries of others. */
  registered: number;
  /** Others may know it as it is spelt. */
  told: boolean;
}

/** The table. */
export class Records implements NameLookup {
  /** Entries that were heard and not taken, since the last sweep, because the table was full. */
  refused = 0;
  #self: PeerName;
  #max: number;
  #rows = new Map<string, Row>();
  /** Live rows. */
  #byName = new Map<string, Set<Row>>();
  #byAddress = new Map<Ipv4, Set<Row>>();
  #reachable: ReadonlySet<PeerName> = new Set();
  #sorted: readonly NameEntry[] | undefined;

  /** Is empty. @param self our name @param max entries at most, but for those that we register ourselves */
  constructor(self: PeerName, max: number = MAX_ENTRIES) {
    this.#self = self;
    this.#max = max;
  }

  /** Returns all entries, removed ones too, in table order. */
  entries(): readonly NameEntry[] {
    this.#sorted ??= [...this.#rows.values()].map((row) => row.entry).sort(compareInTable);
    return this.#sorted;
  }

  /** Returns an entry by the key of `entry.ts`. */
  get(key: string): NameEntry | undefined {
    return this.#rows.get(key)?.entry;
  }

  /** Says which peers can be reached, beside us. */
  setReachable(peers: ReadonlySet<PeerName>): void {
    this.#reachable = peers;
  }

  /** Returns the addresses of a name, those that can be reached first. */
  addressesOf(lowerName: string): readonly NameAddress[] {
    const near: NameAddress[] = [];
    const far: NameAddress[] = [];
    for (const { entry: { ip, origin } } of this.#byName.get(lowerName) ?? []) {
      const reachable = this.#isReachable(origin);
      (reachable ? near : far).push({ ip, reachable });
    }
    return far.length === 0 ? near : [...near, ...far];
  }

  /** Returns the name of an address; of several the first in table order, from a peer that can be reached if there is one. */
  nameOf(ip: Ipv4): string | undefined {
    let best: NameEntry | undefined;
    for (const { entry } of this.#byAddress.get(ip) ?? []) {
      if (isDnsName(entry.hostname) && (best === undefined || this.#isBefore(entry, best))) {
        best = entry;
      }
    }
    return best?.hostname;
  }

  #isBefore(a: NameEntry, b: NameEntry): boolean {
    const [near, far] = [this.#isReachable(a.origin), this.#isReachable(b.origin)];
    return near === far ? compareInTable(a, b) < 0 : near;
  }

  #isReachable(origin: PeerName): boolean {
    return origin === this.#self || this.#reachable.has(origin);
  }

  /**
   * Registers a name of ours; registered already, nothing changes but the time of it.
   *
   * @param name in lower case, with the dot at its end
   * @returns the entry, which everybody is to be told
   */
  add(name: string, container: string, ip: Ipv4, wallSeconds: number): NameEntry {
    const key = nameKey(this.#self, ip, container, name);
    const before = this.#rows.get(key)?.entry;
    const fresh = { hostname: name, container, origin: this.#self, ip, version: 0, tombstone: 0 };
    // What the mesh knows keeps its spelling.
    const row = before === undefined
      ? this.#put(key, fresh)
      : before.tombstone === 0
      ? must(this.#rows.get(key), "row")
      : this.#put(key, { ...before, version: before.version + 1, tombstone: 0 });
    row.registered = wallSeconds;
    return row.entry;
  }

  /** Removes live entries of ours. @returns them as they are now, which everybody is to be told */
  remove(filter: NameFilter, wallSeconds: number): NameEntry[] {
    const rows = [...this.#candidates(filter)].filter((row) => this.#matches(row, filter));
    const tombstone = Math.floor(wallSeconds);
    return rows.map(({ entry }) =>
      this.#put(keyOf(entry), { ...entry, version: entry.version + 1, tombstone }).entry
    );
  }

  #candidates({ ip, hostname }: NameFilter): Iterable<Row> {
    if (ip !== undefined) return this.#byAddress.get(ip) ?? [];
    if (hostname !== undefined) return this.#byName.get(hostname.toLowerCase()) ?? [];
    return this.#rows.values();
  }

  #matches(row: Row, filter: NameFilter): boolean {
    const { entry, lower, registered } = row;
    return entry.origin === this.#self && entry.tombstone === 0 &&
      (filter.container ?? entry.container) === entry.container &&
      (filter.ip ?? entry.ip) === entry.ip &&
      (filter.hostname?.toLowerCase() ?? lower) === lower &&
      registered < (filter.registeredBefore ?? Infinity);
  }

  /** Notes that others may hear of entries as they are spelt now. */
  tell(entries: Iterable<NameEntry>): void {
    for (const entry of entries) {
      const row = entry.origin === this.#self ? this.#rows.get(keyOf(entry)) : undefined;
      if (row !== undefined) row.told = true;
    }
  }

  /** Merges entries that were heard. */
  merge(heard: readonly NameEntry[], wallSeconds: number): Merged {
    const { best, mixed } = greatestOf(heard);
    const news: NameEntry[] = [];
    const answers: NameEntry[] = [];
    const passable: NameEntry[] = [];
    for (const [key, entry] of best) {
      if (this.#rows.size >= this.#max && !this.#rows.has(key)) {
        this.refused++;
        continue;
      }
      if (entry.origin === this.#self && !this.#isOldTombstone(key, entry)) {
        const answer = this.#answer(key, entry, wallSeconds);
        if (answer !== undefined) answers.push(answer);
        continue;
      }
      const before = this.#rows.get(key)?.entry;
      const after = before === undefined ? entry : greaterOf(before, entry);
      if (after !== before) this.#put(key, after, { told: true });
      // Whoever hears of it from us may have heard of either.
      if (mixed.has(key)) continue;
      if (after !== before) news.push(after);
      passable.push(after);
    }
    return { news, answers, passable };
  }

  /** Tells whether an entry that bears our name was removed before this run began: such a one needs no answer. */
  #isOldTombstone(key: string, entry: NameEntry): boolean {
    return entry.tombstone !== 0 && !this.#rows.has(key);
  }

  /** Puts right what others believe of us. @returns what everybody is to be told, if they were wrong */
  #answer(key: string, heard: NameEntry, wallSeconds: number): NameEntry | undefined {
    const row = this.#rows.get(key);
    if (row === undefined) {
      // Of an earlier life.
      const { version } = heard;
      const gone = { ...heard, version: version + 1, tombstone: Math.floor(wallSeconds) };
      return this.#put(key, gone, { told: true }).entry;
    }
    const { entry, told } = row;
    const outdated = heard.version > entry.version ||
      (heard.version === entry.version && heard.tombstone !== entry.tombstone);
    const respell = !told && heard.hostname !== entry.hostname;
    if (!outdated && !respell) return undefined;
    const hostname = respell ? heard.hostname : entry.hostname;
    const version = outdated ? heard.version + 1 : entry.version;
    return this.#put(key, { ...entry, hostname, version }, { told: true }).entry;
  }

  /** Drops all entries of a peer that is gone. */
  dropOrigin(origin: PeerName): void {
    for (const [key, { entry }] of this.#rows) if (entry.origin === origin) this.#drop(key);
  }

  /** Drops tombstones that are too old, or of a time that no clock can show. */
  sweep(wallSeconds: number): void {
    this.refused = 0;
    for (const [key, { entry: { tombstone, origin, hostname }, lower }] of this.#rows) {
      if (tombstone === 0) continue;
      const odd = origin === this.#self && hostname !== lower;
      const age = wallSeconds - tombstone;
      if (age > (odd ? SPELLING_S : TOMBSTONE_S) || age < -TOMBSTONE_S) this.#drop(key);
    }
  }

  #put(key: string, entry: NameEntry, marks: { readonly told?: boolean } = {}): Row {
    const row = this.#rows.get(key) ??
      { entry, lower: entry.hostname.toLowerCase(), registered: -Infinity, told: false };
    if (marks.told !== undefined) row.told = marks.told;
    row.entry = entry;
    this.#rows.set(key, row);
    this.#index(row, entry.tombstone === 0);
    this.#sorted = undefined;
    return row;
  }

  #drop(key: string): void {
    const row = this.#rows.get(key);
    if (row === undefined) return;
    this.#rows.delete(key);
    this.#index(row, false);
    this.#sorted = undefined;
  }

  #index(row: Row, lives: boolean): void {
    mark(this.#byName, row.lower, row, lives);
    mark(this.#byAddress, row.entry.ip, row, lives);
  }
}

/** Returns for each key the greatest state that was heard, and the keys of entries that came in two spellings. */
function greatestOf(heard: readonly NameEntry[]): {
  readonly best: ReadonlyMap<string, NameEntry>;
  readonly mixed: ReadonlySet<string>;
} {
  const best = new Map<string, NameEntry>();
  const mixed = new Set<string>();
  for (const entry of heard) {
    const key = keyOf(entry);
    const other = best.get(key);
    if (other !== undefined && other.hostname !== entry.hostname) mixed.add(key);
    best.set(key, other === undefined ? entry : greaterOf(other, entry));
  }
  return { best, mixed };
}

/** Puts a row under an index, or takes it from there. */
function mark<K>(index: Map<K, Set<Row>>, at: K, row: Row, lives: boolean): void {
  const rows = index.get(at);
  if (!lives) {
    rows?.delete(row);
    if (rows?.size === 0) index.delete(at);
  } else if (rows === undefined) index.set(at, new Set([row]));
  else rows.add(row);
}
