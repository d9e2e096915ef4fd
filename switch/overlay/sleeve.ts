/**
 * Overlay `sleeve`: frames in UDP datagrams, byte compatible with Weave Net, plain or in NaCl secretboxes (spec/sleeve.md).
 *
 * ```
 *   receive: sender's name -> tunnel -> open in place -> replay window -> next(): record, record, ... (special frames inside)
 * ```
 *
 * The source address of a datagram is not looked at; only a valid heartbeat teaches it. Whatever arrives is dropped and
 * counted or delivered: it never throws, and what it leaves behind is bounded.
 *
 * It does not know which peers there are: the loop looks at origin and destination of each record.
 *
 * @module
 */

import { type Endpoint, macHigh, macLow, type Millis } from "../../base/mod.ts";
import { COUNTER } from "../contract.ts";
import { NameTable } from "../name_table.ts";
import { TRAIN_SEGMENTS } from "../outbox.ts";
import { SLEEVE_TIMES, type TunnelTimes } from "../tunnel.ts";
import {
  FRAGMENTATION_TEST_BYTES,
  HEARTBEAT_BYTES,
  isSpecial,
  isZero,
  PLAIN_HEADER_BYTES,
  RECORD_HEADER_BYTES,
  recordEnd,
  SEALED_HEADER_BYTES,
  SEQUENCE_OFFSET,
} from "../wire/sleeve_packet.ts";
import { EventQueue } from "./event_queue.ts";
import type {
  Overlay,
  OverlayContext,
  OverlayEvent,
  ReceivedFrame,
  Tunnel,
  TunnelSpec,
} from "./overlay.ts";
import { DatagramBuilder } from "./sleeve_builder.ts";
import { SLEEVE_TAG, type SleeveShared, SleeveTunnel } from "./sleeve_tunnel.ts";

/** Shortest frame that Ethernet knows: addresses and type. Shorter records are legal and ignored. */
const SHORTEST_FRAME_BYTES = 14;

/** What can be chosen of the overlay. */
export interface SleeveOptions {
  /** Heartbeats and timeout; default {@link SLEEVE_TIMES}. */
  readonly times?: TunnelTimes;
  /** Most datagrams of a GSO train, where a tunnel's spec does not say; default as many as the kernel takes. */
  readonly trainSegments?: number;
  /** Random number that makes the order of the name table unpredictable; default 0. */
  readonly seed?: number;
}

/** Returns the overlay `sleeve`. */
export function sleeveOverlay(context: OverlayContext, options: SleeveOptions = {}): Overlay {
  return new SleeveOverlay(context, options);
}

class SleeveOverlay implements Overlay {
  readonly name = "sleeve";
  readonly #context: OverlayContext;
  readonly #view: DataView;
  readonly #shared: SleeveShared;
  readonly #events = new EventQueue();
  readonly #names: NameTable;
  readonly #tunnels: (SleeveTunnel | undefined)[] = [];
  readonly #freeIndices: number[] = [];
  readonly #selfHigh: number;
  readonly #selfLow: number;

  // The datagram that `next` walks over.
  #tunnel: SleeveTunnel | undefined;
  #cursor = 0;
  #end = 0;
  #source: (() => Endpoint) | undefined;
  readonly #now = new Float64Array(1);
  #frame: ReceivedFrame | undefined;

