import assert from "node:assert/strict";
import fc from "fast-check";
import { concat } from "../base/mod.ts";
import {
  buildFrame,
  buildSuperframe,
  checksumsAreRight,
  type FrameSpec,
  layoutOf,
  slowSum,
} from "../tests/helpers/frames.ts";
import { COUNTER } from "./contract.ts";
import { arraySlab } from "./frame.ts";
import { INSPECT_OK, Offload, portableCopy } from "./offload.ts";

const READ_AT = 1;
const WRITE_AT = 70_000;

/** Splits what the TAP gave; `undefined` if it is refused. Checks that the read buffer stays as it was. */
function split(tapRead: Uint8Array): Uint8Array[] | undefined {
  const slab = arraySlab(140_000);
  const offload = new Offload(slab, portableCopy(slab));
  slab.bytes.set(tapRead, READ_AT);
  if (offload.inspect(READ_AT, tapRead.length) !== INSPECT_OK) return undefined;
  const frames = Array.from({ length: offload.pieces }, (_, k) => {
    const length = offload.writePiece(k, WRITE_AT);
    assert.equal(length, offload.pieceLength(k));
    assert.ok(length <= offload.longestPiece);
    return slab.bytes.slice(WRITE_AT, WRITE_AT + length);
  });
  assert.deepEqual(slab.bytes.subarray(READ_AT, READ_AT + tapRead.length), tapRead);
  return frames;
}

/** Cuts a superframe in the slow way: builds each piece anew. */
function slowSplit(spec: FrameSpec, gsoSize: number): Uint8Array[] {
  const pieces: Uint8Array[] = [];
  const count = Math.ceil(spec.payload.length / gsoSize);
  for (let k = 0; k < count; k++) {
    let flags = spec.flags ?? 0x10;
    if (k > 0) flags &= ~0x80;
    if (k < count - 1) flags &= ~0x09;
    pieces.push(buildFrame({
      ...spec,
      flags,
      id: ((spec.id ?? 0) + k) % 0x10000,
      sequence: ((spec.sequence ?? 0) + k * gsoSize) % 0x1_0000_0000,
      payload: spec.payload.subarray(k * gsoSize, (k + 1) * gsoSize),
    }));
  }
  return pieces;
}

const words = (most: number): fc.Arbitrary<Uint8Array> =>
  fc.nat(most).chain((n) => fc.uint8Array({ minLength: 4 * n, maxLength: 4 * n }));

/** Any flow that can become a superframe. */
const anyFlow: fc.Arbitrary<FrameSpec> = fc.record({
  ipv6: fc.boolean(),
  tags: fc.nat(2),
  udp: fc.boolean(),
  id: fc.nat(0xffff),
  df: fc.boolean(),
  ipOptions: fc.oneof({ weight: 3, arbitrary: fc.constant(new Uint8Array(0)) }, words(10)),
  tos: fc.nat(255),
  ttl: fc.nat(255),
  host: fc.nat(255),
  port: fc.nat(0xffff),
  sequence: fc.nat(0xffffffff),
  acknowledgement: fc.nat(0xffffffff),
  flags: fc.nat(255),
  window: fc.nat(0xffff),
  options: words(10),
  payload: fc.uint8Array({ minLength: 1, maxLength: 400 }),
});

Deno.test("Offload splits any superframe as a slow twin does", () => {
  fc.assert(
    fc.property(anyFlow, fc.integer({ min: 1, max: 500 }), (spec, gsoSize) => {
      const frames = split(buildSuperframe(spec, gsoSize));
      assert.deepEqual(frames, slowSplit(spec, gsoSize));
      for (const frame of frames ?? []) assert.ok(checksumsAreRight(spec, frame));
    }),
    { numRuns: 400 },
  );
});

Deno.test("Offload splits the largest superframe", () => {
  for (const ipv6 of [false, true]) {
    const spec = { ipv6, options: new Uint8Array(12).fill(1), payload: new Uint8Array(65_000) };
    spec.payload.forEach((_, i) => spec.payload[i] = i * 31);
    const frames = split(buildSuperframe({ ...spec, id: 0xfff0 }, 1_348));
    assert.deepEqual(frames, slowSplit({ ...spec, id: 0xfff0 }, 1_348));
  }
});

Deno.test("Offload keeps IPv6 extension headers and sums only what belongs to TCP", () => {
  const spec: FrameSpec = { ipv6: true, payload: new Uint8Array(100).fill(3) };
  const plain = buildSuperframe(spec, 40);
  // A destination options header of 8 bytes between the fixed header and TCP.
  const at = 10 + layoutOf(spec).transport;
  const extended = concat(
    plain.subarray(0, at),
    Uint8Array.of(6, 0, 1, 4, 0, 0, 0, 0),
    plain.subarray(at),
  );
  const view = new DataView(extended.buffer);
  extended[10 + 14 + 6] = 60;
  view.setUint16(10 + 14 + 4, view.getUint16(10 + 14 + 4) + 8);
  view.setUint16(6, view.getUint16(6, true) + 8, true);
  const frames = split(extended);
  assert.equal(frames?.length, 3);
  frames?.forEach((frame, k) => {
    const without = concat(frame.subarray(0, 54), frame.subarray(62));
    const pieceView = new DataView(without.buffer);
    pieceView.setUint16(18, pieceView.getUint16(18) - 8);
    without[14 + 6] = 6;
    assert.deepEqual(without, slowSplit(spec, 40)[k]);
  });
});

