import assert from "node:assert/strict";
import { concat } from "../../base/mod.ts";
import {
  buildFrame,
  buildSuperframe,
  checksumsAreRight,
  type FrameSpec,
  layoutOf,
} from "../../tests/helpers/frames.ts";
import { assertKernelSafe, segmentFrames } from "../../tests/helpers/segmenter.ts";
import { arraySlab } from "../frame.ts";
import { FAULT, RecordHeaders } from "../wire/shuttle_record.ts";
import { PIECE_IOVECS, PieceJoiner, type PieceJoinerOptions } from "./piece_joiner.ts";

const ALL: PieceJoinerOptions = { tso: true, uso: true, mtuBytes: 9_000 };

/** A record as it comes out of the receiver. */
interface Item {
  readonly bytes: Uint8Array;
  readonly gid: number;
  readonly keySlot: number;
}

function payload(length: number): Uint8Array {
  return Uint8Array.from({ length }, (_, i) => i * 31);
}

/** Cuts what a TAP gave as the sender does. */
function pieces(read: Uint8Array, gid = 5, keySlot = 1): Item[] {
  const view = new DataView(read.buffer);
  const gsoSize = view.getUint16(4, true);
  const start = view.getUint16(6, true);
  const isTcp = view.getUint16(8, true) === 16;
  const header = 10 + start + (isTcp ? (view.getUint8(10 + start + 12) >> 4) * 4 : 8);
  const count = Math.ceil((read.length - header) / gsoSize);
  return Array.from({ length: count }, (_, k) => {
    const from = header + k * gsoSize;
    const bytes = concat(read.subarray(0, header), read.subarray(from, from + gsoSize));
    new DataView(bytes.buffer).setUint16(2, k, true);
    return { bytes, gid, keySlot };
  });
}

function item(bytes: Uint8Array): Item {
  return { bytes, gid: 0, keySlot: 1 };
}

/** Offers records as the loop does. @returns what is written to the TAP */
function join(items: readonly (Item | undefined)[], options = ALL): Uint8Array[] {
  const slab = arraySlab(400_000);
  const joiner = new PieceJoiner(slab.view, options);
  const writes: Uint8Array[] = [];
  const flush = (): void => {
    const count = joiner.flush();
    if (count === 0) return;
    const parts = Array.from({ length: count }, (_, i) => {
      const at = joiner.offsets[i] ?? 0;
      return slab.bytes.slice(at, at + (joiner.lengths[i] ?? 0));
    });
    writes.push(concat(...parts));
    assert.equal(writes.at(-1)?.length, joiner.totalBytes);
  };
  let at = 7;
  for (const each of items) {
    if (each === undefined) continue;
    const { bytes, gid, keySlot } = each;
    slab.bytes.set(bytes, at);
    const headers = new RecordHeaders();
    const length = bytes.length - 10;
    assert.equal(headers.parse(slab.view, at, length), FAULT.NONE);
    const record = { virtio: at, length, gid, keySlot, headers };
    if (!joiner.offer(record)) {
      flush();
      assert.ok(joiner.offer(record));
    }
    at += bytes.length + 3;
  }
  flush();
  assert.equal(joiner.flush(), 0);
  writes.forEach(assertKernelSafe);
  return writes;
}

const KINDS: readonly FrameSpec[] = [
  { payload: payload(2_950), flags: 0x99, id: 0xfffe, sequence: 0xffff_ff00 },
  { payload: payload(2_950), ipv6: true, flags: 0x99 },
  { payload: payload(2_950), udp: true, id: 9 },
  { payload: payload(2_950), udp: true, ipv6: true },
  {
    payload: payload(2_950),
    tags: 2,
    ipOptions: new Uint8Array(8).fill(1),
    options: new Uint8Array(12).fill(1),
  },
];

Deno.test("PieceJoiner gives a complete superframe back untouched", () => {
  for (const spec of KINDS) {
    const read = buildSuperframe(spec, 700);
    assert.deepEqual(join(pieces(read)), [read]);
  }
});

Deno.test("PieceJoiner repairs what was lost of a superframe, wherever", () => {
  for (const spec of KINDS) {
    const read = buildSuperframe(spec, 500);
    const all = pieces(read);
    const frames = segmentFrames(read);
    for (let kept = 1; kept < 1 << all.length; kept++) {
      const here = (_: unknown, k: number): boolean => (kept & (1 << k)) !== 0;
      const writes = join(all.filter(here));
      const out = writes.flatMap(segmentFrames);
      assert.deepEqual(out, frames.filter(here), `pieces ${kept.toString(2)}`);
      assert.ok(out.every((frame) => checksumsAreRight(spec, frame)));
    }
  }
});

