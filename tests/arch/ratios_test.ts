/**
 * What the design relies on to be cheap is still cheap beside its alternative (`tests/bench/ratios.json`).
 *
 * Ratios of the shortest batches, with generous bounds: this runs beside anything. A bound is broken only if it is broken
 * three times.
 *
 * @module
 */

import { deepEqual, ok } from "node:assert/strict";
import { Arena } from "../../ffi/mod.ts";
import { type Pair, PAIRS } from "../bench/ratio_cases.ts";
import { ratioOf } from "../bench/ratio.ts";
import bounds from "../bench/ratios.json" with { type: "json" };

/** What a ratio has to keep. */
interface Bound {
  readonly atLeast?: number;
  readonly atMost?: number;
  readonly because: string;
}

const BOUNDS: Readonly<Record<string, Bound>> = bounds;
const ATTEMPTS = 3;
const ARENA_BYTES = 4 << 20;

Deno.test("each pair has a bound, and each bound a pair", () => {
  deepEqual(Object.keys(BOUNDS).sort(), Object.keys(PAIRS).sort());
});

// One arena for all: the pairs open libraries and sockets that end with the process.
Deno.test({ name: "each ratio keeps its bound", sanitizeResources: false }, async (step) => {
  using arena = Arena.open(ARENA_BYTES * Object.keys(PAIRS).length);
  for (const [name, make] of Object.entries(PAIRS)) {
    const pair = make(arena);
    await step.step({
      name,
      ignore: pair === undefined,
      sanitizeResources: false,
      fn: () => {
        if (pair !== undefined) check(pair, BOUNDS[name]);
      },
    });
  }
});

function check(
  pair: Pair,
  { atLeast = 0, atMost = Infinity, because }: Bound = { because: "" },
): void {
  const seen: number[] = [];
  while (seen.length < ATTEMPTS) {
    const ratio = ratioOf(pair);
    if (ratio >= atLeast && ratio <= atMost) return;
    seen.push(ratio);
  }
  ok(
    false,
    `${
      seen.map((each) => each.toFixed(2)).join(", ")
    } is not within ${atLeast} and ${atMost}: ${because}`,
  );
}
