import assert from "node:assert/strict";
import fc from "fast-check";
import { fromHex } from "../../base/mod.ts";
import { buildFrame } from "../../tests/helpers/frames.ts";
import vectors from "../../tests/vectors/sleeve-fragment.json" with { type: "json" };
import { arraySlab } from "../frame.ts";
import { sum16 } from "./checksum.ts";
import { fragmentPayloadBytes, fragmentStep, writeFragment } from "./fragment.ts";

/** Cuts a frame that lies at an odd offset. */
function cut(frame: Uint8Array, mtuBytes: number): Uint8Array[] {
  const slab = arraySlab(200_000);
  const at = slab.alloc(70_000, 1) + 3;
  const piece = slab.alloc(70_000);
  slab.bytes.set(frame, at);
  const step = fragmentStep(slab.view, at, frame.length, mtuBytes);
  const pieces: Uint8Array[] = [];
  if (step === 0) return pieces;
  const payload = fragmentPayloadBytes(slab.view, at);
  for (let position = 0; position < payload; position += step) {
    slab.bytes.fill(0xaa, piece, piece + 2000);
    const length = writeFragment(slab, at, position, step, piece);
    pieces.push(slab.bytes.slice(piece, piece + length));
  }
  assert.deepEqual(slab.bytes.slice(at, at + frame.length), frame);
  return pieces;
}

Deno.test("writeFragment() gives the reference's pieces", () => {
  for (const { frame, mtu, segments, note } of vectors.cases) {
    assert.deepEqual(cut(fromHex(frame), mtu).map((piece) => piece.toHex()), segments, note);
  }
});

Deno.test("writeFragment() cuts into pieces that fit and make up the packet", () => {
  fc.assert(fc.property(
    fc.integer({ min: 68, max: 1500 }),
    fc.uint8Array({ minLength: 0, maxLength: 4000, size: "max" }),
    fc.integer({ min: 0, max: 10 }),
    fc.integer({ min: 0, max: 30 }),
    (mtuBytes, payload, words, padding) => {
      const ipOptions = new Uint8Array(words * 4).fill(1);
      const whole = buildFrame({ udp: true, df: false, ipOptions, payload });
      const frame = new Uint8Array(whole.length + padding).fill(0xbb);
      frame.set(whole);
      const header = 20 + ipOptions.length;
      const joined = new Uint8Array(whole.length - 14 - header);
      const pieces = cut(frame, mtuBytes);
      pieces.forEach((piece, i) => {
        const view = new DataView(piece.buffer, piece.byteOffset);
        const total = view.getUint16(16);
        const flags = view.getUint16(20);
        assert.ok(total <= mtuBytes && piece.length === Math.max(60, total + 14));
        assert.equal((flags & 0x2000) !== 0, i < pieces.length - 1);
        assert.equal(sum16(view, 14, header, 0) % 0xffff, 0, "header checksum");
        joined.set(piece.subarray(14 + header, 14 + total), (flags & 0x1fff) * 8);
        assert.ok(piece.subarray(14 + total).every((byte) => byte === 0), "padding");
      });
      assert.deepEqual(joined, whole.slice(14 + header));
    },
  ));
});

Deno.test("fragmentStep() refuses what is not a plain valid IPv4 frame", () => {
  const whole = buildFrame({ udp: true, payload: new Uint8Array(1000) });
  const step = (change: (bytes: Uint8Array, view: DataView) => void, mtuBytes = 576): number => {
    const slab = arraySlab(4096);
    slab.bytes.set(whole);
    change(slab.bytes, slab.view);
    return fragmentStep(slab.view, 0, whole.length, mtuBytes);
  };
  assert.equal(step(() => {}), 552);
  assert.equal(step((_, view) => view.setUint16(12, 0x86dd)), 0, "EtherType");
  assert.equal(step((_, view) => view.setUint16(16, whole.length - 13)), 0, "total above frame");
  assert.equal(step((_, view) => view.setUint16(16, 19)), 0, "total below header");
  assert.equal(step((bytes) => bytes[14] = 0x44), 0, "header length");
  assert.equal(step((bytes) => bytes[14] = 0x65), 0, "version");
  assert.equal(step(() => {}, 27), 0, "no room for 8 bytes");
  assert.equal(step(() => {}, 19), 0, "no room for the header");
});
