import assert from "node:assert/strict";
import { concat } from "../../base/mod.ts";
import { buildFrame, buildSuperframe } from "../../tests/helpers/frames.ts";
import {
  incomingKey,
  ORIGIN,
  ReceivingPeer,
  SendingPeer,
} from "../../tests/helpers/shuttle_world.ts";
import { formatProbe, PROBE } from "../wire/shuttle_probe.ts";
import { SEGMENT } from "../wire/shuttle_segment.ts";
import { RECEIVED } from "./receiver.ts";
import { SegmentWriter } from "./segment_writer.ts";

const READ = concat(new Uint8Array(10), buildFrame({ payload: Uint8Array.of(1, 2, 3) }));

/** One sealed segment with one frame. */
function segment(): Uint8Array {
  const peer = new SendingPeer();
  peer.tap(READ);
  return peer.segments()[0] ?? new Uint8Array();
}

/** Seals any body. */
function seal(type: number, body: Uint8Array): Uint8Array {
  const peer = new SendingPeer();
  const { slab, outbox } = peer;
  const copy = (to: number, from: number, length: number): void => {
    slab.bytes.copyWithin(to, from, from + length);
  };
  const writer = new SegmentWriter({ slab, outbox, copy, makeRoom: () => {} });
  const at = slab.alloc(body.length + 1);
  slab.bytes.set(body, at);
  assert.ok(writer.write(peer.pair, type, at, body.length));
  return peer.segments()[0] ?? new Uint8Array();
}

function record(virtioAndFrame: Uint8Array): Uint8Array {
  const length = virtioAndFrame.length - 10;
  return concat(Uint8Array.of(length >> 8, length), virtioAndFrame);
}

Deno.test("receive() opens what is for it", () => {
  const peer = new ReceivingPeer();
  assert.equal(peer.take(segment()), RECEIVED.RECORDS);
  peer.endBatch();
  assert.deepEqual(peer.writes, [READ]);
  assert.deepEqual([peer.receiver.type, peer.receiver.key?.peer], [SEGMENT.DATA, 2]);
});

/** What is changed in a good segment, and where it is counted. */
const REFUSED: readonly [string, string, (bytes: Uint8Array) => Uint8Array | void][] = [
  ["without hops", "dropHops", (b) => void (b[1] = 0)],
  ["with 17 hops", "dropHops", (b) => void (b[1] = 17)],
  ["of an unknown type", "dropMalformed", (b) => void (b[0] = 0x19)],
  ["of an even type", "dropMalformed", (b) => void (b[0] = 0x12)],
  ["without a tag", "dropMalformed", (b) => b.subarray(0, 31)],
  ["of no bytes", "dropMalformed", () => new Uint8Array()],
  ["under an unknown key", "dropNoKey", (b) => void (b[6] = 0x77)],
  ["in clear", "dropNoKey", (b) => void (b[0] = 0x21)],
  ["of another origin", "dropOrigin", (b) => void (b[5] = 0)],
  ["with counter 0", "dropReplayed", (b) => void b.fill(0, 8, 16)],
  ["with another counter", "dropBadTag", (b) => void (b[15] = 9)],
  ["with another type", "dropBadTag", (b) => void (b[0] = 0x15)],
  ["whose text was changed", "dropBadTag", (b) => void (b[20] = (b[20] ?? 0) ^ 1)],
  ["whose tag was changed", "dropBadTag", (b) => void (b[b.length - 1] = (b.at(-1) ?? 0) ^ 1)],
  ["that was cut off", "dropBadTag", (b) => b.subarray(0, b.length - 1)],
];

for (const [name, counter, change] of REFUSED) {
  Deno.test(`receive() drops a segment ${name}`, () => {
    const peer = new ReceivingPeer();
    const good = segment();
    const bytes = good.slice();
    assert.equal(peer.take(change(bytes) ?? bytes), RECEIVED.NOTHING);
    assert.deepEqual(peer.counts, { [counter]: 1 });
    assert.equal(peer.take(good), RECEIVED.RECORDS, "the good one is still fresh");
  });
}

Deno.test("receive() takes any hops from 1 to 16, and does not look at the destination", () => {
  for (let hops = 1; hops <= 16; hops++) {
    const bytes = segment();
    bytes[1] = hops;
    bytes[2] = hops;
    assert.equal(new ReceivingPeer().take(bytes), RECEIVED.RECORDS);
  }
});

Deno.test("receive() drops what it has seen before the cipher has work", () => {
  let opened = 0;
  const peer: ReceivingPeer = new ReceivingPeer({
    byId: () => key,
  });
  const toy = incomingKey(peer.slab);
  const key = {
    ...toy,
    key: {
      open: (...args: [number, number, number, number, number]): boolean => {
        opened++;
        return toy.key?.open(...args) ?? false;
      },
    },
  };
  const bytes = segment();
  assert.equal(peer.take(bytes), RECEIVED.RECORDS);
  assert.equal(peer.take(bytes), RECEIVED.NOTHING);
  assert.deepEqual([peer.counts, opened], [{ dropReplayed: 1 }, 1]);
});

