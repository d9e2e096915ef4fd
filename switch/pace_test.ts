import { equal } from "node:assert/strict";
import { Pace } from "./pace.ts";

Deno.test("Pace.spins() is true until the time after the last work is over", () => {
  const pace = new Pace(50, 2);
  pace.worked(1000);
  equal(pace.spins(1000), true);
  equal(pace.spins(1000.049), true);
  equal(pace.spins(1000.051), false);
});

Deno.test("Pace.spins() is false before there was any work", () => {
  equal(new Pace(50, 2).spins(0), false);
});

Deno.test("Pace.spins() is false when spinning is off", () => {
  const pace = new Pace(0, 2);
  pace.worked(1000);
  equal(pace.spins(1000), false);
});

Deno.test("Pace.spins() is false on one CPU", () => {
  const pace = new Pace(50, 1);
  pace.worked(1000);
  equal(pace.spins(1000), false);
});
