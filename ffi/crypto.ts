/**
 * Cryptography: NaCl secretbox in place for the data plane, NaCl for the control plane, and the two libraries.
 *
 * libsodium does it where it is installed, tweetnacl-es6 elsewhere, about ten times slower; both give the same bytes.
 *
 * @module
 */

import { createHash, createHmac, timingSafeEqual } from "node:crypto";
// @ts-types="tweetnacl-es6/types"
import nacl from "tweetnacl-es6";
import { Bug } from "../base/mod.ts";
import { type LibraryPlace, openLibrary } from "./libc.ts";

const KEY_BYTES = 32;
const NONCE_BYTES = 24;
const TAG_BYTES = 16;
const KEYS_PER_BLOCK = 64;

const SODIUM_PLACE: LibraryPlace = {
  name: "libsodium",
  paths: ["libsodium.so.23", "libsodium.so.26"],
  debianPackage: "libsodium23",
};

const SODIUM_SYMBOLS = {
  sodium_init: { parameters: [], result: "i32" },
  sodium_version_string: { parameters: [], result: "pointer" /* const char * */ },
  // ---- hot path: addresses inside the arena ----
  crypto_secretbox_easy: {
    parameters: [
      "u32", /* unsigned char *c */
      "u32", /* const unsigned char *m */
      "u32", /* unsigned long long mlen */
      "u32", /* const unsigned char *n */
      "u32", /* const unsigned char *k */
    ],
    result: "i32",
  },
  crypto_secretbox_open_easy: {
    parameters: [
      "u32", /* unsigned char *m */
      "u32", /* const unsigned char *c */
      "u32", /* unsigned long long clen */
      "u32", /* const unsigned char *n */
      "u32", /* const unsigned char *k */
    ],
    result: "i32",
  },
  // ---- control plane ----
  sealBuffer: {
    name: "crypto_secretbox_easy",
    parameters: ["buffer", "buffer", "u64", "buffer", "buffer"],
    result: "i32",
  },
  openBuffer: {
    name: "crypto_secretbox_open_easy",
    parameters: ["buffer", "buffer", "u64", "buffer", "buffer"],
    result: "i32",
  },
  crypto_scalarmult_base: {
    parameters: ["buffer", /* unsigned char *q */ "buffer" /* const unsigned char *n */],
    result: "i32",
  },
  crypto_scalarmult: {
    parameters: [
      "buffer", /* unsigned char *q */
      "buffer", /* const unsigned char *n */
      "buffer", /* const unsigned char *p */
    ],
    result: "i32",
  },
  crypto_box_beforenm: {
    parameters: [
      "buffer", /* unsigned char *k */
      "buffer", /* const unsigned char *pk */
      "buffer", /* const unsigned char *sk */
    ],
    result: "i32",
  },
} as const satisfies Deno.ForeignLibraryInterface;

type Sodium = Deno.StaticForeignLibraryInterface<typeof SODIUM_SYMBOLS>;

const CRYPTO_PLACE: LibraryPlace = {
  name: "libcrypto",
  paths: ["libcrypto.so.3"],
  debianPackage: "libssl3",
};

