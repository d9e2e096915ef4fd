/**
 * Who claims which 12-bit short id (spec/mesh.md 15.3).
 *
 * The lowest name among those that claim an id owns it; the others wait until it goes.
 *
 * @module
 */

import type { PeerName } from "../base/mod.ts";

/** Short ids are 0 to 4095. */
export const SHORT_ID_COUNT = 4096;
const RANDOM_TRIES = 10;

/** The claims of all known peers. */
export class ShortIds {
  #claims = new Map<number, PeerName[]>();

  /** Notes that `name` claims `id`. */
  claim(id: number, name: PeerName): void {
    // An array that grows keeps room for 16 more, and nearly all ids have one name.
    const names = [...this.#claims.get(id) ?? [], name];
    this.#claims.set(id, names.sort((a, b) => a - b));
  }

  /** Forgets that `name` claims `id`. */
  release(id: number, name: PeerName): void {
    const names = (this.#claims.get(id) ?? []).filter((each) => each !== name);
    if (names.length === 0) this.#claims.delete(id);
    else this.#claims.set(id, names);
  }

  /** Returns the owner of an id, `undefined` if nobody claims it. */
  owner(id: number): PeerName | undefined {
    return this.#claims.get(id)?.[0];
  }

  /** Returns how many names claim an id. */
  claims(id: number): number {
    return this.#claims.get(id)?.length ?? 0;
  }

  /** Returns a free id, chosen at random; `undefined` if all are claimed. `random` returns 0 <= x < 1. */
  pickFree(random: () => number): number | undefined {
    for (let i = 0; i < RANDOM_TRIES; i++) {
      const id = randomShortId(random);
      if (!this.#claims.has(id)) return id;
    }
    const free = Array.from({ length: SHORT_ID_COUNT }, (_, id) => id)
      .filter((id) => !this.#claims.has(id));
    return free[Math.floor(random() * free.length)];
  }
}

/** Returns a short id without regard to who else has it. */
export function randomShortId(random: () => number): number {
  return Math.floor(random() * SHORT_ID_COUNT);
}
