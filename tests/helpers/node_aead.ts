/**
 * AES-256-GCM by `node:crypto`: the cipher of production, slower, and without any permission.
 *
 * @module
 */

import { createCipheriv, createDecipheriv } from "node:crypto";
import type { Slab } from "../../switch/frame.ts";
import type { OpeningKey, PairCiphers, SealingKey } from "../../switch/shuttle/mod.ts";

const NONCE_BYTES = 12;
const TAG_BYTES = 16;

/** Both directions under one key. */
class NodeAead implements SealingKey, OpeningKey, Disposable {
  readonly #bytes: Uint8Array;
  readonly #key: Uint8Array;

  constructor(slab: Slab, key: Uint8Array) {
    this.#bytes = slab.bytes;
    this.#key = key;
  }

  seal(nonce: number, input: number, output: number, length: number, tag: number): boolean {
    const bytes = this.#bytes;
    const cipher = createCipheriv(
      "aes-256-gcm",
      this.#key,
      bytes.slice(nonce, nonce + NONCE_BYTES),
    );
    bytes.set(cipher.update(bytes.slice(input, input + length)), output);
    cipher.final();
    bytes.set(cipher.getAuthTag(), tag);
    return true;
  }

  open(nonce: number, input: number, output: number, length: number, tag: number): boolean {
    const bytes = this.#bytes;
    const iv = bytes.slice(nonce, nonce + NONCE_BYTES);
    const cipher = createDecipheriv("aes-256-gcm", this.#key, iv);
    cipher.setAuthTag(bytes.slice(tag, tag + TAG_BYTES));
    bytes.set(cipher.update(bytes.slice(input, input + length)), output);
    try {
      cipher.final();
      return true;
    } catch {
      return false;
    }
  }

  [Symbol.dispose](): void {}
}

/** Returns what makes ciphers on some memory. */
export function nodeCiphers(slab: Slab): PairCiphers {
  const context = (_: string, key: Uint8Array): NodeAead => new NodeAead(slab, key);
  return { sealing: context, opening: context };
}
