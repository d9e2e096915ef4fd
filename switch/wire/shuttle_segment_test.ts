import assert from "node:assert/strict";
import { fromHex } from "../../base/mod.ts";
import {
  formatSegment,
  isPlainType,
  isShuttle,
  SEGMENT,
  segmentCounterHigh,
  segmentCounterLow,
  segmentDestination,
  segmentHops,
  segmentIsWhole,
  segmentKeyId,
  segmentOrigin,
  segmentOverheadBytes,
  segmentType,
  setSegmentHops,
  writeSegmentHeader,
  writeSegmentNonce,
} from "./shuttle_segment.ts";

const HEADER = "11 10 0def 0abc 1234 00000001 fffffffe".replaceAll(" ", "");

function viewOf(hex: string): DataView {
  return new DataView(fromHex(hex).buffer);
}

Deno.test("writeSegmentHeader() writes the bytes of the specification", () => {
  const view = new DataView(new ArrayBuffer(17));
  writeSegmentHeader(view, 1, SEGMENT.DATA, 0x0def, 0x0abc, 0x1234, 1, -2);
  assert.deepEqual(new Uint8Array(view.buffer, 1), fromHex(HEADER));
});

Deno.test("accessors read what is in a header", () => {
  const view = viewOf(HEADER);
  const read = [
    segmentType,
    segmentHops,
    segmentDestination,
    segmentOrigin,
    segmentKeyId,
    segmentCounterHigh,
    segmentCounterLow,
  ].map((accessor) => accessor(view, 0));
  assert.deepEqual(read, [0x11, 16, 0x0def, 0x0abc, 0x1234, 1, -2]);
});

Deno.test("setSegmentHops() changes nothing else", () => {
  const view = viewOf(HEADER);
  setSegmentHops(view, 0, 3);
  assert.deepEqual(new Uint8Array(view.buffer), fromHex(HEADER.replace("1110", "1103")));
});

Deno.test("writeSegmentNonce() is salt, type in its first byte, counter", () => {
  const view = viewOf(`${HEADER}000000000000000000000000`);
  writeSegmentNonce(view, 16, 0x5a000001, 0);
  assert.deepEqual(new Uint8Array(view.buffer, 16), fromHex("4b00000100000001fffffffe"));
});

Deno.test("segmentIsWhole() knows seven types and the least length of each", () => {
  const known = new Set<number>(Object.values(SEGMENT));
  for (let type = 0; type < 256; type++) {
    const view = new DataView(new ArrayBuffer(64));
    view.setUint8(0, type);
    const least = isPlainType(type) ? 16 : 32;
    assert.equal(segmentIsWhole(view, 0, least), known.has(type), `type ${type}`);
    assert.equal(segmentIsWhole(view, 0, least - 1), false, `type ${type}, too short`);
    if (!known.has(type)) continue;
    assert.equal(segmentOverheadBytes(type), least);
    assert.ok(isShuttle(view, 0), "odd, as a peer's name is not");
  }
});

Deno.test("formatSegment() names what is in a header", () => {
  assert.equal(
    formatSegment(viewOf(HEADER + "00".repeat(20)), 0, 36),
    "shuttle data 0abc > 0def, key 1234, counter 8589934590, hops 16, 4 bytes",
  );
  assert.equal(formatSegment(viewOf("1110"), 0, 2), "shuttle: 2 bytes, no segment");
});
