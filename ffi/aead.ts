/**
 * Authenticated encryption in the arena: AES-256-OCB (RFC 7253), AES-256-GCM and ChaCha20-Poly1305 (RFC 8439).
 *
 * libgcrypt does it where it is installed, else libcrypto; both give the same bytes. Per segment of 1434 bytes on a CPU with
 * AES and AVX2 libgcrypt takes about a third of libcrypto's time for OCB and two thirds for GCM (docs/adr/0020).
 *
 * @module
 */

import { Bug, must } from "../base/mod.ts";
import type { Arena } from "./arena.ts";
import { libcrypto } from "./crypto.ts";
import { type Libgcrypt, libgcrypt } from "./gcrypt.ts";
import { cString } from "./libc.ts";
import { readProc } from "./procfs.ts";

/** `openssl/evp.h` */
const EVP_CTRL_AEAD_GET_TAG = 0x10;
const EVP_CTRL_AEAD_SET_TAG = 0x11;
/** `gcrypt.h` */
const GCRYCTL_FINALIZE = 5;
const TAG_BYTES = 16;
const KEY_BYTES = 32;
const IV_BYTES = 12;
/** What a block cipher holds back until it is told that there is no more. */
const PARTIAL_BLOCK = 15;

/** Names as libcrypto knows them. */
export type AeadSuite = "AES-256-OCB" | "AES-256-GCM" | "ChaCha20-Poly1305";

/** Which library works. */
export type AeadLibrary = "libgcrypt" | "libcrypto";

/** Algorithm and mode in `gcrypt.h`. */
const GCRYPT: Readonly<Record<AeadSuite, readonly [algorithm: number, mode: number]>> = {
  "AES-256-OCB": [9, 11],
  "AES-256-GCM": [9, 9],
  "ChaCha20-Poly1305": [316, 10],
};

/** One key in one direction. Not for two threads. All places are offsets in the arena. */
export interface Aead extends Disposable {
  /**
   * Seals; `output` may equal `input`, else they do not overlap.
   *
   * @param nonce 12 bytes, never twice with a key
   * @param tag where the 16 bytes of the tag go
   * @returns false if the library failed: do not send
   */
  seal(nonce: number, input: number, output: number, length: number, tag: number): boolean;
  /** Opens; places as in {@link Aead.seal}. @returns false if it is not authentic: the output is then worthless */
  open(nonce: number, input: number, output: number, length: number, tag: number): boolean;
}

/**
 * Makes a context for a key.
 *
 * @param key 32 bytes; copied by the library
 * @param direction "seal" or "open"
 * @param arena that offsets refer to
 * @param library the first of libgcrypt and libcrypto that is there, if not given
 * @throws {Error} if the library or the cipher is missing
 */
export function openAead(
  suite: AeadSuite,
  key: Uint8Array<ArrayBuffer>,
  direction: "seal" | "open",
  arena: Arena,
  library: AeadLibrary = libgcrypt() === undefined ? "libcrypto" : "libgcrypt",
): Aead {
  if (key.length !== KEY_BYTES) throw new Bug(`A key has ${KEY_BYTES} bytes, not ${key.length}`);
  return library === "libgcrypt"
    ? new GcryptAead(suite, key, direction, arena)
    : new EvpAead(suite, key, direction, arena);
}

/** The context of a library for one direction. */
abstract class Context {
  protected readonly base: number;
  protected sealing: Deno.PointerObject | undefined;
  protected opening: Deno.PointerObject | undefined;

  constructor(context: Deno.PointerObject, direction: "seal" | "open", arena: Arena) {
    this.base = arena.base;
    this.sealing = direction === "seal" ? context : undefined;
    this.opening = direction === "open" ? context : undefined;
  }

  /** Wipes the key and frees the context. */
  [Symbol.dispose](): void {
    const context = this.sealing ?? this.opening;
    this.sealing = undefined;
    this.opening = undefined;
    if (context !== undefined) this.free(context);
  }

