/**
 * What sender and receiver must know of a pair: one key in one direction, and where its segments go or come from.
 *
 * ```
 *   us --OutgoingKey--> peer      counter counted up here          peer --IncomingKey--> us      replay window here
 * ```
 *
 * In clear the same objects serve, without a key; a direction to or from one neighbour is then one of them.
 *
 * @module
 */

import type { OpeningKey, SealingKey } from "./aead.ts";
import type { ReplayWindow16k } from "./window.ts";

/** What leaves for one peer. The sender only reads it, but for `counter`. */
export interface OutgoingKey {
  /** Short id of the peer. */
  readonly destination: number;
  /** Our short id. */
  readonly origin: number;
  /** The peer's number for the key; 0 in clear. */
  readonly keyId: number;
  /** Seals; `undefined`: in clear. */
  readonly key: SealingKey | undefined;
  /** First four bytes of the nonce as a big-endian integer; 0 in clear. */
  readonly salt: number;
  /** Counter of the next segment: upper and lower half, see {@link newCounter}. */
  readonly counter: Int32Array;
  /** Largest segment that passes the whole way, in bytes of UDP payload. */
  readonly segmentBytes: number;
  /** Address slot of the next hop. */
  readonly slot: number;
  /** Most segments of a train to the next hop. */
  readonly trainSegments: number;
}

/** What comes from one peer under one key. */
export interface IncomingKey {
  /** Number that no other key has that pieces may be joined under: pieces of two keys never join. */
  readonly slot: number;
  /** Index of the peer; all its keys share the memory for fragments. */
  readonly peer: number;
  /** Current short id of the peer. */
  readonly origin: number;
  /** Opens; `undefined`: in clear. */
  readonly key: OpeningKey | undefined;
  /** First four bytes of the nonce as a big-endian integer. */
  readonly salt: number;
  /** What was seen under the key; `undefined` in clear. */
  readonly window: ReplayWindow16k | undefined;
}

/** Finds the key of a segment. */
export interface IncomingKeys {
  /** Returns the key of that id. hot path */
  byId(keyId: number): IncomingKey | undefined;
  /**
   * Returns what stands for a key in clear: only if we trust the neighbour and it trusts us. hot path
   *
   * @param source address slot of the established link that the segment came from, -1 for none
   * @param origin short id that the segment claims
   */
  inClear(source: number, origin: number): IncomingKey | undefined;
}

/** Segments under one key after which another is to be agreed on. */
export const REKEY_AT_BIT = 28;

/** Returns the counter of a key that was never used. */
export function newCounter(): Int32Array {
  return Int32Array.of(0, 1);
}

/** Tells whether a key has sealed 2^28 segments: time for another. */
export function isRekeyDue(counter: Int32Array): boolean {
  return (counter[0] ?? 0) !== 0 || (counter[1] ?? 0) >>> REKEY_AT_BIT !== 0;
}

/** Tells whether a key must not seal any more: 2^32 segments. hot path */
export function isUsedUp(counter: Int32Array): boolean {
  return (counter[0] ?? 0) !== 0;
}

/** Counts one up. hot path */
export function advance(counter: Int32Array): void {
  const low = ((counter[1] ?? 0) + 1) | 0;
  counter[1] = low;
  if (low === 0) counter[0] = (counter[0] ?? 0) + 1;
}