const CRYPTO_SYMBOLS = {
  EVP_CIPHER_fetch: {
    parameters: [
      "pointer", /* OSSL_LIB_CTX *ctx */
      "buffer", /* const char *algorithm */
      "pointer", /* const char *properties */
    ],
    result: "pointer", /* EVP_CIPHER * */
  },
  EVP_CIPHER_CTX_new: { parameters: [], result: "pointer" /* EVP_CIPHER_CTX * */ },
  EVP_CIPHER_CTX_free: { parameters: ["pointer" /* EVP_CIPHER_CTX *ctx */], result: "void" },
  EVP_CipherInit_ex: {
    parameters: [
      "pointer", /* EVP_CIPHER_CTX *ctx */
      "pointer", /* const EVP_CIPHER *type */
      "pointer", /* ENGINE *impl */
      "buffer", /* const unsigned char *key */
      "buffer", /* const unsigned char *iv */
      "i32", /* int enc */
    ],
    result: "i32",
  },
  // ---- hot path: addresses inside the arena ----
  EVP_EncryptInit_ex: {
    parameters: ["pointer", /* ctx */ "u32", /* type */ "u32", /* impl */ "u32", /* key */ "u32"],
    result: "i32",
  },
  EVP_DecryptInit_ex: {
    parameters: ["pointer", /* ctx */ "u32", /* type */ "u32", /* impl */ "u32", /* key */ "u32"],
    result: "i32",
  },
  EVP_EncryptUpdate: {
    parameters: [
      "pointer", /* ctx */
      "u32", /* out */
      "u32", /* int *outl */
      "u32", /* in */
      "i32",
    ],
    result: "i32",
  },
  EVP_DecryptUpdate: {
    parameters: [
      "pointer", /* ctx */
      "u32", /* out */
      "u32", /* int *outl */
      "u32", /* in */
      "i32",
    ],
    result: "i32",
  },
  EVP_EncryptFinal_ex: {
    parameters: ["pointer", /* ctx */ "u32", /* out */ "u32" /* int *outl */],
    result: "i32",
  },
  EVP_DecryptFinal_ex: {
    parameters: ["pointer", /* ctx */ "u32", /* out */ "u32" /* int *outl */],
    result: "i32",
  },
  EVP_CIPHER_CTX_ctrl: {
    parameters: [
      "pointer", /* ctx */
      "i32", /* int type */
      "i32", /* int arg */
      "u32", /* void * */
    ],
    result: "i32",
  },
} as const satisfies Deno.ForeignLibraryInterface;

/** The symbols of libcrypto as functions. */
export type Libcrypto = Deno.StaticForeignLibraryInterface<typeof CRYPTO_SYMBOLS>;

/** Which implementation is used. auto: libsodium if it can be opened; never: tweetnacl-es6. */
export interface CryptoOptions {
  /** Default "auto". */
  readonly libsodium?: "auto" | "never";
}

/** Memory that {@link openSecretbox} works in; an `Arena` has this shape, and so has any array. */
export interface SecretboxMemory {
  /** The bytes that offsets count in. */
  readonly bytes: Uint8Array;
  /** Address of offset 0, if it lies below 2 GiB. Without it, libsodium cannot be used. */
  readonly base?: number;
  /** Sets memory aside for keys. */
  alloc?(bytes: number, align?: number): number;
}

/** NaCl secretbox (XSalsa20-Poly1305) in place. */
export interface Secretbox {
  /** Which library, as "libsodium 1.0.18". */
  readonly name: string;
  /** Takes a 32-byte key and returns its handle, a small integer that is reused after `removeKey`. */
  addKey(key: Uint8Array): number;
  /** Wipes a key. */
  removeKey(handle: number): void;
  /** Seals: plaintext at `offset + 16`; then tag at `offset`, ciphertext behind. `nonce` is the offset of 24 bytes. */
  seal(handle: number, nonce: number, offset: number, length: number): void;
  /** Opens: tag at `offset`, `length` bytes behind; then plaintext at `offset + 16`. @returns false: not authentic */
  open(handle: number, nonce: number, offset: number, length: number): boolean;
}

let sodiumState: { sodium: Sodium; version: string } | { reason: string } | undefined;

function loadSodium(): { sodium: Sodium; version: string } | { reason: string } {
  // Asking does not prompt; dlopen would.
  if (Deno.permissions.querySync({ name: "ffi" }).state !== "granted") {
    return { reason: "no permission for FFI" };
  }
  try {
    const sodium = openLibrary(SODIUM_PLACE, SODIUM_SYMBOLS);
    if (sodium.sodium_init() < 0) return { reason: "sodium_init failed" };
    const text = sodium.sodium_version_string();
    const version = text === null ? "?" : new Deno.UnsafePointerView(text).getCString();
    return { sodium, version };
  } catch (error) {
    return { reason: error instanceof Error ? error.message : String(error) };
  }
}