  protected abstract free(context: Deno.PointerObject): void;
}

/** By libgcrypt. */
class GcryptAead extends Context implements Aead {
  readonly #gcrypt = must(libgcrypt(), "libgcrypt");

  constructor(
    suite: AeadSuite,
    key: Uint8Array<ArrayBuffer>,
    direction: "seal" | "open",
    arena: Arena,
  ) {
    super(gcryptContext(suite, key), direction, arena);
  }

  // hot path
  seal(nonce: number, input: number, output: number, length: number, tag: number): boolean {
    const gcrypt = this.#gcrypt;
    const { base, sealing } = this;
    if (sealing === undefined) throw new Bug("This context does not seal");
    return gcrypt.gcry_cipher_setiv(sealing, base + nonce, IV_BYTES) === 0 &&
      gcrypt.gcry_cipher_ctl(sealing, GCRYCTL_FINALIZE, 0, 0) === 0 &&
      gcrypt.gcry_cipher_encrypt(sealing, base + output, length, base + input, length) === 0 &&
      gcrypt.gcry_cipher_gettag(sealing, base + tag, TAG_BYTES) === 0;
  }

  // hot path
  open(nonce: number, input: number, output: number, length: number, tag: number): boolean {
    const gcrypt = this.#gcrypt;
    const { base, opening } = this;
    if (opening === undefined) throw new Bug("This context does not open");
    return gcrypt.gcry_cipher_setiv(opening, base + nonce, IV_BYTES) === 0 &&
      gcrypt.gcry_cipher_ctl(opening, GCRYCTL_FINALIZE, 0, 0) === 0 &&
      gcrypt.gcry_cipher_decrypt(opening, base + output, length, base + input, length) === 0 &&
      gcrypt.gcry_cipher_checktag(opening, base + tag, TAG_BYTES) === 0;
  }

  protected override free(context: Deno.PointerObject): void {
    this.#gcrypt.gcry_cipher_close(context);
  }
}

function gcryptContext(suite: AeadSuite, key: Uint8Array<ArrayBuffer>): Deno.PointerObject {
  const gcrypt = must(libgcrypt(), "libgcrypt");
  const context = openGcrypt(gcrypt, suite);
  if (gcrypt.gcry_cipher_setkey(context, key, KEY_BYTES) === 0) return context;
  gcrypt.gcry_cipher_close(context);
  throw new Error(`Cannot use ${suite}: gcry_cipher_setkey failed`);
}

function openGcrypt(gcrypt: Libgcrypt, suite: AeadSuite): Deno.PointerObject {
  const [algorithm, mode] = GCRYPT[suite];
  const handle = new BigUint64Array(1);
  const failed = gcrypt.gcry_cipher_open(handle, algorithm, mode, 0) !== 0;
  const context = Deno.UnsafePointer.create(handle[0] ?? 0n);
  if (failed || context === null) {
    throw new Error(`Cannot use ${suite}: this libgcrypt does not have it`);
  }
  return context;
}

const ciphers = new Map<AeadSuite, Deno.PointerObject>();
/** Where libcrypto writes lengths that nobody reads; one place per arena. */
const scratch = new WeakMap<Arena, number>();

/** By libcrypto. */
class EvpAead extends Context implements Aead {
  readonly #crypto = libcrypto();
  readonly #outLength: number;

  constructor(
    suite: AeadSuite,
    key: Uint8Array<ArrayBuffer>,
    direction: "seal" | "open",
    arena: Arena,
  ) {
    super(evpContext(suite, key, direction), direction, arena);
    const known = scratch.get(arena) ?? arena.alloc(8);
    scratch.set(arena, known);
    this.#outLength = arena.base + known;
  }

