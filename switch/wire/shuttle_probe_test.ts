import assert from "node:assert/strict";
import { fromHex } from "../../base/mod.ts";
import {
  formatProbe,
  PROBE,
  probeIsWhole,
  probeKind,
  probeSize,
  probeTokenHigh,
  probeTokenLow,
  writeProbe,
} from "./shuttle_probe.ts";

const BYTES = fromHex("020005bc00000007fffffff8");

Deno.test("writeProbe() writes kind, size and token", () => {
  const view = new DataView(new ArrayBuffer(12));
  writeProbe(view, 0, PROBE.ANSWER, 1_468, 7, -8);
  assert.deepEqual(new Uint8Array(view.buffer), BYTES);
});

Deno.test("accessors read what is in a probe", () => {
  const view = new DataView(BYTES.buffer);
  const read = [probeKind, probeSize, probeTokenHigh, probeTokenLow].map((get) => get(view, 0));
  assert.deepEqual(read, [PROBE.ANSWER, 1_468, 7, -8]);
});

Deno.test("probeIsWhole() refuses a short body and other kinds", () => {
  const view = new DataView(BYTES.slice().buffer);
  assert.equal(probeIsWhole(view, 0, 12), true);
  assert.equal(probeIsWhole(view, 0, 11), false);
  view.setUint8(0, 3);
  assert.equal(probeIsWhole(view, 0, 12), false);
});

Deno.test("formatProbe() names what is in a probe", () => {
  const view = new DataView(BYTES.buffer);
  assert.equal(formatProbe(view, 0, 12), "answer of 1468 bytes, token 34359738360");
  assert.equal(formatProbe(view, 0, 3), "probe: 3 bytes, malformed");
});
