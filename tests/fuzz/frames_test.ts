/**
 * Datagrams through the overlays, superframes through the splitter, frames through the joiner.
 *
 * @module
 */

import assert from "node:assert/strict";
import { concat, fromHex, parseEndpoint } from "../../base/mod.ts";
import { openSecretbox } from "../../ffi/mod.ts";
import { arraySlab, VIRTIO_HEADER_BYTES } from "../../switch/frame.ts";
import { Joiner } from "../../switch/joiner.ts";
import { INSPECT_OK, MAX_HEADER_BYTES, Offload, portableCopy } from "../../switch/offload.ts";
import { Outbox } from "../../switch/outbox.ts";
import {
  type Overlay,
  type Secretbox,
  sleeveOverlay,
  type Tunnel,
} from "../../switch/overlay/mod.ts";
import { buildFrame, buildSuperframe, type FrameSpec } from "../helpers/frames.ts";
import { noCipher } from "../helpers/sleeve_paths.ts";
import controls from "../vectors/overlay-control.json" with { type: "json" };
import packets from "../vectors/sleeve-packets.json" with { type: "json" };
import reactions from "../vectors/sleeve-special-reactions.json" with { type: "json" };
import specials from "../vectors/sleeve-special.json" with { type: "json" };
import { fuzz } from "./fuzzer.ts";

const PEER1 = 0x020000000001;
const PEER2 = 0x020000000002;
const SLAB_BYTES = 1 << 20;
const RECEIVE_BYTES = 66_000;
const GUARD = 0xa5;
/** Bytes around an input that nobody may write to. */
const GUARD_BYTES = 64;
const REMOTES = ["192.0.2.1:6783", "192.0.2.1:40000", "[2001:db8::1]:6783"].map(parseEndpoint);

/** Hex texts of vectors, at any depth, long enough to be one. */
function hexes(vectors: unknown): Uint8Array[] {
  if (typeof vectors === "string") {
    return /^([0-9a-f]{2}){6,}$/.test(vectors) ? [fromHex(vectors)] : [];
  }
  if (vectors === null || typeof vectors !== "object") return [];
  return Object.values(vectors).flatMap(hexes);
}

const DATAGRAMS = [packets, reactions, specials].flatMap(hexes).filter((each) =>
  each.length <= 4_096
);

/** One tunnel of one overlay, and all that it is told. */
class Ear {
  readonly #slab = arraySlab(SLAB_BYTES);
  readonly #outbox = new Outbox(this.#slab, 1 << 18, 256);
  readonly #at = this.#slab.alloc(RECEIVE_BYTES) + GUARD_BYTES;
  readonly #overlay: Overlay;
  readonly #tunnel: Tunnel;
  #now = 0;

  constructor(key: Uint8Array | undefined, cipher: Secretbox | undefined) {
    this.#overlay = sleeveOverlay({
      slab: this.#slab,
      outbox: this.#outbox,
      secretbox: cipher ?? openSecretbox({ bytes: this.#slab.bytes }),
      self: PEER2,
      count: () => {},
    });
    const spec = { link: 1, index: 0, peer: PEER1, connUid: 1n, outbound: false };
    this.#tunnel = this.#overlay.open({ ...spec, key, remote: undefined }, 0, 0);
  }

