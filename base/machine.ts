/**
 * The shape that every core has.
 *
 * A core is a state machine without I/O: inputs and time go in, outputs and a deadline come out. A shell
 * drives it: one `handle`, drain `poll`, arm one timer at `deadline`, wait (see `drive_shell.ts`).
 *
 * @module
 */

/** A point in time or a span, in milliseconds. Cores get it as an argument and never read a clock. */
export type Millis = number;

/** A core as its shell sees it. `In` and `Out` are unions of plain objects with a `kind`. */
export interface Machine<In, Out> {
  /**
   * Takes one input; the only way to change the core.
   *
   * @param input what happened
   * @param now the time of it, in ms on a clock that never goes back
   */
  handle(input: In, now: Millis): void;
  /** Returns the next output, `undefined` when there is none. Drain it after every `handle`. */
  poll(): Out | undefined;
  /** Returns when the core wants a tick (same clock as `handle`), `undefined` for never. */
  deadline(): Millis | undefined;
}