Deno.test("PieceJoiner writes runs of pieces that are in order as one", () => {
  const all = pieces(buildSuperframe({ payload: payload(500) }, 100));
  const [a, b, c, d, e] = all;
  assert.equal(join([a, b, d, e]).length, 2);
  assert.equal(join([a, c, b]).length, 3);
  assert.equal(join([b, c, d]).length, 1);
});

Deno.test("PieceJoiner makes a frame of a single piece, not a superframe", () => {
  const all = pieces(buildSuperframe({ payload: payload(300), flags: 0x90 }, 100));
  for (const each of all) {
    const [write] = join([each]);
    assert.deepEqual([write?.[0], write?.[1], write?.[4]], [1, 0, 0]);
  }
});

Deno.test("PieceJoiner says ECN only of a superframe that begins with CWR", () => {
  const read = buildSuperframe({ payload: payload(300), flags: 0x90 }, 100);
  const all = pieces(read);
  assert.deepEqual(join(all.slice(0, 2)).map((write) => write[1]), [0x81]);
  assert.deepEqual(join(all.slice(1)).map((write) => write[1]), [1]);
});

Deno.test("PieceJoiner keeps pieces apart that differ in anything that makes the group", () => {
  const read = buildSuperframe({ payload: payload(300) }, 100);
  const [first, second] = pieces(read);
  const other = (spec: FrameSpec, gsoSize = 100): Item | undefined =>
    pieces(buildSuperframe(spec, gsoSize))[1];
  const cases: Record<string, Item | undefined> = {
    "key slot": second && { ...second, keySlot: 2 },
    gid: second && { ...second, gid: 6 },
    gso_type: other({ payload: payload(300), flags: 0x90 }),
    "gso_size": other({ payload: payload(300) }, 101),
    "header length": other({ payload: payload(300), options: new Uint8Array(4).fill(1) }),
    tags: other({ payload: payload(300), tags: 1 }),
    transport: other({ payload: payload(300), udp: true }),
  };
  assert.equal(join([first, second]).length, 1);
  for (const [name, item] of Object.entries(cases)) {
    assert.equal(join([first, item]).length, 2, name);
  }
});

Deno.test("PieceJoiner does not count IP options as a TCP header of the same length", () => {
  const options = new Uint8Array(4).fill(1);
  const [first] = pieces(buildSuperframe({ payload: payload(300), ipOptions: options }, 100));
  const [, second] = pieces(buildSuperframe({ payload: payload(300), options }, 100));
  assert.equal(join([first, second]).length, 2);
});

Deno.test("PieceJoiner never joins pieces of two peers whose counters are equal", () => {
  const spec = (host: number): FrameSpec => ({ payload: payload(300), host });
  const a = pieces(buildSuperframe(spec(1), 100), 5, 1);
  const b = pieces(buildSuperframe(spec(2), 100), 5, 2);
  const mixed = a.flatMap((each, k) => [each, b[k]]);
  const out = join(mixed).flatMap(segmentFrames);
  const [x, y] = [1, 2].map((host) => segmentFrames(buildSuperframe(spec(host), 100)));
  assert.deepEqual(out, x?.flatMap((each, k) => [each, y?.[k]]));
});

Deno.test("PieceJoiner keeps the order of records", () => {
  const read = buildSuperframe({ payload: payload(300) }, 100);
  const [a, b, c] = pieces(read);
  const small = concat(new Uint8Array(10), buildFrame({ payload: payload(5) }));
  const writes = join([a, item(small), b, c]);
  assert.deepEqual(writes.map((write) => write.length), [10 + 154, small.length, 10 + 254]);
  assert.deepEqual(writes[1], small);
});

Deno.test("PieceJoiner takes at most 512 pieces at once", () => {
  const read = buildSuperframe({ payload: payload(600 * 48) }, 48);
  const writes = join(pieces(read));
  assert.deepEqual(writes.map((write) => write.length - 64), [PIECE_IOVECS * 48, 88 * 48]);
  assert.deepEqual(writes.flatMap(segmentFrames), segmentFrames(read));
});

Deno.test("PieceJoiner restores the largest superframe that a kernel makes", () => {
  for (const ipv6 of [false, true]) {
    const options = new Uint8Array(12).fill(1);
    const read = buildSuperframe({ payload: payload(65_200), ipv6, options }, 1_304);
    assert.deepEqual(join(pieces(read)), [read]);
  }
});

Deno.test("PieceJoiner lowers the gso_size of TCP to what the bridge takes", () => {
  for (const ipv6 of [false, true]) {
    const spec = { payload: payload(3_000), ipv6 };
    const fits = 576 - (layoutOf(spec).header - 14);
    const options = { ...ALL, mtuBytes: 576 };
    const all = pieces(buildSuperframe(spec, 1_000));
    assert.deepEqual(join(all, options), [buildSuperframe(spec, fits)]);
    const [alone] = join(all.slice(0, 1), options);
    assert.equal(new DataView(alone?.buffer ?? new ArrayBuffer(9)).getUint16(4, true), fits);
    assert.equal(alone?.[1], ipv6 ? 4 : 1);
  }
});