  datagram(bytes: Uint8Array, roll: () => number): void {
    const { bytes: memory } = this.#slab;
    const end = this.#at + bytes.length;
    memory.fill(GUARD, this.#at - GUARD_BYTES, this.#at);
    memory.fill(GUARD, end, end + GUARD_BYTES);
    memory.set(bytes, this.#at);
    const source = REMOTES[Math.floor(roll() * REMOTES.length)];
    if (source === undefined) return;
    this.#now += Math.floor(roll() * 50);
    if (this.#overlay.receive(this.#at, bytes.length, () => source, this.#now)) {
      for (let frame = this.#overlay.next(); frame !== undefined; frame = this.#overlay.next()) {
        assert.ok(frame.length >= 14, "a frame without a header");
        assert.ok(frame.offset >= this.#at && frame.offset + frame.length <= end, "out of bounds");
      }
    }
    assert.ok(memory.subarray(end, end + GUARD_BYTES).every((byte) => byte === GUARD));
    assert.ok(memory.subarray(this.#at - GUARD_BYTES, this.#at).every((byte) => byte === GUARD));
    this.#settle();
  }

  control(bytes: Uint8Array): void {
    this.#tunnel.control(bytes[0] ?? 0, bytes.slice(1), this.#now);
    this.#settle();
  }

  #settle(): void {
    if (this.#tunnel.deadline() <= this.#now) this.#tunnel.tick(this.#now);
    this.#tunnel.flush();
    this.#outbox.sent(this.#outbox.count - this.#outbox.first);
    let events = 0;
    while (this.#overlay.poll() !== undefined) assert.ok(++events < 100, "events without end");
    assert.ok(this.#tunnel.mtuBytes > 0 && this.#tunnel.mtuBytes <= 65_535);
  }
}

const KEY = new Uint8Array(32).fill(9);

function ears(make: () => Ear): (input: Uint8Array<ArrayBuffer>, roll: () => number) => void {
  let ear = make();
  let count = 0;
  return (input, roll) => {
    // A tunnel that failed or whose numbers are used up would hear no more.
    if (++count % 200 === 0) ear = make();
    if (input.length > RECEIVE_BYTES - 2 * GUARD_BYTES) return;
    ear.datagram(input, roll);
  };
}

fuzz({
  name: "sleeve in clear",
  share: 0.04,
  seeds: DATAGRAMS,
  run: ears(() => new Ear(undefined, undefined)),
});

fuzz({
  name: "sleeve with a cipher that opens everything",
  share: 0.04,
  seeds: DATAGRAMS,
  run: ears(() => new Ear(KEY, noCipher)),
});

fuzz({
  name: "sleeve sealed",
  share: 0.02,
  seeds: DATAGRAMS,
  run: ears(() => new Ear(KEY, undefined)),
});

fuzz({
  name: "sleeve's control messages",
  share: 0.02,
  seeds: [...hexes(controls), fromHex("01"), fromHex("030586"), fromHex("02")],
  run: (() => {
    let ear = new Ear(undefined, undefined);
    let count = 0;
    return (input: Uint8Array<ArrayBuffer>): void => {
      if (++count % 50 === 0) ear = new Ear(undefined, undefined);
      ear.control(input);
    };
  })(),
});

const PAYLOAD = new Uint8Array(300).map((_, i) => i * 7);
const SPECS: readonly FrameSpec[] = [
  { payload: PAYLOAD },
  { payload: PAYLOAD, udp: true },
  { payload: PAYLOAD, ipv6: true },
  { payload: PAYLOAD, ipv6: true, udp: true },
  { payload: PAYLOAD, tags: 1, flags: 0x19 },
  {
    payload: PAYLOAD,
    options: fromHex("0101080a0000000100000002"),
    ipOptions: fromHex("01010101"),
  },
];
const SUPERFRAMES = [
  ...SPECS.map((spec) => buildSuperframe(spec, 100)),
  ...SPECS.map((spec) => concat(new Uint8Array(VIRTIO_HEADER_BYTES), buildFrame(spec))),
];

const split = (() => {
  const slab = arraySlab(SLAB_BYTES);
  const offload = new Offload(slab, portableCopy(slab));
  const from = slab.alloc(RECEIVE_BYTES) + GUARD_BYTES;
  const to = slab.alloc(RECEIVE_BYTES) + GUARD_BYTES;
  return (input: Uint8Array<ArrayBuffer>): void => {
    const { bytes } = slab;
    bytes.set(input, from);
    if (offload.inspect(from, input.length) !== INSPECT_OK) return;
    assert.ok(offload.headerLength <= Math.max(MAX_HEADER_BYTES, offload.frameLength));
    let payload = 0;
    for (let k = 0; k < offload.pieces; k++) {
      const length = offload.pieceLength(k);
      assert.ok(length > 0 && length <= offload.longestPiece, "a piece of no length that was told");
      bytes.fill(GUARD, to - GUARD_BYTES, to);
      bytes.fill(GUARD, to + length, to + length + GUARD_BYTES);
      assert.equal(offload.writePiece(k, to), length);
      assert.ok(bytes.subarray(to - GUARD_BYTES, to).every((byte) => byte === GUARD));
      const behind = bytes.subarray(to + length, to + length + GUARD_BYTES);
      assert.ok(behind.every((byte) => byte === GUARD), "it wrote behind the piece");
      payload += length - offload.headerLength;
    }
    assert.equal(payload, offload.frameLength - offload.headerLength, "payload was lost");
    assert.deepEqual(bytes.subarray(from, from + input.length), input, "the input was changed");
  };
})();

fuzz({ name: "Offload", share: 0.05, seeds: SUPERFRAMES, run: (input) => split(input) });

const FLOW = [0, 1, 2, 3].map((n) => buildFrame({ payload: PAYLOAD, sequence: 300 * n, id: n }));
const FRAMES = [...SPECS.map(buildFrame), ...FLOW];

const merge = (() => {
  const slab = arraySlab(SLAB_BYTES);
  const base = slab.alloc(1 << 19);
  const slotBytes = 8_192;
  const joiner = new Joiner(slab, { tso: true, uso: true });
  return (input: Uint8Array<ArrayBuffer>, roll: () => number): void => {
    if (input.length < 14 || input.length > slotBytes - 2 * GUARD_BYTES) return;
    let inside = 0;
    const flush = (): void => {
      const count = joiner.flush();
      let total = 0;
      for (let i = 0; i < count; i++) total += joiner.lengths[i] ?? 0;
      assert.equal(total, joiner.totalBytes, "iovecs and their sum");
      assert.ok(count > 0 && count <= inside && total <= 10 + 65_535 + 18, "what was flushed");
      inside = 0;
    };
    // The input among frames of a flow, so that it may join or follow one.
    const all = [FLOW[0], input, FLOW[1], input].filter((frame) => frame !== undefined);
    all.forEach((frame, i) => {
      const at = base + i * slotBytes + GUARD_BYTES;
      slab.bytes.set(frame, at);
      const vouched = roll() < 0.5;
      if (!joiner.offer(at, frame.length, vouched)) {
        flush();
        assert.ok(joiner.offer(at, frame.length, vouched), "an empty joiner takes anything");
      }
      inside++;
    });
    flush();
  };
})();

fuzz({ name: "Joiner", share: 0.03, seeds: FRAMES, run: merge });
