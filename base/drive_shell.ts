/**
 * Drives one core with real time: the loop that all control-plane shells share.
 *
 * ```
 *   input -> machine.handle -> poll until undefined -> effect(output) ...
 *                           -> one timer at machine.deadline() -> tick
 * ```
 *
 * @module
 */

import type { Machine, Millis } from "./machine.ts";

/** What a shell gets to feed its core. */
export interface Driver<In> {
  /** Hands one input to the core, performs all outputs, arms the timer. */
  feed(input: In): void;
  /** Stops the timer; later inputs are ignored. */
  stop(): void;
}

/**
 * Connects a core with the clock.
 *
 * Outputs are performed in order; an effect that feeds again is queued behind the running input, so the core
 * never sees a nested call.
 *
 * @param machine the core
 * @param tick the input that stands for "time has passed"
 * @param effect performs one output; must not throw
 * @param clock returns ms on a clock that never goes back; default `performance.now`
 * @param settled is called after each input and all that it caused; must not throw
 */
export function drive<In, Out>(
  machine: Machine<In, Out>,
  tick: In,
  effect: (output: Out) => void,
  clock: () => Millis = () => performance.now(),
  settled: () => void = () => {},
): Driver<In> {
  const queue: In[] = [];
  let running = false;
  let stopped = false;
  let timer: ReturnType<typeof setTimeout> | undefined;
  /** What the timer is set for. */
  let armed: Millis | undefined;

  function arm(): void {
    const deadline = stopped ? undefined : machine.deadline();
    // Most inputs change nothing about it, and a timer costs more than they do.
    if (deadline === armed) return;
    disarm();
    if (deadline === undefined) return;
    // setTimeout holds at most 2^31-1 ms; a wake-up in between is harmless.
    const delay = Math.min(Math.max(0, Math.ceil(deadline - clock())), 0x7fffffff);
    armed = deadline;
    timer = setTimeout(() => {
      armed = undefined;
      feed(tick);
    }, delay);
  }

  function disarm(): void {
    if (timer !== undefined) clearTimeout(timer);
    timer = undefined;
    armed = undefined;
  }

  function feed(input: In): void {
    if (stopped) return;
    queue.push(input);
    if (running) return;
    running = true;
    try {
      for (let next = queue.shift(); next !== undefined; next = queue.shift()) {
        machine.handle(next, clock());
        for (let out = machine.poll(); out !== undefined; out = machine.poll()) effect(out);
      }
    } finally {
      running = false;
    }
    arm();
    settled();
  }

  function stop(): void {
    stopped = true;
    queue.length = 0;
    disarm();
  }

  return { feed, stop };
}
