import assert from "node:assert/strict";
import fc from "fast-check";
import { concat } from "../base/mod.ts";
import { buildFrame, buildSuperframe, type FrameSpec } from "../tests/helpers/frames.ts";
import { arraySlab } from "./frame.ts";
import { Joiner, type JoinerOptions } from "./joiner.ts";
import { INSPECT_OK, Offload, portableCopy } from "./offload.ts";

const ALL: JoinerOptions = { tso: true, uso: true };

/** Offers frames one after the other as the loop does. @returns what is written to the TAP */
function join(
  frames: readonly Uint8Array[],
  options = ALL,
  vouched: boolean | ((i: number) => boolean) = true,
): Uint8Array[] {
  const slab = arraySlab(300_000);
  const joiner = new Joiner(slab, options);
  const writes: Uint8Array[] = [];
  const flush = (): void => {
    const count = joiner.flush();
    if (count === 0) return;
    const parts = Array.from({ length: count }, (_, i) => {
      const at = joiner.offsets[i] ?? 0;
      return slab.bytes.slice(at, at + (joiner.lengths[i] ?? 0));
    });
    const write = concat(...parts);
    assert.equal(write.length, joiner.totalBytes);
    writes.push(write);
  };
  let at = 0;
  frames.forEach((frame, i) => {
    at += 14;
    slab.bytes.set(frame, at);
    const authentic = typeof vouched === "boolean" ? vouched : vouched(i);
    if (!joiner.offer(at, frame.length, authentic)) {
      flush();
      assert.ok(joiner.offer(at, frame.length, authentic));
    }
    at += frame.length;
  });
  flush();
  assert.equal(joiner.flush(), 0);
  return writes;
}

/** Splits a TAP read into real frames with the code that is tested next door. */
function split(tapRead: Uint8Array): Uint8Array[] {
  const slab = arraySlab(140_000);
  const offload = new Offload(slab, portableCopy(slab));
  slab.bytes.set(tapRead);
  assert.equal(offload.inspect(0, tapRead.length), INSPECT_OK);
  return Array.from({ length: offload.pieces }, (_, k) => {
    const length = offload.writePiece(k, 70_000);
    return slab.bytes.slice(70_000, 70_000 + length);
  });
}

function plain(frame: Uint8Array): Uint8Array {
  return concat(new Uint8Array(10), frame);
}

/** Returns `count` frames of 10 payload bytes that follow each other. */
function flow(count: number, spec: Partial<FrameSpec> = {}): FrameSpec[] {
  return Array.from({ length: count }, (_, k) => ({
    id: 100 + k,
    sequence: 1_000 + 10 * k,
    payload: new Uint8Array(10).fill(k),
    ...spec,
  }));
}

const words = (most: number): fc.Arbitrary<Uint8Array> =>
  fc.nat(most).chain((n) => fc.uint8Array({ minLength: 4 * n, maxLength: 4 * n }));

/** Any flow whose frames can be joined: ACK set, of the others only PSH, FIN, ECE, CWR. */
const joinableFlow: fc.Arbitrary<FrameSpec> = fc.record({
  ipv6: fc.boolean(),
  tags: fc.nat(2),
  udp: fc.boolean(),
  id: fc.nat(0xffff),
  df: fc.boolean(),
  tos: fc.nat(255),
  ttl: fc.nat(255),
  sequence: fc.nat(0xffffffff),
  flags: fc.nat(255).map((flags) => (flags & 0xd9) | 0x10),
  options: words(10),
  payload: fc.uint8Array({ minLength: 2, maxLength: 400 }),
});

Deno.test("Joiner gives back the superframe that Offload split", () => {
  fc.assert(
    fc.property(joinableFlow, fc.double({ min: 0, max: 1, noNaN: true }), fc.boolean(), (
      spec,
      part,
      vouched,
    ) => {
      // 2 to 64 pieces.
      const least = Math.ceil(spec.payload.length / 64);
      const gsoSize = Math.max(1, least, Math.floor(part * (spec.payload.length - 1)));
      const superframe = buildSuperframe(spec, gsoSize);
      assert.deepEqual(join(split(superframe), ALL, vouched), [superframe]);
    }),
    { numRuns: 400 },
  );
});

