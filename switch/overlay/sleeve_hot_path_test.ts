import assert from "node:assert/strict";
import { CALLS, heapGrowth, NOISE_BYTES } from "../../tests/helpers/heap_growth.ts";
import {
  FULL_FRAME_BYTES,
  sleeveReceiveCall,
  sleeveSendCall,
} from "../../tests/helpers/sleeve_paths.ts";

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
