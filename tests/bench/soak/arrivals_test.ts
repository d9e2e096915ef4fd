import { deepEqual } from "node:assert/strict";
import { Arrivals } from "./arrivals.ts";

Deno.test("Arrivals finds the longest silence of all flows and of one", () => {
  const arrivals = new Arrivals(2);
  for (const [flow, now] of [[0, 100], [1, 110], [0, 150], [0, 160], [1, 180]] as const) {
    arrivals.note(flow, 10, now);
  }
  deepEqual(arrivals.window(185), { bytes: 50, silentMs: 40, flowSilentMs: 70 });
});

Deno.test("Arrivals counts a silence that goes on in each window", () => {
  const arrivals = new Arrivals(1);
  arrivals.note(0, 10, 100);
  deepEqual(arrivals.window(500), { bytes: 10, silentMs: 400, flowSilentMs: 400 });
  deepEqual(arrivals.window(900), { bytes: 0, silentMs: 800, flowSilentMs: 800 });
});

Deno.test("Arrivals expects nothing before the first byte of a flow and after its end", () => {
  const arrivals = new Arrivals(2);
  arrivals.note(0, 1, 1_000);
  arrivals.note(0, 1, 1_001);
  arrivals.end(0);
  arrivals.note(1, 1, 1_002);
  arrivals.note(1, 1, 1_003);
  deepEqual(arrivals.window(1_003), { bytes: 4, silentMs: 1, flowSilentMs: 1 });
});
