/**
 * The life of a tunnel: heartbeats, what they teach, and when silence ends it (spec/sleeve.md 5).
 *
 * ```
 *   pending --- the remote says over TCP that it hears us ---> established
 *      |<--------- lively: silent for 2 s ---------------------------|
 *      |---------- lively: heard again ----------------------------->|
 *      \------- no heartbeat for the timeout -----------------> failed <---/
 * ```
 *
 * Heartbeats go fast until the remote has acknowledged one, then slowly. A valid heartbeat restarts the timeout and
 * teaches the remote's address, so that only one side needs to be reachable. Send errors fail nothing: one socket serves all
 * peers, and an error that one of them caused surfaces at another.
 *
 * A *lively* tunnel, between two weft peers, sends many heartbeats a second and is pending while it hears none. Its ends take
 * turns at once: one sends when its time has come, the other with the same waking that the heartbeat of the first one causes.
 *
 * A core that all overlays use; it does not know what a heartbeat looks like.
 *
 * @module
 */

import { type Endpoint, type Millis, sameEndpoint } from "../base/mod.ts";
import { Liveness } from "./liveness.ts";

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
  /** It ended a silence: the tunnel is established again. */
  BACK: 4,
  /** Our own heartbeat goes now, as an answer. */
  ANSWER: 8,
} as const;

/** A heartbeat goes as an answer if no more than this part of its interval is left. */
const EARLY = 0.4;
/** Who answers waits so much longer for the next time: the other one begins again. */
const YIELD_MS = 30;

/** State and health of one tunnel. */
export class TunnelHealth {
  #state: "pending" | "established" | "failed" = "pending";
  #reason: string | undefined;
  #remote: Endpoint | undefined;
  #heard = false;
  #answers = false;
  #heartbeatAt: Millis;
  #timeoutAt: Millis;
  readonly #times: TunnelTimes;
  readonly #liveness: Liveness | undefined;

  /**
   * Begins a tunnel; the first heartbeat is due at once if the address is known.
   *
   * @param remote where the neighbour is, `undefined` if its heartbeat will tell
   * @param livelyMs between heartbeats of a lively tunnel, `undefined` if it is none
   */
  constructor(remote: Endpoint | undefined, now: Millis, times: TunnelTimes, livelyMs?: Millis) {
    this.#remote = remote;
    this.#times = times;
    this.#liveness = livelyMs === undefined ? undefined : new Liveness(livelyMs);
    this.#heartbeatAt = now;
    this.#timeoutAt = now + times.timeoutMs;
  }

  /** Where the tunnel stands. */
  get state(): "pending" | "established" | "failed" {
    return this.#state === "established" && this.silent ? "pending" : this.#state;
  }

  /** Why it failed, or is established no longer. */
  get reason(): string | undefined {
    if (this.#state === "failed" || this.#liveness?.silent !== true) return this.#reason;
    return `silent for ${this.#liveness.silenceMs / 1000} s`;
  }

  /** It was established and is not heard any more. */
  get silent(): boolean {
    return this.#liveness?.silent === true;
  }

  /** Between heartbeats once the remote has acknowledged one. */
  get heartbeatMs(): Millis {
    return this.#liveness?.heartbeatMs ?? this.#times.heartbeatMs;
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
    if (this.#liveness?.heartbeat(now) === true) flags |= HEARD.BACK;
    if (!sameEndpoint(this.#remote, source)) {
      // Only the first address is answered at once: a moving one would turn each heartbeat into two.
      if (this.#remote === undefined) this.#heartbeatAt = now;
      this.#remote = source;
      flags |= HEARD.MOVED;
    }
    return this.#answer(now) ? flags | HEARD.ANSWER : flags;
  }

  /**
   * Takes the remote's word that it hears us.
   *
   * @returns true if that established the tunnel
   */
  acknowledged(now: Millis): boolean {
    if (this.#state === "failed") return false;
    this.#heartbeatAt = now + this.heartbeatMs;
    const first = this.#state === "pending";
    this.#state = "established";
    if (first) this.#liveness?.begin(now);
    return first;
  }

  /** Changes how often a lively tunnel sends. */
  retime(livelyMs: Millis, now: Millis): void {
    if (this.#liveness === undefined) return;
    this.#liveness.heartbeatMs = livelyMs;
    if (this.#state === "established") {
      this.#heartbeatAt = Math.min(this.#heartbeatAt, now + livelyMs);
    }
  }

  /** Takes the remote's word how often it sends heartbeats. */
  remoteEvery(remoteMs: Millis): void {
    this.#liveness?.remoteEvery(remoteMs);
  }

  /** Takes a sign of life other than a heartbeat: it puts silence off and changes nothing else. */
  alive(at: Millis): void {
    this.#liveness?.alive(at);
  }

  /**
   * Takes established back if a lively tunnel is silent. Ask at each heartbeat, after what waits in the socket was read.
   *
   * @returns true if that happened now
   */
  silenced(now: Millis): boolean {
    return this.#state === "established" && this.#liveness?.silenced(now) === true;
  }

  /** Tells whether a heartbeat should be sent now; say {@link heartbeatSent} when it left. */
  heartbeatDue(now: Millis): boolean {
    return this.#remote !== undefined && this.#heartbeatAt <= now && this.#state !== "failed";
  }

  /** Notes that a heartbeat is on its way. */
  heartbeatSent(now: Millis): void {
    this.#heartbeatAt = now +
      (this.#state === "pending" ? this.#times.pendingHeartbeatMs : this.heartbeatMs) +
      (this.#answers ? YIELD_MS : 0);
    this.#answers = false;
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

  /** An idle thread is woken once for both directions; by others than weft peers it hardly ever is. */
  #answer(now: Millis): boolean {
    if (this.#liveness === undefined || this.#state !== "established") return false;
    if (this.#heartbeatAt - now > EARLY * this.heartbeatMs) return false;
    this.#heartbeatAt = Math.min(this.#heartbeatAt, now);
    this.#answers = true;
    return true;
  }

  /** Returns when there is something to do. */
  deadline(): Millis {
    if (this.#state === "failed") return Infinity;
    const heartbeatAt = this.#remote === undefined ? Infinity : this.#heartbeatAt;
    return Math.min(heartbeatAt, this.#timeoutAt, this.#liveness?.deadline() ?? Infinity);
  }
}
