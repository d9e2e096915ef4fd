/**
 * Whether frames that somebody waits for come so close together that the thread should run before all ordinary ones.
 *
 * ```
 *   frame ───── 1 s ───── frame ───── 1 s ───── frame      ordinary: the kernel wakes it on the CPU of whoever woke it
 *   frame frame frame frame frame frame frame frame        real-time: it stays on its CPU, and nobody gets before it
 *   bulk bulk bulk bulk bulk bulk bulk bulk bulk bulk      ordinary: the programs get their turn, and each of ours has more to do
 *   bulk bulk frame bulk bulk frame bulk frame bulk        real-time: a frame does not wait behind bulk for the scheduler
 *   1 s with fewer                                         ordinary again
 * ```
 *
 * A real-time thread wakes up on the CPU where it ran last. If that one sleeps it has to be woken too, which takes longer than
 * all else that a lone frame needs, most of all in a virtual machine; an ordinary thread is moved to where the frame is
 * (docs/adr/0030). Where frames come close together no CPU sleeps deeply, and what counts is not to wait for others. Nobody
 * waits for a single frame of bulk (`bulk.ts`), for which a real-time thread takes the CPU from the sender with each superframe
 * (docs/adr/0031).
 *
 * @module
 */

import type { Millis } from "../base/mod.ts";

/** So many frames, */
const FRAMES = 8;
/** within this time are close together: 160 a second. A ping and its answer, one after the other, are not. */
const WINDOW_MS = 50;
/** Beside bulk any that somebody waits for would wait behind it: 8 a second are close together. */
const BULK_WINDOW_MS = 1_000;
/** After this time without they are not any more: a change of class costs a few microseconds, and what is warm. */
const CALM_MS = 1_000;

const AT = 0;
const SEEN = 1;
const CLOSE_AT = 2;

/** Sees how close together frames come. */
export class Urgency {
  /** The thread should be a real-time one. */
  urgent = false;
  /** Doubles: fields would be boxed with each change. When the window began, frames until then, when they were close last. */
  readonly #since = Float64Array.of(-Infinity, 0, -Infinity);

  // hot path
  /**
   * Notes a turn.
   *
   * @param frames that somebody may wait for, others' among them, in all until `now`; it only grows
   * @param bulk there is much to move
   */
  turned(now: Millis, frames: number, bulk: boolean): void {
    const since = this.#since;
    if (frames - (since[SEEN] ?? 0) >= FRAMES) {
      this.urgent = true;
      since[CLOSE_AT] = now;
    } else {
      if (now - (since[AT] ?? 0) < (bulk ? BULK_WINDOW_MS : WINDOW_MS)) return;
      if (now - (since[CLOSE_AT] ?? 0) >= CALM_MS) this.urgent = false;
    }
    since[AT] = now;
    since[SEEN] = frames;
  }
}
