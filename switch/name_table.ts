/**
 * From a 48-bit peer name on the wire to a small integer, without allocating.
 *
 * @module
 */

import { Table48, VALUE } from "./table48.ts";

/** Slots to begin with; doubled whenever half are taken. */
const FIRST_SLOTS = 64;

/** Small integers by 48-bit name; names as upper 16 and lower 32 bits. */
export class NameTable {
  #slots = FIRST_SLOTS;
  #table: Table48;
  readonly #seed: number;

  /**
   * Makes an empty table.
   *
   * @param seed any number; random in production, so that nobody can choose names that collide
   */
  constructor(seed = 0) {
    this.#seed = seed;
    this.#table = new Table48(FIRST_SLOTS, seed);
  }

  /** Entries. */
  get size(): number {
    return this.#table.count;
  }

  /** Returns the value of a name, -1 if it is absent. hot path */
  get(high: number, low: number): number {
    return this.#table.get(high, low);
  }

  /** Sets the value of a name; `value` is at least 0. May allocate. */
  set(high: number, low: number, value: number): void {
    let at = this.#table.find(high, low);
    if (at >= 0) {
      this.#table.cells[at + VALUE] = value + 1;
      return;
    }
    if (this.#table.count * 2 >= this.#slots) {
      this.#grow();
      at = this.#table.find(high, low);
    }
    this.#table.insert(~at, high, low, value);
  }

  /** Forgets a name. */
  delete(high: number, low: number): void {
    const at = this.#table.find(high, low);
    if (at >= 0) this.#table.remove(at);
  }

  /** Forgets all names. */
  clear(): void {
    this.#table.clear();
  }

  #grow(): void {
    const old = this.#table.cells;
    this.#slots *= 2;
    this.#table = new Table48(this.#slots, this.#seed);
    for (let at = 0; at < old.length; at += 4) {
      const value = (old[at + VALUE] ?? 0) - 1;
      if (value < 0) continue;
      const high = old[at] ?? 0;
      const low = old[at + 1] ?? 0;
      this.#table.insert(~this.#table.find(high, low), high, low, value);
    }
  }
}
