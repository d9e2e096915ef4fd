/**
 * Ciphers of pairs, by libcrypto.
 *
 * @module
 */

import { Aead, aeadAvailable, type AeadSuite, type Arena } from "../ffi/mod.ts";
import type { PairCiphers } from "./shuttle/mod.ts";

/** Tells whether segments can be sealed on this machine: libcrypto is there. Without it shuttle must not be offered. */
export function shuttleAvailable(): boolean {
  return aeadAvailable();
}

/** Returns what makes contexts whose offsets refer to that arena. */
export function aeadCiphers(arena: Arena): PairCiphers {
  const open = (suite: string, key: Uint8Array, direction: "seal" | "open"): Aead =>
    Aead.open(suite as AeadSuite, Uint8Array.from(key), direction, arena);
  return {
    sealing: (suite, key) => open(suite, key, "seal"),
    opening: (suite, key) => open(suite, key, "open"),
  };
}
