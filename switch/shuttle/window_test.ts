import assert from "node:assert/strict";
import { dice } from "../../tests/helpers/underlay.ts";
import { ReplayWindow16k, WINDOW_COUNTERS } from "./window.ts";

/** Takes a counter as the receiver does. */
function take(window: ReplayWindow16k, counter: number): boolean {
  const high = Math.floor(counter / 2 ** 32);
  const low = counter % 2 ** 32 | 0;
  if (!window.fresh(high, low)) return false;
  window.mark(high, low);
  return true;
}

/** Remembers every counter: slow and obvious. */
class SlowWindow {
  readonly #seen = new Set<number>();
  #newest = 0;

  take(counter: number): boolean {
    if (counter <= 0 || counter <= this.#newest - WINDOW_COUNTERS) return false;
    if (this.#seen.has(counter)) return false;
    this.#seen.add(counter);
    this.#newest = Math.max(this.#newest, counter);
    return true;
  }
}

Deno.test("ReplayWindow16k takes each counter once", () => {
  const window = new ReplayWindow16k();
  assert.deepEqual([1, 2, 2, 1, 3].map((n) => take(window, n)), [true, true, false, false, true]);
});

Deno.test("ReplayWindow16k refuses counter 0, with which nothing begins", () => {
  assert.equal(take(new ReplayWindow16k(), 0), false);
});

Deno.test("ReplayWindow16k takes what is 16,383 behind, refuses 16,384", () => {
  const window = new ReplayWindow16k();
  take(window, 20_000);
  assert.equal(take(window, 20_000 - WINDOW_COUNTERS), false);
  assert.equal(take(window, 20_001 - WINDOW_COUNTERS), true);
});

Deno.test("fresh() changes nothing", () => {
  const window = new ReplayWindow16k();
  take(window, 5);
  assert.ok(window.fresh(0, 1_000_000));
  assert.ok(window.fresh(0, 1_000_000));
  assert.ok(take(window, 4));
});

Deno.test("ReplayWindow16k refuses counters that are not exact any more", () => {
  const window = new ReplayWindow16k();
  assert.equal(window.fresh(1 << 21, 0), false);
  assert.equal(window.fresh(-1, -1), false);
  assert.equal(window.fresh((1 << 21) - 1, -1), true);
});

Deno.test("ReplayWindow16k agrees with a slow twin", () => {
  const roll = dice(11);
  for (const begin of [0, 2 ** 31 - 5_000, 2 ** 32 - 20_000, 2 ** 45 - 9]) {
    const window = new ReplayWindow16k();
    const twin = new SlowWindow();
    if (begin > 0) {
      take(window, begin);
      twin.take(begin);
    }
    let newest = begin;
    for (let i = 0; i < 20_000; i++) {
      const jump = roll() < 0.01 ? roll() * 40_000 : roll() * 4;
      const back = roll() < 0.3 ? Math.floor(roll() * 20_000) : 0;
      newest += Math.floor(jump);
      const counter = newest - back;
      assert.equal(take(window, counter), twin.take(counter), `${counter} of ${newest}`);
    }
  }
});