function findSodium(options: CryptoOptions): { sodium: Sodium; version: string } | undefined {
  if (options.libsodium === "never") return undefined;
  sodiumState ??= loadSodium();
  return "sodium" in sodiumState ? sodiumState : undefined;
}

let cryptoOpened: Libcrypto | undefined;

/** Returns libcrypto of this thread; opens it at first use. @throws {Error} naming what was tried and what to install */
export function libcrypto(): Libcrypto {
  cryptoOpened ??= openLibrary(CRYPTO_PLACE, CRYPTO_SYMBOLS);
  return cryptoOpened;
}

/** Tells which library seals, for `status`, with a warning if it is the slow one. */
export function cipherName(options: CryptoOptions = {}): { name: string; warning?: string } {
  const found = findSodium(options);
  if (found !== undefined) return { name: `libsodium ${found.version}` };
  const reason =
    sodiumState !== undefined && "reason" in sodiumState && options.libsodium !== "never"
      ? sodiumState.reason
      : "libsodium is switched off";
  return { name: "tweetnacl-es6", warning: `encryption is about ten times slower: ${reason}` };
}

/** Keys by handle; a handle is reused, a wrong one is a bug. */
class Handles<T> {
  readonly #values: (T | undefined)[] = [];
  readonly #free: number[] = [];

  add(value: T): number {
    const handle = this.#free.pop() ?? this.#values.length;
    this.#values[handle] = value;
    return handle;
  }

  // hot path
  get(handle: number): T {
    const value = this.#values[handle];
    if (value === undefined) throw new Bug(`Key ${handle} is not there`);
    return value;
  }

  remove(handle: number): T {
    const value = this.get(handle);
    this.#values[handle] = undefined;
    this.#free.push(handle);
    return value;
  }
}

function checkKey(key: Uint8Array): void {
  if (key.length !== KEY_BYTES) throw new Bug(`A key has ${KEY_BYTES} bytes, not ${key.length}`);
}

class SodiumSecretbox implements Secretbox {
  readonly name: string;
  readonly #handles = new Handles<number>();
  readonly #freeOffsets: number[] = [];
  readonly #sodium: Sodium;
  readonly #base: number;

  constructor(
    found: { sodium: Sodium; version: string },
    readonly memory: SecretboxMemory,
    base: number,
    readonly alloc: (bytes: number) => number,
  ) {
    this.name = `libsodium ${found.version}`;
    this.#sodium = found.sodium;
    this.#base = base;
  }

  addKey(key: Uint8Array): number {
    checkKey(key);
    if (this.#freeOffsets.length === 0) {
      const block = this.alloc(KEYS_PER_BLOCK * KEY_BYTES);
      for (let i = 0; i < KEYS_PER_BLOCK; i++) this.#freeOffsets.push(block + i * KEY_BYTES);
    }
    const offset = this.#freeOffsets.pop();
    if (offset === undefined) throw new Bug("No room for a key");
    this.memory.bytes.set(key, offset);
    return this.#handles.add(offset);
  }

  removeKey(handle: number): void {
    const offset = this.#handles.remove(handle);
    this.memory.bytes.fill(0, offset, offset + KEY_BYTES);
    this.#freeOffsets.push(offset);
  }

  // hot path
  seal(handle: number, nonce: number, offset: number, length: number): void {
    const base = this.#base;
    const at = base + offset;
    const key = base + this.#handles.get(handle);
    this.#sodium.crypto_secretbox_easy(at, at + TAG_BYTES, length, base + nonce, key);
  }

  // hot path
  open(handle: number, nonce: number, offset: number, length: number): boolean {
    const base = this.#base;
    const at = base + offset;
    const key = base + this.#handles.get(handle);
    const sealed = length + TAG_BYTES;
    return this.#sodium.crypto_secretbox_open_easy(
      at + TAG_BYTES,
      at,
      sealed,
      base + nonce,
      key,
    ) === 0;
  }
}

/** The same in JavaScript; makes objects per call. */
class PortableSecretbox implements Secretbox {
  readonly name = "tweetnacl-es6";
  readonly #handles = new Handles<Uint8Array>();

