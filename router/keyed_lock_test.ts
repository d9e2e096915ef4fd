import { deepEqual, rejects } from "node:assert/strict";
import { KeyedLock } from "./keyed_lock.ts";

Deno.test("KeyedLock.run() runs tasks of one name in order and others beside them", async () => {
  const lock = new KeyedLock();
  const gate = Promise.withResolvers<void>();
  const order: string[] = [];
  const first = lock.run("a", async () => {
    await gate.promise;
    order.push("a1");
  });
  const second = lock.run("a", () => Promise.resolve(void order.push("a2")));
  await lock.run("b", () => Promise.resolve(void order.push("b")));
  gate.resolve();
  await Promise.all([first, second]);
  deepEqual(order, ["b", "a1", "a2"]);
});

Deno.test("KeyedLock.run() goes on when a task fails", async () => {
  const lock = new KeyedLock();
  const failing = lock.run("a", () => Promise.reject(new Error("no")));
  const next = lock.run("a", () => Promise.resolve("yes"));
  await rejects(failing, /no/);
  deepEqual(await next, "yes");
});
