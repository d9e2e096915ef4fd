/**
 * Which MAC address lives at which peer, learnt from the source addresses of frames.
 *
 * ```
 *   captured here  -> learnLocal    lives here now, unless another peer has just used it: CONFLICT
 *   from a link    -> learnRemote   lives at the origin now, whatever was known before
 *   lookup         -> index of the peer, -1 = flood
 * ```
 *
 * Times are ms in 32 bits that wrap around; only differences are taken, and entries live for minutes.
 *
 * @module
 */

import { type Mac, macHigh, macLow, macOf } from "../base/mod.ts";
import { isGroup } from "./wire/ethernet.ts";
import { BLOCK_SLOTS, EXTRA, STRIDE, Table48, VALUE } from "./table48.ts";

/** Most addresses in all (design: "MAC moves"). */
export const MAX_MACS = 65_536;

/** Most addresses of one peer: nobody can fill the table alone. */
export const MAX_MACS_PER_PEER = 8_192;

/** An address that was not a source for so long is forgotten, in ms (spec/sleeve.md 13). */
export const MAC_LIFE_MS = 600_000;

/** For so long after a peer's last frame its address cannot be taken over here, in ms (design: "MAC moves"). */
export const CONFLICT_MS = 1_000;

/** Slots that one call of {@link MacTable.age} looks at: at one call a second the whole table in 32 s. */
const AGE_SLOTS = 4_096;
const BLOCK_CELLS = BLOCK_SLOTS * STRIDE;

/** What became of an address that was to be learnt. */
export const LEARN = {
  /** Known there already. */
  KNOWN: 0,
  /** Entered. */
  NEW: 1,
  /** Known at another peer before. */
  MOVED: 2,
  /** A captured frame from an address that lives at another peer just now: discard it. */
  CONFLICT: 3,
  /** The table, or the peer's share of it, is full: not learnt. */
  FULL: 4,
  /** A group, zero or, from a link, one of our own: never learnt. */
  IGNORED: 5,
} as const;

/** One entry, for status. */
export interface MacEntry {
  /** The address. */
  readonly mac: Mac;
  /** Index of the peer that it lives at. */
  readonly peer: number;
  /** Since it was last seen, in ms. */
  readonly ageMs: number;
}

/** How a table is made. */
export interface MacTableOptions {
  /** Index of ourselves. */
  readonly self: number;
  /** Addresses of our own bridge and TAP. */
  readonly ownMacs: readonly Mac[];
  /** Any number; random in production, so that nobody can choose addresses that collide. */
  readonly seed?: number;
}

/** The table. */
export class MacTable {
  /** Grows whenever an address came, moved or went: tells status whether to look again. */
  version = 0;
  readonly #table: Table48;
  readonly #ownHigh: Int32Array;
  readonly #ownLow: Int32Array;
  #self: number;
  #perPeer = new Int32Array(64);
  #cursor = 0;

  /** Makes an empty table. */
  constructor(options: MacTableOptions) {
    this.#self = options.self;
    this.#ownHigh = Int32Array.from(options.ownMacs, macHigh);
    this.#ownLow = Int32Array.from(options.ownMacs, macLow);
    this.#table = new Table48(MAX_MACS * 2, options.seed ?? 0);
  }

  /** Entries. */
  get size(): number {
    return this.#table.count;
  }

