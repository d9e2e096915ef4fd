import assert from "node:assert/strict";
import { KEY_LIMIT_MS, KeyRing } from "./key_ring.ts";

function key(
  id: number,
  sendNow: boolean,
): { receiveId: number; sendId: number; sendNow: boolean } {
  return { receiveId: id, sendId: 100 + id, sendNow };
}

Deno.test("KeyRing seals with a key at once when we answered, after a segment when we asked", () => {
  const ring = new KeyRing();
  assert.deepEqual(ring.add(key(1, false), 0), []);
  assert.equal(ring.sends, false);
  assert.deepEqual(ring.worked(1, 5), [{ kind: "use", sendId: 101 }]);
  assert.deepEqual(ring.worked(1, 6), []);
  assert.deepEqual([ring.sends, ring.settled], [true, true]);
  ring.add(key(2, true), 10);
  assert.equal(ring.settled, true);
  assert.deepEqual(ring.worked(2, 11), []);
  ring.add(key(3, false), 20);
  assert.deepEqual([ring.sends, ring.settled], [true, false]);
});

Deno.test("KeyRing retires an old key 10 s after the first segment under the new one", () => {
  const ring = new KeyRing();
  ring.add(key(1, true), 0);
  ring.add(key(2, true), 1_000);
  ring.worked(2, 5_000);
  assert.equal(ring.deadline(), 15_000);
  assert.deepEqual(ring.expire(14_999), []);
  assert.deepEqual(ring.expire(15_000), [{ kind: "retire", receiveId: 1 }]);
});

Deno.test("KeyRing retires an old key after two minutes, and stops to send with it", () => {
  const ring = new KeyRing();
  ring.add(key(1, true), 0);
  ring.add(key(2, false), 1_000);
  assert.equal(ring.deadline(), 121_000);
  const ends = [{ kind: "stop", sendId: 101 }, { kind: "retire", receiveId: 1 }];
  assert.deepEqual(ring.expire(121_000), ends);
  assert.deepEqual(ring.worked(2, 200_000), [{ kind: "use", sendId: 102 }]);
});

Deno.test("KeyRing does not go back to an older key", () => {
  const ring = new KeyRing();
  ring.add(key(1, false), 0);
  ring.add(key(2, false), 1_000);
  assert.deepEqual(ring.worked(2, 2_000), [{ kind: "use", sendId: 102 }]);
  assert.deepEqual(ring.worked(1, 3_000), []);
  assert.deepEqual(ring.worked(9, 3_000), []);
});

Deno.test("KeyRing stops to send after three hours and opens two minutes longer", () => {
  const ring = new KeyRing();
  ring.add(key(1, true), 0);
  assert.equal(ring.deadline(), KEY_LIMIT_MS);
  assert.deepEqual(ring.expire(KEY_LIMIT_MS), [{ kind: "stop", sendId: 101 }]);
  assert.deepEqual(ring.worked(1, KEY_LIMIT_MS), []);
  assert.equal(ring.deadline(), KEY_LIMIT_MS + 120_000);
  assert.deepEqual(ring.expire(ring.deadline()), [{ kind: "retire", receiveId: 1 }]);
  assert.equal(ring.deadline(), Infinity);
});

Deno.test("KeyRing holds eight keys and forgets all when it is cleared", () => {
  const ring = new KeyRing();
  for (let id = 1; id <= 8; id++) assert.deepEqual(ring.add(key(id, true), id), []);
  assert.deepEqual(ring.add(key(9, true), 9), [{ kind: "retire", receiveId: 1 }]);
  const ends = ring.clear();
  assert.equal(ends.filter((action) => action.kind === "retire").length, 8);
  assert.equal(ends.filter((action) => action.kind === "stop").length, 1);
  assert.deepEqual([ring.size, ring.sends], [0, false]);
});
