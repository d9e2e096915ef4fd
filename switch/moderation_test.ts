import * as assert from "node:assert/strict";
import { Moderation, type Moved } from "./moderation.ts";

/** What happens in each turn of a run. */
interface Run {
  readonly turns: number;
  readonly everyMs: number;
  readonly captured?: number;
  readonly capturedBytes?: number;
  readonly received?: number;
  readonly receivedBytes?: number;
}

/** Lets runs happen one after the other. @returns how long it gathers after each, in microseconds */
function after(...runs: readonly Run[]): number[] {
  return lookAfter((moderation) => moderation.gatherUs, runs);
}

/** The same. @returns whether there is little to do after each */
function lightAfter(...runs: readonly Run[]): boolean[] {
  return lookAfter((moderation) => moderation.light, runs);
}

/** The same. @returns whether there is bulk after each */
function bulkAfter(...runs: readonly Run[]): boolean[] {
  return lookAfter((moderation) => moderation.bulk, runs);
}

function lookAfter<T>(look: (moderation: Moderation) => T, runs: readonly Run[]): T[] {
  const moderation = new Moderation();
  const moved: Moved = { captured: 0, capturedBytes: 0, received: 0, receivedBytes: 0 };
  let now = 1_000;
  return runs.map((run) => {
    for (let i = 0; i < run.turns; i++) {
      now += run.everyMs;
      moved.captured += run.captured ?? 0;
      moved.capturedBytes += run.capturedBytes ?? 0;
      moved.received += run.received ?? 0;
      moved.receivedBytes += run.receivedBytes ?? 0;
      moderation.turned(Math.floor(now), moved);
    }
    return look(moderation);
  });
}

const SMALL = { captured: 1, capturedBytes: 116 };

Deno.test("turned() does not gather pings", () => {
  assert.deepEqual(after({ turns: 50, everyMs: 4, ...SMALL }), [0]);
});

Deno.test("turned() does not gather requests that come one after the other", () => {
  assert.deepEqual(after({ turns: 500, everyMs: 0.1, ...SMALL }), [0]);
});

Deno.test("turned() gathers a flood of small frames from the bridge, and stops after it", () => {
  const flood = { turns: 1000, everyMs: 0.02, ...SMALL };
  assert.deepEqual(after(flood, { turns: 5, everyMs: 4, ...SMALL }), [800, 0]);
});

Deno.test("turned() gathers whole packets that no kernel joined", () => {
  const packets = { captured: 1, capturedBytes: 1400 };
  assert.deepEqual(after({ turns: 1000, everyMs: 0.02, ...packets }), [800]);
});

Deno.test("turned() keeps gathering while a turn carries many", () => {
  const many = { captured: 30, capturedBytes: 3_480 };
  assert.deepEqual(after({ turns: 50, everyMs: 0.3, ...many }), [800]);
});

Deno.test("turned() gathers a flood of small frames from peers", () => {
  const frames = { received: 20, receivedBytes: 2_320 };
  assert.deepEqual(after({ turns: 100, everyMs: 0.2, ...frames }), [800]);
});

Deno.test("turned() does not gather superframes, whichever way they go", () => {
  const sent = { captured: 1, capturedBytes: 64_000 };
  const got = { received: 48, receivedBytes: 64_000 };
  assert.deepEqual(after({ turns: 500, everyMs: 0.04, ...sent }), [0]);
  assert.deepEqual(after({ turns: 500, everyMs: 0.04, ...got }), [0]);
});

Deno.test("turned() does not gather acknowledgements of bulk", () => {
  const bulk = { received: 48, receivedBytes: 64_000, captured: 2, capturedBytes: 152 };
  assert.deepEqual(after({ turns: 500, everyMs: 0.05, ...bulk }), [0]);
});

Deno.test("turned() rests for half the time in a flood that is answered", () => {
  const answered = { turns: 1000, everyMs: 0.02, ...SMALL, received: 1, receivedBytes: 116 };
  const some = { turns: 1000, everyMs: 0.02, captured: 9, capturedBytes: 1_044, received: 1 };
  assert.deepEqual(after(answered, { ...some, receivedBytes: 116 }), [400, 444]);
});

Deno.test("turned() gathers no more than the queue of a TAP holds", () => {
  const [us = 0] = after({ turns: 1000, everyMs: 0.02, captured: 20, capturedBytes: 2_320 });
  assert.ok(us > 150 && us <= 200, `${us}`);
});

Deno.test("turned() calls it light before anything moved, and while pings and requests do", () => {
  assert.equal(new Moderation().light, true);
  const requests = { turns: 500, everyMs: 0.1, captured: 1, capturedBytes: 1400 };
  assert.deepEqual(lightAfter({ turns: 50, everyMs: 4, ...SMALL }, requests), [true, true]);
});

Deno.test("turned() does not call bulk light in either direction, nor a flood", () => {
  const sent = { turns: 500, everyMs: 0.1, captured: 1, capturedBytes: 60_000 };
  const received = { turns: 500, everyMs: 0.1, received: 40, receivedBytes: 60_000 };
  const flood = { turns: 1000, everyMs: 0.02, ...SMALL };
  assert.deepEqual(lightAfter(sent, received, flood), [false, false, false]);
});

Deno.test("turned() calls it light again after bulk", () => {
  const bulk = { turns: 500, everyMs: 0.1, captured: 1, capturedBytes: 60_000 };
  assert.deepEqual(lightAfter(bulk, { turns: 5, everyMs: 4, ...SMALL }), [false, true]);
});

Deno.test("turned() tells bulk from little traffic and from floods", () => {
  const superframes = { turns: 200, everyMs: 0.1, captured: 1, capturedBytes: 60_000 };
  const flood = { turns: 1_000, everyMs: 0.02, ...SMALL };
  assert.deepEqual(bulkAfter(superframes, flood, { turns: 50, everyMs: 4, ...SMALL }), [
    true,
    false,
    false,
  ]);
});
