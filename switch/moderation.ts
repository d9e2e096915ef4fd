/**
 * How long the loop lets frames gather before it looks again, as network cards do with their interrupts.
 *
 * ```
 *   a frame ── a turn ── a frame ── a turn ──      few: each at once
 *   frames frames frames ── rest ── a turn ──      a flood of small ones: many a turn, or the calls cost more than the frames
 * ```
 *
 * A real-time thread takes the CPU from the program that sends with each frame that it sends. Then every turn carries one
 * frame, and the program waits for its CPU. Superframes do not gain: a turn of one is worth its price, and bulk has a
 * round trip time to keep. Where little goes the other way nobody waits for an answer, and the rest may be longer
 * (docs/adr/0028).
 *
 * It also sees when there is little to move: then a frame leaves alone, before the next one is looked for (docs/adr/0026).
 *
 * @module
 */

import type { Millis } from "../base/mod.ts";

/** Long enough to see a rate on a clock of whole milliseconds, short enough to forget it. */
const WINDOW_MS = 4;
/** From so many frames a millisecond on they are a flood: 20,000 a second. */
const FLOOD_FRAMES = 20;
/** Frames that the TAP gives are small below this mean: whole packets count, superframes do not. */
const SMALL_CAPTURED_BYTES = 2_000;
/** Frames from peers are small below this mean: the pieces of superframes, which are nearly whole packets, are not. */
const SMALL_RECEIVED_BYTES = 1_000;
/** With more than this in a window, 2.4 Gbit/s, there is bulk among it. */
const BULK_BYTES = 300_000;
/** Up to so many bytes a millisecond, 400 Mbit/s, the CPU has time to spare for each frame. */
const LIGHT_BYTES = 50_000;
/** Eight frames and more come meanwhile in what counts as a flood. */
const GATHER_US = 400;
/** The same in a flood that has no answers. */
const GATHER_ONE_WAY_US = 800;
/** A flood has no answers if so many frames go one way for each that goes the other. */
const ONE_WAY = 8;
/** No more frames than this are to come meanwhile: the queue of a TAP holds 500. */
const GATHERED_FRAMES = 200;

const AT = 0;
const CAPTURED = 1;
const CAPTURED_BYTES = 2;
const RECEIVED = 3;
const RECEIVED_BYTES = 4;

/** Totals that only grow, as the counters of the worker have them. */
export interface Moved {
  /** Frames and superframes that the TAP gave. */
  captured: number;
  /** Their bytes. */
  capturedBytes: number;
  /** Frames of peers, pieces of superframes one by one. */
  received: number;
  /** Bytes that the TAP took. */
  receivedBytes: number;
}

/** Sees floods of small frames, and times of little traffic. */
export class Moderation {
  /** How long to rest before the next look, in microseconds; 0: not at all. */
  gatherUs = 0;
  /** Whether there was little to move in the last whole window: then what counts is when a frame leaves, not what it costs. */
  light = true;
  /** Whether there was much to move, and no flood: then what counts is what it costs. */
  bulk = false;
  /** Doubles: fields would be boxed with each change. */
  readonly #since = new Float64Array(5);

  // hot path
  /** Notes what was moved in all until `now`. */
  turned(now: Millis, moved: Moved): void {
    const since = this.#since;
    const elapsed = now - (since[AT] ?? 0);
    if (elapsed < WINDOW_MS) return;
    const captured = moved.captured - (since[CAPTURED] ?? 0);
    const capturedBytes = moved.capturedBytes - (since[CAPTURED_BYTES] ?? 0);
    const received = moved.received - (since[RECEIVED] ?? 0);
    const receivedBytes = moved.receivedBytes - (since[RECEIVED_BYTES] ?? 0);
    const floods = captured > FLOOD_FRAMES * elapsed &&
        capturedBytes < SMALL_CAPTURED_BYTES * captured ||
      received > FLOOD_FRAMES * elapsed && receivedBytes < SMALL_RECEIVED_BYTES * received;
    const bytes = capturedBytes + receivedBytes;
    this.light = !floods && bytes < LIGHT_BYTES * elapsed;
    this.bulk = !floods && !this.light;
    const gathers = floods && bytes < BULK_BYTES * elapsed;
    this.gatherUs = gathers ? restUs(captured, received, elapsed) : 0;
    since[AT] = now;
    since[CAPTURED] = moved.captured;
    since[CAPTURED_BYTES] = moved.capturedBytes;
    since[RECEIVED] = moved.received;
    since[RECEIVED_BYTES] = moved.receivedBytes;
  }
}

function restUs(captured: number, received: number, elapsed: Millis): number {
  const [more, less] = captured > received ? [captured, received] : [received, captured];
  const wanted = less * ONE_WAY < more ? GATHER_ONE_WAY_US : GATHER_US;
  return Math.min(wanted, Math.floor(GATHERED_FRAMES * 1_000 * elapsed / more));
}
