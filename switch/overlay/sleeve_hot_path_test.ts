import assert from "node:assert/strict";
import {
  FULL_FRAME_BYTES,
  sleeveReceiveCall,
  sleeveSendCall,
} from "../../tests/helpers/sleeve_paths.ts";

const CALLS = 100_000;

/** One object or boxed number a call would leave 1,200,000 bytes or more; the compiler leaves a little by itself. */
const NOISE_BYTES = 200_000;

const CASES: Record<string, () => () => number> = {
  "Tunnel.send() of full frames": () => sleeveSendCall(FULL_FRAME_BYTES),
  "Tunnel.send() of small frames": () => sleeveSendCall(100),
  "Overlay.receive() and next() of a full frame": () => sleeveReceiveCall(FULL_FRAME_BYTES, 1),
  "Overlay.receive() and next() of ten frames": () => sleeveReceiveCall(100, 10),
};

for (const [name, make] of Object.entries(CASES)) {
  Deno.test(`${name} allocates nothing per call`, () => {
    const growth = heapGrowth(make());
    assert.ok(growth < NOISE_BYTES, `${growth} bytes in ${CALLS} calls`);
  });
}

Deno.test("the calls that are measured do their work", () => {
  assert.equal(sleeveReceiveCall(100, 10)(), 1_000);
  assert.equal(sleeveReceiveCall(FULL_FRAME_BYTES, 1)(), FULL_FRAME_BYTES);
  const send = sleeveSendCall(FULL_FRAME_BYTES);
  for (let i = 0; i < 1_000; i++) assert.equal(send(), 0);
});

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