  /** Changes our own index; entries of the old one are forgotten. */
  set self(index: number) {
    if (index === this.#self) return;
    this.forgetPeer(this.#self);
    this.#self = index;
  }

  /** Returns the index of the peer that an address lives at, -1 for unknown. hot path */
  lookup(high: number, low: number): number {
    return this.#table.get(high, low);
  }

  /** Learns the source of a frame captured on our bridge. hot path @returns one of {@link LEARN} */
  learnLocal(high: number, low: number, now: number): number {
    const table = this.#table;
    const at = table.find(high, low);
    if (at >= 0) {
      const cells = table.cells;
      if (cells[at + VALUE] === this.#self + 1) {
        cells[at + EXTRA] = now;
        return LEARN.KNOWN;
      }
      if (((now - (cells[at + EXTRA] ?? 0)) | 0) < CONFLICT_MS) return LEARN.CONFLICT;
    }
    return this.#enter(at, high, low, this.#self, now);
  }

  /** Learns the source of a frame that came from a peer for us. hot path @returns one of {@link LEARN} */
  learnRemote(high: number, low: number, peer: number, now: number): number {
    const table = this.#table;
    const at = table.find(high, low);
    if (at >= 0 && table.cells[at + VALUE] === peer + 1) {
      table.cells[at + EXTRA] = now;
      return LEARN.KNOWN;
    }
    for (let i = 0; i < this.#ownHigh.length; i++) {
      if (this.#ownLow[i] === (low | 0) && this.#ownHigh[i] === high) return LEARN.IGNORED;
    }
    return this.#enter(at, high, low, peer, now);
  }

  /** Forgets addresses that were not seen for 10 minutes; looks at a part of the table per call. @returns how many */
  age(now: number): number {
    const { blocks, cells, count: before } = this.#table;
    for (let i = 0; i < AGE_SLOTS; i++) {
      const at = this.#cursor;
      if (at % BLOCK_CELLS === 0 && blocks[at / BLOCK_CELLS] === 0) {
        this.#cursor = at + BLOCK_CELLS === cells.length ? 0 : at + BLOCK_CELLS;
        i += BLOCK_SLOTS - 1;
        continue;
      }
      const last = cells[at + EXTRA] ?? 0;
      if (cells[at + VALUE] !== 0 && ((now - last) | 0) > MAC_LIFE_MS) {
        // Another entry may have moved to this slot: look at it again.
        this.#remove(at);
        continue;
      }
      this.#cursor = at + STRIDE === cells.length ? 0 : at + STRIDE;
    }
    return before - this.#table.count;
  }

  /** Forgets all addresses of a peer. */
  forgetPeer(peer: number): void {
    const { blocks, cells } = this.#table;
    // From the end: a removal only moves entries back into the slot just left, or wraps them to the end (second pass).
    while (this.#count(peer) > 0) {
      for (let block = blocks.length - 1; block >= 0; block--) {
        if (blocks[block] === 0) continue;
        const begin = block * BLOCK_CELLS;
        for (let at = begin + BLOCK_CELLS - STRIDE; at >= begin; at -= STRIDE) {
          while (cells[at + VALUE] === peer + 1) this.#remove(at);
        }
      }
    }
  }

  /** Returns all entries, for status. */
  entries(now: number): MacEntry[] {
    const { blocks, cells } = this.#table;
    const entries: MacEntry[] = [];
    for (let block = 0; block < blocks.length; block++) {
      if (blocks[block] === 0) continue;
      const end = (block + 1) * BLOCK_CELLS;
      for (let at = block * BLOCK_CELLS; at < end; at += STRIDE) {
        const peer = (cells[at + VALUE] ?? 0) - 1;
        if (peer < 0) continue;
        const mac = macOf(cells[at] ?? 0, cells[at + 1] ?? 0);
        entries.push({ mac, peer, ageMs: (now - (cells[at + EXTRA] ?? 0)) | 0 });
      }
    }
    return entries;
  }

  /** Enters an address that is absent (`at` < 0) or moves it to another peer. */
  #enter(at: number, high: number, low: number, peer: number, now: number): number {
    if (isGroup(high) || (high === 0 && low === 0)) return LEARN.IGNORED;
    const table = this.#table;
    const full = this.#count(peer) >= MAX_MACS_PER_PEER;
    if (at >= 0) {
      this.version++;
      if (full) {
        // What was known is wrong now; unknown is flooded and still arrives.
        this.#remove(at);
        return LEARN.FULL;
      }
      this.#add((table.cells[at + VALUE] ?? 0) - 1, -1);
      table.cells[at + VALUE] = peer + 1;
      table.cells[at + EXTRA] = now;
      this.#add(peer, 1);
      return LEARN.MOVED;
    }
    if (full || table.count >= MAX_MACS) return LEARN.FULL;
    this.version++;
    table.insert(~at, high, low, peer);
    table.cells[~at + EXTRA] = now;
    this.#add(peer, 1);
    return LEARN.NEW;
  }

  #remove(at: number): void {
    this.version++;
    this.#add((this.#table.cells[at + VALUE] ?? 0) - 1, -1);
    this.#table.remove(at);
  }

  #count(peer: number): number {
    return this.#perPeer[peer] ?? 0;
  }

  #add(peer: number, change: number): void {
    if (peer >= this.#perPeer.length) {
      const grown = new Int32Array(Math.max(peer + 1, this.#perPeer.length * 2));
      grown.set(this.#perPeer);
      this.#perPeer = grown;
    }
    this.#perPeer[peer] = this.#count(peer) + change;
  }
}
