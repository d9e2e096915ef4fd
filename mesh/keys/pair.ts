/**
 * Ourselves and one peer: when to ask it for a key, and what is known of that (spec/shuttle.md 3).
 *
 * @module
 */

import type { Millis, PeerName } from "../../base/mod.ts";
import type { PairState } from "./io.ts";
import { KeyRing } from "./key_ring.ts";
import type { Asking } from "./run.ts";

/** From the first M1 to the second. */
const FIRST_INTERVAL_MS = 1_000;
/** Growth of the wait with each. */
const INTERVAL_FACTOR = 1.5;
/** Longest wait. */
const MAX_INTERVAL_MS = 60_000;
/** Age of a key at which the next is agreed on, if nothing else is said. */
export const REKEY_MS: Millis = 60 * 60_000;
/** What the higher name waits for the lower to ask: more than news needs to get through a mesh. */
const PATIENCE_MS = 2_000;

/** What is known of one pair. */
export class Pair {
  /** Its keys. */
  readonly ring: KeyRing = new KeyRing();
  /** The peer. */
  readonly name: PeerName;
  /** UID that the peer has in the topology. */
  uid: bigint;
  /** When M1 is due, by ourselves. */
  dueAt: Millis;
  /** There is traffic for it. */
  urgent = false;
  /** When it is forgotten; `Infinity` while it is in the topology. */
  goneAt: Millis = Infinity;
  /** Why the last run failed, until one succeeds. */
  reason: string | undefined;
  /** What was said of it last. */
  told: { state: PairState; reason: string | undefined } = { state: "none", reason: undefined };
  #run: Asking | undefined;
  #runUntil: Millis = Infinity;
  #interval = FIRST_INTERVAL_MS;
  #patienceMs: Millis;
  #fresh = true;

  /** Is to be asked for a key, at once if our name is the lower. */
  constructor(name: PeerName, uid: bigint, lower: boolean, now: Millis) {
    this.name = name;
    this.uid = uid;
    this.#patienceMs = lower ? 0 : PATIENCE_MS;
    this.dueAt = now + this.#patienceMs;
  }

  /** The run in which we ask, if there is one. */
  get run(): Asking | undefined {
    return this.#run;
  }

  /** When that run is given up. */
  get runUntil(): Millis {
    return this.#runUntil;
  }

  /** Notes that M1 is being sent: when the next is due. */
  asked(now: Millis): void {
    this.#fresh = false;
    this.urgent = false;
    this.dueAt = now + this.#interval;
    this.#interval = Math.min(this.#interval * INTERVAL_FACTOR, MAX_INTERVAL_MS);
  }

  /** Begins to ask. */
  begin(run: Asking, until: Millis): void {
    this.#run = run;
    this.#runUntil = until;
  }

  /** Ends to ask. */
  end(): void {
    this.#run = undefined;
    this.#runUntil = Infinity;
  }

  /** Notes traffic: what was never asked is asked at once; what does not answer is not asked more often for it. */
  want(now: Millis): void {
    if (this.ring.sends) return;
    this.urgent = true;
    if (this.#fresh) this.dueAt = Math.min(this.dueAt, now);
  }

  /** Lets the other go on until then. */
  waitFor(until: Millis): void {
    this.#fresh = false;
    this.dueAt = Math.max(this.dueAt, until + this.#patienceMs);
  }

  /** Notes that the key was used up; if the next is on its way already it is nothing new. */
  exhaust(now: Millis): void {
    if (this.ring.settled && this.#run === undefined) this.dueAt = Math.min(this.dueAt, now);
  }

  /** Notes that keys work, or will, and until when the next is not needed. */
  succeed(now: Millis, rekeyMs: Millis): void {
    this.reason = undefined;
    this.urgent = false;
    this.#interval = FIRST_INTERVAL_MS;
    this.dueAt = now + rekeyMs + this.#patienceMs;
  }

  /** Notes why a run failed. */
  fail(reason: string): void {
    this.reason = reason;
  }

  /** Notes another run of the peer's process: its keys are gone, but ours stay until there are new ones. */
  restart(uid: bigint, now: Millis): void {
    this.uid = uid;
    this.goneAt = Infinity;
    this.reason = undefined;
    this.#fresh = true;
    this.#interval = FIRST_INTERVAL_MS;
    this.dueAt = now + this.#patienceMs;
  }

  /** Returns where it stands. */
  state(answering: boolean): PairState {
    if (this.ring.sends) return "ready";
    if (this.reason !== undefined) return "failed";
    return answering || this.#run !== undefined ? "agreeing" : "none";
  }
}
