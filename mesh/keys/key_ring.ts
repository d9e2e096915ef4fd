/**
 * The keys that one pair holds, from installing to forgetting (spec/shuttle.md 3).
 *
 * ```
 *   add -> (we asked) wait for the first segment --worked--> sends -> 3 hours: stop -> forget 2 min later
 *       -> (we answered) sends at once           --worked--> older ones are forgotten 10 s later
 *          older ones are forgotten 2 min after a newer was added, at the latest
 * ```
 *
 * A key here is a number: the bytes are with the data plane.
 *
 * @module
 */

import type { Millis } from "../../base/mod.ts";

/** From the first segment under a key to the end of older ones: what was under way has arrived. */
const OVERLAP_MS = 10_000;
/** Longest life of a key beside a newer one, and of the receiving half beyond the sending one. */
const MAX_OVERLAP_MS = 120_000;
/** Nothing is sealed with a key that is older. */
export const KEY_LIMIT_MS: Millis = 3 * 60 * 60_000;
/** Most keys of one pair: more than runs fit into two minutes; a peer that agrees on new ones all the time loses old ones. */
const MAX_HELD = 8;

interface Held {
  readonly receiveId: number;
  readonly sendId: number;
  readonly since: Millis;
  worked: boolean;
  stopped: boolean;
  retireAt: Millis;
}

/** What is to be done with a key. */
export type RingAction =
  /** Seal with it from now on. */
  | { readonly kind: "use"; readonly sendId: number }
  /** Seal nothing more with it. */
  | { readonly kind: "stop"; readonly sendId: number }
  /** Forget both halves. */
  | { readonly kind: "retire"; readonly receiveId: number };

/** Keys of one pair, oldest first. */
export class KeyRing {
  #held: Held[] = [];
  #sending: Held | undefined;

  /** Whether there is a key to seal with. */
  get sends(): boolean {
    return this.#sending !== undefined;
  }

  /** Whether the newest key is the one to seal with, so that no other is on its way. */
  get settled(): boolean {
    return this.#sending !== undefined && this.#sending === this.#held.at(-1);
  }

  /** Number of keys. */
  get size(): number {
    return this.#held.length;
  }

  /** Whether a key is the newest one. */
  isNewest(receiveId: number): boolean {
    return this.#held.at(-1)?.receiveId === receiveId;
  }

  /** Adds a key; `sendNow`: seal with it at once. */
  add(key: { receiveId: number; sendId: number; sendNow: boolean }, now: Millis): RingAction[] {
    for (const older of this.#held) {
      older.retireAt = Math.min(older.retireAt, now + MAX_OVERLAP_MS);
    }
    const { receiveId, sendId, sendNow } = key;
    const retireAt = now + KEY_LIMIT_MS + MAX_OVERLAP_MS;
    const held = { receiveId, sendId, since: now, worked: false, stopped: false, retireAt };
    this.#held.push(held);
    if (sendNow) this.#sending = held;
    const extra = this.#held.slice(0, -MAX_HELD);
    return extra.flatMap((each) => this.#retire(each));
  }

  /** Notes that a segment was opened under a key. */
  worked(receiveId: number, now: Millis): RingAction[] {
    const at = this.#held.findIndex((each) => each.receiveId === receiveId);
    const held = this.#held[at];
    if (held === undefined || held.worked) return [];
    held.worked = true;
    for (const older of this.#held.slice(0, at)) {
      older.retireAt = Math.min(older.retireAt, now + OVERLAP_MS);
    }
    const sendingAt = this.#sending === undefined ? -1 : this.#held.indexOf(this.#sending);
    if (at <= sendingAt || held.stopped) return [];
    this.#sending = held;
    return [{ kind: "use", sendId: held.sendId }];
  }

  /** Ends what is too old. */
  expire(now: Millis): RingAction[] {
    const actions: RingAction[] = [];
    for (const held of [...this.#held]) {
      if (now >= held.since + KEY_LIMIT_MS && !held.stopped) actions.push(...this.#stop(held));
      if (now >= held.retireAt) actions.push(...this.#retire(held));
    }
    return actions;
  }

  /** Ends everything. */
  clear(): RingAction[] {
    return [...this.#held].flatMap((held) => this.#retire(held));
  }

  /** Returns when {@link KeyRing.expire} has something to do. */
  deadline(): Millis {
    return this.#held.reduce(
      (first, { since, stopped, retireAt }) =>
        Math.min(first, retireAt, stopped ? Infinity : since + KEY_LIMIT_MS),
      Infinity,
    );
  }

  #stop(held: Held): RingAction[] {
    held.stopped = true;
    if (this.#sending !== held) return [];
    this.#sending = undefined;
    return [{ kind: "stop", sendId: held.sendId }];
  }

  #retire(held: Held): RingAction[] {
    this.#held = this.#held.filter((each) => each !== held);
    return [...this.#stop(held), { kind: "retire", receiveId: held.receiveId }];
  }
}
