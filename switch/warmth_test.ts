import * as assert from "node:assert/strict";
import { Warmth } from "./warmth.ts";

/** Lets a frame move at each of these moments. */
function after(...moments: readonly number[]): Warmth {
  const warmth = new Warmth();
  moments.forEach((now, i) => warmth.turned(now, i + 1));
  return warmth;
}

Deno.test("Warmth lasts for ten milliseconds after two frames that came close to each other", () => {
  const warmth = after(1_000, 1_004);
  assert.deepEqual([1_004, 1_014, 1_015].map((now) => warmth.lasts(now)), [true, true, false]);
});

Deno.test("Warmth is not for frames that come far apart", () => {
  assert.equal(new Warmth().lasts(1_000), false);
  assert.equal(after(1_000).lasts(1_000), false);
  assert.equal(after(1_000, 1_011).lasts(1_011), false);
  assert.equal(after(1_000, 1_010, 1_060).lasts(1_060), false);
  assert.equal(after(1_000, 1_060, 1_060).lasts(1_061), true);
});

Deno.test("Warmth is not for turns that moved nothing", () => {
  const warmth = after(1_000, 1_001);
  for (let now = 1_002; now < 1_020; now++) warmth.turned(now, 2);
  assert.equal(warmth.lasts(1_020), false);
});
