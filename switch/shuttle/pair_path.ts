/**
 * Whether the path of a pair works, and how large a datagram it carries (spec/shuttle.md 4, 6).
 *
 * ```
 *   probing --an answer--> usable --3 s of traffic without an answer--> probing
 *
 *   size:   1232 (every path)  ->  what the first hop carries  ->  no answer: halve  ->  settled
 *           small ones are answered, large ones are not: begin again; every 5 minutes: look for more
 * ```
 *
 * A path without traffic is not probed: it stays what it was, and its first frame asks. All probes go end to end, so a
 * relay that cannot pass shuttle on, or drops large datagrams, shows like a cut.
 *
 * A core: it says which probe is due, the caller sends it. All sizes are bytes of UDP payload.
 *
 * @module
 */

import type { Millis } from "../../base/mod.ts";

/** Every path carries this: IPv6 promises 1280 bytes, 48 of them are headers. */
export const SAFE_DATAGRAM_BYTES = 1_232;

/** Smallest probe: it asks whether anybody is there. */
export const SMALLEST_PROBE_BYTES = 64;

/** Traffic without an answer for so long ends a path (spec/shuttle.md 4). */
const SILENCE_MS = 3_000;
/** Between probes of a path with traffic. */
const PROBE_MS = 1_000;
/** First pause between probes of a path that does not answer; it doubles. */
const FIRST_RETRY_MS = 250;
/** Longest pause: what comes back is used within this time. */
const LONGEST_RETRY_MS = 5_000;
/** How often a size is tried, and how long an answer may take. */
const SIZE_TRIES = 3;
const SIZE_WAIT_MS = 300;
/** A search that is so near ends: fewer bytes are not worth their probes. */
const PRECISION_BYTES = 8;
/** Between searches for more than was found. */
const LOOK_FOR_MORE_MS = 5 * 60_000;
/** Full-size probes without an answer, while small ones have theirs, until the size is searched anew. */
const LOST_LARGE = 3;

/** Path of one pair. */
export class PairPath {
  #usable = false;
  #reason: string | undefined = "its path is being probed";
  /** What the first hop carries. */
  #upper = SAFE_DATAGRAM_BYTES;
  #limit = SAFE_DATAGRAM_BYTES;
  /** Size under test, 0 if none is. */
  #candidate = 0;
  /** Smallest size that is known not to pass. */
  #bad = 0;
  #tries = 0;
  #sizeAt: Millis = Infinity;
  #moreAt: Millis = Infinity;
  #probeAt: Millis;
  #retryMs: Millis = FIRST_RETRY_MS;
  #asking = false;
  #largeNext = false;
  #largeLost = 0;
  /** Times that change with traffic, out of the object so that none is allocated: last traffic, last probe, first unanswered. */
  readonly #times = Float64Array.of(-Infinity, -Infinity, Infinity);

  /** Begins to probe at once. */
  constructor(now: Millis) {
    this.#probeAt = now;
  }

  /** Frames may take it. */
  get usable(): boolean {
    return this.#usable;
  }

  /** Why not. */
  get reason(): string | undefined {
    return this.#usable ? undefined : this.#reason;
  }

  /** Largest datagram to send. hot path */
  get limitBytes(): number {
    return this.#limit;
  }

  /** The search for the largest datagram is over. */
  get settled(): boolean {
    return this.#candidate === 0;
  }

  /** Notes that frames go this way. hot path */
  traffic(now: Millis): void {
    this.#times[0] = now;
  }

