import assert from "node:assert/strict";
import fc from "fast-check";
import { fromHex } from "../../base/mod.ts";
import { buildFrame } from "../../tests/helpers/frames.ts";
import vectors from "../../tests/vectors/sleeve-fragneeded.json" with { type: "json" };
import { arraySlab } from "../frame.ts";
import { FRAGMENTATION_NEEDED_BYTES, writeFragmentationNeeded } from "./icmp.ts";

function answer(frame: Uint8Array, mtuBytes: number): Uint8Array {
  const slab = arraySlab(70_000);
  const at = slab.alloc(66_000, 1) + 1;
  const destination = slab.alloc(FRAGMENTATION_NEEDED_BYTES + 1);
  slab.bytes.set(frame, at);
  slab.bytes.fill(0xaa, destination, destination + FRAGMENTATION_NEEDED_BYTES + 1);
  const length = writeFragmentationNeeded(slab, at, frame.length, mtuBytes, destination);
  assert.equal(slab.bytes[destination + FRAGMENTATION_NEEDED_BYTES], 0xaa);
  return slab.bytes.slice(destination, destination + length);
}

Deno.test("writeFragmentationNeeded() gives the reference's frames", () => {
  for (const { frame, mtu, icmp_frame: expected, note } of vectors.cases) {
    assert.equal(answer(fromHex(frame), mtu).toHex(), expected, note);
  }
});

Deno.test("writeFragmentationNeeded() is silent where RFC 1122 asks for silence", () => {
  const silent: Record<string, (view: DataView) => void> = {
    "group source MAC": (view) => view.setUint8(6, 1),
    "multicast source": (view) => view.setUint8(26, 224),
    "loopback source": (view) => view.setUint8(26, 127),
    "no source": (view) => view.setUint32(26, 0),
    "multicast destination": (view) => view.setUint8(30, 239),
    "later fragment": (view) => view.setUint16(20, 1),
    "ICMP error": (view) => {
      view.setUint8(23, 1);
      view.setUint8(34, 3);
    },
    "not IPv4": (view) => view.setUint16(12, 0x86dd),
    "total length above the frame": (view) => view.setUint16(16, 60_000),
  };
  for (const [what, change] of Object.entries(silent)) {
    const frame = buildFrame({ udp: true, df: true, payload: new Uint8Array(1000) });
    assert.ok(answer(frame, 576).length > 0);
    change(new DataView(frame.buffer));
    assert.equal(answer(frame, 576).length, 0, what);
  }
});

Deno.test("writeFragmentationNeeded() answers an echo request", () => {
  const frame = buildFrame({ udp: true, df: true, payload: new Uint8Array(1000) });
  const view = new DataView(frame.buffer);
  view.setUint8(23, 1);
  view.setUint8(34, 8);
  assert.equal(answer(frame, 576).length, 14 + 20 + 8 + 28);
});

Deno.test("writeFragmentationNeeded() quotes no padding of the frame", () => {
  const frame = new Uint8Array(60).fill(0xbb);
  frame.set(fromHex("0a00000000020a000000000108004500001600010000401100000a0500010a0500020102"));
  const quoted = answer(frame, 21).slice(14 + 20 + 8);
  assert.equal(quoted.toHex(), "4500001600010000401100000a0500010a0500020102");
});

Deno.test("writeFragmentationNeeded() takes any bytes", () => {
  fc.assert(fc.property(fc.uint8Array({ minLength: 34, maxLength: 120 }), (frame) => {
    frame.set([8, 0, 0x45 + (frame[0] ?? 0) % 11], 12);
    const { length } = answer(frame, 576);
    assert.ok(length === 0 || (length >= 60 && length <= FRAGMENTATION_NEEDED_BYTES));
  }));
});
