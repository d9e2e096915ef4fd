import { deepEqual, equal, match } from "node:assert/strict";
import type { Priority } from "./contract.ts";
import { priorityWarning, raisePriority } from "./priority.ts";

/** What is granted; the rest of the row is what becomes of it. */
const MISSING = "it is not permitted";
const CASES: readonly [Priority, number, Priority[], Priority[], Priority, string | undefined][] = [
  // wanted, CPUs, granted, tried, got, reason
  ["realtime", 2, ["realtime", "nice"], ["realtime"], "realtime", undefined],
  ["realtime", 2, ["nice"], ["realtime", "nice"], "nice", MISSING],
  ["realtime", 64, [], ["realtime", "nice"], "normal", MISSING],
  ["realtime", 1, ["realtime", "nice"], ["nice"], "nice", "there is one CPU"],
  ["realtime", 1, [], ["nice"], "normal", MISSING],
  ["nice", 2, ["realtime", "nice"], ["nice"], "nice", undefined],
  ["nice", 1, ["nice"], ["nice"], "nice", undefined],
  ["nice", 2, [], ["nice"], "normal", MISSING],
  ["normal", 2, ["realtime", "nice"], [], "normal", undefined],
];
for (const [wanted, cpus, granted, tried, got, reason] of CASES) {
  const grant = granted.join(" and ") || "nothing";
  Deno.test(`raisePriority() gives ${got} when ${wanted} is wanted, ${cpus} CPUs, ${grant} granted`, () => {
    const seen: Priority[] = [];
    const report = raisePriority(wanted, cpus, (priority) => {
      seen.push(priority);
      return granted.includes(priority);
    });
    deepEqual(report, { wanted, got, reason });
    deepEqual(seen, tried);
  });
}

Deno.test("priorityWarning() says what to grant when the kernel refused", () => {
  const report = raisePriority("realtime", 2, () => false);
  match(
    priorityWarning(report) ?? "",
    /normal priority, not realtime.*CAP_SYS_NICE.*--priority normal$/,
  );
});

Deno.test("priorityWarning() says nothing when nothing can be granted", () => {
  equal(priorityWarning(raisePriority("realtime", 1, () => true)), undefined);
  equal(priorityWarning(raisePriority("normal", 2, () => false)), undefined);
});