  /**
   * Notes which way the pair goes now: probed anew, both for an answer and for its size.
   *
   * @param upperBytes largest datagram that the first hop carries
   */
  routed(upperBytes: number, now: Millis): void {
    this.#probeAt = now;
    this.#retryMs = FIRST_RETRY_MS;
    this.#largeLost = 0;
    this.#upper = Math.max(upperBytes, SAFE_DATAGRAM_BYTES);
    this.#limit = Math.min(this.#limit, this.#upper);
    if (this.#usable) this.#search(this.#upper, now);
  }

  /** Notes that no link leads to the peer: nothing is probed until {@link routed}. */
  blocked(reason: string): void {
    this.#usable = false;
    this.#reason = reason;
    this.#probeAt = Infinity;
    this.#candidate = 0;
    this.#sizeAt = Infinity;
  }

  /**
   * Notes that the kernel refused more than this for the first hop; never believed below what every path carries.
   *
   * @returns true if the limit fell
   */
  refused(maxBytes: number, now: Millis): boolean {
    const most = Math.max(maxBytes, SAFE_DATAGRAM_BYTES);
    if (most >= this.#limit && (this.#candidate === 0 || most >= this.#candidate)) return false;
    const fell = most < this.#limit;
    this.#limit = Math.min(this.#limit, most);
    this.#upper = Math.min(this.#upper, most);
    this.#moreAt = now + LOOK_FOR_MORE_MS;
    this.#search(this.#upper, now);
    return fell;
  }

  /**
   * Takes an answer: the remote received a probe of that size.
   *
   * @returns true if the path became usable or its limit changed
   */
  answered(sizeBytes: number, now: Millis): boolean {
    const wasUsable = this.#usable;
    this.#usable = true;
    this.#times[2] = Infinity;
    this.#retryMs = FIRST_RETRY_MS;
    if (sizeBytes >= this.#limit) this.#largeLost = 0;
    if (!wasUsable) this.#search(this.#upper, now);
    if (this.#candidate === 0 || sizeBytes < this.#candidate || sizeBytes > this.#upper) {
      return !wasUsable;
    }
    this.#limit = Math.max(this.#limit, sizeBytes);
    this.#narrow(now);
    return true;
  }

  /** Does what is due. @returns true if the path is no longer usable, or its limit fell */
  tick(now: Millis): boolean {
    if (this.#candidate > 0 && now >= this.#sizeAt && this.#tries >= SIZE_TRIES) {
      this.#bad = this.#candidate;
      this.#narrow(now);
    }
    if (now >= this.#moreAt && this.#candidate === 0) this.#search(this.#upper, now);
    if (!this.#usable || now - (this.#times[2] ?? Infinity) < SILENCE_MS) {
      return this.#checkLarge(now);
    }
    this.#usable = false;
    this.#reason = `its probes were not answered for ${SILENCE_MS / 1000} s`;
    this.#probeAt = now;
    this.#candidate = 0;
    this.#sizeAt = Infinity;
    return true;
  }

  /** Returns the size of the probe that is due, 0 for none; say {@link sent} when it left. */
  dueBytes(now: Millis): number {
    if (this.#candidate > 0 && now >= this.#sizeAt) return this.#candidate;
    if (!this.#usable) return now >= this.#probeAt ? SMALLEST_PROBE_BYTES : 0;
    const [traffic = 0, probed = 0] = this.#times;
    if (traffic <= probed || now - probed < PROBE_MS) return 0;
    return this.#largeNext ? this.#limit : SMALLEST_PROBE_BYTES;
  }

  /** Notes that a probe of that size is on its way. */
  sent(sizeBytes: number, now: Millis): void {
    if (this.#candidate > 0 && sizeBytes === this.#candidate) {
      this.#tries++;
      this.#sizeAt = now + SIZE_WAIT_MS;
      return;
    }
    this.#times[1] = now;
    if (!this.#usable) {
      this.#probeAt = now + this.#retryMs;
      this.#retryMs = Math.min(this.#retryMs * 2, LONGEST_RETRY_MS);
      return;
    }
    if (sizeBytes > SMALLEST_PROBE_BYTES) this.#largeLost++;
    else if (this.#times[2] === Infinity) this.#times[2] = now;
    this.#largeNext = !this.#largeNext;
  }

  /** Returns when there is something to do; traffic does not move it: look once a second as well. */
  deadline(): Millis {
    const probe = this.#usable ? Infinity : this.#probeAt;
    return Math.min(probe, this.#sizeAt, this.#moreAt);
  }

  /** Small probes are answered and full ones are not: the path has become narrower without a word. */
  #checkLarge(now: Millis): boolean {
    if (this.#largeLost < LOST_LARGE || this.#candidate > 0) return false;
    this.#largeLost = 0;
    this.#bad = this.#limit;
    this.#limit = SAFE_DATAGRAM_BYTES;
    this.#search(this.#bad - 1, now);
    return true;
  }

  #search(upper: number, now: Millis): void {
    this.#bad = upper + 1;
    this.#moreAt = now + LOOK_FOR_MORE_MS;
    this.#candidate = upper > this.#limit ? upper : 0;
    this.#tries = 0;
    this.#sizeAt = this.#candidate > 0 ? now : Infinity;
  }

  #narrow(now: Millis): void {
    const gap = this.#bad - this.#limit;
    this.#candidate = gap > PRECISION_BYTES ? this.#limit + (gap >> 1) : 0;
    this.#tries = 0;
    this.#sizeAt = this.#candidate > 0 ? now : Infinity;
  }
}
