/**
 * One sleeve tunnel: frames out, heartbeats and tests, control messages (spec/sleeve.md 5 to 10).
 *
 * ```
 *   send(frame)  -> choosePath -> builder (pack, seal) -> outbox
 *   tick(now)    -> heartbeat, fragmentation test, path MTU test: all that is due, each alone in its datagram
 *   control(1)   -> established, both tests begin      control(2) -> the kernel's fragments come through
 *   control(3)   -> the path MTU test came through
 *   control(16)  -> how often the remote of a lively tunnel sends heartbeats; real peers are never told
 * ```
 *
 * @module
 */

import { Bug, type Endpoint, macHigh, macLow, type Millis, unmapIpv4 } from "../../base/mod.ts";
import { COUNTER } from "../contract.ts";
import { PathMtuSearch } from "../pmtu.ts";
import { ReplayWindow } from "../replay.ts";
import { HEARD, TunnelHealth, type TunnelTimes } from "../tunnel.ts";
import { fragmentPayloadBytes, fragmentStep, writeFragment } from "../wire/fragment.ts";
import { MIN_FRAME_BYTES } from "../wire/ethernet.ts";
import {
  FRAGMENTATION_TEST_BYTES,
  HEARTBEAT_BYTES,
  OUTER_IPV4_BYTES,
  OUTER_IPV6_BYTES,
  packetOverheadBytes,
  RECORD_HEADER_BYTES,
  totalOverheadBytes,
  writeRecordHeader,
} from "../wire/sleeve_packet.ts";
import type { EventQueue } from "./event_queue.ts";
import {
  type FrameRef,
  type OverlayContext,
  SEND,
  type Tunnel,
  type TunnelSpec,
} from "./overlay.ts";
import { type BuilderTunnel, type DatagramBuilder, ROOM } from "./sleeve_builder.ts";
import { choosePath, PATH } from "./sleeve_path.ts";

/** Overlay tags (spec/sleeve.md 9.2). */
export const SLEEVE_TAG = {
  /** The sender has our heartbeat. */
  ESTABLISHED: 1,
  /** The sender has our fragmentation test. */
  FRAGMENTATION_RECEIVED: 2,
  /** The sender has our path MTU test of the size in the message, 2 bytes. */
  PMTU_VERIFIED: 3,
  /** The sender, a weft peer, sends a heartbeat each so many ms, 2 bytes. Others ignore tags that they do not know. */
  HEARTBEAT_EVERY: 16,
} as const;

/** Between fragmentation tests (spec/sleeve.md 7). */
const FRAGMENTATION_TEST_EVERY_MS = 300_000;

/** When the outbox is full: soon enough not to be missed, late enough not to spin. */
const RETRY_MS = 10;

/** Tests begin again this often at most, however often the remote says that it hears us: they are 60 kB each. */
const RESTART_MS = 1_000;

/**
 * Answers to tests: so many at once, and one more each so many ms. A search of a real peer sends 80 tests in 26 s; on a
 * plain tunnel anybody may send some.
 */
const ANSWERS = 64;
const ANSWER_EVERY_MS = 20;

/** What all tunnels of the overlay share. */
export interface SleeveShared {
  /** Memory, outbox, crypto. */
  readonly context: OverlayContext;
  /** The datagram under construction. */
  readonly builder: DatagramBuilder;
  /** What happened. */
  readonly events: EventQueue;
  /** Heartbeats and timeout. */
  readonly times: TunnelTimes;
  /** Most datagrams of a train, where the tunnel's spec does not say. */
  readonly trainSegments: number;
}

