import { deepEqual, equal } from "node:assert/strict";
import { Round } from "./round_shell.ts";

/** A clock and the one timer that is set, in place of the real ones. */
class Time implements Disposable {
  now = 0;
  timer: { readonly at: number; readonly act: () => void } | undefined;
  readonly #plain = { set: globalThis.setTimeout, clear: globalThis.clearTimeout };

  constructor() {
    globalThis.setTimeout = ((act: () => void, ms: number) => {
      this.timer = { at: this.now + ms, act };
      return 1;
    }) as unknown as typeof setTimeout;
    globalThis.clearTimeout = () => this.timer = undefined;
  }

  /** Lets time pass; something else wakes the thread at these times. */
  run(until: number, round: Round, wakings: readonly number[] = []): void {
    for (; this.now < until; this.now++) {
      if (this.timer !== undefined && this.timer.at <= this.now) this.timer.act();
      if (wakings.includes(this.now)) round.awake();
    }
  }

  [Symbol.dispose](): void {
    globalThis.setTimeout = this.#plain.set;
    globalThis.clearTimeout = this.#plain.clear;
  }
}

Deno.test("Round comes by a timer when nothing else wakes the thread", () => {
  using time = new Time();
  const done: number[] = [];
  using round = new Round(100, () => done.push(time.now), () => time.now);
  time.run(400, round);
  deepEqual(done, [125, 250, 375]);
});

Deno.test("Round uses each waking that comes in time, and none that comes too soon", () => {
  using time = new Time();
  const done: number[] = [];
  using round = new Round(100, () => done.push(time.now), () => time.now);
  time.run(400, round, [10, 89, 90, 100, 190, 200, 300, 301]);
  deepEqual(done, [90, 190, 300]);
});

Deno.test("Round does nothing more when it has ended", () => {
  using time = new Time();
  let done = 0;
  const round = new Round(100, () => done++, () => time.now);
  round[Symbol.dispose]();
  equal(time.timer, undefined);
  time.run(400, round, [150]);
  equal(done, 0);
});

Deno.test("Round may be woken by what it does", () => {
  using time = new Time();
  let done = 0;
  const round: Round = new Round(100, () => {
    done++;
    round.awake();
  }, () => time.now);
  time.run(130, round);
  equal(done, 1);
  round[Symbol.dispose]();
});
