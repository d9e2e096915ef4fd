/**
 * Routers in a line with shuttle between them, in memory: what one captures, trains on the wire, records at the other.
 *
 * @module
 */

import assert from "node:assert/strict";
import { arraySlab, type Slab } from "../../switch/frame.ts";
import { type CopyBytes, INSPECT_OK, Offload, portableCopy } from "../../switch/offload.ts";
import { Outbox } from "../../switch/outbox.ts";
import type { PairKeys, PairNews, PairState, PeerEntry } from "../../switch/contract.ts";
import { Fragments, PAIR, type PairCiphers, type ShuttleHop } from "../../switch/shuttle/mod.ts";
import { ShuttleStage } from "../../switch/shuttle_stage.ts";
import { tally } from "./shuttle_world.ts";
import { ToyAead } from "./toy_aead.ts";

const NAME = 0x0200_0000_0a01;
const SHORT_ID = 0x101;
const SLAB_BYTES = Fragments.SLAB_BYTES + (2 << 20);
const TRAIN_ROOM = 66_000;

/** What routers are made of, if it is not plain memory and a toy. */
export interface StageMakers {
  /** Makes memory. */
  readonly slab?: (bytes: number) => Slab;
  /** Makes ciphers whose offsets refer to it. */
  readonly ciphers?: (slab: Slab) => PairCiphers;
}

/** A router. Its neighbours' slots are their numbers. */
export class StageRouter {
  readonly slab: Slab;
  readonly outbox: Outbox;
  readonly stage: ShuttleStage;
  readonly counts: Record<string, number>;
  /** Frames that came, without their virtio header. */
  readonly frames: Uint8Array[] = [];
  /** What main heard. */
  readonly events: (PairState | PairNews)[] = [];
  /** The toy's contexts that were made and not freed. */
  contexts = 0;
  peers: (PeerEntry | null)[] = [];
  /** Hops by neighbour; replaced by tests. */
  hops: (ShuttleHop | undefined)[] = [];
  /** Neighbour by destination, for what would have to go back; there is none unless a test says so. */
  detours: (number | undefined)[] = [];
  readonly #copy: CopyBytes;
  readonly #offload: Offload;
  readonly #tap: number;
  readonly #slot: number;

  constructor(mode: "sealed" | "clear", makers: StageMakers = {}) {
    const slab = this.slab = (makers.slab ?? arraySlab)(SLAB_BYTES);
    const { counts, count } = tally();
    this.counts = counts;
    this.outbox = new Outbox(slab, 1 << 19, 512);
    const copy = this.#copy = portableCopy(slab);
    this.#offload = new Offload(slab, copy);
    this.#tap = slab.alloc(70_000, 64) + 64;
    this.#slot = slab.alloc(TRAIN_ROOM, 64);
    const context = (key: Uint8Array): ToyAead & Disposable => {
      this.contexts++;
      const free = (): void => void this.contexts--;
      return Object.assign(new ToyAead(slab, key[0] ?? 0), { [Symbol.dispose]: free });
    };
    this.stage = new ShuttleStage({
      slab,
      outbox: this.outbox,
      offload: this.#offload,
      copy,
      count,
      beforeWrite: () => {},
      makeRoom: () => {},
      forwarding: {
        nextHop: (peer) => this.peers[peer]?.nextHop ?? -1,
        relayHop: (peer) => this.detours[peer] ?? -1,
      },
      links: { hop: (peer) => this.hops[peer], isOddName: () => false },
      mode,
      ciphers: makers.ciphers?.(slab) ??
        { sealing: (_, key) => context(key), opening: (_, key) => context(key) },
      token: 77,
    });
  }

