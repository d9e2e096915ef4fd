import assert from "node:assert/strict";
import { openSecretbox } from "../../ffi/mod.ts";
import vectors from "../../tests/vectors/sleeve-aggregation.json" with { type: "json" };
import { arraySlab } from "../frame.ts";
import { Outbox } from "../outbox.ts";
import { packetOverheadBytes, RECORD_HEADER_BYTES, recordEnd } from "../wire/sleeve_packet.ts";
import { type BuilderTunnel, DatagramBuilder, ROOM } from "./sleeve_builder.ts";

interface Packet {
  frame_lengths: number[];
  udp_payload_length: number;
}

const LARGE = 200_000;

/** A builder with one tunnel, and what leaves its outbox. */
class Bench {
  readonly slab = arraySlab(4 * LARGE);
  readonly outbox: Outbox;
  readonly builder: DatagramBuilder;
  readonly tunnel: BuilderTunnel;
  readonly #frameAt: number;

  constructor(sealed: boolean, extra: Partial<BuilderTunnel> = {}, outboxBytes = 2 * LARGE) {
    this.outbox = new Outbox(this.slab, outboxBytes, 1000);
    const secretbox = openSecretbox({ bytes: this.slab.bytes });
    this.#frameAt = this.slab.alloc(66_000);
    this.builder = new DatagramBuilder({
      slab: this.slab,
      outbox: this.outbox,
      secretbox,
      self: 0xfffe_8000_0001,
      count: () => {},
    });
    this.tunnel = {
      slot: 1,
      key: sealed ? secretbox.addKey(new Uint8Array(32).fill(3)) : -1,
      outbound: true,
      overheadBytes: packetOverheadBytes(sealed),
      maxPayloadBytes: 1472,
      mtuKnown: true,
      trainSegments: 64,
      sequences: new Int32Array(4),
      ...extra,
    };
  }

