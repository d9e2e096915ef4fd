import assert from "node:assert/strict";
import fc from "fast-check";
import { concat } from "../../base/mod.ts";
import { buildSuperframe, type FrameSpec, layoutOf } from "../../tests/helpers/frames.ts";
import { runSize } from "../../tests/helpers/run_size.ts";
import { assertKernelSafe } from "../../tests/helpers/segmenter.ts";
import { outgoingKey, ReceivingPeer } from "../../tests/helpers/shuttle_world.ts";
import { arraySlab } from "../frame.ts";
import { Outbox } from "../outbox.ts";
import { portableCopy } from "../offload.ts";
import { SEGMENT } from "../wire/shuttle_segment.ts";
import { SegmentWriter } from "./segment_writer.ts";

/** Seals any text with the right key: a peer that was taken over. */
class HostilePeer {
  readonly #slab = arraySlab(300_000);
  readonly #outbox = new Outbox(this.#slab, 100_000, 8);
  readonly #writer = new SegmentWriter({
    slab: this.#slab,
    outbox: this.#outbox,
    copy: portableCopy(this.#slab),
    makeRoom: () => {},
  });
  readonly #pair = outgoingKey(this.#slab);
  readonly #at = this.#slab.alloc(70_000);

  seal(type: number, body: Uint8Array): Uint8Array {
    this.#slab.bytes.set(body, this.#at);
    assert.ok(this.#writer.write(this.#pair, type, this.#at, body.length));
    const begin = this.#outbox.offsets[0] ?? 0;
    const segment = this.#slab.bytes.slice(begin, begin + (this.#outbox.lengths[0] ?? 0));
    this.#outbox.sent(1);
    return segment;
  }
}

const flows: fc.Arbitrary<FrameSpec> = fc.record({
  ipv6: fc.boolean(),
  tags: fc.nat(2),
  udp: fc.boolean(),
  ipOptions: fc.nat(2).map((n) => new Uint8Array(4 * n).fill(1)),
  options: fc.nat(3).map((n) => new Uint8Array(4 * n).fill(1)),
  flags: fc.constantFrom(0x10, 0x99),
  payload: fc.nat(600).map((n) => new Uint8Array(n + 1)),
});

/** A value for a field, often at a border. */
const values = fc.oneof(
  fc.nat(0xffff),
  fc.constantFrom(0, 1, 2, 4, 5, 14, 34, 47, 48, 0x80, 0x81, 0xff, 0xffff),
);

/** Piece `k` of a superframe with some of its bytes changed. */
const records: fc.Arbitrary<Uint8Array> = fc.tuple(
  flows,
  fc.constantFrom(48, 100, 600),
  fc.nat(3),
  fc.array(fc.tuple(fc.nat(120), values, fc.boolean()), { maxLength: 3 }),
  fc.boolean(),
).map(([spec, gsoSize, k, changes, swaps]) => {
  const whole = buildSuperframe(spec, gsoSize);
  const header = 10 + layoutOf(spec).header;
  const part = whole.subarray(header).subarray(k * gsoSize, (k + 1) * gsoSize);
  const piece = concat(whole.subarray(0, header), part);
  const view = new DataView(piece.buffer);
  view.setUint16(2, k, true);
  if (swaps) view.setUint8(1, 0);
  for (const [at, value, wide] of changes) {
    if (at + 2 > piece.length) continue;
    if (wide) view.setUint16(at, value, at < 10);
    else view.setUint8(at, value);
  }
  const length = piece.length - 10;
  return concat(Uint8Array.of(length >> 8, length), piece);
});

const bodies = fc.oneof(
  fc.array(records, { maxLength: 3 }).map((parts) => concat(...parts)),
  fc.array(records, { minLength: 1, maxLength: 2 }).map((parts) => concat(...parts).slice(0, -1)),
  fc.uint8Array({ maxLength: 200 }),
);

const types = fc.constantFrom(
  SEGMENT.DATA,
  SEGMENT.DATA,
  SEGMENT.DATA,
  SEGMENT.FRAGMENT,
  SEGMENT.PATH_PROBE,
);

Deno.test("any text under the right key ends in counted drops or in what a kernel may see", () => {
  let written = 0;
  let refused = 0;
  fc.assert(
    fc.property(fc.array(fc.tuple(types, bodies), { minLength: 1, maxLength: 8 }), (segments) => {
      const hostile = new HostilePeer();
      const peer = new ReceivingPeer(undefined, { tso: true, uso: true, mtuBytes: 1_376 });
      for (const [type, body] of segments) peer.take(hostile.seal(type, body));
      peer.endBatch();
      for (const write of peer.writes) assertKernelSafe(write);
      written += peer.writes.length;
      const { dropRecord = 0, dropMalformed = 0, ...others } = peer.counts;
      refused += dropRecord + dropMalformed;
      const known = new Set(["dropFragment", "fragmentTimeouts"]);
      assert.ok(Object.keys(others).every((name) => known.has(name)), JSON.stringify(others));
    }),
    { numRuns: runSize("inputs", 800, 200_000) },
  );
  assert.ok(written > 100 && refused > 100, `${written} written, ${refused} refused`);
});
