import assert from "node:assert/strict";
import { buildFrame, type FrameSpec } from "../tests/helpers/frames.ts";
import { bridgeMtuVerdict, MTU_VERDICT } from "./bridge_mtu.ts";

function verdict(spec: Omit<FrameSpec, "payload">, packetBytes: number): number {
  const bare = buildFrame({ ...spec, payload: new Uint8Array(0) });
  const header = bare.length - 14 - 4 * (spec.tags ?? 0);
  const frame = buildFrame({ ...spec, payload: new Uint8Array(packetBytes - header) });
  return bridgeMtuVerdict(new DataView(frame.buffer), 0, frame.length, 1376);
}

Deno.test("bridgeMtuVerdict() lets pass what fits, tags not counted", () => {
  assert.equal(verdict({}, 1376), MTU_VERDICT.FITS);
  assert.equal(verdict({ tags: 1, df: true }, 1376), MTU_VERDICT.FITS);
  assert.equal(verdict({ ipv6: true, tags: 2 }, 1376), MTU_VERDICT.FITS);
});

Deno.test("bridgeMtuVerdict() tells what to do with what does not fit", () => {
  assert.equal(verdict({}, 1377), MTU_VERDICT.FRAGMENT);
  assert.equal(verdict({ df: true }, 1377), MTU_VERDICT.TOO_BIG_IPV4);
  assert.equal(verdict({ ipv6: true }, 1377), MTU_VERDICT.TOO_BIG_IPV6);
  assert.equal(verdict({ ipv6: true, tags: 1 }, 1377), MTU_VERDICT.TOO_BIG_IPV6);
  assert.equal(verdict({ tags: 1 }, 1377), MTU_VERDICT.TOO_BIG);
});

Deno.test("bridgeMtuVerdict() has no answer for other protocols and broken headers", () => {
  const view = new DataView(new ArrayBuffer(2_000));
  assert.equal(bridgeMtuVerdict(view, 0, 1_391, 1_376), MTU_VERDICT.TOO_BIG);
  view.setUint16(12, 0x0800);
  assert.equal(bridgeMtuVerdict(view, 0, 1_391, 1_376), MTU_VERDICT.TOO_BIG);
  view.setUint16(12, 0x8100);
  assert.equal(bridgeMtuVerdict(view, 0, 15, 0), MTU_VERDICT.TOO_BIG);
});
