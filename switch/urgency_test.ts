import { deepEqual, equal } from "node:assert/strict";
import { Urgency } from "./urgency.ts";

/** Lets a frame move each so many ms. @returns when the urgency changed */
function changes(urgency: Urgency, everyMs: number, from: number, until: number): number[] {
  const at: number[] = [];
  let frames = from;
  for (let now = from; now < until; now += everyMs) {
    const before = urgency.urgent;
    urgency.turned(now, frames++, false);
    if (urgency.urgent !== before) at.push(now);
  }
  return at;
}

Deno.test("Urgency begins with the eighth of frames that come close together", () => {
  deepEqual(changes(new Urgency(), 4, 0, 2_000), [32]);
});

Deno.test("Urgency does not begin with pings and their answers, even 50 a second", () => {
  const urgency = new Urgency();
  let frames = 0;
  for (let now = 0; now < 5_000; now += 20) {
    urgency.turned(now, ++frames, false);
    urgency.turned(now + 1, ++frames, false);
    equal(urgency.urgent, false);
  }
});

Deno.test("Urgency ends after a second in which frames come seldom, and not before", () => {
  const urgency = new Urgency();
  for (let now = 0; now < 100; now++) urgency.turned(now, now, false);
  equal(urgency.urgent, true);
  const ends: number[] = [];
  for (let now = 110; now < 2_000 && ends.length === 0; now += 10) {
    urgency.turned(now, 100 + now / 20, false);
    if (!urgency.urgent) ends.push(now);
  }
  deepEqual(ends.map((now) => now >= 1_090 && now <= 1_150), [true]);
});

Deno.test("Urgency ends where the thread only wakes up now and then", () => {
  const urgency = new Urgency();
  for (let now = 0; now < 100; now++) urgency.turned(now, now, false);
  urgency.turned(350, 99, false);
  equal(urgency.urgent, true);
  urgency.turned(1_200, 99, false);
  equal(urgency.urgent, false);
});

Deno.test("Urgency begins beside bulk with eight frames a second", () => {
  const urgency = new Urgency();
  const begun: number[] = [];
  for (let now = 0; now < 3_000 && begun.length === 0; now += 10) {
    urgency.turned(now, Math.floor(now / 100), true);
    if (urgency.urgent) begun.push(now);
  }
  deepEqual(begun, [800]);
});

Deno.test("Urgency does not begin with bulk alone, and ends where it remains", () => {
  const urgency = new Urgency();
  for (let now = 0; now < 3_000; now++) {
    urgency.turned(now, Math.floor(now / 500), true);
    equal(urgency.urgent, false);
  }
  for (let now = 3_000; now < 3_100; now++) urgency.turned(now, now, true);
  equal(urgency.urgent, true);
  for (let now = 3_100; now < 5_200; now++) urgency.turned(now, 3_100, true);
  equal(urgency.urgent, false);
});
