import { deepEqual } from "node:assert/strict";
import { collections } from "./gc_log.ts";

const LOG = `2026-01-02T03:04:05.000Z info router ready peer=02:00:5e:00:53:01
[4711:0x55d0c8a2e000]       40 ms: Scavenge 3.1 (4.3) -> 2.2 (5.3) MB, pooled: 0.0 MB, 0.61 / 0.00 ms  (average mu = 1.000) task;
[4711:0x7f10a4000000]       60 ms: Scavenge 3.1 (4.3) -> 2.2 (5.3) MB, pooled: 0.0 MB, 0.40 / 0.00 ms  (average mu = 1.000) task;
[4711:0x55d0c8a2e000]     1200 ms: Scavenge 4.1 (6.3) -> 3.2 (6.3) MB, pooled: 0.0 MB, 0.50 / 0.00 ms  (average mu = 1.000) task;
[4711:0x55d0c8a2e000]     1900 ms: Incremental Mark-Compact (reduce) 8.1 (9.3) -> 3.2 (6.3) MB, pooled: 0.0 MB, 2.75 / 0.01 ms  (average mu = 1.000) task;
[4711:0x55d0c8a2e000]     9000 ms: Scavenge 4.1 (6.3) -> 3.2 (6.3) MB, pooled: 0.0 MB, 9.00 / 0.00 ms  (average mu = 1.000) task;
`;

Deno.test("collections() counts what lies in the span, isolate by isolate", () => {
  deepEqual(collections(LOG, 1_000, 5_000), [
    { isolate: "0x55d0c8a2e000", scavenges: 1, markCompacts: 1, longestMs: 2.75 },
    { isolate: "0x7f10a4000000", scavenges: 0, markCompacts: 0, longestMs: 0 },
  ]);
});

Deno.test("collections() finds nothing in a log without collections", () => {
  deepEqual(collections("2026-01-02T03:04:05.000Z info router ready\n", 0, 1_000), []);
});