  /** Sends what a TAP gave to a peer, by shuttle. @returns one of `SEND`, -1 if it is not usable */
  send(peer: number, read: Uint8Array, now: number): number {
    if (this.stage.pairs.status(peer) !== PAIR.USABLE) return -1;
    this.slab.bytes.set(read, this.#tap);
    assert.equal(this.#offload.inspect(this.#tap, read.length), INSPECT_OK);
    const result = this.stage.send(peer, false, now);
    this.stage.flush();
    return result;
  }

  /** Takes a train. */
  take(train: Uint8Array, segment: number, source: number, now: number): void {
    const { stage, slab } = this;
    slab.bytes.set(train, this.#slot);
    for (let at = 0; at < train.length; at += segment) {
      const length = Math.min(segment, train.length - at);
      assert.ok(stage.takes(this.#slot + at, length), "a segment");
      if (!stage.receive(this.#slot + at, length, source, now)) continue;
      const { record } = stage;
      while (record.next()) {
        this.frames.push(slab.bytes.slice(record.frame, record.frame + record.length));
      }
    }
    stage.endTrain();
    // The next train comes to the same place.
    this.outbox.keep(this.#copy);
  }

  /** Takes what is to be sent. */
  sends(): { train: Uint8Array; segment: number; slot: number }[] {
    const { outbox, slab } = this;
    const all = [];
    for (let i = outbox.first; i < outbox.count; i++) {
      const at = outbox.offsets[i] ?? 0;
      const train = slab.bytes.slice(at, at + (outbox.lengths[i] ?? 0));
      all.push({ train, segment: outbox.segments[i] ?? 0, slot: outbox.slots[i] ?? 0 });
    }
    outbox.sent(outbox.count - outbox.first);
    return all;
  }

  /** What main heard last of a pair. */
  pair(peer: number): PairState | undefined {
    return this.events.findLast((event): event is PairState =>
      event.kind === "pair" && event.peer === NAME + peer
    );
  }
}

/** Routers in a line. */
export class StageWorld {
  readonly routers: StageRouter[];
  now = 0;
  /** Trains that were on the wire: from, to, bytes, size of a segment. */
  readonly wire: { from: number; to: number; train: Uint8Array; segment: number }[] = [];
  /** Drops trains that it returns true for. */
  lost: (from: number, to: number, train: Uint8Array) => boolean = () => false;

  constructor(
    count: number,
    mode: "sealed" | "clear",
    upperBytes = 1_472,
    makers: StageMakers = {},
  ) {
    this.routers = Array.from({ length: count }, () => new StageRouter(mode, makers));
    this.routers.forEach((router, i) => {
      router.peers = Array.from({ length: count }, (_, peer) => ({
        name: NAME + peer,
        nextHop: peer === i ? -1 : peer > i ? i + 1 : i - 1,
        edges: [],
        shortId: SHORT_ID + peer,
      }));
      router.hops = router.peers.map((_, peer) =>
        Math.abs(peer - i) === 1
          ? { slot: peer, upperBytes, trainSegments: 64, encrypted: mode === "sealed" }
          : undefined
      );
      router.stage.configure({ self: i, peers: router.peers }, 0);
    });
  }

  /** Returns a router. */
  at(i: number): StageRouter {
    const router = this.routers[i];
    if (router === undefined) throw new RangeError(`There is no router ${i}`);
    return router;
  }

  /**
   * Gives two routers keys; the first is told as the one who asked.
   *
   * @param ids under which the first and the second receive, by default such that follow from `run`
   */
  agree(
    a: number,
    b: number,
    run = 1,
    ids: readonly [number, number] = [2 * run, 2 * run + 1],
  ): void {
    const fill = (length: number, id: number, of: number): Uint8Array =>
      new Uint8Array(length).fill(id).fill(16 * run + of, 1);
    const install = (
      peer: number,
      [mine, its]: readonly [number, number],
      [my, their]: readonly [number, number],
      sendNow: boolean,
    ): PairKeys => ({
      kind: "pairKeys",
      act: "install",
      peer: NAME + peer,
      suite: "AES-256-GCM",
      receiveId: mine,
      receiveKey: fill(32, mine, my),
      receiveSalt: fill(4, mine, my),
      sendId: its,
      sendKey: fill(32, its, their),
      sendSalt: fill(4, its, their),
      sendNow,
    });
    this.at(a).stage.pairs.keys(install(b, ids, [a, b], false), this.now);
    this.at(b).stage.pairs.keys(install(a, [ids[1], ids[0]], [b, a], true), this.now);
  }

  /** Says something of a pair's keys to a router. */
  say(i: number, peer: number, act: "use" | "stop" | "retire", id: number): void {
    const name = NAME + peer;
    const message: PairKeys = act === "retire"
      ? { kind: "pairKeys", act, peer: name, receiveId: id }
      : { kind: "pairKeys", act, peer: name, sendId: id };
    this.at(i).stage.pairs.keys(message, this.now);
  }

  /** Lets time pass, in steps of 50 ms; what is sent arrives at once. */
  run(ms: number): void {
    for (const end = this.now + ms; this.now <= end; this.now += 50) {
      for (const router of this.routers) router.stage.tick(this.now);
      this.deliver();
    }
  }

  /** Carries what waits to its neighbours, and what follows from it. */
  deliver(): void {
    for (let busy = true; busy;) {
      busy = false;
      this.routers.forEach((router, from) => {
        for (const { train, segment, slot } of router.sends()) {
          busy = true;
          this.wire.push({ from, to: slot, train: train.slice(), segment });
          if (!this.lost(from, slot, train)) this.at(slot).take(train, segment, from, this.now);
        }
        for (let e = router.stage.pairs.poll(); e !== undefined; e = router.stage.pairs.poll()) {
          router.events.push(e);
        }
      });
    }
  }
}
