import assert from "node:assert/strict";
import { EventQueue } from "./event_queue.ts";
import type { Tunnel } from "./overlay.ts";

/** The queue only tells tunnels apart. */
const [A, B] = [{}, {}] as Tunnel[] as [Tunnel, Tunnel];

function drain(queue: EventQueue): unknown[] {
  const all: unknown[] = [];
  for (let event = queue.poll(); event !== undefined; event = queue.poll()) {
    const name = event.tunnel === A ? "A" : "B";
    all.push(event.kind === "changed" ? [name] : [name, event.tag, ...event.body]);
  }
  return all;
}

Deno.test("EventQueue says each fact once", () => {
  const queue = new EventQueue();
  for (let i = 0; i < 3; i++) {
    queue.changed(A);
    assert.ok(queue.control(A, 3, new Uint8Array([5, 134])));
    assert.ok(queue.control(B, 1, new Uint8Array(0)));
    assert.ok(queue.control(A, 3, new Uint8Array([5, 135])));
  }
  assert.equal(queue.size, 4);
  assert.deepEqual(drain(queue), [["A"], ["A", 3, 5, 134], ["A", 3, 5, 135], ["B", 1]]);
  assert.equal(queue.size, 0);
});

Deno.test("EventQueue.control() refuses more than eight that wait for a tunnel", () => {
  const queue = new EventQueue();
  const taken = Array.from({ length: 20 }, (_, i) => queue.control(A, 3, new Uint8Array([0, i])));
  assert.deepEqual(taken, taken.map((_, i) => i < 8));
  assert.ok(queue.control(B, 1, new Uint8Array(0)));
  assert.equal(drain(queue).length, 9);
});

Deno.test("EventQueue.takeDue() says once that something is due, which is no event", () => {
  const queue = new EventQueue();
  assert.equal(queue.takeDue(), false);
  queue.due();
  assert.equal(queue.size, 0);
  assert.deepEqual([queue.takeDue(), queue.takeDue()], [true, false]);
});

Deno.test("EventQueue.drop() forgets a tunnel", () => {
  const queue = new EventQueue();
  queue.changed(A);
  queue.changed(B);
  queue.drop(A);
  assert.deepEqual(drain(queue), [["B"]]);
});
