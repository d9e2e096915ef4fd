/**
 * A limiter for frames that go round in circles.
 *
 * While peers' views of the topology differ, sleeve, which has no hop count, can pass the same frame round and round. More
 * than 16 identical frames of one origin within a second are therefore not passed on (design: "Loops").
 *
 * Frames are told apart by a hash of their length, their first 96 and their last 16 bytes: all headers are there, and with
 * them the transport checksum, which covers what is between. A bucket knows one frame; another one that falls into it takes
 * its place, so the limiter may forget, but never stops a frame for the sake of a different one (but for a 32-bit collision).
 *
 * @module
 */

/** Most identical frames of one origin in {@link STORM_WINDOW_MS}. */
export const STORM_FRAMES = 16;

/** How long they are counted, in ms. */
export const STORM_WINDOW_MS = 1_000;

/** Why 4096: 64 KB, and enough that a loop is counted to 16 before other traffic takes its bucket. */
const BUCKET_BITS = 12;

/** Cells of a bucket: hash, begin of the window, frames, unused. */
const STRIDE = 4;

const HEAD_BYTES = 96;
const TAIL_BYTES = 16;

/** Counts identical frames per origin. */
export class StormLimiter {
  readonly #cells = new Int32Array(STRIDE << BUCKET_BITS);

  /**
   * Counts one frame. hot path
   *
   * @param origin index of the peer that it began at
   * @returns false if it must not be passed on
   */
  admit(view: DataView, frame: number, length: number, origin: number, now: number): boolean {
    const cells = this.#cells;
    const hash = hashFrame(view, frame, length, origin);
    const at = (hash >>> (32 - BUCKET_BITS)) * STRIDE;
    if (cells[at] !== hash || ((now - (cells[at + 1] ?? 0)) | 0) >= STORM_WINDOW_MS) {
      cells[at] = hash;
      cells[at + 1] = now;
      cells[at + 2] = 1;
      return true;
    }
    const count = (cells[at + 2] ?? 0) + 1;
    if (count > STORM_FRAMES) return false;
    cells[at + 2] = count;
    return true;
  }
}

/** Returns 32 bits that differ, very likely, for different frames. */
function hashFrame(view: DataView, frame: number, length: number, origin: number): number {
  let hash = Math.imul(origin + 1, 0x9e3779b1) ^ length;
  const end = frame + length;
  const head = length > HEAD_BYTES ? frame + HEAD_BYTES : end;
  let at = frame;
  for (; at + 4 <= head; at += 4) hash = mix(hash, view.getInt32(at, true));
  for (; at < head; at++) hash = mix(hash, view.getUint8(at));
  if (end - head > TAIL_BYTES) at = end - TAIL_BYTES;
  for (; at + 4 <= end; at += 4) hash = mix(hash, view.getInt32(at, true));
  for (; at < end; at++) hash = mix(hash, view.getUint8(at));
  return hash;
}

function mix(hash: number, word: number): number {
  const mixed = Math.imul(hash ^ word, 0x85ebca6b);
  return mixed ^ (mixed >>> 15);
}
