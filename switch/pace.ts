/**
 * How the loop waits: not at all while there is work, then for a moment with open eyes, then asleep.
 *
 * ```
 *   work ── busy: look again at once ──> no work ── spin: yield, look ──> asleep until an event or the next deadline
 *                                          └────── at most spinMs ──────┘
 * ```
 *
 * An answer that comes while the loop still spins saves the wake-up of a thread. It must yield each time, or it takes the CPU from
 * the program that would answer.
 *
 * @module
 */

import type { Millis } from "../base/mod.ts";

/** Decides whether the loop may sleep. */
export class Pace {
  readonly #spinMs: number;
  /** One double: a field would be boxed with each change. */
  readonly #workedAt = new Float64Array(1);

  /** @param cpus with one, spinning keeps away what it waits for */
  constructor(spinUs: number, cpus: number) {
    this.#spinMs = cpus < 2 ? 0 : spinUs / 1000;
    this.#workedAt[0] = -Infinity;
  }

  // hot path
  /** Notes that there was work. */
  worked(now: Millis): void {
    this.#workedAt[0] = now;
  }

  // hot path
  /** Returns whether to yield and look again instead of falling asleep. */
  spins(now: Millis): boolean {
    return this.#spinMs > 0 && now - (this.#workedAt[0] ?? 0) < this.#spinMs;
  }
}
