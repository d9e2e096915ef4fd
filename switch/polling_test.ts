import { deepEqual, equal, ok } from "node:assert/strict";
import { Polling, WORK } from "./polling.ts";

const OPTIONS = { spinUs: 200, cpus: 2, realtime: true };
const SOON_MS = 0.15;
const LATE_MS = 4;

let now = 1_000;

/** Work, then a wait that brings more after a time. @returns whether it was looked for at the begin of the wait */
function goes(polling: Polling, kind: number, afterMs: number, pauseMs = 10): boolean {
  now += pauseMs;
  polling.worked(kind);
  polling.begins(now);
  const polls = polling.polls(now);
  now += afterMs;
  polling.came(now);
  return polls;
}

function times<T>(count: number, act: () => T): T[] {
  return Array.from({ length: count }, act);
}

Deno.test("Polling looks for the next frame once it has come soon four times", () => {
  const polling = new Polling(OPTIONS);
  deepEqual(times(6, () => goes(polling, WORK.CAPTURED, SOON_MS)), [
    ...[false, false, false, false],
    ...[true, true],
  ]);
});

Deno.test("Polling tells a frame that is answered from the answer", () => {
  const polling = new Polling(OPTIONS);
  for (let i = 0; i < 10; i++) {
    equal(goes(polling, WORK.CAPTURED, SOON_MS), i >= 4);
    equal(goes(polling, WORK.RECEIVED, LATE_MS), false);
  }
});

Deno.test("Polling stops after three waits in vain, however long it has gone well", () => {
  const polling = new Polling(OPTIONS);
  times(100, () => goes(polling, WORK.NONE, SOON_MS));
  deepEqual(times(5, () => goes(polling, WORK.NONE, LATE_MS)), [true, true, true, false, false]);
});

Deno.test("Polling looks only as long as it may", () => {
  const polling = new Polling(OPTIONS);
  times(8, () => goes(polling, WORK.CAPTURED, SOON_MS));
  polling.worked(WORK.CAPTURED);
  equal(polling.fresh, true);
  equal(polling.polls(now), false);
  polling.begins(now);
  equal(polling.fresh, false);
  equal(polling.polls(now + 0.19), true);
  equal(polling.polls(now + 0.21), false);
});

Deno.test("Polling takes a sixteenth of the time at most where requests follow without a pause", () => {
  const polling = new Polling(OPTIONS);
  const looked = times(10_000, () => goes(polling, WORK.CAPTURED, SOON_MS, 0.05));
  // What was saved up is 4 ms, and each time takes 0.15 of 0.2 ms.
  const share = looked.filter((polls) => polls).length * SOON_MS / (10_000 * 0.2);
  ok(share > 0.055 && share < 0.07, `${share}`);
});

Deno.test("Polling looks each time where requests come with pauses", () => {
  const polling = new Polling(OPTIONS);
  times(4, () => goes(polling, WORK.CAPTURED, SOON_MS));
  equal(times(10_000, () => goes(polling, WORK.CAPTURED, SOON_MS, 4)).includes(false), false);
});

Deno.test("Polling learns nothing from work that no wait has brought", () => {
  const polling = new Polling(OPTIONS);
  for (let i = 0; i < 20; i++) {
    polling.worked(WORK.CAPTURED);
    polling.came(now);
  }
  equal(goes(polling, WORK.CAPTURED, SOON_MS), false);
});

for (const off of [{ spinUs: 0 }, { cpus: 1 }, { realtime: false }]) {
  Deno.test(`Polling never looks with ${JSON.stringify(off)}`, () => {
    const polling = new Polling({ ...OPTIONS, ...off });
    equal(times(20, () => goes(polling, WORK.CAPTURED, 0)).includes(true), false);
    polling.worked(WORK.CAPTURED);
    equal(polling.fresh, false);
  });
}
