/**
 * Whether the next frame is likely to come soon: then the loop keeps its way warm until it does (docs/adr/0027).
 *
 * ```
 *   frame ── 4 ms ── frame ── 1 ms ── rehearsal ── 1 ms ── rehearsal ── 1 ms ── frame      two close ones: a third will come
 *   frame ───────────────────── 50 ms ───────────────────── frame                          not worth a wake-up
 * ```
 *
 * @module
 */

import type { Millis } from "../base/mod.ts";

/** Frames further apart than this say nothing of the next one. */
const SOON_MS = 10;

const FRAMES = 0;
const AT = 1;
const GAP = 2;

/** Sees how far apart frames come. */
export class Warmth {
  /** Doubles: fields would be boxed with each change. */
  readonly #seen = Float64Array.of(0, -Infinity, Infinity);

  // hot path
  /** Notes how many frames were moved in all until `now`; it only grows. */
  turned(now: Millis, frames: number): void {
    const seen = this.#seen;
    if (frames === seen[FRAMES]) return;
    seen[FRAMES] = frames;
    seen[GAP] = now - (seen[AT] ?? 0);
    seen[AT] = now;
  }

  // hot path
  /** Tells whether a frame is likely to come within a few milliseconds. */
  lasts(now: Millis): boolean {
    return (this.#seen[GAP] ?? 0) <= SOON_MS && now - (this.#seen[AT] ?? 0) <= SOON_MS;
  }
}
