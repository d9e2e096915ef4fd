/**
 * Chance that follows from a seed.
 *
 * Each part of a scenario throws dice of its own, made from the seed and from what the part is: what is left out when a
 * scenario is made shorter does not change the luck of the rest.
 *
 * @module
 */

/** Numbers that look random and are the same for the same seed. */
export class Dice {
  #state: number;

  /** Mixes all parts into one seed. */
  constructor(...parts: readonly number[]) {
    this.#state = 0x9e3779b9;
    for (const part of parts) this.#state = mix(this.#state ^ mix(part >>> 0));
  }

  /** Returns 32 random bits. */
  bits(): number {
    // splitmix32
    this.#state = (this.#state + 0x9e3779b9) >>> 0;
    return mix(this.#state);
  }

  /** Returns 0 <= x < 1. */
  fraction(): number {
    return this.bits() / 2 ** 32;
  }

  /** Returns a whole number from `low` to `high`, both included. */
  between(low: number, high: number): number {
    return low + Math.floor(this.fraction() * (high - low + 1));
  }

  /** Whether something of this probability happens. */
  chance(probability: number): boolean {
    return this.fraction() < probability;
  }

  /** Returns one of the items, which are at least one. */
  pick<T>(items: readonly T[]): T {
    return items[this.between(0, items.length - 1)] as T;
  }

  /** Returns the items in another order. */
  shuffled<T>(items: readonly T[]): T[] {
    const rest = [...items];
    return items.map(() => rest.splice(this.between(0, rest.length - 1), 1)[0] as T);
  }
}

function mix(x: number): number {
  x = Math.imul(x ^ (x >>> 16), 0x21f0aaad);
  x = Math.imul(x ^ (x >>> 15), 0x735a2d97);
  return (x ^ (x >>> 15)) >>> 0;
}
