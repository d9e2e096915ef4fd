/**
 * How much heap a call of the hot path leaves: nothing, else the collector would stop the data plane.
 *
 * @module
 */

/** Calls of one measurement. */
export const CALLS = 100_000;

/**
 * Bytes of heap that 100,000 calls may leave. One object or boxed number a call would leave 1,200,000 or more; the
 * compiler and the test runner leave a little by themselves.
 */
export const NOISE_BYTES = 200_000;

/** Returns the median growth of the heap by so many calls, after the compiler has done its work. */
export function heapGrowth(call: () => number): number {
  const run = (): number => {
    let sum = 0;
    for (let i = 0; i < CALLS; i++) sum = (sum + call()) | 0;
    return sum;
  };
  for (let i = 0; i < 3; i++) run();
  const growths = Array.from({ length: 5 }, () => {
    const before = Deno.memoryUsage().heapUsed;
    run();
    return Deno.memoryUsage().heapUsed - before;
  });
  return growths.sort((a, b) => a - b)[2] ?? 0;
}
