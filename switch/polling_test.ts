import { deepEqual, equal, ok } from "node:assert/strict";
import { Polling, WORK } from "./polling.ts";

const OPTIONS = { spinUs: 200, cpus: 2, realtime: true };
const SOON_MS = 0.15;
const LATE_MS = 4;

let now = 1_000;

/** A turn of a kind, then a wait that brings the next after a time. @returns whether that was looked for */
function goes(polling: Polling, kind: number, afterMs: number): boolean {
  polling.moved(kind, now);
  polling.begins(now);
  const polls = polling.polls(now);
  now += afterMs;
  return polls;
}

/** A request, its answer soon, and a pause. @returns whether the answer was looked for */
function asks(polling: Polling, pauseMs: number): boolean {
  const polls = goes(polling, WORK.CAPTURED, SOON_MS);
  equal(goes(polling, WORK.RECEIVED, pauseMs), false);
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
  for (let i = 0; i < 10; i++) equal(asks(polling, LATE_MS), i >= 4);
});

Deno.test("Polling stops after three waits in vain, however long it has gone well", () => {
  const polling = new Polling(OPTIONS);
  times(100, () => asks(polling, LATE_MS));
  deepEqual(times(5, () => goes(polling, WORK.CAPTURED, LATE_MS)), [
    ...[true, true, true],
    ...[false, false],
  ]);
});

Deno.test("Polling looks only as long as it may", () => {
  const polling = new Polling(OPTIONS);
  times(8, () => goes(polling, WORK.CAPTURED, SOON_MS));
  polling.moved(WORK.CAPTURED, now);
  equal(polling.fresh, true);
  equal(polling.polls(now), false);
  polling.begins(now);
  equal(polling.fresh, false);
  equal(polling.polls(now + 0.19), true);
  equal(polling.polls(now + 0.21), false);
});

Deno.test("Polling takes a sixteenth of the time at most where requests follow without a pause", () => {
  const polling = new Polling(OPTIONS);
  const begin = now;
  let looked = 0;
  for (let i = 0; i < 100_000; i++) if (goes(polling, WORK.CAPTURED, SOON_MS)) looked++;
  const share = looked * SOON_MS / (now - begin);
  ok(share > 0.055 && share < 0.07, `${share}`);
});

Deno.test("Polling looks each time where requests come with pauses", () => {
  const polling = new Polling(OPTIONS);
  times(4, () => asks(polling, LATE_MS));
  equal(times(10_000, () => asks(polling, LATE_MS)).includes(false), false);
});

Deno.test("Polling counts what was spent looking, not the turn before", () => {
  const polling = new Polling(OPTIONS);
  const looked = times(1_000, () => {
    polling.moved(WORK.CAPTURED, now);
    // The loop knows the time only from the end of the last wait, but for the begin of this one.
    polling.begins(now + 0.15);
    const polls = polling.polls(now);
    now += 0.16;
    polling.polls(now);
    return polls;
  });
  equal(looked.slice(4).includes(false), false);
});

Deno.test("Polling learns nothing from frames that no wait has brought", () => {
  const polling = new Polling(OPTIONS);
  for (let i = 0; i < 20; i++) polling.moved(WORK.CAPTURED, now);
  equal(goes(polling, WORK.CAPTURED, SOON_MS), false);
});

for (const off of [{ spinUs: 0 }, { cpus: 1 }, { realtime: false }]) {
  Deno.test(`Polling never looks with ${JSON.stringify(off)}`, () => {
    const polling = new Polling({ ...OPTIONS, ...off });
    equal(times(20, () => goes(polling, WORK.CAPTURED, 0)).includes(true), false);
    polling.moved(WORK.CAPTURED, now);
    equal(polling.fresh, false);
  });
}