Deno.test("receive() takes segments in clear only by their source", () => {
  const pair = { key: undefined, keyId: 0, salt: 0 };
  const sender = new SendingPeer(pair);
  sender.tap(READ);
  const [bytes = new Uint8Array()] = sender.segments();
  const peer: ReceivingPeer = new ReceivingPeer({
    inClear: (source, origin) =>
      source === 4 && origin === ORIGIN
        ? incomingKey(peer.slab, { key: undefined, window: undefined })
        : undefined,
  });
  assert.equal(peer.take(bytes, 3), RECEIVED.NOTHING);
  assert.equal(peer.take(bytes, -1), RECEIVED.NOTHING);
  assert.equal(peer.take(bytes, 4), RECEIVED.RECORDS);
  assert.equal(peer.take(bytes, 4), RECEIVED.RECORDS, "there is no window in clear");
  assert.equal(peer.receiver.type, SEGMENT.DATA);
  assert.deepEqual(peer.counts, { dropNoKey: 2 });
});

Deno.test("receive() does not open a sealed segment with a key in clear", () => {
  const peer: ReceivingPeer = new ReceivingPeer({
    byId: () => incomingKey(peer.slab, { key: undefined, window: undefined }),
  });
  assert.equal(peer.take(segment()), RECEIVED.NOTHING);
  assert.deepEqual(peer.counts, { dropNoKey: 1 });
});

Deno.test("receive() hands probes out, with the size that passed", () => {
  const sender = new SendingPeer();
  const probe = { kind: PROBE.ASK, sizeBytes: 1_300, tokenHigh: 0, tokenLow: 77, slot: 3 };
  for (const type of [SEGMENT.PATH_PROBE, SEGMENT.LINK_PROBE]) {
    sender.sender.sendProbe(sender.pair, { ...probe, type });
  }
  const peer = new ReceivingPeer();
  const { receiver } = peer;
  for (const bytes of sender.segments()) {
    assert.equal(peer.take(bytes), RECEIVED.PROBE);
    assert.deepEqual([receiver.type, receiver.segmentBytes], [bytes[0], 1_300]);
    assert.equal(
      formatProbe(peer.slab.view, receiver.body, receiver.bodyLength),
      "probe of 1300 bytes, token 77",
    );
    assert.equal(receiver.next(), false);
  }
  assert.deepEqual(peer.counts, {});
});

Deno.test("receive() drops a probe that is none, and data without records", () => {
  for (
    const bytes of [
      seal(SEGMENT.PATH_PROBE, new Uint8Array(12)),
      seal(SEGMENT.DATA, new Uint8Array()),
    ]
  ) {
    const peer = new ReceivingPeer();
    assert.equal(peer.take(bytes), RECEIVED.NOTHING);
    assert.deepEqual(peer.counts, { dropMalformed: 1 });
  }
});

Deno.test("next() passes over a record that our kernel must not see", () => {
  const bad = READ.slice();
  bad[0] = 0x80;
  const peer = new ReceivingPeer();
  peer.take(seal(SEGMENT.DATA, concat(record(READ), record(bad), record(READ))));
  peer.endBatch();
  assert.deepEqual(peer.writes, [READ, READ]);
  assert.deepEqual(peer.counts, { dropRecord: 1 });
});

Deno.test("next() stops at a record that is cut short", () => {
  for (
    const rest of [
      Uint8Array.of(0),
      new Uint8Array(25),
      Uint8Array.of(0, 200, ...new Uint8Array(60)),
    ]
  ) {
    const peer = new ReceivingPeer();
    peer.take(seal(SEGMENT.DATA, concat(record(READ), rest)));
    peer.endBatch();
    assert.deepEqual(peer.writes, [READ]);
    assert.deepEqual(peer.counts, { dropMalformed: 1 });
  }
});

Deno.test("next() numbers superframes by counter less index, across 2^31", () => {
  const counter = Int32Array.of(0, 0x7fff_ffff);
  const sender = new SendingPeer({ counter });
  sender.tap(buildSuperframe({ payload: new Uint8Array(3_000) }, 1_000));
  const peer = new ReceivingPeer();
  const gids = sender.segments().map((bytes) => {
    peer.take(bytes);
    return peer.receiver.gid;
  });
  assert.deepEqual(gids, [0x7fff_ffff, 0x7fff_ffff, 0x7fff_ffff]);
});

Deno.test("next() refuses a piece of a superframe that came in fragments", () => {
  const piece = buildSuperframe({ payload: new Uint8Array(300) }, 300);
  piece.fill(0, 2, 4);
  const body = record(piece);
  const half = body.length >> 1;
  const parts = [
    concat(Uint8Array.of(0, 1, 0, 2), body.subarray(0, half)),
    concat(Uint8Array.of(0, 1, 1, 2), body.subarray(half)),
  ].map((part) => seal(SEGMENT.FRAGMENT, part));
  // Each was sealed by a sender of its own, as segment 1.
  const peer: ReceivingPeer = new ReceivingPeer({ byId: () => incomingKey(peer.slab) });
  for (const part of parts) peer.take(part);
  peer.endBatch();
  assert.deepEqual(peer.writes, []);
  assert.deepEqual(peer.counts, { dropRecord: 1 });
});