Deno.test("Offload copies a frame that needs nothing", () => {
  const frame = buildFrame({ payload: new Uint8Array(7) });
  assert.deepEqual(split(concat(new Uint8Array(10), frame)), [frame]);
  const shortest = new Uint8Array(14).fill(5);
  assert.deepEqual(split(concat(new Uint8Array(10), shortest)), [shortest]);
});

Deno.test("Offload completes a partial checksum", () => {
  fc.assert(
    fc.property(anyFlow, (spec) => {
      const superframe = buildSuperframe(spec, 1);
      superframe.fill(0, 1, 6);
      const frames = split(superframe);
      assert.equal(frames?.length, 1);
      for (const frame of frames ?? []) assert.ok(checksumsAreRight(spec, frame));
    }),
    { numRuns: 200 },
  );
});

Deno.test("Offload completes the checksum of a protocol that it does not know", () => {
  const frame = Uint8Array.from({ length: 61 }, (_, i) => i * 11);
  const header = Uint8Array.of(1, 0, 0, 0, 0, 0, 20, 0, 5, 0);
  const [done] = split(concat(header, frame)) ?? [];
  assert.ok(done !== undefined);
  const expected = slowSum(frame.subarray(20)) ^ 0xffff;
  assert.equal(new DataView(done.buffer).getUint16(25), expected);
  done.set(frame.subarray(25, 27), 25);
  assert.deepEqual(done, frame);
});

Deno.test("Offload writes 0xffff where a UDP checksum would be 0", () => {
  const bare: FrameSpec = { udp: true, payload: new Uint8Array(2) };
  const sum = new DataView(buildFrame(bare).buffer).getUint16(14 + 20 + 6);
  // With the checksum as payload the sum becomes 0xffff, its complement 0.
  const spec = { ...bare, payload: Uint8Array.of(sum >> 8, sum & 255) };
  for (const gsoType of [0, 5]) {
    const superframe = buildSuperframe(spec, 2);
    superframe[1] = gsoType;
    const [frame] = split(superframe) ?? [];
    assert.ok(frame !== undefined);
    assert.equal(new DataView(frame.buffer).getUint16(14 + 20 + 6), 0xffff);
  }
});

Deno.test("Offload.inspect() refuses what does not fit together", () => {
  const good = buildSuperframe({ payload: new Uint8Array(100) }, 50);
  const view = (bytes: Uint8Array): DataView => new DataView(bytes.buffer);
  const cases: Record<string, (bytes: Uint8Array) => void> = {
    "unknown gso_type": (b) => b[1] = 3,
    "ECN bit alone": (b) => b[1] = 0x80,
    "gso_type of the other IP version": (b) => b[1] = 4,
    "gso_type of the other protocol": (b) => b[1] = 5,
    "gso_size 0": (b) => view(b).setUint16(4, 0, true),
    "no checksum to complete": (b) => b[0] = 0,
    "csum_start elsewhere": (b) => view(b).setUint16(6, 38, true),
    "csum_start beyond the end": (b) => view(b).setUint16(6, 60_000, true),
    "csum_offset elsewhere": (b) => view(b).setUint16(8, 6, true),
    "csum_offset beyond the end": (b) => view(b).setUint16(8, 0xffff, true),
    "IPv4 total length": (b) => view(b).setUint16(10 + 16, 120),
    "TCP header beyond the end": (b) => b[10 + 34 + 12] = 0xf0,
    "not IP": (b) => view(b).setUint16(10 + 12, 0x0806),
  };
  assert.notEqual(split(good), undefined);
  for (const [name, change] of Object.entries(cases)) {
    const bytes = good.slice();
    // Too short for 15 words of TCP header.
    const cut = name.startsWith("TCP header") ? bytes.slice(0, 10 + 34 + 40) : bytes;
    if (cut !== bytes) view(cut).setUint16(10 + 16, cut.length - 24);
    change(cut);
    assert.equal(split(cut), undefined, name);
  }
  const slab = arraySlab(100);
  const code = new Offload(slab, portableCopy(slab)).inspect(0, 23);
  assert.equal(code, COUNTER.dropMalformed);
});

Deno.test("Offload.inspect() refuses headers without payload, too long headers, too many pieces", () => {
  assert.equal(split(buildSuperframe({ payload: new Uint8Array(0) }, 50)), undefined);
  assert.equal(split(buildSuperframe({ payload: new Uint8Array(1_367) }, 1)), undefined);
  assert.equal(split(buildSuperframe({ payload: new Uint8Array(1_366) }, 1))?.length, 1_366);
  const long = buildSuperframe({ ipv6: true, payload: new Uint8Array(600) }, 100);
  const view = new DataView(long.buffer);
  // "TCP" begins 300 bytes into the packet.
  view.setUint16(6, 300, true);
  long[10 + 300 + 12] = 0x50;
  assert.equal(split(long), undefined);
});

Deno.test("Offload survives hostile virtio headers and frames", () => {
  const flow = anyFlow.map((spec) => buildSuperframe(spec, 100));
  const change = fc.tuple(fc.nat(90), fc.nat(255));
  fc.assert(
    fc.property(flow, fc.array(change, { maxLength: 6 }), fc.nat(500), (bytes, changes, cut) => {
      for (const [at, value] of changes) if (at < bytes.length) bytes[at] = value;
      const read = bytes.subarray(0, Math.max(0, bytes.length - (cut > 400 ? cut - 400 : 0)));
      const frames = split(read);
      const payload = frames?.reduce((sum, frame) => sum + frame.length, 0) ?? 0;
      assert.ok(payload <= 400 * 300);
    }),
    { numRuns: 2_000 },
  );
});
