/**
 * Key ids that we may give out: random, not held, not used lately (spec/shuttle.md 2).
 *
 * @module
 */

import type { Millis } from "../../base/mod.ts";

/** An id that was given back is not used again for this long. */
const QUARANTINE_MS = 10 * 60_000;
/** With more ids held or in quarantine none is given out: it bounds the search, and memory. */
const MAX_TAKEN = 32_768;
/** At least half of all ids are free, so that this many misses in a row do not happen to honest dice. */
const MAX_TRIES = 64;

/** The ids of one process. 0 is never given out. */
export class KeyIds {
  #randomBytes: (length: number) => Uint8Array;
  #held = new Set<number>();
  /** When an id may be used again; oldest first. */
  #quarantine = new Map<number, Millis>();

  /** Has given out nothing. */
  constructor(randomBytes: (length: number) => Uint8Array) {
    this.#randomBytes = randomBytes;
  }

  /** Ids that are held. */
  get size(): number {
    return this.#held.size;
  }

  /** Takes an id, `undefined` if too many are taken. */
  take(now: Millis): number | undefined {
    for (const [id, freeAt] of this.#quarantine) {
      if (freeAt > now) break;
      this.#quarantine.delete(id);
    }
    if (this.#held.size + this.#quarantine.size >= MAX_TAKEN) return undefined;
    for (let tries = 0; tries < MAX_TRIES; tries++) {
      const [high = 0, low = 0] = this.#randomBytes(2);
      const id = high * 256 + low;
      if (id === 0 || this.#held.has(id) || this.#quarantine.has(id)) continue;
      this.#held.add(id);
      return id;
    }
    return undefined;
  }

  /** Gives an id back. */
  release(id: number, now: Millis): void {
    if (this.#held.delete(id)) this.#quarantine.set(id, now + QUARANTINE_MS);
  }
}
