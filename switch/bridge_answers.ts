/**
 * Whether the bridge answers at once: then looking for the answer right after a write saves a wait.
 *
 * ```
 *   write to the TAP ── the kernel delivers it, and a ping or a handshake is answered before the write returns ── read
 * ```
 *
 * Nobody can know before the first time: that answer is found by the next wait, in the same millisecond. From then on it is
 * looked for, until one look was in vain.
 *
 * @module
 */

import type { Millis } from "../base/mod.ts";

/** Learns from each write and look. */
export class BridgeAnswers {
  #expected = false;
  #wroteAt: Millis = 0;

  // hot path
  /** Notes a write. @returns whether to look for an answer now, and to say with {@link BridgeAnswers.looked} what came of it */
  wrote(now: Millis): boolean {
    this.#wroteAt = now;
    return this.#expected;
  }

  // hot path
  /** Notes that a wait found a frame of the bridge. */
  readable(now: Millis): void {
    if (now === this.#wroteAt) this.#expected = true;
  }

  // hot path
  /** Notes whether a look found a frame. */
  looked(found: boolean): void {
    this.#expected = found;
  }
}
