import assert from "node:assert/strict";
import { Rate } from "./rate.ts";

Deno.test("Rate.take() allows a burst and then one an interval", () => {
  const rate = new Rate(3, 100);
  assert.deepEqual([1, 2, 3, 4].map(() => rate.take(1_000)), [true, true, true, false]);
  assert.equal(rate.freeAt(), 1_100);
  assert.equal(rate.take(1_099), false);
  assert.equal(rate.take(1_100), true);
  assert.equal(rate.take(1_150), false);
  assert.deepEqual([1, 2, 3, 4].map(() => rate.take(9_000)), [true, true, true, false]);
});
