/**
 * When a thread that always finds work has to rest.
 *
 * ```
 *   work ── look again ──> no work ── asleep until an event or the next deadline
 *    └── real-time, and never asleep for so long: a rest
 * ```
 *
 * A real-time thread that never sleeps lets ordinary ones run on its CPU for a twentieth of each second, in one piece, and
 * yielding does not change that: a rest does.
 *
 * @module
 */

import type { Millis } from "../base/mod.ts";

/** A rest comes after so much time without sleep: the main thread is kept away no longer than a network takes. */
const REST_EVERY_MS = 10;
/** A wait that took less has not let anybody run. */
const SLEEP_MS = 0.05;

/** Decides whether the loop must sleep. */
export class Pace {
  readonly #realtime: boolean;
  /** When it slept last. A double in a field would be boxed with each change. */
  readonly #sleptAt = Float64Array.of(-Infinity);

  /** Begins rested. @param realtime the thread runs before all ordinary ones; others never have to rest */
  constructor(realtime: boolean) {
    this.#realtime = realtime;
  }

  // hot path
  /** Tells whether it matters how long the next wait takes: a rest is near. */
  watches(now: Millis): boolean {
    return this.#realtime && now - (this.#sleptAt[0] ?? 0) >= REST_EVERY_MS / 2;
  }

  // hot path
  /**
   * Notes how long a wait took.
   *
   * @param from when it began; if that was not {@link Pace.watches}, when the turn before it did: turns are short
   */
  waited(from: Millis, to: Millis, watched: boolean): void {
    if (to - from >= (watched ? SLEEP_MS : REST_EVERY_MS)) this.#sleptAt[0] = to;
  }

  // hot path
  /** Returns whether the thread must rest before it goes on; then it has. */
  tires(now: Millis): boolean {
    if (!this.#realtime || now - (this.#sleptAt[0] ?? 0) < REST_EVERY_MS) return false;
    this.#sleptAt[0] = now;
    return true;
  }
}
