/**
 * Two peers with shuttle between them, in memory: what one reads from its TAP, the segments on the wire, what the other
 * writes.
 *
 * @module
 */

import assert from "node:assert/strict";
import { concat } from "../../base/mod.ts";
import { COUNTERS } from "../../switch/contract.ts";
import { arraySlab, type Slab } from "../../switch/frame.ts";
import { INSPECT_OK, Offload, portableCopy } from "../../switch/offload.ts";
import { Outbox } from "../../switch/outbox.ts";
import {
  Fragments,
  type IncomingKey,
  type IncomingKeys,
  newCounter,
  type OutgoingKey,
  PieceJoiner,
  RECEIVED,
  ReplayWindow16k,
  ShuttleReceiver,
  ShuttleSender,
} from "../../switch/shuttle/mod.ts";
import { ToyAead } from "./toy_aead.ts";

/** Short ids of both. */
export const ORIGIN = 0x0abc;
/** That of the receiver. */
export const DESTINATION = 0x0def;
/** The receiver's number for the key. */
export const KEY_ID = 0x1234;
const SALT = 0x5a17_0001;
/** Room for the segments of a batch. */
const SLOTS_BYTES = 1 << 19;

/** Returns what adds to named counters. */
export function tally(): {
  counts: Record<string, number>;
  count: (cell: number, by?: number) => void;
} {
  const counts: Record<string, number> = {};
  return {
    counts,
    count: (cell, by = 1): void => {
      const name = COUNTERS[cell] ?? `cell ${cell}`;
      if (by > 0) counts[name] = (counts[name] ?? 0) + by;
    },
  };
}

/** Returns the way to a peer; the toy cipher unless in clear. */
export function outgoingKey(slab: Slab, options: Partial<OutgoingKey> = {}): OutgoingKey {
  return {
    destination: DESTINATION,
    origin: ORIGIN,
    keyId: KEY_ID,
    key: new ToyAead(slab, 7),
    salt: SALT,
    counter: newCounter(),
    segmentBytes: 1_472,
    slot: 3,
    trainSegments: 64,
    ...options,
  };
}

/** Returns what opens segments of {@link outgoingKey}. */
export function incomingKey(slab: Slab, options: Partial<IncomingKey> = {}): IncomingKey {
  return {
    slot: 1,
    peer: 2,
    origin: ORIGIN,
    key: new ToyAead(slab, 7),
    salt: SALT,
    window: new ReplayWindow16k(),
    ...options,
  };
}

/** The peer that reads its TAP. */
export class SendingPeer {
  readonly slab = arraySlab(1 << 20);
  readonly outbox: Outbox;
  readonly sender: ShuttleSender;
  readonly pair: OutgoingKey;
  readonly counts: Record<string, number>;
  readonly #offload: Offload;
  readonly #at: number;
  /** What has left, as single segments. */
  readonly #wire: Uint8Array[] = [];

  constructor(options: Partial<OutgoingKey> = {}, outboxBytes = 1 << 19) {
    const { slab } = this;
    const { counts, count } = tally();
    this.counts = counts;
    this.outbox = new Outbox(slab, outboxBytes, 512);
    const copy = portableCopy(slab);
    this.#offload = new Offload(slab, copy);
    const makeRoom = (): void => this.#drain();
    const { outbox } = this;
    this.sender = new ShuttleSender({
      slab,
      outbox,
      offload: this.#offload,
      copy,
      count,
      makeRoom,
    });
    this.pair = outgoingKey(slab, options);
    this.#at = slab.alloc(70_000, 64) + 64;
  }

  /** Sends what a TAP gave. @returns one of `SEND` */
  tap(read: Uint8Array, flooded = false, pair = this.pair): number {
    this.slab.bytes.set(read, this.#at);
    assert.equal(this.#offload.inspect(this.#at, read.length), INSPECT_OK, "a TAP gives no such");
    return this.sender.send(pair, flooded);
  }

  /** Ends the turn. @returns all segments since the last one */
  segments(): Uint8Array[] {
    assert.ok(this.sender.flush());
    this.#drain();
    return this.#wire.splice(0);
  }

  #drain(): void {
    const { outbox, slab } = this;
    for (let i = outbox.first; i < outbox.count; i++) {
      const begin = outbox.offsets[i] ?? 0;
      const length = outbox.lengths[i] ?? 0;
      const segment = outbox.segments[i] ?? 0;
      for (let at = 0; at < length; at += segment) {
        this.#wire.push(slab.bytes.slice(begin + at, begin + Math.min(at + segment, length)));
      }
    }
    outbox.sent(outbox.count - outbox.first);
  }
}

/** The peer that writes its TAP. */
export class ReceivingPeer {
  readonly slab = arraySlab(Fragments.SLAB_BYTES + SLOTS_BYTES + 4_096);
  readonly counts: Record<string, number>;
  readonly receiver: ShuttleReceiver;
  readonly joiner: PieceJoiner;
  /** What was written to the TAP. */
  readonly writes: Uint8Array[] = [];
  readonly #slots: number;
  #used = 0;
  now = 0;

  constructor(keys?: Partial<IncomingKeys>, options = { tso: true, uso: true, mtuBytes: 65_535 }) {
    const { slab } = this;
    const { counts, count } = tally();
    this.counts = counts;
    const key = incomingKey(slab);
    const known: IncomingKeys = {
      byId: (id) => id === KEY_ID ? key : undefined,
      inClear: () => undefined,
      ...keys,
    };
    this.receiver = new ShuttleReceiver({ slab, keys: known, count });
    this.joiner = new PieceJoiner(slab.view, options);
    this.#slots = slab.alloc(SLOTS_BYTES, 64);
  }

  /** Takes one segment, which stays in its slot until the end of the batch. @returns one of `RECEIVED` */
  take(segment: Uint8Array, source = -1): number {
    if (this.#used + segment.length + 64 > SLOTS_BYTES) this.endBatch();
    const at = this.#slots + this.#used;
    this.#used += segment.length + 1;
    this.slab.bytes.set(segment, at);
    const { receiver } = this;
    const result = receiver.receive(at, segment.length, source, this.now);
    if (result !== RECEIVED.RECORDS) return result;
    while (receiver.next()) {
      if (!this.joiner.offer(receiver)) {
        this.#write();
        assert.ok(this.joiner.offer(receiver), "an empty joiner takes anything");
      }
      if (receiver.isTransient) this.#write();
    }
    return result;
  }

  /** Writes what waits; the slots are free again. */
  endBatch(): void {
    this.#write();
    this.#used = 0;
  }

  #write(): void {
    const count = this.joiner.flush();
    if (count === 0) return;
    const parts = Array.from({ length: count }, (_, i) => {
      const at = this.joiner.offsets[i] ?? 0;
      return this.slab.bytes.slice(at, at + (this.joiner.lengths[i] ?? 0));
    });
    const write = concat(...parts);
    assert.equal(write.length, this.joiner.totalBytes, "iovecs and their sum");
    this.writes.push(write);
  }
}
