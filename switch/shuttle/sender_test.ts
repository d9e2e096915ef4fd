import assert from "node:assert/strict";
import { concat } from "../../base/mod.ts";
import {
  buildFrame,
  buildSuperframe,
  type FrameSpec,
  layoutOf,
} from "../../tests/helpers/frames.ts";
import { segmentFrames } from "../../tests/helpers/segmenter.ts";
import {
  incomingKey,
  outgoingKey,
  ReceivingPeer,
  SendingPeer,
} from "../../tests/helpers/shuttle_world.ts";
import { SEND } from "../overlay/overlay.ts";
import { PROBE } from "../wire/shuttle_probe.ts";
import { formatRecords } from "../wire/shuttle_record.ts";
import { formatSegment, SEGMENT } from "../wire/shuttle_segment.ts";
import type { OutgoingKey } from "./keys.ts";
import { pairMtuBytes } from "./sender.ts";

const PLAIN: Partial<OutgoingKey> = { key: undefined, keyId: 0, salt: 0 };

/** A peer that takes what is sent in clear. */
function plainReceiver(): ReceivingPeer {
  const peer: ReceivingPeer = new ReceivingPeer({
    inClear: () => incomingKey(peer.slab, { key: undefined, window: undefined, salt: 0 }),
  });
  return peer;
}

function payload(length: number): Uint8Array {
  return Uint8Array.from({ length }, (_, i) => i * 31);
}

function plain(frame: Uint8Array): Uint8Array {
  return concat(new Uint8Array(10), frame);
}

/** A frame whose transport checksum is left to others. */
function unfinished(spec: FrameSpec): Uint8Array {
  const read = buildSuperframe(spec, 1);
  read[1] = 0;
  read.fill(0, 2, 6);
  return read;
}

/** Opens what was sent in clear. */
function lines(segments: readonly Uint8Array[]): string[] {
  return segments.map((segment) =>
    formatRecords(new DataView(segment.buffer), 16, segment.length - 16)
  );
}

/** What comes out at the other end. */
function delivered(segments: readonly Uint8Array[], peer = new ReceivingPeer()): Uint8Array[] {
  for (const segment of segments) peer.take(segment);
  peer.endBatch();
  assert.deepEqual(peer.counts, {});
  return peer.writes;
}

Deno.test("send() cuts a superframe into equal pieces with consecutive counters", () => {
  const peer = new SendingPeer();
  const read = buildSuperframe({ payload: payload(2_500) }, 1_000);
  assert.equal(peer.tap(read), SEND.OK);
  const segments = peer.segments();
  assert.deepEqual(
    segments.map((each) => formatSegment(new DataView(each.buffer), 0, each.length)),
    [1_066, 1_066, 566].map((bytes, k) =>
      `shuttle data 0abc > 0def, key 1234, counter ${k + 1}, hops 16, ${bytes} bytes`
    ),
  );
  assert.deepEqual(delivered(segments), [read]);
});

Deno.test("send() puts the pieces into one train", () => {
  const peer = new SendingPeer();
  peer.tap(buildSuperframe({ payload: payload(5_500) }, 1_000));
  const { outbox } = peer;
  assert.deepEqual([outbox.count, outbox.segments[0], outbox.lengths[0]], [
    1,
    1_098,
    6 * 1_098 - 500,
  ]);
  assert.deepEqual([outbox.slots[0], outbox.df[0]], [3, 1]);
});

Deno.test("send() in clear writes the records as they are", () => {
  const peer = new SendingPeer(PLAIN);
  const read = buildSuperframe({ payload: payload(1_500) }, 1_000);
  peer.tap(read);
  const segments = peer.segments();
  assert.deepEqual(segments.map((each) => each[0]), [0x21, 0x21]);
  assert.deepEqual(lines(segments), [
    "piece 0 of type 1, gso_size 1000: 1054 bytes",
    "piece 1 of type 1, gso_size 1000: 554 bytes",
  ]);
  assert.deepEqual(delivered(segments, plainReceiver()), [read]);
});

Deno.test("send() gathers small frames of a turn in one segment", () => {
  const peer = new SendingPeer(PLAIN);
  for (let i = 0; i < 3; i++) peer.tap(plain(buildFrame({ payload: payload(10 + i) })));
  assert.ok(peer.outbox.empty);
  assert.deepEqual(lines(peer.segments()), [
    "frame: 64 bytes; frame: 65 bytes; frame: 66 bytes",
  ]);
});

