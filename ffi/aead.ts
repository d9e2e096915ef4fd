/**
 * Authenticated encryption with libcrypto: AES-256-GCM and ChaCha20-Poly1305, in the arena.
 *
 * @module
 */

import { Bug, must } from "../base/mod.ts";
import type { Arena } from "./arena.ts";
import { type Libcrypto, libcrypto } from "./crypto.ts";
import { cString } from "./libc.ts";
import { readProc } from "./procfs.ts";

/** `openssl/evp.h` */
const EVP_CTRL_AEAD_GET_TAG = 0x10;
const EVP_CTRL_AEAD_SET_TAG = 0x11;
const TAG_BYTES = 16;
const KEY_BYTES = 32;
const IV_BYTES = 12;

/** Names as libcrypto knows them. */
export type AeadSuite = "AES-256-GCM" | "ChaCha20-Poly1305";

const ciphers = new Map<AeadSuite, Deno.PointerObject>();
/** Where libcrypto writes lengths that nobody reads; one place per arena. */
const scratch = new WeakMap<Arena, number>();

/** One key in one direction. Not for two threads. */
export class Aead implements Disposable {
  readonly #crypto: Libcrypto;
  readonly #base: number;
  readonly #outLength: number;
  #sealing: Deno.PointerObject | undefined;
  #opening: Deno.PointerObject | undefined;

  private constructor(context: Deno.PointerObject, seals: boolean, arena: Arena) {
    this.#crypto = libcrypto();
    this.#base = arena.base;
    const known = scratch.get(arena) ?? arena.alloc(8);
    scratch.set(arena, known);
    this.#outLength = arena.base + known;
    this.#sealing = seals ? context : undefined;
    this.#opening = seals ? undefined : context;
  }

  /**
   * Makes a context for a key.
   *
   * @param key 32 bytes; copied by libcrypto
   * @param direction "seal" or "open"
   * @param arena that offsets refer to
   * @throws {Error} if libcrypto or the cipher is missing
   */
  static open(
    suite: AeadSuite,
    key: Uint8Array<ArrayBuffer>,
    direction: "seal" | "open",
    arena: Arena,
  ): Aead {
    if (key.length !== KEY_BYTES) throw new Bug(`A key has ${KEY_BYTES} bytes, not ${key.length}`);
    const crypto = libcrypto();
    const cipher = fetchCipher(suite);
    const context = must(crypto.EVP_CIPHER_CTX_new(), "memory for a cipher context");
    const seals = direction === "seal";
    const iv = new Uint8Array(IV_BYTES);
    if (crypto.EVP_CipherInit_ex(context, cipher, null, key, iv, seals ? 1 : 0) !== 1) {
      crypto.EVP_CIPHER_CTX_free(context);
      throw new Error(`Cannot use ${suite}: EVP_CipherInit_ex failed`);
    }
    return new Aead(context, seals, arena);
  }

  // hot path
  /**
   * Seals; all places are offsets in the arena, `output` may equal `input`.
   *
   * @param nonce 12 bytes, never twice with a key
   * @param tag where the 16 bytes of the tag go
   * @returns false if libcrypto failed: do not send
   */
  seal(nonce: number, input: number, output: number, length: number, tag: number): boolean {
    const crypto = this.#crypto;
    const base = this.#base;
    const context = this.#sealing;
    if (context === undefined) throw new Bug("This context does not seal");
    const out = base + output;
    return crypto.EVP_EncryptInit_ex(context, 0, 0, 0, base + nonce) === 1 &&
      crypto.EVP_EncryptUpdate(context, out, this.#outLength, base + input, length) === 1 &&
      crypto.EVP_EncryptFinal_ex(context, out + length, this.#outLength) === 1 &&
      crypto.EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_GET_TAG, TAG_BYTES, base + tag) === 1;
  }

  // hot path
  /** Opens; places as in {@link Aead.seal}. @returns false if it is not authentic: the output is then worthless */
  open(nonce: number, input: number, output: number, length: number, tag: number): boolean {
    const crypto = this.#crypto;
    const base = this.#base;
    const context = this.#opening;
    if (context === undefined) throw new Bug("This context does not open");
    const out = base + output;
    return crypto.EVP_DecryptInit_ex(context, 0, 0, 0, base + nonce) === 1 &&
      crypto.EVP_DecryptUpdate(context, out, this.#outLength, base + input, length) === 1 &&
      crypto.EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_SET_TAG, TAG_BYTES, base + tag) === 1 &&
      crypto.EVP_DecryptFinal_ex(context, out + length, this.#outLength) === 1;
  }

  /** Wipes the key and frees the context. */
  [Symbol.dispose](): void {
    const context = this.#sealing ?? this.#opening;
    this.#sealing = undefined;
    this.#opening = undefined;
    if (context !== undefined) this.#crypto.EVP_CIPHER_CTX_free(context);
  }
}

/** Tells whether libcrypto is there and has both ciphers. */
export function aeadAvailable(): boolean {
  try {
    fetchCipher("AES-256-GCM");
    fetchCipher("ChaCha20-Poly1305");
    return true;
  } catch {
    return false;
  }
}

/** Tells whether this CPU has instructions for AES-GCM; without them ChaCha20-Poly1305 is the faster suite. */
export function aesSupported(): boolean {
  const line = /^(?:flags|Features)\s*:(.*)$/m.exec(readProc("/proc/cpuinfo") ?? "")?.[1] ?? "";
  const flags = line.trim().split(/\s+/);
  return flags.includes("aes") && (flags.includes("pclmulqdq") || flags.includes("pmull"));
}

function fetchCipher(suite: AeadSuite): Deno.PointerObject {
  const known = ciphers.get(suite);
  if (known !== undefined) return known;
  const cipher = libcrypto().EVP_CIPHER_fetch(null, cString(suite), null);
  if (cipher === null) throw new Error(`Cannot use ${suite}: this libcrypto does not have it`);
  ciphers.set(suite, cipher);
  return cipher;
}
