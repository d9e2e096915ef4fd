/**
 * Whether this machine can seal for shuttle.
 *
 * @module
 */

import { aeadAvailable } from "../ffi/mod.ts";

/** Tells whether libcrypto can be opened and has the ciphers of shuttle; without it a router offers sleeve alone. */
export function shuttleAvailable(): boolean {
  return aeadAvailable();
}
