/**
 * Whether to look for more instead of falling asleep: where the next frame comes at once, that saves waking a thread.
 *
 * ```
 *   frame of ours ── 0.1 ms ── its answer ── 4 ms ── frame of ours      after a frame of ours: look, after an answer: sleep
 * ```
 *
 * Nothing is assumed, as in the kernel's own polling before it halts a CPU: what came soon after work of the same kind the last
 * times will come soon again. Two right guesses make up for one that was wrong; where wrong ones go on nobody looks any more,
 * and each sleep that turns out to have been short counts as a right one. Only frames of this host count: those that pass by,
 * and what peers say of their health, come without being waited for.
 *
 * Whoever looks keeps its CPU from the programs whose answer it waits for. Where requests follow each other without a pause
 * that costs more than it saves, so only a sixteenth of the time may be spent so (docs/adr/0029).
 *
 * @module
 */

import type { Millis } from "../base/mod.ts";

/** Kinds of work, to be added. */
export const WORK = {
  /** Frames came from the TAP. */
  CAPTURED: 1,
  /** Frames came from peers for the TAP. */
  RECEIVED: 2,
} as const;

const KINDS = 4;
const HIGHEST_SCORE = 8;
/** From here on the next frame is looked for. */
const LIKELY_SCORE = 4;
const RIGHT = 1;
const WRONG = 2;
/** The part of the time that may be spent looking. */
const SHARE = 1 / 16;
/** What may be saved up for a while in which more is answered. */
const SAVED_MS = 4;

/** Doubles: fields would be boxed with each change. When the wait began, when looking was paid for, what is left for it. */
const SINCE = 0;
const PAID = 1;
const LEFT = 2;

/** What polling depends on. */
export interface PollingOptions {
  /** How long to look at most, in microseconds; 0: never. */
  readonly spinUs: number;
  /** With one, looking for more keeps away what would bring it. */
  readonly cpus: number;
  /** Others wait until it is over, and do not get between: a thread of the ordinary class gains nothing. */
  readonly realtime: boolean;
}

/** Learns how soon work follows work. */
export class Polling {
  readonly #spinMs: Millis;
  readonly #scores = new Uint8Array(KINDS);
  #kind = 0;
  /** There was work, and no wait since. */
  #fresh = false;
  /** A wait has begun, and no frame come since. */
  #waits = false;
  #looks = false;
  readonly #times = Float64Array.of(0, 0, SAVED_MS);

  /** Begins knowing nothing: looks for nothing. */
  constructor({ spinUs, cpus, realtime }: PollingOptions) {
    this.#spinMs = realtime && cpus > 1 ? spinUs / 1000 : 0;
  }

  // hot path
  /** Whether {@link Polling.begins} wants to know the time. */
  get fresh(): boolean {
    return this.#fresh && this.#spinMs > 0;
  }

  // hot path
  /** Notes that the first wait after work begins. */
  begins(now: Millis): void {
    const times = this.#times;
    const earned = (now - (times[SINCE] ?? 0)) * SHARE;
    times[LEFT] = Math.min((times[LEFT] ?? 0) + earned, SAVED_MS);
    times[SINCE] = now;
    this.#fresh = false;
    this.#waits = true;
  }

  // hot path
  /**
   * Notes a turn that moved frames.
   *
   * @param kind of {@link WORK}
   * @param now when the wait before it was over
   */
  moved(kind: number, now: Millis): void {
    this.#pay(now);
    if (this.#waits) this.#learn(now);
    this.#kind = kind;
    this.#fresh = true;
    this.#waits = false;
  }

  // hot path
  /** Returns whether to look again at once. */
  polls(now: Millis): boolean {
    this.#pay(now);
    const times = this.#times;
    const looks = this.#waits && (this.#scores[this.#kind] ?? 0) >= LIKELY_SCORE &&
      now - (times[SINCE] ?? 0) < this.#spinMs && (times[LEFT] ?? 0) > 0;
    if (looks) {
      this.#looks = true;
      // The first look is told when the turn before it began: that was work.
      times[PAID] = Math.max(now, times[SINCE] ?? 0);
    }
    return looks;
  }

  #learn(now: Millis): void {
    const score = this.#scores[this.#kind] ?? 0;
    const soon = now - (this.#times[SINCE] ?? 0) <= this.#spinMs;
    this.#scores[this.#kind] = soon
      ? Math.min(score + RIGHT, HIGHEST_SCORE)
      : Math.max(score - WRONG, 0);
  }

  /** Takes what has been spent looking from what is left for it. */
  #pay(now: Millis): void {
    if (!this.#looks) return;
    this.#looks = false;
    const times = this.#times;
    // Not more than one wait: whoever was held up meanwhile did not look.
    const spent = Math.min(now - (times[PAID] ?? 0), this.#spinMs);
    times[LEFT] = (times[LEFT] ?? 0) - spent;
  }
}
