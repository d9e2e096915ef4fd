import assert from "node:assert/strict";
import { parseEndpoint } from "../base/mod.ts";
import { Door } from "./door.ts";

Deno.test("Door.enter() lets 20 in at once and then 20 a second", () => {
  const door = new Door();
  const begins = Array.from({ length: 41 }, () => door.enter(1_000) ?? -1);
  assert.equal(begins.filter((begin) => begin === 1_000).length, 20);
  assert.equal(begins[20], 1_050);
  assert.equal(begins[40], 2_050);
  // After a pause the burst is there again.
  assert.equal(door.enter(60_000), 60_000);
});

Deno.test("Door.enter() keeps the 129th stranger out until one leaves", () => {
  const door = new Door();
  for (let i = 0; i < 128; i++) assert.notEqual(door.enter(i * 1_000), undefined);
  assert.equal(door.enter(200_000), undefined);
  door.leave();
  assert.equal(door.enter(200_000), 200_000);
});

Deno.test("Door.refuse() is worth a line once a minute for each address and reason", () => {
  const door = new Door();
  const [a, again, b] = ["192.0.2.1:1", "192.0.2.1:2", "192.0.2.2:1"].map(parseEndpoint) as [
    ReturnType<typeof parseEndpoint>,
    ReturnType<typeof parseEndpoint>,
    ReturnType<typeof parseEndpoint>,
  ];
  assert.equal(door.refuse(a, "no", 0), true);
  assert.equal(door.refuse(again, "no", 30_000), false);
  assert.equal(door.refuse(b, "no", 30_000), true);
  assert.equal(door.refuse(a, "other", 40_000), true);
  assert.equal(door.refuse(a, "other", 99_000), false);
  assert.equal(door.refuse(a, "other", 100_000), true);
  assert.deepEqual(
    door.refusals(100_000).map(({ address, reason, since }) => [address, reason, since]),
    [["192.0.2.2:1", "no", 30_000], ["192.0.2.1:1", "other", 40_000]],
  );
  door.forgive(a);
  assert.equal(door.refusals(100_000).length, 1);
  assert.equal(door.refusals(10_000_000).length, 0);
});

Deno.test("Door.refuse() remembers 64 addresses when an attacker has more", () => {
  const door = new Door();
  for (let i = 0; i < 200; i++) door.refuse(parseEndpoint(`192.0.2.${i}:1`), "no", i);
  assert.equal(door.refusals(200).length, 64);
});
