import { deepEqual, equal } from "node:assert/strict";
import type { Turn } from "./result.ts";
import { disturbed, keepQuietest } from "./rounds.ts";

function turn(attempt: number, foreignCpus: number, stealCpus = 0): Turn {
  const place = { measurement: "tcp-1", round: 1, kept: true, trainsCut: false, samples: {} };
  return { ...place, attempt, foreignCpus, stealCpus };
}

Deno.test("keepQuietest() keeps one attempt when all were disturbed", () => {
  const kept = keepQuietest([turn(1, 0.5), turn(2, 0.1, 0.2), turn(3, 0.01, 0.9)]);
  deepEqual(kept.map((each) => each.kept), [false, true, false]);
});

Deno.test("keepQuietest() keeps the only attempt when there is one", () => {
  deepEqual(keepQuietest([turn(1, 2)]).map((each) => each.kept), [true]);
});

Deno.test("disturbed() looks at other processes and at the hypervisor", () => {
  equal(disturbed(turn(1, 0.05, 0.05)), false);
  equal(disturbed(turn(1, 0.07)), true);
  equal(disturbed(turn(1, 0, 0.07)), true);
});