Deno.test("Joiner keeps to 65,000 bytes", () => {
  const payload = Uint8Array.from({ length: 65_400 }, (_, i) => i * 7);
  const writes = join(split(buildSuperframe({ payload, sequence: 5 }, 1_300)));
  assert.deepEqual(writes, [
    buildSuperframe({ payload: payload.subarray(0, 65_000), sequence: 5 }, 1_300),
    plain(buildFrame({ payload: payload.subarray(65_000), sequence: 65_005, id: 50 })),
  ]);
});

Deno.test("Joiner joins at most 256 frames, 64 datagrams", () => {
  assert.equal(join(flow(257).map(buildFrame)).length, 2);
  assert.equal(join(flow(256).map(buildFrame)).length, 1);
  assert.equal(join(flow(65, { udp: true }).map(buildFrame)).length, 2);
  assert.equal(join(flow(64, { udp: true }).map(buildFrame)).length, 1);
});

Deno.test("Joiner does not join what differs in a field that the superframe has once", () => {
  const differences: Record<string, Partial<FrameSpec>> = {
    address: { host: 9 },
    port: { port: 9 },
    sequence: { sequence: 1_011 },
    acknowledgement: { acknowledgement: 9 },
    window: { window: 9 },
    options: { options: Uint8Array.of(1, 1, 1, 0) },
    TOS: { tos: 9 },
    TTL: { ttl: 9 },
    DF: { df: true },
    id: { id: 102 },
    tags: { tags: 1 },
    ECE: { flags: 0x50 },
    CWR: { flags: 0x90 },
    SYN: { flags: 0x12 },
    RST: { flags: 0x14 },
    URG: { flags: 0x30 },
    "no ACK": { flags: 0x00 },
    "IP version": { ipv6: true },
    protocol: { udp: true },
    longer: { payload: new Uint8Array(11) },
    empty: { payload: new Uint8Array(0) },
    "IP options": { ipOptions: Uint8Array.of(1, 1, 1, 0) },
  };
  for (const [name, difference] of Object.entries(differences)) {
    const [first, second] = flow(2);
    assert.ok(first !== undefined && second !== undefined);
    const frames = [buildFrame(first), buildFrame({ ...second, ...difference })];
    assert.deepEqual(join(frames), frames.map(plain), name);
  }
});

Deno.test("Joiner compares TCP options and the source MAC", () => {
  const options = Uint8Array.of(1, 1, 8, 10, 0, 0, 0, 1, 0, 0, 0, 2);
  const specs = flow(2, { options });
  assert.equal(join(specs.map(buildFrame)).length, 1);
  const frames = specs.map((spec, k) =>
    buildFrame({ ...spec, options: options.map((byte, i) => i === 7 ? k : byte) })
  );
  assert.equal(join(frames).length, 2);
  const [first, second] = specs.map(buildFrame);
  assert.ok(first !== undefined && second !== undefined);
  second[11] = 9;
  assert.equal(join([first, second]).length, 2);
});

Deno.test("Joiner takes any id with DF", () => {
  const frames = flow(3, { df: true, id: 0 }).map(buildFrame);
  assert.equal(join(frames).length, 1);
});

Deno.test("Joiner ends a group with a shorter frame, PSH and FIN", () => {
  const specs = flow(4);
  for (const end of [{ flags: 0x18 }, { flags: 0x11 }, { payload: new Uint8Array(3) }]) {
    const frames = specs.map((spec, k) => buildFrame(k === 1 ? { ...spec, ...end } : spec));
    assert.deepEqual(join(frames).length, 2);
  }
  const alone = [{ flags: 0x18 }, {}].map((end, k) => buildFrame({ ...specs[k]!, ...end }));
  assert.deepEqual(join(alone), alone.map(plain));
});

