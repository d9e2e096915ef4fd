/**
 * Measures ratios so that other processes do not spoil them.
 *
 * @module
 */

import type { Pair } from "./ratio_cases.ts";

/** Short beside a slice of the scheduler: some batches run without being interrupted. */
const BATCH_MS = 0.5;
const ROUNDS = 25;
/** Until V8 has compiled it. */
const WARM_UP_CALLS = 3_000;
const WARM_UP_MS = 15;

let sink = 0;

/** Returns the cost of the first divided by that of the second: the shortest batch of each, in turn. */
export function ratioOf({ one, other }: Pair): number {
  const [first, second] = [timer(one), timer(other)];
  let [least, leastOther] = [Infinity, Infinity];
  for (let round = 0; round < ROUNDS; round++) {
    least = Math.min(least, first());
    leastOther = Math.min(leastOther, second());
  }
  return least / leastOther;
}

/** Returns what takes the time of a batch, in milliseconds a call. */
function timer(call: () => number): () => number {
  const batch = (calls: number): number => {
    const begin = performance.now();
    for (let i = 0; i < calls; i++) sink = (sink + call()) | 0;
    return (performance.now() - begin) / calls;
  };
  const begin = performance.now();
  for (let i = 0; i < WARM_UP_CALLS && performance.now() - begin < WARM_UP_MS; i += 20) batch(20);
  const calls = Math.max(10, Math.ceil(BATCH_MS / Math.max(batch(20), 1e-6)));
  return () => batch(calls);
}