  constructor(context: OverlayContext, options: SleeveOptions) {
    this.#context = context;
    this.#view = context.slab.view;
    this.#names = new NameTable(options.seed);
    this.#selfHigh = macHigh(context.self);
    this.#selfLow = macLow(context.self) | 0;
    this.#shared = {
      context,
      builder: new DatagramBuilder(context),
      events: this.#events,
      times: options.times ?? SLEEVE_TIMES,
      trainSegments: options.trainSegments ?? TRAIN_SEGMENTS,
    };
  }

  open(spec: TunnelSpec, slot: number, now: Millis): Tunnel {
    const tunnel = new SleeveTunnel(this.#shared, spec, slot, now);
    const index = this.#freeIndices.pop() ?? this.#tunnels.length;
    this.#tunnels[index] = tunnel;
    // A new connection to the same neighbour takes its datagrams over: the old one is about to end.
    this.#names.set(tunnel.peerHigh, tunnel.peerLow, index);
    this.#frame ??= {
      offset: 0,
      length: 0,
      originHigh: 0,
      originLow: 0,
      destinationHigh: 0,
      destinationLow: 0,
      tunnel,
    };
    return tunnel;
  }

  close(tunnel: Tunnel): void {
    const index = this.#tunnels.findIndex((candidate) => candidate === tunnel);
    const known = this.#tunnels[index];
    if (known === undefined) return;
    this.#tunnels[index] = undefined;
    this.#freeIndices.push(index);
    if (this.#names.get(known.peerHigh, known.peerLow) === index) {
      this.#names.delete(known.peerHigh, known.peerLow);
    }
    if (this.#tunnel === known) this.#tunnel = undefined;
    known.stop();
  }

  /** hot path */
  receive(offset: number, length: number, source: () => Endpoint, now: Millis): boolean {
    const view = this.#view;
    this.#tunnel = undefined;
    if (length < PLAIN_HEADER_BYTES) return this.#drop(COUNTER.dropMalformed);
    const index = this.#names.get(view.getUint16(offset), view.getInt32(offset + 2));
    const tunnel = index < 0 ? undefined : this.#tunnels[index];
    if (tunnel === undefined || tunnel.state === "failed") {
      return this.#drop(COUNTER.dropUnknownSender);
    }
    if (tunnel.key < 0) this.#cursor = offset + PLAIN_HEADER_BYTES;
    else {
      if (length < SEALED_HEADER_BYTES) return this.#drop(COUNTER.dropMalformed);
      if (!this.#shared.builder.unseal(tunnel, offset, length)) {
        return this.#drop(COUNTER.dropBadTag);
      }
      const high = view.getInt32(offset + SEQUENCE_OFFSET);
      const low = view.getInt32(offset + SEQUENCE_OFFSET + 4);
      const seen = high < 0 ? tunnel.seenDf : tunnel.seenNonDf;
      if (!seen.accept(high & 0x7fff_ffff, low)) return this.#drop(COUNTER.dropReplayed);
      tunnel.authenticAt[0] = now;
      this.#cursor = offset + SEALED_HEADER_BYTES;
    }
    this.#end = offset + length;
    this.#tunnel = tunnel;
    this.#source = source;
    this.#now[0] = now;
    return true;
  }

  /** hot path */
  next(): ReceivedFrame | undefined {
    const tunnel = this.#tunnel;
    const frame = this.#frame;
    if (tunnel === undefined || frame === undefined) return undefined;
    const view = this.#view;
    while (this.#cursor < this.#end) {
      const at = this.#cursor;
      const next = recordEnd(view, at, this.#end);
      if (next < 0) {
        this.#context.count(COUNTER.dropMalformed);
        break;
      }
      this.#cursor = next;
      const length = next - at - RECORD_HEADER_BYTES;
      if (length < SHORTEST_FRAME_BYTES) this.#context.count(COUNTER.dropMalformed);
      else if (isSpecial(view, at + RECORD_HEADER_BYTES)) this.#takeSpecial(tunnel, at, length);
      else {
        frame.offset = at + RECORD_HEADER_BYTES;
        frame.length = length;
        frame.originHigh = view.getUint16(at);
        frame.originLow = view.getInt32(at + 2);
        frame.destinationHigh = view.getUint16(at + 6);
        frame.destinationLow = view.getInt32(at + 8);
        frame.tunnel = tunnel;
        return frame;
      }
    }
    this.#tunnel = undefined;
    return undefined;
  }

  /** hot path */
  takeDue(): boolean {
    return this.#events.takeDue();
  }

  poll(): OverlayEvent | undefined {
    return this.#events.poll();
  }

  /** hot path */
  #drop(counter: number): boolean {
    this.#context.count(counter);
    return false;
  }

  /** Deals with a frame of the overlay itself; its kind is its length (spec/sleeve.md 6). */
  #takeSpecial(tunnel: SleeveTunnel, at: number, length: number): void {
    const view = this.#view;
    const ours = view.getUint16(at) === tunnel.peerHigh &&
      view.getInt32(at + 2) === tunnel.peerLow &&
      view.getUint16(at + 6) === this.#selfHigh && view.getInt32(at + 8) === this.#selfLow;
    if (!ours) {
      this.#context.count(COUNTER.dropReserved);
      return;
    }
    const frame = at + RECORD_HEADER_BYTES;
    const now = this.#now[0] ?? 0;
    if (length === HEARTBEAT_BYTES) this.#takeHeartbeat(tunnel, frame, now);
    else if (length === FRAGMENTATION_TEST_BYTES) {
      if (isZero(view, frame, length)) {
        tunnel.answer(SLEEVE_TAG.FRAGMENTATION_RECEIVED, new Uint8Array(0), now);
      } else this.#context.count(COUNTER.dropMalformed);
    } else {
      const mtu = length - SHORTEST_FRAME_BYTES;
      tunnel.answer(SLEEVE_TAG.PMTU_VERIFIED, new Uint8Array([mtu >>> 8, mtu & 255]), now);
    }
  }

  #takeHeartbeat(tunnel: SleeveTunnel, frame: number, now: Millis): void {
    const uid = this.#view.getBigUint64(frame + SHORTEST_FRAME_BYTES);
    // A heartbeat of an earlier connection, or a forged one.
    if (uid !== BigInt.asUintN(64, tunnel.spec.connUid)) {
      this.#context.count(COUNTER.dropMalformed);
    } else if (this.#source !== undefined) tunnel.heard(this.#source(), now);
  }
}
