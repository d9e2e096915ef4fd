import assert from "node:assert/strict";
import { arraySlab } from "./frame.ts";
import { Outbox, TRAIN_BYTES } from "./outbox.ts";

function sends(outbox: Outbox): { at: number; length: number; segment: number; slot: number }[] {
  const list = [];
  for (let i = outbox.first; i < outbox.count; i++) {
    list.push({
      at: outbox.offsets[i] ?? -1,
      length: outbox.lengths[i] ?? -1,
      segment: outbox.segments[i] ?? -1,
      slot: outbox.slots[i] ?? -1,
    });
  }
  return list;
}

function put(
  outbox: Outbox,
  length: number,
  slot = 1,
  df = true,
  joinable = true,
  most = 64,
): boolean {
  if (outbox.reserve(length) < 0) return false;
  outbox.commit(length, slot, df, joinable, most);
  return true;
}

Deno.test("Outbox joins datagrams of equal size, way and DF bit into one train", () => {
  const outbox = new Outbox(arraySlab(200_000), 150_000, 16);
  for (let i = 0; i < 3; i++) put(outbox, 1000);
  assert.deepEqual(sends(outbox), [{ at: 0, length: 3000, segment: 1000, slot: 1 }]);
});

Deno.test("Outbox ends a train behind a shorter datagram and begins one before a longer one", () => {
  const outbox = new Outbox(arraySlab(200_000), 150_000, 16);
  for (const length of [1000, 1000, 400, 1000, 1200]) put(outbox, length);
  assert.deepEqual(sends(outbox).map(({ length, segment }) => [length, segment]), [
    [2400, 1000],
    [1000, 1000],
    [1200, 1200],
  ]);
});

Deno.test("Outbox begins a new send when the receiver, the DF bit or joinable differs", () => {
  const outbox = new Outbox(arraySlab(200_000), 150_000, 16);
  put(outbox, 1000, 1, true);
  put(outbox, 1000, 2, true);
  put(outbox, 1000, 2, false);
  put(outbox, 1000, 2, false, false);
  put(outbox, 1000, 2, false, true);
  assert.equal(outbox.count, 5);
});

Deno.test("Outbox keeps trains within the segments of the receiver and the bytes of the kernel", () => {
  const outbox = new Outbox(arraySlab(400_000), 300_000, 16);
  for (let i = 0; i < 20; i++) put(outbox, 1000, 1, true, true, 8);
  assert.deepEqual(sends(outbox).map(({ length }) => length), [8000, 8000, 4000]);
  const wide = new Outbox(arraySlab(400_000), 300_000, 16);
  for (let i = 0; i < 50; i++) put(wide, 3000);
  assert.ok(sends(wide).every(({ length }) => length <= TRAIN_BYTES));
  assert.equal(sends(wide).reduce((sum, { length }) => sum + length, 0), 150_000);
});

Deno.test("Outbox.reserve() returns -1 when the area or the list of sends is full", () => {
  const area = new Outbox(arraySlab(4096), 2500, 16);
  assert.deepEqual([put(area, 1000), put(area, 1000), put(area, 1000)], [true, true, false]);
  const list = new Outbox(arraySlab(4096), 4000, 2);
  assert.deepEqual([put(list, 10, 1), put(list, 10, 2), put(list, 10, 3)], [true, true, false]);
  assert.equal(list.roomBytes, 0);
});

Deno.test("Outbox.sent() frees the area once everything has left, and a train that began to leave does not grow", () => {
  const outbox = new Outbox(arraySlab(8192), 4000, 16);
  put(outbox, 1000, 1);
  put(outbox, 1000, 2);
  outbox.sent(1);
  put(outbox, 1000, 2);
  assert.deepEqual(sends(outbox).map(({ at, length }) => [at, length]), [[1000, 1000], [
    2000,
    1000,
  ]]);
  assert.equal(outbox.waitingBytes, 2000);
  outbox.sent(2);
  assert.ok(outbox.empty);
  assert.equal(outbox.roomBytes, 4000);
});

Deno.test("Outbox.cancel() gives the reserved room back", () => {
  const outbox = new Outbox(arraySlab(8192), 4000, 16);
  assert.equal(outbox.reserve(3000), 0);
  outbox.cancel();
  assert.equal(outbox.reserve(4000), 0);
});

Deno.test("Outbox refuses a second reservation and a datagram that outgrew its own", () => {
  const outbox = new Outbox(arraySlab(8192), 4000, 16);
  outbox.reserve(100);
  assert.throws(() => outbox.reserve(100), { name: "Bug" });
  assert.throws(() => outbox.commit(101, 1, true, true), { name: "Bug" });
});

Deno.test("Outbox.lendTrain() leaves a train as it is, where it is, and nothing joins it", () => {
  const outbox = new Outbox(arraySlab(200_000), 150_000, 16);
  put(outbox, 1000);
  assert.ok(outbox.lendTrain(160_000, 2_500, 1_000, 1));
  put(outbox, 1000);
  assert.ok(outbox.lendTrain(163_000, 700, 1_000, 2));
  assert.deepEqual(sends(outbox), [
    { at: 0, length: 1_000, segment: 1_000, slot: 1 },
    { at: 160_000, length: 2_500, segment: 1_000, slot: 1 },
    { at: 3_500, length: 1_000, segment: 1_000, slot: 1 },
    { at: 163_000, length: 700, segment: 700, slot: 2 },
  ]);
  assert.equal(outbox.waitingBytes, 5_200);
});

Deno.test("Outbox.keep() copies what was lent and has not left, and nothing else", () => {
  const slab = arraySlab(200_000);
  const outbox = new Outbox(slab, 4_000, 16);
  const copies: number[][] = [];
  const copy = (...each: [number, number, number]): void => void copies.push(each);
  assert.ok(outbox.lendTrain(10_000, 1_000, 500, 1));
  put(outbox, 300);
  assert.ok(outbox.lendTrain(20_000, 900, 500, 1));
  outbox.sent(1);
  outbox.keep(copy);
  outbox.keep(copy);
  assert.deepEqual(copies, [[1_300, 20_000, 900]]);
  assert.deepEqual(sends(outbox).map(({ at, length }) => [at, length]), [[1_000, 300], [
    1_300,
    900,
  ]]);
});

Deno.test("Outbox.lendTrain() takes no more than can be kept", () => {
  const outbox = new Outbox(arraySlab(8_192), 2_500, 16);
  assert.ok(outbox.lendTrain(4_000, 2_000, 1_000, 1));
  assert.ok(!outbox.lendTrain(6_000, 1_000, 1_000, 1));
  outbox.sent(1);
  assert.ok(outbox.lendTrain(6_000, 1_000, 1_000, 1));
});
