/**
 * The life of a tunnel: heartbeats, what they teach, and when silence ends it (spec/sleeve.md 5).
 *
 * ```
 *   pending --- the remote says over TCP that it hears us ---> established
 *      \------- no heartbeat for the timeout -----------------> failed <---/
 * ```
 *
 * Heartbeats go fast until the remote has acknowledged one, then slowly. A valid heartbeat restarts the timeout and
 * teaches the remote's address, so that only one side needs to be reachable. Send errors fail nothing: one socket serves all
 * peers, and an error that one of them caused surfaces at another.
 *
 * A core that all overlays use; it does not know what a heartbeat looks like.
 *
 * @module
 */

import { type Endpoint, type Millis, sameEndpoint } from "../base/mod.ts";

/** The times of a tunnel. */
export interface TunnelTimes {
  /** Between heartbeats until the remote has acknowledged one. */
  readonly pendingHeartbeatMs: Millis;
  /** Between heartbeats after that. */
  readonly heartbeatMs: Millis;
  /** Silence that ends the tunnel. */
  readonly timeoutMs: Millis;
}

/** The times of Weave Net. */
export const SLEEVE_TIMES: TunnelTimes = {
  pendingHeartbeatMs: 500,
  heartbeatMs: 10_000,
  timeoutMs: 60_000,
};

/** What a heartbeat changed; the flags that {@link TunnelHealth.heard} returns. */
export const HEARD = {
  /** It is the first: tell the remote that we hear it. */
  FIRST: 1,
  /** It came from a new address. */
  MOVED: 2,
} as const;

/** State and health of one tunnel. */
export class TunnelHealth {
  #state: "pending" | "established" | "failed" = "pending";
  #reason: string | undefined;
  #remote: Endpoint | undefined;
  #heard = false;
  #heartbeatAt: Millis;
  #timeoutAt: Millis;
  readonly #times: TunnelTimes;

  /**
   * Begins a tunnel; the first heartbeat is due at once if the address is known.
   *
   * @param remote where the neighbour is, `undefined` if its heartbeat will tell
   */
  constructor(remote: Endpoint | undefined, now: Millis, times: TunnelTimes) {
    this.#remote = remote;
    this.#times = times;
    this.#heartbeatAt = now;
    this.#timeoutAt = now + times.timeoutMs;
  }

  /** Where the tunnel stands. */
  get state(): "pending" | "established" | "failed" {
    return this.#state;
  }

  /** Why it failed. */
  get reason(): string | undefined {
    return this.#reason;
  }

  /** Where the neighbour is. */
  get remote(): Endpoint | undefined {
    return this.#remote;
  }

  /**
   * Takes a valid heartbeat.
   *
   * @returns flags of {@link HEARD}
   */
  heard(source: Endpoint, now: Millis): number {
    if (this.#state === "failed") return 0;
    this.#timeoutAt = now + this.#times.timeoutMs;
    let flags: number = this.#heard ? 0 : HEARD.FIRST;
    this.#heard = true;
    if (!sameEndpoint(this.#remote, source)) {
      // Only the first address is answered at once: a moving one would turn each heartbeat into two.
      if (this.#remote === undefined) this.#heartbeatAt = now;
      this.#remote = source;
      flags |= HEARD.MOVED;
    }
    return flags;
  }

  /**
   * Takes the remote's word that it hears us.
   *
   * @returns true if that established the tunnel
   */
  acknowledged(now: Millis): boolean {
    if (this.#state === "failed") return false;
    this.#heartbeatAt = now + this.#times.heartbeatMs;
    const first = this.#state === "pending";
    this.#state = "established";
    return first;
  }

  /** Tells whether a heartbeat should be sent now; say {@link heartbeatSent} when it left. */
  heartbeatDue(now: Millis): boolean {
    return this.#remote !== undefined && this.#heartbeatAt <= now && this.#state !== "failed";
  }

  /** Notes that a heartbeat is on its way. */
  heartbeatSent(now: Millis): void {
    this.#heartbeatAt = now +
      (this.#state === "pending" ? this.#times.pendingHeartbeatMs : this.#times.heartbeatMs);
  }

  /**
   * Ends the tunnel if it has been silent for too long.
   *
   * @returns true if it failed now
   */
  expired(now: Millis): boolean {
    if (this.#state === "failed" || now < this.#timeoutAt) return false;
    this.fail(`no heartbeat for ${this.#times.timeoutMs / 1000} s`);
    return true;
  }

  /** Ends the tunnel. */
  fail(reason: string): void {
    this.#state = "failed";
    this.#reason = reason;
  }

  /** Returns when there is something to do. */
  deadline(): Millis {
    if (this.#state === "failed") return Infinity;
    const heartbeatAt = this.#remote === undefined ? Infinity : this.#heartbeatAt;
    return Math.min(heartbeatAt, this.#timeoutAt);
  }
}
