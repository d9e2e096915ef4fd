/**
 * Ciphers of pairs, by libgcrypt or libcrypto.
 *
 * @module
 */

import { type Aead, type AeadSuite, aeadSuites, type Arena, openAead } from "../ffi/mod.ts";
import type { PairCiphers } from "./shuttle/mod.ts";

/** Tells whether segments can be sealed on this machine: a library is there. Without one shuttle must not be offered. */
export function shuttleAvailable(): boolean {
  return aeadSuites().length > 0;
}

/** Returns what makes contexts whose offsets refer to that arena. */
export function aeadCiphers(arena: Arena): PairCiphers {
  const open = (suite: string, key: Uint8Array, direction: "seal" | "open"): Aead =>
    openAead(suite as AeadSuite, Uint8Array.from(key), direction, arena);
  return {
    sealing: (suite, key) => open(suite, key, "seal"),
    opening: (suite, key) => open(suite, key, "open"),
  };
}