  /** Packs a frame. @returns one of ROOM */
  pack(length: number, df = true, tunnel = this.tunnel): number {
    const room = this.builder.room(tunnel, df, length);
    if (room !== ROOM.OK) return room;
    const names = { originHigh: 1, originLow: 2, destinationHigh: 3, destinationLow: 4 };
    this.builder.append({ offset: this.#frameAt, length, flooded: false, ...names });
    return room;
  }

  /** Sends of the outbox: total, segment and DF. */
  sends(): [length: number, segment: number, df: number][] {
    this.builder.close();
    const { lengths, segments, df, first, count } = this.outbox;
    return Array.from({ length: count - first }, (_, i) => [
      lengths[first + i] ?? 0,
      segments[first + i] ?? 0,
      df[first + i] ?? 0,
    ]);
  }

  /** Lengths of datagrams and of the frames in them; plain only. */
  packets(): Packet[] {
    const { offsets } = this.outbox;
    return this.sends().flatMap(([length, segment], i) => {
      const packets: Packet[] = [];
      for (let from = 0; from < length; from += segment) {
        const begin = (offsets[i] ?? 0) + from;
        const bytes = Math.min(segment, length - from);
        const frames: number[] = [];
        let at = begin + this.tunnel.overheadBytes;
        for (let next = recordEnd(this.slab.view, at, begin + bytes); next >= 0;) {
          frames.push(next - at - RECORD_HEADER_BYTES);
          at = next;
          next = recordEnd(this.slab.view, at, begin + bytes);
        }
        packets.push({ frame_lengths: frames, udp_payload_length: bytes });
      }
      return packets;
    });
  }
}

Deno.test("DatagramBuilder packs a backlog as the reference does", () => {
  for (const each of vectors.cases) {
    // The clear tunnel has room for as many bytes of records as a sealed one, so that they can be read.
    const overheadBytes = packetOverheadBytes(each.encrypted);
    const bench = new Bench(false, { maxPayloadBytes: each.max_udp_payload, overheadBytes });
    for (const length of each.queued_frame_lengths) bench.pack(length, each.df_queue);
    assert.deepEqual(bench.packets(), each.packets, each.note);
  }
});

Deno.test("DatagramBuilder.room() refuses a frame above the path's limit and takes one at it", () => {
  const bench = new Bench(true);
  assert.equal(bench.pack(1472 - 30 - 14), ROOM.OK);
  assert.equal(bench.pack(1472 - 30 - 13), ROOM.TOO_BIG);
  assert.equal(bench.pack(1472 - 30 - 13, false), ROOM.OK);
  assert.equal(bench.pack(65_507 - 30 - 14, false), ROOM.OK);
  assert.equal(bench.pack(65_507 - 30 - 13, false), ROOM.TOO_BIG);
  const lengths = bench.sends().map(([length]) => length);
  assert.deepEqual(lengths, [1472, 1473, 65_507]);
});

Deno.test("DatagramBuilder closes a datagram when a frame goes another way", () => {
  const bench = new Bench(false);
  const other = { ...bench.tunnel, slot: 2 };
  for (const df of [true, false]) {
    bench.pack(60, df);
    bench.pack(60, df, other);
    bench.pack(60, df);
    assert.ok(bench.builder.isBuilding(bench.tunnel));
  }
  assert.deepEqual(bench.sends().map(([, , df]) => df), [1, 1, 1, 0, 0, 0]);
  assert.deepEqual([...bench.outbox.slots.slice(0, 6)], [1, 2, 1, 1, 2, 1]);
});

Deno.test("DatagramBuilder counts each space and carries into the upper half", () => {
  const bench = new Bench(true, { sequences: new Int32Array([0, -2, 5, 0]) });
  for (let i = 0; i < 3; i++) {
    for (const df of [true, false]) {
      bench.pack(60, df);
      bench.builder.close();
    }
  }
  assert.deepEqual([...bench.tunnel.sequences], [1, 1, 5, 3]);
  const numbers = [...bench.outbox.offsets.slice(0, 6)].map((offset) =>
    bench.slab.view.getBigUint64(offset + 6).toString(16)
  );
  assert.deepEqual(numbers, [
    "80000000fffffffe",
    "500000000",
    "80000000ffffffff",
    "500000001",
    "8000000100000000",
    "500000002",
  ]);
});

Deno.test("DatagramBuilder joins full datagrams into trains as long as the tunnel allows", () => {
  const bench = new Bench(true, { trainSegments: 8 });
  for (let i = 0; i < 20; i++) bench.pack(1428);
  bench.pack(60);
  bench.builder.close();
  bench.pack(1428);
  assert.deepEqual(bench.sends(), [
    [8 * 1472, 1472, 1],
    [8 * 1472, 1472, 1],
    [4 * 1472 + 104, 1472, 1],
    [1472, 1472, 1],
  ]);
});

Deno.test("DatagramBuilder joins no datagrams that may not fit the path", () => {
  const unknown = new Bench(false, { mtuKnown: false, maxPayloadBytes: 65_507 });
  for (const length of [1400, 1400, 1000, 1000]) {
    unknown.pack(length);
    unknown.builder.close();
  }
  assert.deepEqual(unknown.sends().map(([length]) => length), [1420, 1420, 2040]);
  const large = new Bench(false);
  for (let i = 0; i < 2; i++) large.pack(3000, false);
  assert.deepEqual(large.sends().map(([length]) => length), [3020, 3020]);
});

Deno.test("DatagramBuilder.room() is FULL without room, and nothing is under construction", () => {
  const bench = new Bench(false, {}, 3_000);
  assert.equal(bench.pack(1400), ROOM.OK);
  assert.equal(bench.pack(1400), ROOM.OK);
  assert.equal(bench.pack(1400), ROOM.FULL);
  assert.ok(!bench.outbox.building);
  assert.equal(bench.builder.sendSpecial(bench.tunnel, true, 0, 1, 60_000, undefined), false);
  assert.equal(bench.pack(60), ROOM.OK, "a small one has room");
  assert.equal(bench.packets().length, 3);
});

Deno.test("DatagramBuilder leaves another overlay's datagram alone", () => {
  const bench = new Bench(false);
  assert.ok(bench.outbox.reserve(100) >= 0);
  assert.equal(bench.pack(60), ROOM.FULL);
  assert.equal(bench.builder.sendSpecial(bench.tunnel, true, 0, 1, 22, 7n), false);
  bench.builder.close();
  assert.ok(bench.outbox.building);
});

Deno.test("DatagramBuilder.abandon() throws only that tunnel's datagram away", () => {
  const bench = new Bench(true);
  bench.pack(60);
  bench.builder.abandon({ ...bench.tunnel });
  assert.ok(bench.outbox.building);
  bench.builder.abandon(bench.tunnel);
  assert.ok(!bench.outbox.building);
  assert.deepEqual(bench.sends(), []);
});
