import assert from "node:assert/strict";
import {
  checksumCall,
  decideCapturedCall,
  decideRelayCall,
  joinCall,
  macLookupCall,
  macRefreshCall,
  splitCall,
  stormCall,
} from "../tests/helpers/hot_paths.ts";

const CALLS = 100_000;

/**
 * Bytes of heap that 100,000 calls may leave. One object or boxed number a call would leave 1,200,000 or more; the
 * compiler and the test runner leave a little by themselves.
 */
const NOISE_BYTES = 200_000;

/** Returns the median growth of the heap by so many calls, after the compiler has done its work. */
function heapGrowth(call: () => number): number {
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

const CASES: Record<string, () => () => number> = {
  "sum16()": checksumCall,
  "MacTable.lookup()": () => macLookupCall(true),
  "MacTable.learnRemote()": macRefreshCall,
  "Offload.writePiece()": splitCall,
  "Joiner.offer() and flush()": () => joinCall(true),
  "Joiner.offer() with checksums": () => joinCall(false),
  "Forwarding.decideCaptured()": decideCapturedCall,
  "Forwarding.decideReceived()": decideRelayCall,
  "StormLimiter.admit()": stormCall,
};

for (const [name, make] of Object.entries(CASES)) {
  Deno.test(`${name} allocates nothing per call`, () => {
    const growth = heapGrowth(make());
    assert.ok(growth < NOISE_BYTES, `${growth} bytes in ${CALLS} calls`);
  });
}
