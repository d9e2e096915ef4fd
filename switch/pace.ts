/**
 * How the loop waits: not at all while there is work, then for a moment with open eyes, then asleep.
 *
 * ```
 *   work ── look again ──> no work ── yield, look again ──> asleep until an event or the next deadline
 *    │                         └─ at most so long after work ─┘
 *    └── real-time, and never asleep for so long: a rest
 * ```
 *
 * An answer that comes while the loop still looks saves the wake-up of a thread. A real-time thread that never sleeps lets
 * ordinary ones run on its CPU for a twentieth of each second, in one piece, and yielding does not change that: a rest does.
 *
 * @module
 */

import type { Millis } from "../base/mod.ts";

/** A rest comes after so much time without sleep: the main thread is kept away no longer than a network takes. */
const REST_EVERY_MS = 10;
/** A wait that took less has not let anybody run. */
const SLEEP_MS = 0.05;

const WORKED_AT = 0;
const SLEPT_AT = 1;

/** What the pace depends on. */
export interface PaceOptions {
  /** How long to look for more after work, in microseconds. */
  readonly spinUs: number;
  /** With one, looking for more keeps away what would bring it. */
  readonly cpus: number;
  /** The thread runs before all ordinary ones. */
  readonly realtime: boolean;
}

/** Decides whether the loop may sleep, and whether it must. */
export class Pace {
  readonly #spinMs: number;
  readonly #realtime: boolean;
  /** Doubles: fields would be boxed with each change. */
  readonly #times = Float64Array.of(-Infinity, -Infinity);

  /** Begins without work, and rested. */
  constructor({ spinUs, cpus, realtime }: PaceOptions) {
    this.#spinMs = cpus < 2 ? 0 : spinUs / 1000;
    this.#realtime = realtime;
  }

  // hot path
  /** Notes that there was work. */
  worked(now: Millis): void {
    this.#times[WORKED_AT] = now;
  }

  // hot path
  /** Tells whether it matters how long the next wait takes: a rest is near. */
  watches(now: Millis): boolean {
    return this.#realtime && now - (this.#times[SLEPT_AT] ?? 0) >= REST_EVERY_MS / 2;
  }

  // hot path
  /** Notes how long a wait took. */
  waited(from: Millis, to: Millis): void {
    if (to - from >= SLEEP_MS) this.#times[SLEPT_AT] = to;
  }

  // hot path
  /** Returns whether to yield and look again instead of falling asleep. */
  spins(now: Millis): boolean {
    return this.#spinMs > 0 && now - (this.#times[WORKED_AT] ?? 0) < this.#spinMs;
  }

  // hot path
  /** Returns whether the thread must rest before it goes on; then it has. */
  tires(now: Millis): boolean {
    if (!this.#realtime || now - (this.#times[SLEPT_AT] ?? 0) < REST_EVERY_MS) return false;
    this.#times[SLEPT_AT] = now;
    return true;
  }
}
