/**
 * What is looked at about once a second: with a waking that has another reason, if there is one in time.
 *
 * ```
 *   heartbeats   |        |        |                    each waking of an idle thread costs a fraction of a millisecond,
 *   rounds       |        |        |         |          much of it to bring caches back
 *                0        1        2         3.25 s     nobody else woke the thread: by a timer
 * ```
 *
 * @module
 */

import type { Millis } from "../base/mod.ts";

/** A waking so long before the next round is due may serve for it, as a part of the interval. */
const EARLY = 0.1;
/** Without one it comes so much later, as a part of the interval. */
const LATE = 0.25;

/** Does something again and again. */
export class Round implements Disposable {
  readonly #everyMs: Millis;
  readonly #act: () => void;
  readonly #clock: () => Millis;
  #doneAt: Millis;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #over = false;

  /**
   * Begins; the first round comes an interval from now.
   *
   * @param everyMs between two rounds, a tenth less to a quarter more
   * @param act what to do; must not throw
   * @param clock returns ms on a clock that never goes back; default `performance.now`
   */
  constructor(
    everyMs: Millis,
    act: () => void,
    clock: () => Millis = () => performance.now(),
  ) {
    this.#everyMs = everyMs;
    this.#act = act;
    this.#clock = clock;
    this.#doneAt = clock();
    this.#arm();
  }

  /** Takes the opportunity that the thread is awake. Cheap if it comes too soon. */
  awake(): void {
    if (this.#over || this.#clock() - this.#doneAt < this.#everyMs * (1 - EARLY)) return;
    this.#run();
  }

  /** Ends it. */
  [Symbol.dispose](): void {
    this.#over = true;
    clearTimeout(this.#timer);
  }

  #run(): void {
    this.#doneAt = this.#clock();
    this.#arm();
    this.#act();
  }

  #arm(): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#run(), this.#everyMs * (1 + LATE));
  }
}
