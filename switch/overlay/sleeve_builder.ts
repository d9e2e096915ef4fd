/**
 * The one datagram that is being built: frames of one tunnel and path are packed into it (spec/sleeve.md 10.3).
 *
 * ```
 *   begin -> | header | record | record ... |  -> close: sequence number, seal, commit to the outbox
 * ```
 *
 * A frame for another tunnel or path closes it, and so does the end of a turn: nothing waits for more frames. The sequence
 * number is taken when it is closed, so that numbers leave in order.
 *
 * @module
 */

import { macHigh, macLow } from "../../base/mod.ts";
import type { Slab } from "../frame.ts";
import type { Outbox } from "../outbox.ts";
import {
  MAX_UDP_PAYLOAD_BYTES,
  NONCE_BYTES,
  RECORD_HEADER_BYTES,
  SEALED_HEADER_BYTES,
  TAG_OFFSET,
  writeName,
  writeNonce,
  writeRecordHeader,
  writeSequence,
} from "../wire/sleeve_packet.ts";
import type { FrameRef, OverlayContext, Secretbox } from "./overlay.ts";

/** Most frames of a datagram: as many as the reference takes at once. */
const FRAMES = 100;

/**
 * Largest datagram that may share a train while the path MTU is not known: the kernel refuses a whole train if its segments
 * do not fit, and every path carries this.
 */
const SAFE_TRAIN_BYTES = 1232;

/** What the builder has to know of a tunnel. */
export interface BuilderTunnel {
  /** Address slot. */
  readonly slot: number;
  /** Key handle, -1 for clear. */
  readonly key: number;
  /** We dialled. */
  readonly outbound: boolean;
  /** Bytes before the records. */
  readonly overheadBytes: number;
  /** Largest datagram on the DF path, and the one that frames are packed up to on both. */
  readonly maxPayloadBytes: number;
  /** The path MTU is known. */
  readonly mtuKnown: boolean;
  /** Most datagrams of a train. */
  readonly trainSegments: number;
  /** Next sequence numbers: upper and lower half of the DF space, then of the other. */
  readonly sequences: Int32Array;
}

/** Results of {@link DatagramBuilder.room}. */
export const ROOM = {
  /** `at` says where. */
  OK: 0,
  /** The frame is larger than the path's limit. */
  TOO_BIG: 1,
  /** The outbox is full. */
  FULL: 2,
} as const;

/** Builds datagrams in the outbox. */
export class DatagramBuilder {
  /** Where the record goes that {@link room} made room for. */
  at = 0;
  readonly #slab: Slab;
  readonly #outbox: Outbox;
  readonly #secretbox: Secretbox;
  readonly #nonce: number;
  readonly #selfHigh: number;
  readonly #selfLow: number;
  #tunnel: BuilderTunnel | undefined;
  #df = false;
  #begin = 0;
  #limitEnd = 0;
  #frames = 0;

  /** Sets a nonce aside in the slab. */
  constructor(context: OverlayContext) {
    this.#slab = context.slab;
    this.#outbox = context.outbox;
    this.#secretbox = context.secretbox;
    this.#nonce = context.slab.alloc(NONCE_BYTES);
    this.#slab.bytes.fill(0, this.#nonce, this.#nonce + NONCE_BYTES);
    this.#selfHigh = macHigh(context.self);
    this.#selfLow = macLow(context.self) | 0;
  }

  /** Upper half of our own name. */
  get selfHigh(): number {
    return this.#selfHigh;
  }

  /** Lower half of our own name, signed. */
  get selfLow(): number {
    return this.#selfLow;
  }

  /** Tells whether the datagram that is being built is a tunnel's. hot path */
  isBuilding(tunnel: BuilderTunnel): boolean {
    return this.#tunnel === tunnel;
  }

  /**
   * Makes room for a frame's record, closing the datagram being built if it does not go there. hot path
   *
   * @param length bytes of the frame
   * @returns one of {@link ROOM}
   */
  room(tunnel: BuilderTunnel, df: boolean, length: number): number {
    const record = RECORD_HEADER_BYTES + length;
    if (
      this.#tunnel === tunnel && this.#df === df && this.#frames < FRAMES &&
      this.at + record <= this.#limitEnd
    ) {
      this.#frames++;
      return ROOM.OK;
    }
    this.close();
    return this.#open(tunnel, df, record);
  }

  /** Writes the record of a frame that {@link room} made room for. hot path */
  append(frame: FrameRef): void {
    const at = this.at;
    const { bytes, view } = this.#slab;
    writeRecordHeader(
      view,
      at,
      frame.originHigh,
      frame.originLow,
      frame.destinationHigh,
      frame.destinationLow,
      frame.length,
    );
    const from = frame.offset;
    bytes.copyWithin(at + RECORD_HEADER_BYTES, from, from + frame.length);
    this.at = at + RECORD_HEADER_BYTES + frame.length;
  }

