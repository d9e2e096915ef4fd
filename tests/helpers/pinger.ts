/**
 * Echo requests that go on, to see for how long traffic is away.
 *
 * @module
 */

import type { Background, Namespace } from "./namespace.ts";
import { until } from "./until.ts";

/** Between two requests. */
const INTERVAL_MS = 50;
/** After a fault nothing that was sent before it arrives later than this. */
const IN_FLIGHT_MS = 300;

interface Reply {
  readonly sequence: number;
  /** When it came, ms since 1970. */
  readonly at: number;
}

/** A ping(8) that runs until it is disposed. */
export class Pinger implements AsyncDisposable {
  readonly #process: Background;

  /** Starts it. */
  constructor(from: Namespace, address: string) {
    this.#process = from.start(["ping", "-n", "-D", "-i", `${INTERVAL_MS / 1000}`, address]);
  }

  /**
   * Waits until traffic passes that was not under way at `since`.
   *
   * @param since when the fault began, ms since 1970
   * @returns the longest time without a reply, in ms
   */
  async back(since: number, deadlineMs: number): Promise<number> {
    const passes = (): boolean => this.#replies().some(({ at }) => at > since + IN_FLIGHT_MS);
    await until(passes, deadlineMs, "traffic again");
    const times = this.#replies().map(({ at }) => at);
    const first = times.findLastIndex((at) => at < since);
    const gaps = times.slice(first + 1).map((at, i) => at - (times[first + i] ?? at));
    return Math.round(Math.max(...gaps, 0));
  }

  /** Returns how many requests had no reply, of those between the first and the last reply since a time. */
  lost(since: number): number {
    const numbers = this.#replies().filter(({ at }) => at >= since).map(({ sequence }) => sequence);
    if (numbers.length === 0) return 0;
    return Math.max(...numbers) - Math.min(...numbers) + 1 - new Set(numbers).size;
  }

  /** Returns how many replies came since a time. */
  replies(since: number): number {
    return this.#replies().filter(({ at }) => at >= since).length;
  }

  /** Ends it. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#process.stop();
  }

  #replies(): Reply[] {
    const lines = this.#process.output.matchAll(/^\[(\d+\.\d+)\] .*icmp_seq=(\d+) .*time=/gm);
    return [...lines].map(([, at, sequence]) => ({
      at: Number(at) * 1000,
      sequence: Number(sequence),
    }));
  }
}
