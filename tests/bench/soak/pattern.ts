/**
 * A stream of bytes that can be checked wherever it is cut: numbered blocks of one random text.
 *
 * ```
 *   flow 4 | index 4 | the same random bytes in each block ......... |     1,048,583 bytes, a prime: blocks begin anywhere in
 *   flow 4 | index 4 | ...                                                 segments, trains and buffers
 * ```
 *
 * A byte that is changed, missing, doubled or out of its place is a wrong one, and so is all that follows it.
 *
 * @module
 */

import { Buffer } from "node:buffer";

/** Length of a block. */
export const BLOCK_BYTES = 1_048_583;
const SEED = 0x9e3779b9;

/** Returns a block, the same each time. */
export function makeBlock(): Uint8Array<ArrayBuffer> {
  const words = new Uint32Array(Math.ceil(BLOCK_BYTES / 4));
  let x = SEED;
  for (let i = 0; i < words.length; i++) {
    // xorshift32
    x ^= x << 13;
    x ^= x >>> 17;
    x ^= x << 5;
    words[i] = x >>> 0;
  }
  return new Uint8Array(words.buffer, 0, BLOCK_BYTES);
}

/** Numbers a block. */
export function numberBlock(block: Uint8Array, flow: number, index: number): void {
  const view = new DataView(block.buffer, block.byteOffset);
  view.setUint32(0, flow);
  view.setUint32(4, index);
}

/** Checks one flow. */
export class StreamChecker {
  readonly #flow: number;
  readonly #block = makeBlock();
  #index = 0;
  #at = 0;
  #bytes = 0;
  #firstWrong: number | undefined;

  /** Expects the beginning of a flow. */
  constructor(flow: number) {
    this.#flow = flow;
    numberBlock(this.#block, flow, 0);
  }

  /** Bytes that have come. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Where the piece with the first wrong byte began; `undefined` while all are right. */
  get firstWrong(): number | undefined {
    return this.#firstWrong;
  }

  /** Takes what came next. */
  take(piece: Uint8Array): void {
    for (let from = 0; from < piece.length;) {
      const length = Math.min(piece.length - from, BLOCK_BYTES - this.#at);
      const expected = this.#block.subarray(this.#at, this.#at + length);
      if (Buffer.compare(piece.subarray(from, from + length), expected) !== 0) {
        this.#firstWrong ??= this.#bytes + from;
      }
      from += length;
      this.#at += length;
      if (this.#at < BLOCK_BYTES) continue;
      this.#at = 0;
      numberBlock(this.#block, this.#flow, ++this.#index);
    }
    this.#bytes += piece.length;
  }
}
