import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import {
  concat,
  type Endpoint,
  formatEndpoint,
  fromHex,
  macHigh,
  macLow,
  parseEndpoint,
} from "../../base/mod.ts";
import { openSecretbox } from "../../ffi/mod.ts";
import controlVectors from "../../tests/vectors/overlay-control.json" with { type: "json" };
import forwardVectors from "../../tests/vectors/sleeve-forward.json" with { type: "json" };
import fragmentVectors from "../../tests/vectors/sleeve-fragment.json" with { type: "json" };
import packetVectors from "../../tests/vectors/sleeve-packets.json" with { type: "json" };
import reactionVectors from "../../tests/vectors/sleeve-special-reactions.json" with {
  type: "json",
};
import specialVectors from "../../tests/vectors/sleeve-special.json" with { type: "json" };
import { COUNTERS } from "../contract.ts";
import { arraySlab } from "../frame.ts";
import { Outbox } from "../outbox.ts";
import { RECORD_HEADER_BYTES, recordEnd } from "../wire/sleeve_packet.ts";
import { SEND, type Tunnel, type TunnelSpec } from "./overlay.ts";
import { sleeveOverlay } from "./sleeve.ts";

const PEER1 = 0x0200_0000_0001;
const PEER2 = 0x0200_0000_0002;
const REMOTE = parseEndpoint("192.0.2.2:6783");

interface Sent {
  readonly bytes: Uint8Array;
  readonly df: boolean;
}

/** An overlay with one tunnel. */
class Bench {
  readonly slab = arraySlab(1 << 20);
  readonly outbox: Outbox;
  readonly counted: string[] = [];
  readonly overlay;
  readonly tunnel: Tunnel;
  readonly #at = this.slab.alloc(66_000);

  constructor(self: number, spec: Partial<TunnelSpec> = {}, outboxBytes = 1 << 19) {
    this.outbox = new Outbox(this.slab, outboxBytes, 256);
    this.overlay = sleeveOverlay({
      slab: this.slab,
      outbox: this.outbox,
      secretbox: openSecretbox({ bytes: this.slab.bytes }),
      self,
      count: (counter) => this.counted.push(COUNTERS[counter] ?? "?"),
    });
    const common = { link: 7, index: 0, connUid: 1n, outbound: true, key: undefined };
    const peer = self === PEER1 ? PEER2 : PEER1;
    this.tunnel = this.overlay.open({ ...common, peer, remote: REMOTE, ...spec }, 4, 0);
  }

