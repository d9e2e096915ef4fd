/**
 * libgcrypt: the same ciphers as libcrypto in less time per segment (docs/adr/0020), opened at first use and once per thread.
 *
 * ```
 *   gcry_cipher_open -> setkey      per key
 *   setiv -> final -> encrypt -> gettag         per segment, sealed
 *   setiv -> final -> decrypt -> checktag       per segment, opened
 * ```
 *
 * @module
 */

import { type LibraryPlace, openLibrary } from "./libc.ts";

const PLACE: LibraryPlace = {
  name: "libgcrypt",
  paths: ["libgcrypt.so.20"],
  debianPackage: "libgcrypt20",
};

/** `gcrypt.h` */
const GCRYCTL_DISABLE_SECMEM = 37;
const GCRYCTL_INITIALIZATION_FINISHED = 38;
const GCRYCTL_FIPS_MODE_P = 55;

const CRYPT = {
  parameters: [
    "pointer", /* h */
    "u32", /* void *out */
    "u32", /* size_t outsize */
    "u32", /* const void *in */
    "u32", /* size_t inlen */
  ],
  result: "i32",
} as const;

const SYMBOLS = {
  gcry_check_version: { parameters: ["pointer" /* const char *req_version */], result: "pointer" },
  gcry_control: {
    parameters: ["i32", /* enum gcry_ctl_cmds CMD */ "i32" /* ... */],
    result: "i32",
  },
  gcry_cipher_open: {
    parameters: [
      "buffer", /* gcry_cipher_hd_t *handle */
      "i32", /* int algo */
      "i32", /* int mode */
      "u32", /* unsigned int flags */
    ],
    result: "i32",
  },
  gcry_cipher_close: { parameters: ["pointer" /* gcry_cipher_hd_t h */], result: "void" },
  gcry_cipher_setkey: {
    parameters: ["pointer", /* hd */ "buffer", /* const void *key */ "u32" /* size_t keylen */],
    result: "i32",
  },
  // ---- hot path: addresses inside the arena ----
  gcry_cipher_setiv: {
    parameters: ["pointer", /* hd */ "u32", /* const void *iv */ "u32" /* size_t ivlen */],
    result: "i32",
  },
  gcry_cipher_ctl: {
    parameters: [
      "pointer", /* h */
      "i32", /* int cmd */
      "u32", /* void *buffer */
      "u32", /* size_t buflen */
    ],
    result: "i32",
  },
  gcry_cipher_encrypt: CRYPT,
  gcry_cipher_decrypt: CRYPT,
  gcry_cipher_gettag: {
    parameters: ["pointer", /* hd */ "u32", /* void *outtag */ "u32" /* size_t taglen */],
    result: "i32",
  },
  gcry_cipher_checktag: {
    parameters: ["pointer", /* hd */ "u32", /* const void *intag */ "u32" /* size_t taglen */],
    result: "i32",
  },
} as const satisfies Deno.ForeignLibraryInterface;

/** The symbols of libgcrypt as functions. */
export type Libgcrypt = Deno.StaticForeignLibraryInterface<typeof SYMBOLS>;

let opened: Libgcrypt | null | undefined;

/**
 * Returns libgcrypt of this thread, ready for use; `undefined` if it is not installed, may not be opened, or is in FIPS mode,
 * in which it takes no nonces from outside.
 */
export function libgcrypt(): Libgcrypt | undefined {
  if (opened === undefined) opened = load() ?? null;
  return opened ?? undefined;
}

function load(): Libgcrypt | undefined {
  // Asking does not prompt; dlopen would.
  if (Deno.permissions.querySync({ name: "ffi" }).state !== "granted") return undefined;
  let symbols: Libgcrypt;
  try {
    symbols = openLibrary(PLACE, SYMBOLS);
  } catch {
    return undefined;
  }
  // Its manual: nothing works before the version was asked for. Doing it once per thread does no harm.
  if (symbols.gcry_check_version(null) === null) return undefined;
  if (symbols.gcry_control(GCRYCTL_FIPS_MODE_P, 0) !== 0) return undefined;
  symbols.gcry_control(GCRYCTL_DISABLE_SECMEM, 0);
  symbols.gcry_control(GCRYCTL_INITIALIZATION_FINISHED, 0);
  return symbols;
}
