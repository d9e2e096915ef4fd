import { equal } from "node:assert/strict";
import { Pace } from "./pace.ts";

Deno.test("Pace.tires() is true every 10 ms while the thread never sleeps", () => {
  const pace = new Pace(true);
  const rests: number[] = [];
  pace.waited(0, 1000, true);
  for (let now = 1000; now < 1035; now++) {
    pace.waited(now, now + 0.01, true);
    if (pace.tires(now)) rests.push(now);
  }
  equal(rests.join(), "1010,1020,1030");
});

Deno.test("Pace.tires() is false when the thread has slept meanwhile", () => {
  const pace = new Pace(true);
  pace.waited(1000, 1005, true);
  equal(pace.tires(1012), false);
});

Deno.test("Pace.tires() is false after a long wait that nobody watched", () => {
  const pace = new Pace(true);
  pace.waited(0, 1000, true);
  pace.waited(1000, 1250, false);
  equal(pace.tires(1250.3), false);
  pace.waited(1250, 1255, false);
  equal(pace.tires(1260), true, "a turn of 5 ms is no wait");
});

Deno.test("Pace.watches() is true when a rest is near", () => {
  const pace = new Pace(true);
  pace.waited(999, 1000, true);
  equal(pace.watches(1004), false);
  equal(pace.watches(1005), true);
});

Deno.test("Pace.watches() is false in an ordinary thread, which never rests", () => {
  equal(new Pace(false).watches(1000), false);
});

Deno.test("Pace.tires() is false in an ordinary thread", () => {
  const pace = new Pace(false);
  equal(pace.tires(1000), false);
});