  send(frame: Uint8Array, flooded = false): number {
    this.slab.bytes.set(frame, this.#at);
    return this.tunnel.send({
      offset: this.#at,
      length: frame.length,
      originHigh: macHigh(PEER1),
      originLow: macLow(PEER1),
      destinationHigh: macHigh(PEER2),
      destinationLow: macLow(PEER2),
      flooded,
    });
  }

  take(): Sent[] {
    this.tunnel.flush();
    const { outbox, slab } = this;
    const sent: Sent[] = [];
    for (let i = outbox.first; i < outbox.count; i++) {
      const begin = outbox.offsets[i] ?? 0;
      const length = outbox.lengths[i] ?? 0;
      const segment = outbox.segments[i] ?? 0;
      for (let at = 0; at < length; at += segment) {
        const end = begin + Math.min(length, at + segment);
        sent.push({ bytes: slab.bytes.slice(begin + at, end), df: outbox.df[i] === 1 });
      }
    }
    outbox.sent(sent.length > 0 ? outbox.count - outbox.first : 0);
    return sent;
  }

  /** Gives a datagram in. @returns the frames that came out, or what was counted */
  receive(payload: Uint8Array, source: Endpoint = REMOTE, now = 0): string[] | string {
    this.slab.bytes.set(payload, this.#at);
    const before = this.counted.length;
    if (!this.overlay.receive(this.#at, payload.length, () => source, now)) {
      return this.counted.slice(before).join();
    }
    const frames: string[] = [];
    for (let frame = this.overlay.next(); frame !== undefined; frame = this.overlay.next()) {
      const hex = this.slab.bytes.slice(frame.offset, frame.offset + frame.length).toHex();
      frames.push(
        `${name(frame.originHigh, frame.originLow)} ` +
          `${name(frame.destinationHigh, frame.destinationLow)} ${hex}`,
      );
    }
    return frames;
  }

  controls(): { tag: number; msg: string }[] {
    const all: { tag: number; msg: string }[] = [];
    for (let event = this.overlay.poll(); event !== undefined; event = this.overlay.poll()) {
      if (event.kind === "control") all.push({ tag: event.tag, msg: event.body.toHex() });
    }
    return all;
  }
}

Deno.test("Overlay.receive() delivers what the reference put into its datagrams", () => {
  for (const each of packetVectors.cases) {
    if (each.frames === undefined) continue;
    const key = each.session_key === undefined ? undefined : fromHex(each.session_key);
    const bench = new Bench(PEER2, { key, outbound: each.sender_outbound === false });
    const expected = each.frames.filter(({ frame }) => frame.length >= 28)
      .map(({ src, dst, frame }) => `${src} ${dst} ${frame}`);
    assert.deepEqual(bench.receive(fromHex(each.udp_payload)), expected);
    if (key !== undefined) {
      assert.equal(bench.receive(fromHex(each.udp_payload)), "dropReplayed");
      const mirrored = new Bench(PEER2, { key, outbound: each.sender_outbound });
      assert.equal(mirrored.receive(fromHex(each.udp_payload)), "dropBadTag");
    }
  }
});

Deno.test("Tunnel.tick() sends special frames as the reference does", () => {
  const groups = Map.groupBy(
    specialVectors.cases,
    ({ encrypted, sender_outbound: outbound }) => `${encrypted} ${outbound}`,
  );
  assert.equal(groups.size, 4);
  for (const group of groups.values()) {
    const [first] = group;
    assert.ok(first !== undefined);
    const key = first.session_key === undefined ? undefined : fromHex(first.session_key);
    const bench = new Bench(PEER1, {
      key,
      outbound: first.sender_outbound,
      connUid: BigInt(first.conn_uid),
    });
    const { tunnel } = bench;
    tunnel.tick(0);
    tunnel.tick(500);
    tunnel.pathMtu(1414 + (key === undefined ? 62 : 86), 501);
    tunnel.tick(501);
    tunnel.control(1, new Uint8Array(0), 502);
    tunnel.tick(502);
    const sent = bench.take();
    group.forEach((each, i) => {
      const { bytes, df } = sent[i] ?? { bytes: new Uint8Array(0), df: false };
      assert.equal(df, each.df_space, each.kind);
      assert.equal(bytes.length, each.udp_payload_length, each.kind);
      assert.equal(sha256(bytes), each.udp_payload_sha256, each.kind);
    });
    // The provocation follows: it is above every path.
    assert.equal(sent[4]?.bytes.length, 60_000 + 14 + (key === undefined ? 6 : 30));
    assert.equal(sent.length, 5);
  }
});

Deno.test("a special frame causes what it causes in the reference", () => {
  for (const each of reactionVectors.cases) {
    const frame = each.frame === undefined
      ? new Uint8Array(each.frame_length)
      : fromHex(each.frame);
    if (each.note.includes("not all zero")) frame[60_000] = 1;
    assert.equal(sha256(frame), each.frame_sha256, each.note);
    const before = each.udp_remote_before;
    const bench = new Bench(PEER1, {
      connUid: BigInt(each.conn_uid),
      remote: before === undefined ? undefined : parseEndpoint(before),
    });
    bench.receive(special(frame), parseEndpoint(each.udp_sender));
    assert.deepEqual(bench.controls(), each.control_messages_sent, each.note);
    const after = bench.tunnel.remote;
    assert.equal(
      after === undefined ? "" : formatEndpoint(after),
      each.udp_remote_after,
      each.note,
    );
  }
});

Deno.test("special frames of or for others are dropped, never passed on", () => {
  const bench = new Bench(PEER1);
  const heartbeat = concat(new Uint8Array(21), Uint8Array.of(1));
  for (const [origin, destination] of [[PEER1, PEER1], [PEER2, PEER2], [PEER1, PEER2]] as const) {
    assert.deepEqual(bench.receive(special(heartbeat, origin, destination)), []);
  }
  assert.deepEqual(bench.counted, ["dropReserved", "dropReserved", "dropReserved"]);
  assert.deepEqual(bench.controls(), []);
});

Deno.test("Tunnel.send() queues what the reference queues", () => {
  for (const each of forwardVectors.cases) {
    const bench = new Bench(PEER1);
    bench.tunnel.pathMtu(each.mtu + 62, 0);
    bench.tunnel.control(3, Uint8Array.of(each.mtu >>> 8, each.mtu & 255), 0);
    assert.equal(bench.tunnel.mtuBytes, each.mtu);
    if (each.stack_frag_trusted) bench.tunnel.control(2, new Uint8Array(0), 0);
    const frame = new Uint8Array(each.frame_length);
    frame.set(fromHex(each.frame_first_34));
    const result = bench.send(frame, each.broadcast);
    const sent = bench.take();
    const lengths = (df: boolean): number[] =>
      sent.filter((datagram) => datagram.df === df).flatMap(({ bytes }) => recordLengths(bytes));
    assert.deepEqual(lengths(true), each.queued_df_lengths, each.note);
    assert.deepEqual(lengths(false), each.queued_non_df_lengths, each.note);
    assert.equal(result === SEND.TOO_BIG, each.icmp_frag_needed_returned, each.note);
  }
});

Deno.test("Tunnel.send() cuts IPv4 as the reference does while fragments are not trusted", () => {
  for (const each of fragmentVectors.cases) {
    const bench = new Bench(PEER1);
    bench.tunnel.pathMtu(each.mtu + 62, 0);
    assert.equal(bench.send(fromHex(each.frame)), SEND.OK);
    const receiver = new Bench(PEER2);
    const frames = bench.take().flatMap(({ bytes }) => receiver.receive(bytes));
    assert.deepEqual(
      frames,
      each.segments.map((segment) => `020000000001 020000000002 ${segment}`),
      each.note,
    );
  }
});

Deno.test("Tunnel.control() and its events carry the reference's overlay messages", () => {
  for (const each of controlVectors.cases) {
    const prefix = each.has_overlays_feature ? 6 : 2;
    const bench = new Bench(PEER1);
    const frame = new Uint8Array(
      each.overlay_tag === 1 ? 22 : each.overlay_tag === 2 ? 60_001 : 1414 + 14,
    );
    if (each.overlay_tag === 1) frame[21] = 1;
    bench.receive(special(frame));
    assert.deepEqual(bench.controls(), [{ tag: each.overlay_tag, msg: each.overlay_msg }]);
    assert.equal(each.tcp_plaintext.slice(prefix), each.overlay_msg, each.note);
  }
});

Deno.test("Tunnel trusts the kernel's fragments only while the last test came through", () => {
  const bench = new Bench(PEER1);
  const { tunnel } = bench;
  const large = new Uint8Array(3014);
  large.set(fromHex("0a00000000020a00000000010800450" + "00bb800010000"));
  const path = (): boolean[] => {
    assert.equal(bench.send(large), SEND.OK);
    return [...new Set(bench.take().map(({ df }) => df))];
  };
  tunnel.control(1, new Uint8Array(0), 0);
  tunnel.pathMtu(1500, 0);
  tunnel.tick(0);
  bench.take();
  assert.deepEqual(path(), [true]);
  tunnel.control(2, new Uint8Array(0), 1);
  assert.deepEqual(path(), [false]);
  bench.receive(special(concat(new Uint8Array(21), Uint8Array.of(1))), REMOTE, 299_000);
  tunnel.tick(299_999);
  assert.deepEqual(bench.take().filter(({ bytes }) => bytes.length > 60_000), []);
  assert.deepEqual(path(), [false]);
  tunnel.tick(300_000);
  assert.equal(bench.take().filter(({ bytes }) => bytes.length === 60_021).length, 1);
  assert.deepEqual(path(), [true]);
});

Deno.test("Tunnel.tick() tries again when the outbox has no room for a test, without spinning", () => {
  const bench = new Bench(PEER1);
  const { tunnel } = bench;
  const filler = new Uint8Array(60_000).fill(1);
  while (bench.send(filler) === SEND.OK);
  tunnel.control(1, new Uint8Array(0), 100);
  tunnel.tick(100);
  assert.equal(tunnel.deadline(), 110);
  bench.take();
  tunnel.tick(109);
  assert.deepEqual(bench.take(), []);
  tunnel.tick(110);
  assert.deepEqual(bench.take().map(({ bytes }) => bytes.length), [60_021, 60_020]);
  assert.equal(tunnel.deadline(), 10_100);
});

Deno.test("Tunnel answers a flood of forged tests with few messages", () => {
  const bench = new Bench(PEER1);
  let answers = 0;
  for (let i = 0; i < 10_000; i++) {
    bench.receive(special(new Uint8Array(14 + (i % 1000))), REMOTE, i / 10);
    answers += bench.controls().length;
  }
  // 64 at once, 50 in the second.
  assert.ok(answers <= 64 + 50, `${answers}`);
  assert.equal(
    bench.counted.filter((name) => name === "stormLimited").length,
    10_000 - answers - 10,
  );
});

Deno.test("Tunnel says only once over TCP that it hears the remote, and does not answer a moving one", () => {
  const bench = new Bench(PEER1);
  bench.tunnel.tick(0);
  bench.take();
  const heartbeat = special(concat(new Uint8Array(21), Uint8Array.of(1)));
  for (let port = 1; port < 1000; port++) {
    bench.receive(heartbeat, { ip: REMOTE.ip, port }, 1);
    bench.tunnel.tick(1);
  }
  assert.deepEqual(bench.controls(), [{ tag: 1, msg: "" }]);
  assert.deepEqual(bench.take(), []);
  assert.equal(bench.tunnel.remote?.port, 999);
});

Deno.test("Tunnel restarts its tests at most once a second, however often it is told to", () => {
  const bench = new Bench(PEER1);
  let tests = 0;
  for (let now = 0; now < 2_000; now += 10) {
    bench.tunnel.control(1, new Uint8Array(0), now);
    bench.tunnel.tick(now);
    tests += bench.take().filter(({ bytes }) => bytes.length > 60_000).length;
  }
  assert.equal(tests, 4);
});

Deno.test("a tunnel that failed takes no datagrams and keeps none under construction", () => {
  const bench = new Bench(PEER1);
  assert.equal(bench.send(new Uint8Array(60).fill(1)), SEND.OK);
  assert.ok(bench.outbox.building);
  bench.tunnel.tick(60_000);
  assert.equal(bench.tunnel.state, "failed");
  assert.ok(!bench.outbox.building);
  const payload = special(new Uint8Array(60).fill(1));
  assert.equal(bench.receive(payload), "dropUnknownSender");
});

Deno.test("Tunnel.send() takes all pieces of a frame or none", () => {
  const large = new Uint8Array(60_014);
  large.set(fromHex("0a00000000020a00000000010800" + "4500ea6000010000"));
  const bench = new Bench(PEER1);
  bench.tunnel.pathMtu(1500, 0);
  let taken = 0;
  while (bench.send(large) === SEND.OK) taken++;
  assert.equal(bench.send(large), SEND.FULL);
  assert.equal(bench.take().length, taken * 43);
  assert.equal(bench.send(large), SEND.OK);
  const small = new Bench(PEER1, {}, 60_000);
  small.tunnel.pathMtu(1500, 0);
  assert.equal(small.send(large), SEND.DROPPED);
  assert.deepEqual(small.counted, ["dropOutboxFull"]);
});

Deno.test("Tunnel leaves 20 bytes more to an IPv6 underlay", () => {
  const key = new Uint8Array(32);
  const bench = new Bench(PEER1, { key, remote: parseEndpoint("[2001:db8::2]:6783") });
  bench.tunnel.pathMtu(1500, 0);
  assert.equal(bench.tunnel.mtuBytes, 1394);
});

Deno.test("Overlay.open() hands a neighbour's datagrams to its newest tunnel", () => {
  const bench = new Bench(PEER1, { connUid: 1n });
  const { overlay, tunnel } = bench;
  const second = overlay.open({ ...tunnel.spec, link: 8, connUid: 2n }, 5, 0);
  const heartbeat = special(concat(new Uint8Array(21), Uint8Array.of(2)));
  bench.receive(heartbeat);
  const events = [overlay.poll(), overlay.poll(), overlay.poll()];
  assert.ok(events.some((event) => event?.kind === "control" && event.tunnel === second));
  overlay.close(tunnel);
  assert.deepEqual(bench.receive(heartbeat), []);
  overlay.close(second);
  overlay.close(second);
  assert.equal(bench.receive(heartbeat), "dropUnknownSender");
});

Deno.test("Overlay.receive() counts what it drops", () => {
  const key = new Uint8Array(32).fill(1);
  const bench = new Bench(PEER1, { key });
  assert.equal(bench.receive(fromHex("0200000000")), "dropMalformed");
  assert.equal(bench.receive(fromHex("020000000003")), "dropUnknownSender");
  assert.equal(bench.receive(concat(fromHex("020000000002"), new Uint8Array(23))), "dropMalformed");
  assert.equal(bench.receive(concat(fromHex("020000000002"), new Uint8Array(24))), "dropBadTag");
  const plain = new Bench(PEER1);
  for (const each of packetVectors.cases) {
    if (each.frames_delivered === undefined) continue;
    const { length } = plain.counted;
    const payload = fromHex(each.udp_payload);
    payload.set(fromHex("020000000002"));
    assert.deepEqual(plain.receive(payload), []);
    assert.ok(plain.counted.slice(length).every((counter) => counter === "dropMalformed"));
    assert.equal(
      plain.counted.length - length,
      each.frames_delivered + (each.error === true ? 1 : 0),
      each.note,
    );
  }
});

function name(high: number, low: number): string {
  return (high * 0x1_0000_0000 + (low >>> 0)).toString(16).padStart(12, "0");
}

function sha256(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}

/** Returns a plain datagram of peer 2 with one frame. */
function special(frame: Uint8Array, origin = PEER2, destination = PEER1): Uint8Array {
  const header = new Uint8Array(20);
  const view = new DataView(header.buffer);
  [PEER2, origin, destination].forEach((each, i) => {
    view.setUint16(6 * i, macHigh(each));
    view.setUint32(6 * i + 2, macLow(each));
  });
  view.setUint16(18, frame.length);
  return concat(header, frame);
}

/** Lengths of the frames of a plain datagram. */
function recordLengths(bytes: Uint8Array): number[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const lengths: number[] = [];
  for (let at = 6, next = recordEnd(view, at, bytes.length); next >= 0;) {
    lengths.push(next - at - RECORD_HEADER_BYTES);
    at = next;
    next = recordEnd(view, at, bytes.length);
  }
  return lengths;
}
