/**
 * Datagrams through the receiver of shuttle and its joiner, in clear and as a peer with the key could send them.
 *
 * @module
 */

import assert from "node:assert/strict";
import { concat } from "../../base/mod.ts";
import { arraySlab } from "../../switch/frame.ts";
import {
  Fragments,
  type IncomingKey,
  PieceJoiner,
  RECEIVED,
  ReplayWindow16k,
  ShuttleReceiver,
} from "../../switch/shuttle/mod.ts";
import { PROBE } from "../../switch/wire/shuttle_probe.ts";
import { SEGMENT } from "../../switch/wire/shuttle_segment.ts";
import { buildFrame, buildSuperframe, type FrameSpec } from "../helpers/frames.ts";
import { assertKernelSafe } from "../helpers/segmenter.ts";
import { ORIGIN, SendingPeer } from "../helpers/shuttle_world.ts";
import { noAead } from "../helpers/toy_aead.ts";
import { fuzz } from "./fuzzer.ts";

const RECEIVE_BYTES = 66_000;
const GUARD = 0xa5;
/** Bytes around an input that nobody may write to. */
const GUARD_BYTES = 64;

const PAYLOAD = new Uint8Array(300).map((_, i) => i * 7);
const SPECS: readonly FrameSpec[] = [
  { payload: PAYLOAD },
  { payload: PAYLOAD, udp: true },
  { payload: PAYLOAD, ipv6: true, flags: 0x99 },
  { payload: PAYLOAD, ipv6: true, udp: true },
  { payload: PAYLOAD, tags: 2, options: new Uint8Array(12).fill(1) },
];

/** Segments in clear of everything that a sender sends. */
function seeds(): Uint8Array[] {
  const peer = new SendingPeer({ key: undefined, keyId: 0, salt: 0 });
  const plain = new Uint8Array(10);
  for (const spec of SPECS) peer.tap(buildSuperframe(spec, 100));
  for (const spec of SPECS) {
    peer.tap(concat(plain, buildFrame({ ...spec, payload: PAYLOAD.subarray(9) })));
  }
  peer.tap(concat(plain, buildFrame({ udp: true, payload: new Uint8Array(2_000) })));
  const probe = { type: SEGMENT.PATH_PROBE, sizeBytes: 60, tokenHigh: 1, tokenLow: 2, slot: 3 };
  for (const kind of Object.values(PROBE)) peer.sender.sendProbe(peer.pair, { ...probe, kind });
  return peer.segments();
}

const CLEAR = seeds();

/** The same under a key whose cipher changes nothing. */
const SEALED = CLEAR.map((segment) => {
  const sealed = concat(segment, new Uint8Array(16));
  sealed[0] = (sealed[0] ?? 0) - 0x10;
  return sealed;
});

/** One receiver with its joiner. */
class Ear {
  readonly #slab = arraySlab(Fragments.SLAB_BYTES + (1 << 17));
  readonly #at = this.#slab.alloc(RECEIVE_BYTES) + GUARD_BYTES;
  readonly #receiver: ShuttleReceiver;
  readonly #joiner = new PieceJoiner(this.#slab.view, { tso: true, uso: true, mtuBytes: 1_376 });
  #key: IncomingKey;
  #drops = 0;
  #now = 0;

  constructor(clear: boolean) {
    const key: IncomingKey = {
      slot: 1,
      peer: 2,
      origin: ORIGIN,
      key: clear ? undefined : noAead(() => {}),
      salt: 0,
      window: clear ? undefined : new ReplayWindow16k(),
    };
    this.#key = key;
    const keys = { byId: (): IncomingKey => this.#key, inClear: (): IncomingKey => this.#key };
    const count = (_: number, by = 1): void => void (this.#drops += by);
    this.#receiver = new ShuttleReceiver({ slab: this.#slab, keys, count });
  }

  datagram(bytes: Uint8Array, roll: () => number): void {
    const { bytes: memory } = this.#slab;
    const end = this.#at + bytes.length;
    memory.fill(GUARD, this.#at - GUARD_BYTES, this.#at);
    memory.fill(GUARD, end, end + GUARD_BYTES);
    memory.set(bytes, this.#at);
    this.#now += Math.floor(roll() * 500);
    // Most inputs repeat the counters of a few.
    if (this.#key.window !== undefined && roll() < 0.8) {
      this.#key = { ...this.#key, window: new ReplayWindow16k() };
    }
    const before = this.#drops;
    const result = this.#receiver.receive(this.#at, bytes.length, 0, this.#now);
    let records = 0;
    if (result === RECEIVED.RECORDS) {
      while (this.#receiver.next()) {
        records++;
        if (!this.#joiner.offer(this.#receiver)) {
          this.#write();
          assert.ok(this.#joiner.offer(this.#receiver), "an empty joiner takes anything");
        }
      }
      assert.ok(records > 0 || this.#drops > before, "records that are neither seen nor counted");
    }
    this.#write();
    assert.ok(memory.subarray(end, end + GUARD_BYTES).every((byte) => byte === GUARD));
    assert.ok(memory.subarray(this.#at - GUARD_BYTES, this.#at).every((byte) => byte === GUARD));
  }

  #write(): void {
    const count = this.#joiner.flush();
    if (count === 0) return;
    const parts = Array.from({ length: count }, (_, i) => {
      const at = this.#joiner.offsets[i] ?? 0;
      return this.#slab.bytes.slice(at, at + (this.#joiner.lengths[i] ?? 0));
    });
    assertKernelSafe(concat(...parts));
  }
}

function ears(clear: boolean): (input: Uint8Array<ArrayBuffer>, roll: () => number) => void {
  let ear = new Ear(clear);
  let count = 0;
  return (input, roll) => {
    if (++count % 100 === 0) ear = new Ear(clear);
    if (input.length <= RECEIVE_BYTES - 2 * GUARD_BYTES) ear.datagram(input, roll);
  };
}

fuzz({ name: "shuttle in clear", share: 0.02, seeds: CLEAR, run: ears(true) });

fuzz({
  name: "shuttle with a cipher that opens everything",
  share: 0.02,
  seeds: SEALED,
  run: ears(false),
});