  constructor(readonly memory: SecretboxMemory) {}

  addKey(key: Uint8Array): number {
    checkKey(key);
    return this.#handles.add(key.slice());
  }

  removeKey(handle: number): void {
    this.#handles.remove(handle).fill(0);
  }

  seal(handle: number, nonce: number, offset: number, length: number): void {
    const { bytes } = this.memory;
    const from = offset + TAG_BYTES;
    const plaintext = bytes.subarray(from, from + length);
    bytes.set(nacl.secretbox(plaintext, this.#nonce(nonce), this.#handles.get(handle)), offset);
  }

  open(handle: number, nonce: number, offset: number, length: number): boolean {
    const { bytes } = this.memory;
    const sealed = bytes.subarray(offset, offset + TAG_BYTES + length);
    const opened = nacl.secretbox.open(sealed, this.#nonce(nonce), this.#handles.get(handle));
    if (opened === null) return false;
    bytes.set(opened, offset + TAG_BYTES);
    return true;
  }

  #nonce(at: number): Uint8Array {
    return this.memory.bytes.subarray(at, at + NONCE_BYTES);
  }
}

/**
 * Returns a secretbox that works in place on a piece of memory.
 *
 * With an arena libsodium is used if it can be opened; keys then lie in the arena. On any other memory it is
 * tweetnacl-es6.
 *
 * @param memory an arena, or `{ bytes }`
 */
export function openSecretbox(memory: SecretboxMemory, options: CryptoOptions = {}): Secretbox {
  const { base } = memory;
  if (base === undefined || memory.alloc === undefined) return new PortableSecretbox(memory);
  const found = findSodium(options);
  if (found === undefined) return new PortableSecretbox(memory);
  const alloc = (bytes: number): number => memory.alloc?.(bytes, KEY_BYTES) ?? 0;
  return new SodiumSecretbox(found, memory, base, alloc);
}

/** What the mesh needs; the shape of `MeshCrypto` in `mesh/types.ts` and of `KeyCrypto` in `mesh/keys/`. */
export interface ControlCrypto {
  /** Returns a fresh X25519 key pair, 32 bytes each. */
  generateKeyPair(): { publicKey: Uint8Array; privateKey: Uint8Array };
  /** NaCl's `box` precomputation: HSalsa20(X25519(ours, theirs), 0), 32 bytes. */
  sharedKey(theirPublic: Uint8Array, ourPrivate: Uint8Array): Uint8Array;
  /** X25519 as in RFC 7748, 32 bytes; all zero for a point of low order, which the caller has to refuse. */
  x25519(ourPrivate: Uint8Array, theirPublic: Uint8Array): Uint8Array;
  /** SHA-256, 32 bytes. */
  sha256(bytes: Uint8Array): Uint8Array;
  /** HMAC-SHA-256, 32 bytes. */
  hmacSha256(key: Uint8Array, bytes: Uint8Array): Uint8Array;
  /** Tells whether two byte strings are equal, in a time that depends on their lengths alone. */
  equalSecrets(a: Uint8Array, b: Uint8Array): boolean;
  /** NaCl secretbox: tag (16 bytes), then ciphertext. */
  seal(plaintext: Uint8Array, nonce: Uint8Array, key: Uint8Array): Uint8Array;
  /** Opens a secretbox; `undefined` if it does not authenticate. */
  open(sealed: Uint8Array, nonce: Uint8Array, key: Uint8Array): Uint8Array | undefined;
  /** Returns random bytes. */
  randomBytes(length: number): Uint8Array;
}

/** Returns the cryptography of the control plane. Needs no permission without libsodium. */
export function meshCrypto(options: CryptoOptions = {}): ControlCrypto {
  const sodium = findSodium(options)?.sodium;
  const common = {
    sha256: (bytes: Uint8Array): Uint8Array =>
      new Uint8Array(createHash("sha256").update(bytes).digest()),
    hmacSha256: (key: Uint8Array, bytes: Uint8Array): Uint8Array =>
      new Uint8Array(createHmac("sha256", key).update(bytes).digest()),
    equalSecrets: (a: Uint8Array, b: Uint8Array): boolean =>
      a.length === b.length && timingSafeEqual(a, b),
    randomBytes,
  };
  return { ...common, ...(sodium === undefined ? portableNacl() : sodiumNacl(sodium)) };
}

type Nacl = Pick<ControlCrypto, "generateKeyPair" | "sharedKey" | "x25519" | "seal" | "open">;

function randomBytes(length: number): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(length);
  const most = 65536;
  for (let at = 0; at < length; at += most) crypto.getRandomValues(bytes.subarray(at, at + most));
  return bytes;
}

function portableNacl(): Nacl {
  return {
    generateKeyPair: () => {
      const random = randomBytes(KEY_BYTES);
      const pair = nacl.box.keyPair.fromSecretKey(random);
      random.fill(0);
      return { publicKey: pair.publicKey, privateKey: pair.secretKey };
    },
    sharedKey: (theirPublic, ourPrivate) => nacl.box.before(theirPublic, ourPrivate),
    x25519: (ourPrivate, theirPublic) => nacl.scalarMult(ourPrivate, theirPublic),
    seal: (plaintext, nonce, key) => nacl.secretbox(plaintext, nonce, key),
    open: (sealed, nonce, key) => nacl.secretbox.open(sealed, nonce, key) ?? undefined,
  };
}

function sodiumNacl(sodium: Sodium): Nacl {
  return {
    generateKeyPair: () => {
      const privateKey = randomBytes(KEY_BYTES);
      const publicKey = new Uint8Array(KEY_BYTES);
      sodium.crypto_scalarmult_base(publicKey, privateKey);
      return { publicKey, privateKey };
    },
    sharedKey: (theirPublic, ourPrivate) => {
      const key = new Uint8Array(KEY_BYTES);
      const pk = exactly(theirPublic, KEY_BYTES);
      if (sodium.crypto_box_beforenm(key, pk, exactly(ourPrivate, KEY_BYTES)) === 0) return key;
      // libsodium refuses points of low order; NaCl and other implementations of this mesh do not.
      return nacl.box.before(theirPublic, ourPrivate);
    },
    x25519: (ourPrivate, theirPublic) => {
      const shared = new Uint8Array(KEY_BYTES);
      const point = exactly(theirPublic, KEY_BYTES);
      const scalar = exactly(ourPrivate, KEY_BYTES);
      // What libsodium leaves there when it refuses is not promised to be zero.
      if (sodium.crypto_scalarmult(shared, scalar, point) !== 0) shared.fill(0);
      scalar.fill(0);
      return shared;
    },
    seal: (plaintext, nonce, key) => {
      const sealed = new Uint8Array(TAG_BYTES + plaintext.length);
      sealed.set(plaintext, TAG_BYTES);
      const length = BigInt(plaintext.length);
      const message = sealed.subarray(TAG_BYTES);
      const n = exactly(nonce, NONCE_BYTES);
      sodium.sealBuffer(sealed, message, length, n, exactly(key, KEY_BYTES));
      return sealed;
    },
    open: (sealed, nonce, key) => {
      if (sealed.length < TAG_BYTES) return undefined;
      const plaintext = new Uint8Array(sealed.length - TAG_BYTES);
      const box = exactly(sealed, sealed.length);
      const n = exactly(nonce, NONCE_BYTES);
      const k = exactly(key, KEY_BYTES);
      const result = sodium.openBuffer(plaintext, box, BigInt(box.length), n, k);
      return result === 0 ? plaintext : undefined;
    },
  };
}

/** C would read past a short array: the length is checked here. The copy also rules out shared memory. */
function exactly(bytes: Uint8Array, length: number): Uint8Array<ArrayBuffer> {
  if (bytes.length !== length) throw new Bug(`Needed ${length} bytes, got ${bytes.length}`);
  return new Uint8Array(bytes);
}