Deno.test("send() begins another segment when one is full", () => {
  const peer = new SendingPeer({ ...PLAIN, segmentBytes: 400 });
  for (let i = 0; i < 5; i++) peer.tap(plain(buildFrame({ payload: payload(46) })));
  assert.deepEqual(lines(peer.segments()).map((line) => line.split(";").length), [3, 2]);
});

Deno.test("send() seals what waits before a superframe and before a large frame", () => {
  for (
    const large of [
      buildSuperframe({ payload: payload(1_500) }, 1_000),
      plain(buildFrame({ payload: payload(1_200) })),
    ]
  ) {
    const peer = new SendingPeer();
    const small = plain(buildFrame({ payload: payload(10) }));
    for (const read of [small, large, small]) peer.tap(read);
    assert.deepEqual(delivered(peer.segments()), [small, large, small]);
  }
});

Deno.test("send() does not mix frames for two peers in one segment", () => {
  const peer = new SendingPeer(PLAIN);
  const other = outgoingKey(peer.slab, { ...PLAIN, destination: 9 });
  const read = plain(buildFrame({ payload: payload(10) }));
  for (const pair of [peer.pair, other, other, peer.pair]) peer.tap(read, false, pair);
  const segments = peer.segments();
  assert.deepEqual(segments.map((each) => each[3]), [0xef, 9, 0xef]);
});

Deno.test("send() leaves the superframe as it was for the next peer", () => {
  const peer = new SendingPeer();
  const other = outgoingKey(peer.slab, { destination: 9 });
  const read = buildSuperframe({ payload: payload(3_000) }, 1_000);
  peer.tap(read, true);
  peer.sender.send(other, true);
  const segments = peer.segments();
  assert.deepEqual(delivered(segments.slice(0, 3)), [read]);
  assert.deepEqual(delivered(segments.slice(3)), [read]);
});

Deno.test("send() fills a segment to the last byte", () => {
  const peer = new SendingPeer();
  const most = pairMtuBytes(peer.pair);
  assert.equal(most, 1_472 - 16 - 16 - 12 - 14);
  peer.tap(plain(buildFrame({ df: true, payload: payload(most - 40) })));
  assert.deepEqual(peer.segments().map((each) => each.length), [1_472]);
  assert.equal(
    peer.tap(plain(buildFrame({ df: true, payload: payload(most - 39) }))),
    SEND.TOO_BIG,
  );
});

Deno.test("send() cuts TCP finer when the path is narrow", () => {
  for (const ipv6 of [false, true]) {
    const peer = new SendingPeer({ segmentBytes: 700 });
    const spec: FrameSpec = { ipv6, flags: 0x98, payload: payload(2_500) };
    peer.tap(buildSuperframe(spec, 1_000));
    const segments = peer.segments();
    assert.ok(segments.every((each) => each.length <= 700));
    const gsoSize = 700 - 32 - 12 - layoutOf(spec).header;
    assert.deepEqual(delivered(segments), [buildSuperframe(spec, gsoSize)]);
  }
});

Deno.test("send() makes a superframe of a large TCP segment without a checksum", () => {
  for (const ipv6 of [false, true]) {
    const peer = new SendingPeer();
    const spec: FrameSpec = { ipv6, df: true, flags: 0x98, payload: payload(4_000) };
    assert.equal(peer.tap(unfinished(spec)), SEND.OK);
    const gsoSize = 1_472 - 32 - 12 - layoutOf(spec).header;
    assert.deepEqual(delivered(peer.segments()), [buildSuperframe(spec, gsoSize)]);
  }
});

Deno.test("send() does not cut a TCP segment with SYN, RST or URG", () => {
  for (const flag of [0x02, 0x04, 0x20]) {
    const peer = new SendingPeer();
    const spec: FrameSpec = { df: true, flags: 0x10 | flag, payload: payload(4_000) };
    assert.equal(peer.tap(unfinished(spec)), SEND.TOO_BIG);
  }
});

Deno.test("send() makes frames of a superframe that the peer would refuse", () => {
  const fine = buildSuperframe({ payload: payload(200) }, 40);
  const many = buildSuperframe({ udp: true, payload: payload(65 * 50) }, 50);
  for (const read of [fine, many]) {
    const peer = new SendingPeer();
    assert.equal(peer.tap(read), SEND.OK);
    assert.deepEqual(delivered(peer.segments()), segmentFrames(read).map(plain));
  }
});