  /** Finishes the datagram that is being built, if there is one. hot path */
  close(): void {
    const tunnel = this.#tunnel;
    if (tunnel === undefined) return;
    this.#tunnel = undefined;
    const length = this.at - this.#begin;
    const fits = tunnel.mtuKnown ? length <= tunnel.maxPayloadBytes : length <= SAFE_TRAIN_BYTES;
    this.#finish(tunnel, this.#df, this.#begin, length, fits);
  }

  /** Throws the datagram of a tunnel away that is being built: the tunnel ends. */
  abandon(tunnel: BuilderTunnel): void {
    if (this.#tunnel !== tunnel) return;
    this.#tunnel = undefined;
    this.#outbox.cancel();
  }

  /**
   * Sends a datagram with one frame of zeros, alone.
   *
   * @param toHigh upper half of the neighbour's name
   * @param toLow lower half
   * @param length bytes of the frame
   * @param uid what the frame ends in, written behind the first 14 bytes; `undefined` for zeros
   * @returns false if the outbox has no room: try again later
   */
  sendSpecial(
    tunnel: BuilderTunnel,
    df: boolean,
    toHigh: number,
    toLow: number,
    length: number,
    uid: bigint | undefined,
  ): boolean {
    this.close();
    const { bytes, view } = this.#slab;
    const whole = tunnel.overheadBytes + RECORD_HEADER_BYTES + length;
    if (this.#outbox.building || this.#outbox.roomBytes < whole) return false;
    const begin = this.#outbox.reserve(whole);
    if (begin < 0) return false;
    writeName(view, begin, this.#selfHigh, this.#selfLow);
    const at = begin + tunnel.overheadBytes;
    writeRecordHeader(view, at, this.#selfHigh, this.#selfLow, toHigh, toLow, length);
    const frame = at + RECORD_HEADER_BYTES;
    bytes.fill(0, frame, frame + length);
    if (uid !== undefined) view.setBigUint64(frame + 14, uid);
    this.#finish(tunnel, df, begin, whole, false);
    return true;
  }

  /** Opens a sealed datagram in place. hot path @returns false if it does not authenticate */
  unseal(tunnel: BuilderTunnel, datagram: number, length: number): boolean {
    writeNonce(this.#slab.view, this.#nonce, !tunnel.outbound, datagram);
    const offset = datagram + TAG_OFFSET;
    return this.#secretbox.open(tunnel.key, this.#nonce, offset, length - SEALED_HEADER_BYTES);
  }

  #open(tunnel: BuilderTunnel, df: boolean, record: number): number {
    const least = tunnel.overheadBytes + record;
    const most = tunnel.maxPayloadBytes;
    if (least > (df ? most : MAX_UDP_PAYLOAD_BYTES)) return ROOM.TOO_BIG;
    const room = this.#outbox.roomBytes;
    // Another overlay's datagram may be under construction: it is closed by a flush, as a full outbox is.
    if (this.#outbox.building || room < least) return ROOM.FULL;
    const wanted = least > most ? least : most;
    const reserved = wanted < room ? wanted : room;
    const begin = this.#outbox.reserve(reserved);
    if (begin < 0) return ROOM.FULL;
    writeName(this.#slab.view, begin, this.#selfHigh, this.#selfLow);
    this.#tunnel = tunnel;
    this.#df = df;
    this.#begin = begin;
    // A datagram above the limit holds its one frame; a smaller one is filled up to the limit.
    this.#limitEnd = begin + (least > most ? least : reserved);
    this.#frames = 1;
    this.at = begin + tunnel.overheadBytes;
    return ROOM.OK;
  }

  #finish(
    tunnel: BuilderTunnel,
    df: boolean,
    datagram: number,
    length: number,
    joinable: boolean,
  ): void {
    if (tunnel.key >= 0) {
      const { view } = this.#slab;
      const { sequences } = tunnel;
      const cell = df ? 0 : 2;
      const low = sequences[cell + 1] ?? 0;
      writeSequence(view, datagram, df, sequences[cell] ?? 0, low);
      sequences[cell + 1] = low + 1;
      if (low === -1) sequences[cell] = (sequences[cell] ?? 0) + 1;
      writeNonce(view, this.#nonce, tunnel.outbound, datagram);
      const offset = datagram + TAG_OFFSET;
      this.#secretbox.seal(tunnel.key, this.#nonce, offset, length - SEALED_HEADER_BYTES);
    }
    this.#outbox.commit(length, tunnel.slot, df, joinable, tunnel.trainSegments);
  }
}