/** One tunnel. */
export class SleeveTunnel implements Tunnel, BuilderTunnel {
  readonly spec: TunnelSpec;
  readonly slot: number;
  readonly outbound: boolean;
  readonly overheadBytes: number;
  readonly trainSegments: number;
  readonly sequences = new Int32Array(4);
  /** Seen numbers of the DF space. */
  readonly seenDf = new ReplayWindow();
  /** Seen numbers of the other space. */
  readonly seenNonDf = new ReplayWindow();
  /** Upper half of the neighbour's name. */
  readonly peerHigh: number;
  /** Lower half of the neighbour's name, signed. */
  readonly peerLow: number;
  /** When an authentic datagram came last. An array, since a number in a field would be allocated anew each time. */
  readonly authenticAt = new Float64Array(1);
  #key: number;
  #stackFragments = false;
  #fragmentationTestAt: Millis = Infinity;
  #restartedAt: Millis = -Infinity;
  #announcedMs: Millis = 0;
  #retryAt: Millis = -Infinity;
  #answers = ANSWERS;
  #answersAt: Millis;
  readonly #shared: SleeveShared;
  readonly #health: TunnelHealth;
  readonly #search: PathMtuSearch;

  /** Begins a tunnel; {@link tick} sends the first heartbeat. */
  constructor(shared: SleeveShared, spec: TunnelSpec, slot: number, now: Millis) {
    const sealed = spec.key !== undefined;
    this.#shared = shared;
    this.spec = spec;
    this.slot = slot;
    this.outbound = spec.outbound;
    this.overheadBytes = packetOverheadBytes(sealed);
    this.trainSegments = spec.trainSegments ?? shared.trainSegments;
    this.peerHigh = macHigh(spec.peer);
    this.peerLow = macLow(spec.peer) | 0;
    this.#key = spec.key === undefined ? -1 : shared.context.secretbox.addKey(spec.key);
    this.#answersAt = now;
    this.authenticAt[0] = now;
    this.#health = new TunnelHealth(spec.remote, now, shared.times, spec.livelyMs);
    this.#search = new PathMtuSearch(totalOverheadBytes(sealed, 0));
    if (spec.remote !== undefined) shared.events.changed(this);
  }

  /** Key handle, -1 for clear. */
  get key(): number {
    return this.#key;
  }

  get state(): "pending" | "established" | "failed" {
    return this.#health.state;
  }

  get reason(): string | undefined {
    return this.#health.reason;
  }

  get remote(): Endpoint | undefined {
    return this.#health.remote;
  }

  get mtuBytes(): number {
    return this.#search.mtuBytes;
  }

  get maxPayloadBytes(): number {
    return this.#search.maxPayloadBytes;
  }

  get pathPayloadBytes(): number | undefined {
    return this.#search.known ? this.#search.maxPayloadBytes : undefined;
  }

  get mtuKnown(): boolean {
    return this.#search.known;
  }

  /** The last fragmentation test came through. */
  get stackFragments(): boolean {
    return this.#stackFragments;
  }