Deno.test("Joiner passes frames with padding, fragments and broken headers one by one", () => {
  const frames = flow(2).map(buildFrame);
  const padded = frames.map((frame) => concat(frame, new Uint8Array(2)));
  assert.deepEqual(join(padded), padded.map(plain));
  const fragments = frames.map((frame) => {
    const copy = frame.slice();
    copy[20] = 0x20;
    // The header checksum stays right: what is taken from it is added.
    new DataView(copy.buffer).setUint16(24, new DataView(copy.buffer).getUint16(24) - 0x2000);
    return copy;
  });
  assert.deepEqual(join(fragments), fragments.map(plain));
  const broken = frames.map((frame) => frame.map((byte, i) => i === 24 ? byte ^ 1 : byte));
  assert.deepEqual(join(broken), broken.map(plain));
});

Deno.test("Joiner verifies checksums of frames that nobody vouches for", () => {
  for (const udp of [false, true]) {
    for (const ipv6 of [false, true]) {
      const frames = flow(3, { udp, ipv6 }).map(buildFrame);
      assert.equal(join(frames, ALL, false).length, 1);
      for (const bad of [0, 1, 2]) {
        const wrong = frames.map((frame, i) =>
          frame.map((byte, at) => i === bad && at === frame.length - 1 ? byte ^ 4 : byte)
        );
        const writes = join(wrong, ALL, false);
        assert.ok(
          writes.some((write) =>
            Uint8Array.from(plain(wrong[bad]!)).every((byte, at) => byte === write[at])
          ),
          "the wrong one arrives as it is",
        );
        assert.equal(join(wrong, ALL, (i) => i === bad).length, 1);
      }
    }
  }
});

Deno.test("Joiner joins only what the TAP accepts", () => {
  const tcp = flow(3).map(buildFrame);
  const udp = flow(3, { udp: true }).map(buildFrame);
  assert.equal(join(tcp, { tso: false, uso: true }).length, 3);
  assert.equal(join(udp, { tso: true, uso: false }).length, 3);
});

Deno.test("Joiner does not join datagrams without a checksum", () => {
  const frames = flow(2, { udp: true }).map(buildFrame).map((frame) => {
    frame.fill(0, 40, 42);
    return frame;
  });
  assert.deepEqual(join(frames), frames.map(plain));
});

Deno.test("Joiner never loses, changes or reorders payload, whatever comes", () => {
  const piece = fc.record({
    udp: fc.boolean(),
    port: fc.nat(1),
    flags: fc.constantFrom(0x10, 0x10, 0x10, 0x18, 0x02, 0x90),
    jump: fc.constantFrom(0, 0, 0, 5),
    payload: fc.oneof(
      fc.uint8Array({ minLength: 8, maxLength: 8 }),
      fc.uint8Array({ maxLength: 9 }),
    ),
    change: fc.option(fc.tuple(fc.nat(60), fc.nat(255)), { nil: undefined, freq: 12 }),
  });
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 30 }), fc.boolean(), (pieces, vouched) => {
      let sequence = 0;
      const frames = pieces.map(({ jump, change, ...spec }) => {
        sequence += jump;
        const frame = buildFrame({ ...spec, sequence, df: true });
        sequence += spec.payload.length;
        if (change !== undefined && change[0] < frame.length) frame[change[0]] = change[1];
        return frame;
      });
      // What was joined is split again; what was not is a frame already.
      const back = join(frames, ALL, vouched).flatMap(split);
      assert.equal(back.length, frames.length);
      back.forEach((frame, i) => {
        const expected = frames[i] ?? new Uint8Array(0);
        // With DF ids may differ; with them the header checksum. Vouched frames get right transport checksums.
        if (vouched) {
          assert.deepEqual(payloadOf(frame), payloadOf(expected));
          return;
        }
        for (const at of [18, 19, 24, 25]) frame[at] = expected[at] ?? 0;
        assert.deepEqual(frame, expected);
      });
    }),
    { numRuns: 300 },
  );
});

function payloadOf(frame: Uint8Array): Uint8Array {
  return frame.slice(frame[23] === 17 ? 42 : 54);
}