Deno.test("isTooLong() tells what the bridge would drop", () => {
  const slab = arraySlab(20_000);
  const joiner = new PieceJoiner(slab.view, { ...ALL, mtuBytes: 1_000 });
  const tooLong = (bytes: Uint8Array): boolean => {
    slab.bytes.set(bytes, 0);
    const headers = new RecordHeaders();
    const length = bytes.length - 10;
    assert.equal(headers.parse(slab.view, 0, length), FAULT.NONE);
    return joiner.isTooLong({ virtio: 0, length, gid: 0, keySlot: 0, headers });
  };
  const first = (read: Uint8Array): Uint8Array => pieces(read)[0]?.bytes ?? new Uint8Array();
  const plain = new Uint8Array(10);
  assert.equal(tooLong(concat(plain, buildFrame({ payload: payload(960) }))), false);
  assert.equal(tooLong(concat(plain, buildFrame({ payload: payload(961) }))), true);
  assert.equal(tooLong(first(buildSuperframe({ payload: payload(3_000) }, 1_200))), false);
  assert.equal(tooLong(first(buildSuperframe({ udp: true, payload: payload(3_000) }, 972))), false);
  assert.equal(tooLong(first(buildSuperframe({ udp: true, payload: payload(3_000) }, 973))), true);
});

Deno.test("PieceJoiner writes pieces one by one where the TAP takes no superframes", () => {
  for (const udp of [false, true]) {
    const read = buildSuperframe({ udp, payload: payload(300) }, 100);
    const writes = join(pieces(read), { ...ALL, tso: udp, uso: !udp });
    assert.equal(writes.length, 3);
    assert.deepEqual(writes.flatMap(segmentFrames), segmentFrames(read));
  }
});

Deno.test("PieceJoiner passes frames on with their checksum fields, hdr_len and gso_size cleared", () => {
  const read = concat(new Uint8Array(10), buildFrame({ payload: payload(5) }));
  read.set([3, 0, 7, 7, 9, 9, 34, 0, 16, 0]);
  const expected = read.slice();
  expected.fill(0, 2, 6);
  assert.deepEqual(join([item(read)]), [expected]);
});

/** A UDP datagram without its checksum. */
function datagram(spec: Partial<FrameSpec>): Item {
  const read = buildSuperframe({ udp: true, payload: payload(64), ...spec }, 1);
  read[1] = 0;
  read.fill(0, 2, 6);
  return item(read);
}

Deno.test("PieceJoiner joins datagrams of one flow, a shorter one last", () => {
  for (const ipv6 of [false, true]) {
    const parts = [64, 64, 64, 10].map((length, i) => ({ ipv6, payload: payload(length), id: i }));
    const whole = concat(...parts.map((part) => part.payload));
    const writes = join([...parts.map(datagram), datagram({ ipv6 })]);
    assert.deepEqual(writes, [
      buildSuperframe({ ipv6, udp: true, payload: whole }, 64),
      datagram({ ipv6 }).bytes,
    ]);
  }
});

Deno.test("PieceJoiner joins at most 64 datagrams and 65,000 bytes", () => {
  const small = Array.from({ length: 65 }, () => datagram({}));
  assert.deepEqual(join(small).map((write) => write.length), [52 + 64 * 64, 52 + 64]);
  const large = Array.from({ length: 48 }, () => datagram({ payload: payload(1_372) }));
  assert.deepEqual(join(large).map((write) => write.length), [52 + 47 * 1_372, 52 + 1_372]);
});

Deno.test("PieceJoiner does not join datagrams that differ, or are not as simple", () => {
  const cases: Record<string, Item> = {
    port: datagram({ port: 1 }),
    address: datagram({ host: 9 }),
    TOS: datagram({ tos: 9 }),
    TTL: datagram({ ttl: 9 }),
    DF: datagram({ df: true }),
    tags: datagram({ tags: 1 }),
    "IP version": datagram({ ipv6: true }),
    "IP options": datagram({ ipOptions: new Uint8Array(4).fill(1) }),
    "a longer one": datagram({ payload: payload(65) }),
    "no payload": datagram({ payload: payload(0) }),
    TCP: datagram({ udp: false }),
    "a whole checksum": item(
      concat(new Uint8Array(10), buildFrame({ udp: true, payload: payload(64) })),
    ),
  };
  for (const [name, each] of Object.entries(cases)) {
    assert.equal(join([datagram({}), each]).length, 2, name);
    if (name !== "a longer one") assert.equal(join([each, datagram({})]).length, 2, name);
  }
  const options = { ...ALL, uso: false };
  assert.equal(join([datagram({}), datagram({})], options).length, 2);
});