Deno.test("send() tells of a frame that is too big and must not be cut", () => {
  for (const spec of [{ df: true }, { ipv6: true }, { df: true, udp: true }]) {
    const peer = new SendingPeer();
    const frame = buildFrame({ ...spec, payload: payload(1_500) });
    assert.equal(peer.tap(plain(frame)), SEND.TOO_BIG);
    const { rejectedOffset, rejectedLength } = peer.sender;
    assert.deepEqual(peer.slab.bytes.slice(rejectedOffset, rejectedOffset + rejectedLength), frame);
    assert.deepEqual(peer.counts, { dropTooBig: 1 });
    assert.deepEqual(peer.segments(), []);
  }
});

Deno.test("send() counts each datagram of a superframe that is too big, tells of the first", () => {
  const peer = new SendingPeer();
  const read = buildSuperframe({ udp: true, df: true, payload: payload(4_500) }, 1_500);
  assert.equal(peer.tap(read), SEND.TOO_BIG);
  assert.deepEqual(peer.counts, { dropTooBig: 3 });
  assert.equal(peer.sender.rejectedLength, 1_542);
});

Deno.test("send() drops a flooded frame that must not be cut", () => {
  const peer = new SendingPeer();
  const frame = buildFrame({ df: true, payload: payload(1_500) });
  assert.equal(peer.tap(plain(frame), true), SEND.DROPPED);
  assert.deepEqual(peer.counts, { dropTooBig: 1 });
});

Deno.test("send() cuts into fragments what may be cut or about which nobody can be told", () => {
  const arp = concat(new Uint8Array(12).fill(0xff), Uint8Array.of(8, 6), payload(4_000));
  const cases: [Uint8Array, boolean][] = [
    [plain(buildFrame({ udp: true, payload: payload(4_000) })), false],
    [unfinished({ udp: true, payload: payload(4_000) }), false],
    [plain(buildFrame({ udp: true, ipv6: true, payload: payload(4_000) })), true],
    [plain(buildFrame({ df: true, tags: 1, payload: payload(4_000) })), false],
    [plain(arp), false],
  ];
  for (const [read, flooded] of cases) {
    for (const mode of [{}, PLAIN]) {
      const peer = new SendingPeer(mode);
      assert.equal(peer.tap(read, flooded), SEND.OK);
      const segments = peer.segments();
      assert.ok(segments.length >= 3 && segments.every((each) => each.length <= 1_472));
      const type = mode === PLAIN ? SEGMENT.PLAIN_FRAGMENT : SEGMENT.FRAGMENT;
      assert.ok(segments.every((each) => each[0] === type));
      const receiver = mode === PLAIN ? plainReceiver() : new ReceivingPeer();
      assert.deepEqual(delivered(segments.toReversed(), receiver), [read]);
    }
  }
});

Deno.test("send() refuses what would be more than 255 fragments", () => {
  const peer = new SendingPeer({ segmentBytes: 200 });
  const read = plain(buildFrame({ udp: true, payload: payload(60_000) }));
  assert.equal(peer.tap(read), SEND.DROPPED);
  assert.deepEqual(peer.counts, { dropTooBig: 1 });
});

Deno.test("send() refuses a frame whose length has no room in a record", () => {
  const other = Uint8Array.of(...new Uint8Array(12), 8, 6);
  for (const [length, result] of [[65_535, SEND.OK], [65_536, SEND.DROPPED]] as const) {
    const peer = new SendingPeer();
    const read = concat(new Uint8Array(10), other, payload(length - 14));
    assert.equal(peer.tap(read), result);
    if (result === SEND.OK) assert.deepEqual(delivered(peer.segments()), [read]);
  }
});

Deno.test("send() stops when the key is used up", () => {
  const counter = Int32Array.of(0, -2);
  const peer = new SendingPeer({ counter });
  const read = buildSuperframe({ payload: payload(5_000) }, 1_000);
  assert.equal(peer.tap(read), SEND.DROPPED);
  assert.equal(peer.segments().length, 2);
  assert.deepEqual(peer.counts, { dropKeyUsedUp: 3 });
  peer.tap(plain(buildFrame({ payload: payload(10) })));
  peer.tap(plain(buildFrame({ payload: payload(10) })));
  assert.deepEqual(peer.segments(), []);
  assert.deepEqual(peer.counts, { dropKeyUsedUp: 5 });
});

