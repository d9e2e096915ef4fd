/**
 * The clock of the data plane.
 *
 * @module
 */

import type { Arena } from "./arena.ts";
import { TIMESPEC } from "./layout.ts";
import { libc } from "./libc.ts";

const CLOCK_MONOTONIC = 1;

// hot path
/**
 * Returns milliseconds since the machine started, with a fraction; no object is made.
 *
 * @param offset 16 bytes in the arena, a multiple of 8
 */
export function monotonicMs(arena: Arena, offset: number): number {
  libc().clock_gettime(CLOCK_MONOTONIC, arena.base + offset);
  const seconds = arena.u32[(offset + TIMESPEC.sec) >> 2] ?? 0;
  const nanoseconds = arena.u32[(offset + TIMESPEC.nsec) >> 2] ?? 0;
  return seconds * 1000 + nanoseconds / 1_000_000;
}
