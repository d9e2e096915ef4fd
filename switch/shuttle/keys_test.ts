import assert from "node:assert/strict";
import { advance, isRekeyDue, isUsedUp, newCounter } from "./keys.ts";

Deno.test("newCounter() begins at 1", () => {
  assert.deepEqual([...newCounter()], [0, 1]);
});

Deno.test("advance() counts into the upper half", () => {
  const counter = Int32Array.of(0, -1);
  advance(counter);
  assert.deepEqual([...counter], [1, 0]);
  advance(counter);
  assert.deepEqual([...counter], [1, 1]);
});

Deno.test("isRekeyDue() says so from 2^28 on", () => {
  assert.equal(isRekeyDue(newCounter()), false);
  assert.equal(isRekeyDue(Int32Array.of(0, 2 ** 28 - 1)), false);
  assert.equal(isRekeyDue(Int32Array.of(0, 2 ** 28)), true);
  assert.equal(isRekeyDue(Int32Array.of(0, -1)), true);
  assert.equal(isRekeyDue(Int32Array.of(1, 0)), true);
});

Deno.test("isUsedUp() says so from 2^32 on", () => {
  assert.equal(isUsedUp(Int32Array.of(0, -1)), false);
  assert.equal(isUsedUp(Int32Array.of(1, 0)), true);
});
