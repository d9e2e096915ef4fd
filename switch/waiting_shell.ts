/**
 * Waits for events as the worker's pace demands, on a thread whose class it has set.
 *
 * @module
 */

import type { Millis } from "../base/mod.ts";
import { type Arena, type Epoll, monotonicMs, restThread, yieldThread } from "../ffi/mod.ts";
import type { PriorityReport, WorkerStart } from "./contract.ts";
import { Moderation, type Moved } from "./moderation.ts";
import { Pace } from "./pace.ts";
import { raiseThread } from "./priority_shell.ts";

/** Nobody asks for more than one wake-up a second, whatever the deadline. */
const LONGEST_SLEEP_MS = 1_000;
/** With a rest every 10 ms it is a fiftieth of the time; the kernel's buffers hold more than comes meanwhile. */
const REST_US = 200;
/** Four frames and more come meanwhile in what counts as a flood, thirty in one of 150,000 a second. */
const GATHER_US = 200;
/** What `clock_gettime` writes. */
const TIMESPEC_BYTES = 16;

/** Waits on behalf of the loop, and knows the time. */
export class Waiting {
  /** How the scheduler treats this thread. */
  readonly priority: PriorityReport;
  /** When the last wait was over. */
  now: Millis = 0;
  readonly #arena: Arena;
  readonly #epoll: Epoll;
  readonly #scratch: number;
  readonly #pace: Pace;
  readonly #realtime: boolean;
  readonly #moderation = new Moderation();

  /** Raises the priority of the calling thread as far as it is wanted and granted. */
  constructor(arena: Arena, epoll: Epoll, { priority, spinUs }: WorkerStart) {
    this.#arena = arena;
    this.#epoll = epoll;
    this.#scratch = arena.alloc(TIMESPEC_BYTES, 8);
    this.priority = raiseThread(priority);
    this.#realtime = this.priority.got === "realtime";
    const [cpus, realtime] = [navigator.hardwareConcurrency, this.#realtime];
    this.#pace = new Pace({ spinUs, cpus, realtime });
  }

  // hot path
  /** Notes that the last events were work. */
  worked(): void {
    this.#pace.worked(this.now);
  }

  // hot path
  /** Notes what was moved in all until the end of a turn. */
  turned(moved: Moved): void {
    if (this.#realtime) this.#moderation.turned(this.now, moved);
  }

  // hot path
  /**
   * Waits until something happens.
   *
   * @param busy there may be more work: only look
   * @param wakeAt when there is something to do anyway
   * @returns how many events epoll has; negative: -errno
   */
  wait(busy: boolean, wakeAt: Millis): number {
    const pace = this.#pace;
    if (pace.tires(this.now)) restThread(REST_US);
    else if (this.#moderation.gathers && !busy) restThread(GATHER_US);
    if (busy) return this.#poll(0);
    if (pace.spins(this.now)) {
      yieldThread();
      return this.#poll(0);
    }
    const from = this.#clock();
    const events = this.#poll(Math.min(LONGEST_SLEEP_MS, Math.max(0, Math.ceil(wakeAt - from))));
    pace.waited(from, this.now);
    return events;
  }

  #poll(timeoutMs: number): number {
    const events = this.#epoll.wait(timeoutMs);
    this.now = this.#clock();
    return events;
  }

  #clock(): Millis {
    return monotonicMs(this.#arena, this.#scratch);
  }
}
