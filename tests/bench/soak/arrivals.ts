/**
 * When bytes came over several flows, and the longest time in which none did.
 *
 * @module
 */

/** What came in one window of time. */
export interface Window {
  /** Bytes of all flows. */
  readonly bytes: number;
  /** Longest time in which nothing came at all, in milliseconds. */
  readonly silentMs: number;
  /** Longest time in which one of the flows brought nothing, in milliseconds. */
  readonly flowSilentMs: number;
}

/** Notes arrivals, window by window. */
export class Arrivals {
  readonly #lastOf: number[];
  #last = Infinity;
  #bytes = 0;
  #silentMs = 0;
  #flowSilentMs = 0;

  /** Waits for the first bytes of all flows. */
  constructor(flows: number) {
    this.#lastOf = Array.from({ length: flows }, () => Infinity);
  }

  /** Notes what came on a flow. */
  note(flow: number, bytes: number, now: number): void {
    this.#bytes += bytes;
    this.#look(now);
    this.#last = now;
    this.#lastOf[flow] = now;
  }

  /** Expects nothing more of a flow. */
  end(flow: number): void {
    this.#lastOf[flow] = Infinity;
  }

  /** Ends a window and returns it; a silence that goes on counts up to now, and again in the next. */
  window(now: number): Window {
    this.#look(now);
    const window = {
      bytes: this.#bytes,
      silentMs: this.#silentMs,
      flowSilentMs: this.#flowSilentMs,
    };
    [this.#bytes, this.#silentMs, this.#flowSilentMs] = [0, 0, 0];
    return window;
  }

  #look(now: number): void {
    this.#silentMs = Math.max(this.#silentMs, now - this.#last);
    for (const last of this.#lastOf) {
      if (now - last > this.#flowSilentMs) this.#flowSilentMs = now - last;
    }
  }
}
