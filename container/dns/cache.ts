/**
 * Answers of other servers, for as long as their TTL says.
 *
 * A full cache forgets what was not asked for longest. Long TTLs are cut, so that a wrong answer does not stay for a day.
 *
 * @module
 */

import type { Millis } from "../../base/mod.ts";
import type { Relayable } from "./reply.ts";

/** Answers that are kept at most. */
export const MAX_CACHED = 2_000;
/** The longest that is kept; one that does not fit into a UDP datagram comes rarely. */
const MAX_CACHED_BYTES = 4096;
/** How long an answer is kept at most. */
export const MAX_CACHE_SECONDS = 600;
/** How long "there is nothing" is kept at most: whoever made a mistake mends it and asks again. */
export const MAX_NEGATIVE_SECONDS = 60;

interface Entry {
  readonly relayable: Relayable;
  readonly since: Millis;
  readonly until: Millis;
}

/** A remembered answer. */
export interface Cached {
  /** The answer as it came. */
  readonly relayable: Relayable;
  /** How long it has been here, in whole seconds. */
  readonly ageSeconds: number;
}

/** A small cache of answers. */
export class AnswerCache {
  #entries = new Map<string, Entry>();

  /** How many answers are kept. */
  get size(): number {
    return this.#entries.size;
  }

  /** Returns an answer that is young enough. */
  get(key: string, now: Millis): Cached | undefined {
    const entry = this.#entries.get(key);
    if (entry === undefined) return undefined;
    this.#entries.delete(key);
    if (now >= entry.until) return undefined;
    // Put back last: the first one is the one not used longest.
    this.#entries.set(key, entry);
    return { relayable: entry.relayable, ageSeconds: Math.floor((now - entry.since) / 1000) };
  }

  /** Keeps an answer if it says that it may be kept. */
  put(key: string, relayable: Relayable, now: Millis): void {
    const most = relayable.negative ? MAX_NEGATIVE_SECONDS : MAX_CACHE_SECONDS;
    const seconds = Math.min(most, relayable.ttlSeconds);
    if (seconds <= 0 || relayable.bytes.length > MAX_CACHED_BYTES) return;
    this.#entries.delete(key);
    this.#entries.set(key, { relayable, since: now, until: now + seconds * 1000 });
    if (this.#entries.size <= MAX_CACHED) return;
    for (const oldest of this.#entries.keys()) {
      this.#entries.delete(oldest);
      return;
    }
  }

  /** Forgets all. */
  clear(): void {
    this.#entries.clear();
  }
}
