/**
 * A limit of rate: a token bucket, kept as the time at which it would be full again.
 *
 * @module
 */

import type { Millis } from "../../base/mod.ts";

/** How often something may be done. */
export class Rate {
  #burst: number;
  #intervalMs: Millis;
  #fullAt: Millis = -Infinity;

  /**
   * Starts full.
   *
   * @param burst how often at once
   * @param intervalMs between two after that
   */
  constructor(burst: number, intervalMs: Millis) {
    this.#burst = burst;
    this.#intervalMs = intervalMs;
  }

  /** Returns from when on it may be done. */
  freeAt(): Millis {
    return this.#fullAt - (this.#burst - 1) * this.#intervalMs;
  }

  /** Counts one, if it may be done now. @returns whether it may */
  take(now: Millis): boolean {
    if (now < this.freeAt()) return false;
    this.#fullAt = Math.max(now, this.#fullAt) + this.#intervalMs;
    return true;
  }
}
