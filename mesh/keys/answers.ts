/**
 * The runs in which we answer: one of a name, few in all, for a short time (spec/shuttle.md 3).
 *
 * @module
 */

import type { Millis, PeerName } from "../../base/mod.ts";
import type { M1, M3 } from "./codec.ts";
import type { InstalledKeys } from "./io.ts";
import type { KeyIds } from "./key_ids.ts";
import { Rate } from "./rate.ts";
import { Answering, type RunOptions } from "./run.ts";

/** A run is given up after this time. */
const RUN_MS = 10_000;
/** Most runs at a time. */
const MAX_RUNS = 256;
/** Answers at once, and between two: each costs two multiplications and a key id, which rests for ten minutes. */
const BURST = 256;
const INTERVAL_MS = 50;

interface Answer {
  readonly run: Answering;
  readonly until: Millis;
}

/** All runs in which we answer. */
export class Answers {
  #ids: KeyIds;
  #answers = new Map<PeerName, Answer>();
  #rate = new Rate(BURST, INTERVAL_MS);

  /** Answers nobody yet. */
  constructor(ids: KeyIds) {
    this.#ids = ids;
  }

  /** Number of runs. */
  get size(): number {
    return this.#answers.size;
  }

  /** Whether a peer still has to confirm. */
  awaits(peer: PeerName): boolean {
    return this.#answers.get(peer)?.run.confirmed === false;
  }

  /** Returns the answer that this M1, to the byte, got already. */
  repeat(peer: PeerName, m1: Uint8Array): Uint8Array | undefined {
    const run = this.#answers.get(peer)?.run;
    return run?.answers(m1) ? run.m2 : undefined;
  }

  /**
   * Answers M1; what was answered to the same peer before is over.
   *
   * @returns until when M3 is awaited, and M2; `undefined` if it is too much, or the public key bad
   */
  begin(
    options: RunOptions,
    m1: M1,
    bytes: Uint8Array,
    now: Millis,
  ): { until: Millis; m2: Uint8Array } | undefined {
    const { peer } = options;
    if (!this.#answers.has(peer) && this.#answers.size >= MAX_RUNS) return undefined;
    if (!this.#rate.take(now)) return undefined;
    const receiveId = this.#ids.take(now);
    if (receiveId === undefined) return undefined;
    const run = Answering.answer(options, m1, bytes, receiveId);
    if (run === undefined) {
      this.#ids.release(receiveId, now);
      return undefined;
    }
    this.end(peer, now);
    const until = now + RUN_MS;
    this.#answers.set(peer, { run, until });
    return { until, m2: run.m2 };
  }

  /** Takes M3. @returns keys, once, if its tag is good */
  confirm(peer: PeerName, m3: M3): InstalledKeys | undefined {
    return this.#answers.get(peer)?.run.confirm(m3);
  }

  /** Ends the run with a peer. */
  end(peer: PeerName, now: Millis): void {
    const run = this.#answers.get(peer)?.run;
    if (run === undefined) return;
    this.#answers.delete(peer);
    // After M3 the id belongs to an installed key.
    if (!run.confirmed) this.#ids.release(run.receiveId, now);
    run.wipe();
  }

  /** Ends what is over. @returns peers that did not confirm */
  expire(now: Millis): PeerName[] {
    const silent: PeerName[] = [];
    for (const [peer, { run, until }] of this.#answers) {
      if (now < until) continue;
      if (!run.confirmed) silent.push(peer);
      this.end(peer, now);
    }
    return silent;
  }

  /** Returns when {@link Answers.expire} has something to do. */
  deadline(): Millis {
    return this.#answers.values().reduce((first, { until }) => Math.min(first, until), Infinity);
  }
}
