/**
 * A cipher for tests: any change of key, nonce, text or tag is noticed, and nothing else is promised.
 *
 * @module
 */

import type { Slab } from "../../switch/frame.ts";
import type { CopyBytes } from "../../switch/offload.ts";
import type { OpeningKey, SealingKey } from "../../switch/shuttle/mod.ts";

/** Both directions of the toy under one number. */
export class ToyAead implements SealingKey, OpeningKey {
  readonly #slab: Slab;
  readonly #key: number;

  /** @param key any number */
  constructor(slab: Slab, key: number) {
    this.#slab = slab;
    this.#key = key;
  }

  /** As `SealingKey.seal`. */
  seal(nonce: number, input: number, output: number, length: number, tag: number): boolean {
    this.#writeTag(tag, this.#digest(nonce, input, length));
    this.#stream(nonce, input, output, length);
    return true;
  }

  /** As `OpeningKey.open`. */
  open(nonce: number, input: number, output: number, length: number, tag: number): boolean {
    const { view } = this.#slab;
    const expected = [0, 4, 8, 12].map((at) => view.getInt32(tag + at));
    this.#stream(nonce, input, output, length);
    const digest = this.#digest(nonce, output, length);
    return expected.every((word, i) => word === Math.imul(digest, 2 * i + 1));
  }

  #writeTag(tag: number, digest: number): void {
    for (let i = 0; i < 4; i++) this.#slab.view.setInt32(tag + 4 * i, Math.imul(digest, 2 * i + 1));
  }

  #seed(nonce: number): number {
    const { view } = this.#slab;
    let seed = this.#key;
    for (let i = 0; i < 12; i += 4) seed = Math.imul(seed ^ view.getInt32(nonce + i), 0x01000193);
    return seed;
  }

  #digest(nonce: number, offset: number, length: number): number {
    const { bytes } = this.#slab;
    let hash = this.#seed(nonce) ^ length;
    for (let i = 0; i < length; i++) hash = Math.imul(hash ^ (bytes[offset + i] ?? 0), 0x01000193);
    return hash;
  }

  #stream(nonce: number, input: number, output: number, length: number): void {
    const { bytes } = this.#slab;
    let state = this.#seed(nonce) | 1;
    for (let i = 0; i < length; i++) {
      state = Math.imul(state, 0x0019660d) + 0x3c6ef35f;
      bytes[output + i] = (bytes[input + i] ?? 0) ^ (state >>> 24);
    }
  }
}

/** Passes for a cipher: sealing is a copy, opening nothing. What is left is what surrounds it. */
export function noAead(copy: CopyBytes): SealingKey & OpeningKey {
  return {
    seal: (_nonce, input, output, length): boolean => {
      copy(output, input, length);
      return true;
    },
    open: () => true,
  };
}
