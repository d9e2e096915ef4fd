/**
 * An open-addressing hash table from 48-bit addresses to small integers, in one typed array.
 *
 * ```
 *   slot:  0 upper 16 bits | 1 lower 32 bits | 2 value + 1, 0 = free | 3 for the owner         16 bytes, one cache line at most
 * ```
 *
 * Linear probing; a deletion moves later entries back, so there are no tombstones and a probe always ends at a free slot. The
 * owner keeps the table at most half full.
 *
 * A place is the index of a slot's first cell; `~place` means "absent, would go there".
 *
 * @module
 */

/** Cells of a slot. */
export const STRIDE = 4;

/** Position of the value (stored as value + 1) in a slot. */
export const VALUE = 2;

/** Position of the cell that is the owner's in a slot. */
export const EXTRA = 3;

/** Slots of a block. Whoever looks at all entries passes over empty blocks: most of a large table is never touched. */
export const BLOCK_SLOTS = 64;

/** The table; {@link NameTable} and {@link MacTable} are what others use. */
export class Table48 {
  /** All slots. */
  readonly cells: Int32Array;
  /** Entries in each block of {@link BLOCK_SLOTS}. */
  readonly blocks: Uint8Array;
  /** Entries. */
  count = 0;
  readonly #mask: number;
  readonly #seed: number;

  /**
   * Makes an empty table.
   *
   * @param slots how many, a power of two, at least {@link BLOCK_SLOTS}
   * @param seed makes the order of slots unpredictable, so that nobody can choose addresses that collide
   */
  constructor(slots: number, seed: number) {
    this.cells = new Int32Array(slots * STRIDE);
    this.blocks = new Uint8Array(slots / BLOCK_SLOTS);
    this.#mask = slots - 1;
    this.#seed = seed;
  }

  /** Finds an address. hot path @returns its place, or `~place` of the free slot for it */
  find(high: number, low: number): number {
    const cells = this.cells;
    const low32 = low | 0;
    let slot = this.#home(high, low32);
    for (;;) {
      const at = slot * STRIDE;
      if (cells[at + VALUE] === 0) return ~at;
      if (cells[at + 1] === low32 && cells[at] === high) return at;
      slot = (slot + 1) & this.#mask;
    }
  }

  /** Returns the value of an address, -1 if it is absent. hot path */
  get(high: number, low: number): number {
    const at = this.find(high, low);
    return at < 0 ? -1 : (this.cells[at + VALUE] ?? 0) - 1;
  }

  /** Fills a free slot that {@link find} named. hot path */
  insert(at: number, high: number, low: number, value: number): void {
    this.cells[at] = high;
    this.cells[at + 1] = low;
    this.cells[at + VALUE] = value + 1;
    this.#tally(at / STRIDE, 1);
  }

  /** Removes the entry at a place. Another entry may lie there afterwards. hot path */
  remove(at: number): void {
    const cells = this.cells;
    const mask = this.#mask;
    let hole = at / STRIDE;
    let slot = hole;
    for (;;) {
      slot = (slot + 1) & mask;
      const from = slot * STRIDE;
      if (cells[from + VALUE] === 0) break;
      const home = this.#home(cells[from] ?? 0, cells[from + 1] ?? 0);
      // An entry may only move back as far as its home.
      if (((slot - home) & mask) < ((slot - hole) & mask)) continue;
      cells.copyWithin(hole * STRIDE, from, from + STRIDE);
      hole = slot;
    }
    cells[hole * STRIDE + VALUE] = 0;
    this.#tally(hole, -1);
  }

  /** Forgets everything. */
  clear(): void {
    this.cells.fill(0);
    this.blocks.fill(0);
    this.count = 0;
  }

  #tally(slot: number, by: 1 | -1): void {
    const block = Math.floor(slot / BLOCK_SLOTS);
    this.blocks[block] = (this.blocks[block] ?? 0) + by;
    this.count += by;
  }

  /** Slot that an address would like best: the finalizer of MurmurHash3. */
  #home(high: number, low: number): number {
    let hash = low ^ this.#seed ^ Math.imul(high, 0x9e3779b1);
    hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
    hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
    return (hash ^ (hash >>> 16)) & this.#mask;
  }
}
