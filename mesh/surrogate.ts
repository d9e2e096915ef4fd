/**
 * Stand-in for a channel that nobody here handles (spec/mesh.md 10): its gossip is passed on, once.
 *
 * @module
 */

import { type Millis, type PeerName, toHex } from "../base/mod.ts";
import type { Channel } from "./channel.ts";

/** How long a payload is remembered, so that its copies are not passed on. */
const REMEMBER_MS = 30_000;
/** Most payloads that are remembered; in a burst of more the oldest are forgotten early. */
const MAX_REMEMBERED = 4096;
/** Most bytes that wait for one neighbour, a single larger payload excepted. */
const MAX_PENDING_BYTES = 2 * 1024 * 1024;

/** A channel of strangers. Its items are lists of payloads. */
export class Surrogate implements Channel<readonly Uint8Array[]> {
  #sha256: (bytes: Uint8Array) => Uint8Array;
  #seen = new Map<string, Millis>();

  /** Has seen nothing yet. */
  constructor(readonly name: string, sha256: (bytes: Uint8Array) => Uint8Array) {
    this.#sha256 = sha256;
  }

  /** Passes on what was not seen lately. */
  gossip(payload: Uint8Array, _from: PeerName, now: Millis): readonly Uint8Array[] | undefined {
    const hash = toHex(this.#sha256(payload));
    const seenAt = this.#seen.get(hash);
    if (seenAt !== undefined && now - seenAt < REMEMBER_MS) return undefined;
    // Oldest first: a map keeps the order in which keys came.
    this.#seen.delete(hash);
    for (const [old, at] of this.#seen) {
      if (now - at < REMEMBER_MS && this.#seen.size < MAX_REMEMBERED) break;
      this.#seen.delete(old);
    }
    this.#seen.set(hash, now);
    return [payload];
  }

  /** Passes on everything. */
  broadcast(payload: Uint8Array): readonly Uint8Array[] {
    return [payload];
  }

  /** Swallows what is for us. */
  unicast(): void {}

  /** Has no state to tell. */
  full(): undefined {
    return undefined;
  }

  /** Joins two lists; the oldest payloads go when too much waits. */
  merge(a: readonly Uint8Array[], b: readonly Uint8Array[]): readonly Uint8Array[] {
    const all = [...a, ...b];
    let bytes = all.reduce((sum, payload) => sum + payload.length, 0);
    while (bytes > MAX_PENDING_BYTES && all.length > 1) bytes -= all.shift()?.length ?? 0;
    return all;
  }

  /** Returns the payloads as they came. */
  encode(item: readonly Uint8Array[]): readonly Uint8Array[] {
    return item;
  }
}