  // hot path
  seal(nonce: number, input: number, output: number, length: number, tag: number): boolean {
    const crypto = this.#crypto;
    const { base, sealing } = this;
    if (sealing === undefined) throw new Bug("This context does not seal");
    const out = base + output;
    const last = out + (length & ~PARTIAL_BLOCK);
    return crypto.EVP_EncryptInit_ex(sealing, 0, 0, 0, base + nonce) === 1 &&
      crypto.EVP_EncryptUpdate(sealing, out, this.#outLength, base + input, length) === 1 &&
      crypto.EVP_EncryptFinal_ex(sealing, last, this.#outLength) === 1 &&
      crypto.EVP_CIPHER_CTX_ctrl(sealing, EVP_CTRL_AEAD_GET_TAG, TAG_BYTES, base + tag) === 1;
  }

  // hot path
  open(nonce: number, input: number, output: number, length: number, tag: number): boolean {
    const crypto = this.#crypto;
    const { base, opening } = this;
    if (opening === undefined) throw new Bug("This context does not open");
    const out = base + output;
    const last = out + (length & ~PARTIAL_BLOCK);
    return crypto.EVP_DecryptInit_ex(opening, 0, 0, 0, base + nonce) === 1 &&
      crypto.EVP_DecryptUpdate(opening, out, this.#outLength, base + input, length) === 1 &&
      crypto.EVP_CIPHER_CTX_ctrl(opening, EVP_CTRL_AEAD_SET_TAG, TAG_BYTES, base + tag) === 1 &&
      crypto.EVP_DecryptFinal_ex(opening, last, this.#outLength) === 1;
  }

  protected override free(context: Deno.PointerObject): void {
    this.#crypto.EVP_CIPHER_CTX_free(context);
  }
}

function evpContext(
  suite: AeadSuite,
  key: Uint8Array<ArrayBuffer>,
  direction: "seal" | "open",
): Deno.PointerObject {
  const crypto = libcrypto();
  const cipher = fetchCipher(suite);
  const context = must(crypto.EVP_CIPHER_CTX_new(), "memory for a cipher context");
  const seals = direction === "seal" ? 1 : 0;
  const iv = new Uint8Array(IV_BYTES);
  if (crypto.EVP_CipherInit_ex(context, cipher, null, key, iv, seals) === 1) return context;
  crypto.EVP_CIPHER_CTX_free(context);
  throw new Error(`Cannot use ${suite}: EVP_CipherInit_ex failed`);
}

function fetchCipher(suite: AeadSuite): Deno.PointerObject {
  const known = ciphers.get(suite);
  if (known !== undefined) return known;
  const cipher = libcrypto().EVP_CIPHER_fetch(null, cString(suite), null);
  if (cipher === null) throw new Error(`Cannot use ${suite}: this libcrypto does not have it`);
  ciphers.set(suite, cipher);
  return cipher;
}

/**
 * Returns the suites that a library of this machine has and that its CPU does not do in software, best first;
 * empty if there is neither library.
 */
export function aeadSuites(): AeadSuite[] {
  const fast: readonly AeadSuite[] = aesSupported() ? ["AES-256-OCB", "AES-256-GCM"] : [];
  return [...fast, "ChaCha20-Poly1305" as const].filter(works);
}

/** Builds of the libraries differ. */
function works(suite: AeadSuite): boolean {
  try {
    const gcrypt = libgcrypt();
    if (gcrypt === undefined) fetchCipher(suite);
    else gcrypt.gcry_cipher_close(openGcrypt(gcrypt, suite));
    return true;
  } catch {
    return false;
  }
}

/** Tells whether libgcrypt can be used on this machine. */
export function libgcryptAvailable(): boolean {
  return libgcrypt() !== undefined;
}

/** Tells whether this CPU has instructions for AES and for GCM; without them ChaCha20-Poly1305 is the fastest suite. */
export function aesSupported(): boolean {
  const line = /^(?:flags|Features)\s*:(.*)$/m.exec(readProc("/proc/cpuinfo") ?? "")?.[1] ?? "";
  const flags = line.trim().split(/\s+/);
  return flags.includes("aes") && (flags.includes("pclmulqdq") || flags.includes("pmull"));
}
