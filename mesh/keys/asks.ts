/**
 * The runs in which we ask: one of a pair, few in all, for a short time, and not all at once (spec/shuttle.md 3).
 *
 * @module
 */

import type { Millis } from "../../base/mod.ts";
import { REASONS } from "./io.ts";
import type { KeyIds } from "./key_ids.ts";
import type { Pair } from "./pair.ts";
import { Rate } from "./rate.ts";
import { Asking, type RunOptions } from "./run.ts";

/** A run is given up after this time. */
const RUN_MS = 10_000;
/** Most runs at a time. */
const MAX_RUNS = 256;
/** M1s at once, and between two after that: 200 peers that start together meet within seconds, not in one burst. */
const BURST = 16;
const INTERVAL_MS = 50;

/** All runs in which we ask; each is kept with its pair. */
export class Asks {
  #ids: KeyIds;
  #rate = new Rate(BURST, INTERVAL_MS);
  #size = 0;

  /** Asks nobody yet. */
  constructor(ids: KeyIds) {
    this.#ids = ids;
  }

  /** Number of runs. */
  get size(): number {
    return this.#size;
  }

  /** Returns from when on an M1 may be sent. */
  freeAt(): Millis {
    return this.#rate.freeAt();
  }

  /** Whether a pair may ask, as far as their number goes. */
  hasRoom(pair: Pair): boolean {
    return pair.run !== undefined || this.#size < MAX_RUNS;
  }

  /** Counts an M1, if it may be sent now. @returns whether it may */
  take(now: Millis): boolean {
    return this.#rate.take(now);
  }

  /** Begins a run, unless the key ids are used up. */
  begin(pair: Pair, options: RunOptions, now: Millis): void {
    const receiveId = this.#ids.take(now);
    if (receiveId === undefined) return;
    pair.begin(new Asking(options, receiveId), now + RUN_MS);
    this.#size++;
  }

  /** Ends the run of a pair, if there is one. */
  end(pair: Pair, now: Millis): void {
    const { run } = pair;
    if (run === undefined) return;
    run.wipe();
    pair.end();
    this.#size--;
    // With M3 the id belongs to an installed key.
    if (run.m3 === undefined) this.#ids.release(run.receiveId, now);
  }

  /** Ends the run of a pair if it is over. @returns why it failed */
  expire(pair: Pair, now: Millis): string | undefined {
    const { run, runUntil } = pair;
    if (run === undefined || now < runUntil) return undefined;
    this.end(pair, now);
    return run.m3 === undefined ? REASONS.noAnswer : REASONS.noData;
  }
}
