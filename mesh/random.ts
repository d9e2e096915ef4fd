/**
 * Random numbers from random bytes.
 *
 * @module
 */

import type { MeshCrypto } from "./types.ts";

/** Returns a random integer of 64 bits that is not zero. */
export function randomUint64(crypto: MeshCrypto): bigint {
  const bytes = crypto.randomBytes(8);
  const value = new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(0);
  return value === 0n ? 1n : value;
}

/** Returns a random number 0 <= x < 1. */
export function randomFraction(crypto: MeshCrypto): number {
  const bytes = crypto.randomBytes(4);
  return new DataView(bytes.buffer, bytes.byteOffset).getUint32(0) / 2 ** 32;
}