Deno.test("send() in clear goes on behind 2^32", () => {
  const counter = Int32Array.of(0, -1);
  const peer = new SendingPeer({ ...PLAIN, counter });
  const read = buildSuperframe({ payload: payload(1_500) }, 1_000);
  assert.equal(peer.tap(read), SEND.OK);
  assert.deepEqual(delivered(peer.segments(), plainReceiver()), [read]);
});

Deno.test("send() never uses a counter twice, not even if the cipher fails", () => {
  let fails = true;
  const nonces = new Set<string>();
  const peer: SendingPeer = new SendingPeer({
    key: {
      seal: (nonce): boolean => {
        nonces.add(peer.slab.bytes.slice(nonce, nonce + 12).join());
        return !fails;
      },
    },
  });
  const read = buildSuperframe({ payload: payload(3_000) }, 1_000);
  assert.equal(peer.tap(read), SEND.DROPPED);
  assert.deepEqual(peer.counts, { dropCipher: 3 });
  fails = false;
  assert.equal(peer.tap(read), SEND.OK);
  assert.equal(nonces.size, 4);
  assert.deepEqual(peer.segments().map((each) => each[15]), [2, 3, 4]);
});

Deno.test("send() makes room in a full outbox, and counts what finds none", () => {
  const read = buildSuperframe({ payload: payload(5_000) }, 1_000);
  const small = new SendingPeer({}, 3_500);
  assert.equal(small.tap(read), SEND.OK);
  assert.deepEqual(delivered(small.segments()), [read]);
  const tiny = new SendingPeer({}, 500);
  assert.equal(tiny.tap(read), SEND.DROPPED);
  assert.deepEqual(tiny.counts, { dropOutboxFull: 5 });
});

Deno.test("flush() keeps what finds no room", () => {
  const peer = new SendingPeer({}, 50);
  peer.tap(plain(buildFrame({ payload: payload(10) })));
  assert.equal(peer.sender.flush(), false);
  assert.equal(peer.tap(buildSuperframe({ payload: payload(2_500) }, 1_000)), SEND.DROPPED);
  assert.deepEqual(peer.counts, { dropOutboxFull: 3 });
  assert.equal(peer.sender.flush(), false);
});

Deno.test("abandon() throws away what waits for that pair alone", () => {
  const peer = new SendingPeer();
  peer.tap(plain(buildFrame({ payload: payload(10) })));
  peer.sender.abandon(outgoingKey(peer.slab));
  assert.equal(peer.segments().length, 1);
  peer.tap(plain(buildFrame({ payload: payload(10) })));
  peer.sender.abandon(peer.pair);
  assert.equal(peer.segments().length, 0);
});

Deno.test("sendProbe() pads a probe to its size, not an answer, and sends both alone", () => {
  const peer = new SendingPeer();
  const probe = { type: SEGMENT.PATH_PROBE, sizeBytes: 1_400, tokenHigh: 1, tokenLow: 2, slot: 3 };
  assert.ok(peer.sender.sendProbe(peer.pair, { ...probe, kind: PROBE.ASK }));
  assert.ok(peer.sender.sendProbe(peer.pair, { ...probe, kind: PROBE.ASK }));
  assert.ok(peer.sender.sendProbe(peer.pair, { ...probe, kind: PROBE.ANSWER, slot: 5 }));
  const { outbox } = peer;
  assert.equal(outbox.count, 3);
  assert.deepEqual([...outbox.slots.subarray(0, 3)], [3, 3, 5]);
  assert.deepEqual(peer.segments().map((each) => [each[0], each.length]), [
    [0x13, 1_400],
    [0x13, 1_400],
    [0x13, 44],
  ]);
});

Deno.test("sendProbe() may be larger than the path is known to be", () => {
  const peer = new SendingPeer({ segmentBytes: 1_200 });
  const probe = { type: SEGMENT.LINK_PROBE, kind: PROBE.ASK, tokenHigh: 0, tokenLow: 0, slot: 3 };
  assert.ok(peer.sender.sendProbe(peer.pair, { ...probe, sizeBytes: 8_972 }));
  assert.deepEqual(peer.segments().map((each) => each.length), [8_972]);
});
