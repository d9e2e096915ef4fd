import assert from "node:assert/strict";
import { KeyIds } from "./key_ids.ts";

/** Gives out these ids, the last again and again. */
function scripted(...ids: number[]): KeyIds {
  return new KeyIds(() => {
    const id = ids.length > 1 ? ids.shift() ?? 0 : ids[0] ?? 0;
    return Uint8Array.of(id >> 8, id & 255);
  });
}

Deno.test("KeyIds.take() leaves out 0 and what is held", () => {
  const ids = scripted(5, 0, 5, 0x1234);
  assert.equal(ids.take(0), 5);
  assert.equal(ids.take(0), 0x1234);
  assert.equal(ids.take(0), undefined);
  assert.equal(ids.size, 2);
});

Deno.test("KeyIds.take() uses an id again ten minutes after it was released", () => {
  const ids = scripted(5);
  ids.take(0);
  ids.release(5, 1_000);
  ids.release(5, 300_000); // twice: nothing new
  assert.equal(ids.take(600_999), undefined);
  assert.equal(ids.take(601_000), 5);
});

Deno.test("KeyIds.take() gives out no more than half of all ids", () => {
  let next = 0;
  const ids = new KeyIds(() => {
    next++;
    return Uint8Array.of(next >> 8, next & 255);
  });
  let count = 0;
  while (ids.take(0) !== undefined) count++;
  assert.equal(count, 32_768);
  ids.release(1, 0);
  assert.equal(ids.take(0), undefined);
  assert.notEqual(ids.take(600_000), undefined);
});
