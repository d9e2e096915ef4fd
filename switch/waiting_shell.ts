/**
 * Waits for events as the worker's pace demands, on a thread whose class it has set.
 *
 * @module
 */

import type { Millis } from "../base/mod.ts";
import { type Arena, type Epoll, monotonicMs, restThread, yieldThread } from "../ffi/mod.ts";
import { COUNTER, type PriorityReport, type WorkerStart } from "./contract.ts";
import { Moderation, type Moved } from "./moderation.ts";
import { Pace } from "./pace.ts";
import { Polling, WORK } from "./polling.ts";
import { raiseThread, setUrgent } from "./priority_shell.ts";
import { Urgency } from "./urgency.ts";
import { Warmth } from "./warmth.ts";

/** Nobody asks for more than one wake-up a second, whatever the deadline. */
const LONGEST_SLEEP_MS = 1_000;
/** In two milliseconds most of what lay in the CPU's caches can be gone. */
const REHEARSE_EVERY_MS = 1;
/** With a rest every 10 ms it is a fiftieth of the time; the kernel's buffers hold more than comes meanwhile. */
const REST_US = 200;
/** What `clock_gettime` writes. */
const TIMESPEC_BYTES = 16;

/** Where the loop's time begins: late enough that 0 is long ago. */
const BEGIN_MS = 1_000_000;

/**
 * Waits on behalf of the loop, and knows the time.
 *
 * The loop's time is whole milliseconds since its begin. A stage takes it as an argument, once a frame: a fraction, or what
 * has passed since the boot of a machine that is up for a month, would be boxed with each such call.
 */
export class Waiting {
  /** How the scheduler treats this thread. */
  readonly priority: PriorityReport;
  /** When the last wait was over, in whole milliseconds. */
  now: Millis = BEGIN_MS;
  /** The last wait was over with nothing to do, and the next frame is likely to come soon. */
  rehearses = false;
  readonly #arena: Arena;
  readonly #epoll: Epoll;
  readonly #scratch: number;
  readonly #pace: Pace;
  /** It may be a real-time thread, */
  readonly #realtime: boolean;
  /** and is one now. */
  #raised: boolean;
  readonly #urgency = new Urgency();
  readonly #polling: Polling;
  readonly #moderation = new Moderation();
  readonly #warmth: Warmth | undefined;
  readonly #moved: Moved = { captured: 0, capturedBytes: 0, received: 0, receivedBytes: 0 };
  readonly #originMs: Millis;
  /** The same with its fraction. A double in a field would be boxed with each change. */
  readonly #exact = Float64Array.of(BEGIN_MS);

  /** Raises the priority of the calling thread as far as it is wanted and granted. */
  constructor(arena: Arena, epoll: Epoll, { priority, spinUs, rehearsal }: WorkerStart) {
    this.#arena = arena;
    this.#epoll = epoll;
    this.#scratch = arena.alloc(TIMESPEC_BYTES, 8);
    this.#originMs = monotonicMs(arena, this.#scratch) - BEGIN_MS;
    this.priority = raiseThread(priority);
    this.#realtime = this.priority.got === "realtime";
    this.#raised = this.#realtime;
    const [cpus, realtime] = [navigator.hardwareConcurrency, this.#realtime];
    this.#pace = new Pace(realtime);
    this.#polling = new Polling({ spinUs, cpus, realtime });
    this.#warmth = rehearsal ? new Warmth() : undefined;
  }

  // hot path
  /** Whether there is so little to move that a frame should leave at once, alone. */
  get light(): boolean {
    return this.#moderation.light;
  }

  // hot path
  /** Notes what was moved in all until the end of a turn. @param counters cells of `COUNTER` */
  turned(counters: Float64Array): void {
    const moved = this.#moved;
    const captured = counters[COUNTER.tapReads] ?? 0;
    const received = counters[COUNTER.framesLocal] ?? 0;
    const work = (captured > moved.captured ? WORK.CAPTURED : 0) |
      (received > moved.received ? WORK.RECEIVED : 0);
    if (work !== 0) this.#polling.moved(work, this.#exact[0] ?? 0);
    moved.captured = captured;
    moved.capturedBytes = counters[COUNTER.tapReadBytes] ?? 0;
    moved.received = received;
    moved.receivedBytes = counters[COUNTER.tapWriteBytes] ?? 0;
    this.#moderation.turned(this.now, moved);
    const { bulk } = this.#moderation;
    // Nobody sees what is in the frames that a relay passes on.
    const relayed = counters[COUNTER.framesRelayed] ?? 0;
    this.#urgency.turned(this.now, (counters[COUNTER.framesUrgent] ?? 0) + relayed, bulk);
    this.#warmth?.turned(this.now, moved.captured + moved.received);
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
    this.rehearses = false;
    if (this.#realtime && this.#urgency.urgent !== this.#raised) this.#changeClass();
    const pace = this.#pace;
    if (pace.tires(this.#exact[0] ?? 0)) restThread(REST_US);
    else if (this.#raised && !busy && this.#moderation.gatherUs > 0) {
      restThread(this.#moderation.gatherUs);
    }
    if (busy) return this.#poll(0);
    if (this.#moderation.light && this.#raised) {
      if (this.#polling.fresh) this.#polling.begins(this.#clock());
      if (this.#polling.polls(this.#exact[0] ?? 0)) {
        yieldThread();
        return this.#poll(0);
      }
    }
    // How long this turn took matters only to a thread that is to rest soon: another look at the clock is not for nothing.
    const watches = pace.watches(this.#exact[0] ?? 0);
    const from = watches ? this.#clock() : this.#exact[0] ?? 0;
    const warm = this.#moderation.light && this.#warmth?.lasts(this.now) === true;
    const longest = warm ? REHEARSE_EVERY_MS : LONGEST_SLEEP_MS;
    const events = this.#poll(Math.min(longest, Math.max(0, Math.ceil(wakeAt - from))));
    this.rehearses = warm && events === 0;
    pace.waited(from, this.#exact[0] ?? 0, watches);
    return events;
  }

  #changeClass(): void {
    this.#raised = this.#urgency.urgent;
    setUrgent(this.#raised);
  }

  #poll(timeoutMs: number): number {
    const events = this.#epoll.wait(timeoutMs);
    const exact = this.#clock();
    this.#exact[0] = exact;
    this.now = Math.floor(exact);
    return events;
  }

  #clock(): Millis {
    return monotonicMs(this.#arena, this.#scratch) - this.#originMs;
  }
}