  /** hot path */
  send(frame: FrameRef): number {
    const { context } = this.#shared;
    if (this.#health.remote === undefined) return this.#drop(COUNTER.dropNoRemote);
    if (this.#health.state === "failed") return this.#drop(COUNTER.dropNoRoute);
    const path = choosePath(
      context.slab.view,
      frame.offset,
      frame.length,
      this.#search.mtuBytes,
      this.#stackFragments,
      frame.flooded,
    );
    if (path === PATH.DF || path === PATH.NON_DF) return this.#pack(frame, path === PATH.DF);
    if (path === PATH.FRAGMENT) return this.#sendFragments(frame);
    context.count(COUNTER.dropTooBig);
    return path === PATH.TOO_BIG ? SEND.TOO_BIG : SEND.DROPPED;
  }

  /** hot path */
  flush(): boolean {
    if (this.#shared.builder.isBuilding(this)) this.#shared.builder.close();
    return true;
  }

  control(tag: number, body: Uint8Array, now: Millis): void {
    if (this.#health.state === "failed") return;
    if (tag === SLEEVE_TAG.ESTABLISHED) {
      if (this.#health.acknowledged(now)) this.#shared.events.changed(this);
      this.#startTests(now);
    } else if (tag === SLEEVE_TAG.FRAGMENTATION_RECEIVED) this.#stackFragments = true;
    else if (tag === SLEEVE_TAG.PMTU_VERIFIED && body.length >= 2) {
      const value = (body[0] ?? 0) * 256 + (body[1] ?? 0);
      if (this.#search.verified(value)) this.#shared.events.changed(this);
    } else if (tag === SLEEVE_TAG.HEARTBEAT_EVERY && body.length >= 2) {
      this.#health.remoteEvery((body[0] ?? 0) * 256 + (body[1] ?? 0));
    }
  }

  tick(now: Millis): void {
    this.#health.alive(this.authenticAt[0] ?? 0);
    if (this.#health.silenced(now)) this.#shared.events.changed(this);
    if (this.#health.expired(now)) {
      this.flush();
      this.#shared.events.changed(this);
    }
    if (this.#health.state === "failed") return;
    // An MTU that is too small because nothing comes through would stay so.
    if (!this.#health.silent && this.#search.tick(now)) this.#shared.events.changed(this);
    this.#announceAgain();
    if (now < this.#retryAt || this.#health.remote === undefined) return;
    if (!this.#sendDue(now)) this.#retryAt = now + RETRY_MS;
  }

  deadline(): Millis {
    const health = this.#health.deadline();
    if (this.#health.state === "failed" || this.#health.remote === undefined) return health;
    const search = this.#health.silent ? Infinity : this.#search.deadline();
    const due = Math.min(health, this.#fragmentationTestAt, search);
    return Math.max(due, this.#retryAt);
  }

  pathMtu(pathMtuBytes: number, _now: Millis): void {
    const { remote, state } = this.#health;
    if (remote === undefined || state === "failed") return;
    const outer = unmapIpv4(remote.ip) === undefined ? OUTER_IPV6_BYTES : OUTER_IPV4_BYTES;
    if (this.#search.reported(pathMtuBytes, outer)) this.#shared.events.changed(this);
  }

  retime(livelyMs: Millis, now: Millis): void {
    this.#health.retime(livelyMs, now);
    this.#announceAgain();
  }

  stop(): void {
    this.#shared.builder.abandon(this);
    this.#shared.events.drop(this);
    if (this.#health.state !== "failed") this.#health.fail("closed");
    if (this.#key >= 0) this.#shared.context.secretbox.removeKey(this.#key);
    this.#key = -1;
  }

  /** Takes a heartbeat of ours: its UID is right. */
  heard(source: Endpoint, now: Millis): void {
    const flags = this.#health.heard(source, now);
    if ((flags & HEARD.FIRST) !== 0) {
      // Before the word that establishes the tunnel there: who judges silence must know of what.
      this.#announce();
      this.#shared.events.control(this, SLEEVE_TAG.ESTABLISHED, new Uint8Array(0));
    }
    if ((flags & (HEARD.MOVED | HEARD.BACK)) !== 0) this.#shared.events.changed(this);
    if ((flags & HEARD.BACK) !== 0) this.#resumeTests(now);
    if ((flags & HEARD.ANSWER) !== 0) this.#shared.events.due();
  }

  /** Answers a test over TCP, unless there are too many. */
  answer(tag: number, body: Uint8Array, now: Millis): void {
    const earned = Math.floor((now - this.#answersAt) / ANSWER_EVERY_MS);
    if (earned > 0) {
      this.#answers = Math.min(ANSWERS, this.#answers + earned);
      this.#answersAt += earned * ANSWER_EVERY_MS;
    }
    if (this.#answers > 0 && this.#shared.events.control(this, tag, body)) this.#answers--;
    else this.#shared.context.count(COUNTER.stormLimited);
  }

  /** Tests that fell into a silence had no answer. A path MTU that was found stays. */
  #resumeTests(now: Millis): void {
    this.#fragmentationTestAt = now;
    this.#search.resume();
  }

  #announceAgain(): void {
    if (this.#announcedMs > 0 && this.#announcedMs !== this.#health.heartbeatMs) this.#announce();
  }

  #announce(): void {
    const { heartbeatMs } = this.#health;
    if (this.spec.livelyMs === undefined) return;
    const body = new Uint8Array([heartbeatMs >>> 8, heartbeatMs & 255]);
    if (this.#shared.events.control(this, SLEEVE_TAG.HEARTBEAT_EVERY, body)) {
      this.#announcedMs = heartbeatMs;
    }
  }

  #startTests(now: Millis): void {
    if (now - this.#restartedAt < RESTART_MS) return;
    this.#restartedAt = now;
    this.#fragmentationTestAt = now;
    this.#search.start();
  }

  /** Sends what is due. @returns false if the outbox is full */
  #sendDue(now: Millis): boolean {
    if (this.#health.heartbeatDue(now)) {
      if (!this.#special(true, HEARTBEAT_BYTES, this.spec.connUid)) return false;
      this.#health.heartbeatSent(now);
    }
    if (this.#fragmentationTestAt <= now) {
      if (!this.#special(false, FRAGMENTATION_TEST_BYTES, undefined)) return false;
      this.#fragmentationTestAt = now + FRAGMENTATION_TEST_EVERY_MS;
      this.#stackFragments = false;
    }
    const test = this.#health.silent ? 0 : this.#search.dueBytes(now);
    if (test > 0) {
      if (!this.#special(true, test, undefined)) return false;
      this.#search.sent(now);
    }
    return true;
  }

  #special(df: boolean, length: number, uid: bigint | undefined): boolean {
    const { builder } = this.#shared;
    return builder.sendSpecial(this, df, this.peerHigh, this.peerLow, length, uid);
  }

  /** hot path */
  #pack(frame: FrameRef, df: boolean): number {
    const { builder } = this.#shared;
    const room = builder.room(this, df, frame.length);
    if (room === ROOM.FULL) return SEND.FULL;
    if (room === ROOM.TOO_BIG) return this.#drop(COUNTER.dropTooBig);
    builder.append(frame);
    return SEND.OK;
  }

  /** Sends an IPv4 packet in pieces: all of them, or none if the outbox cannot take them. */
  #sendFragments(frame: FrameRef): number {
    const { builder, context } = this.#shared;
    const { slab, outbox } = context;
    const mtu = this.#search.mtuBytes;
    const step = fragmentStep(slab.view, frame.offset, frame.length, mtu);
    if (step === 0) return this.#drop(COUNTER.dropTooBig);
    builder.close();
    const payload = fragmentPayloadBytes(slab.view, frame.offset);
    const pieces = Math.ceil(payload / step);
    const most = pieces * this.#search.maxPayloadBytes;
    if (
      outbox.building || outbox.roomBytes < most || outbox.offsets.length - outbox.count < pieces
    ) {
      return outbox.empty && !outbox.building ? this.#drop(COUNTER.dropOutboxFull) : SEND.FULL;
    }
    const headers = frame.length - payload;
    for (let position = 0; position < payload; position += step) {
      const left = payload - position;
      // Padding of the frame is counted as header here: the length is only an upper bound.
      const bound = Math.max(MIN_FRAME_BYTES, headers + (left < step ? left : step));
      if (builder.room(this, true, Math.min(bound, mtu + 14)) !== ROOM.OK) {
        throw new Bug("Outbox: room for fragments was promised");
      }
      this.#writePiece(frame, position, step);
    }
    return SEND.OK;
  }

  #writePiece(frame: FrameRef, position: number, step: number): void {
    const { builder, context } = this.#shared;
    const { slab } = context;
    const at = builder.at;
    const piece = at + RECORD_HEADER_BYTES;
    const length = writeFragment(slab, frame.offset, position, step, piece);
    writeRecordHeader(
      slab.view,
      at,
      frame.originHigh,
      frame.originLow,
      frame.destinationHigh,
      frame.destinationLow,
      length,
    );
    builder.at = piece + length;
  }

  /** hot path */
  #drop(counter: number): number {
    this.#shared.context.count(counter);
    return SEND.DROPPED;
  }
}
