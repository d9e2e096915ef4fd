/**
 * Datagrams on their way to the socket, packed so that equal ones leave as one GSO train.
 *
 * ```
 *   reserve(most)  ->  write the datagram there  ->  commit(length, slot, df)
 *
 *   area:  | d0 d1 d2 d3 (equal, same way: one train) | d4 | d5 d6 ...
 *   sends: | offset 0, 4 segments                     | 1  | 2
 * ```
 *
 * Only one datagram is under construction at a time, so that trains are contiguous in memory: a train is a buffer of
 * segments of equal size of which only the last may be shorter (spec/dataplane.md 8.2). What the socket does not take stays
 * where it is: the outbox is the queue, and when it is full the loop stops reading the TAP. A train that is passed on is lent
 * to it where it was received: only what does not leave at once is copied.
 *
 * It does not know what is in a datagram, nor does it send.
 *
 * @module
 */

import { Bug } from "../base/mod.ts";
import type { Slab } from "./frame.ts";
import type { CopyBytes } from "./offload.ts";

/** Most bytes of a train: the kernel takes 65507 (IPv4); some room for IPv6 headers is left. */
export const TRAIN_BYTES = 65_400;

/** Most segments of a train that every kernel with UDP_SEGMENT takes. */
export const TRAIN_SEGMENTS = 64;

/** Finished sends, and the datagram being built. Fields are parallel arrays: nothing is allocated per datagram. */
export class Outbox {
  /** Where each send begins in the slab. */
  readonly offsets: Int32Array;
  /** Bytes of each send, all segments together. */
  readonly lengths: Int32Array;
  /** Size of a segment of each send; equals the length if there is but one. */
  readonly segments: Int32Array;
  /** Address slot of each send. */
  readonly slots: Int32Array;
  /** 1: send with the don't-fragment bit. */
  readonly df: Uint8Array;
  /** Where each send has room in the outbox: `offsets`, but for what was lent. */
  readonly #homes: Int32Array;
  #count = 0;
  #first = 0;
  #tail: number;
  #reserved = -1;
  #closed = true;
  #limit: number;
  readonly #begin: number;
  readonly #end: number;
  readonly #maxSegments: number;

  /**
   * Makes an empty outbox.
   *
   * @param slab the memory
   * @param sizeBytes how much of it to take; at least two of the largest datagrams
   * @param maxSends how many sends fit
   * @param maxSegments most segments a train has; 1 turns trains off
   */
  constructor(slab: Slab, sizeBytes: number, maxSends: number, maxSegments = TRAIN_SEGMENTS) {
    this.#begin = slab.alloc(sizeBytes, 64);
    this.#end = this.#begin + sizeBytes;
    this.#tail = this.#begin;
    this.#maxSegments = maxSegments;
    this.#limit = maxSegments;
    this.offsets = new Int32Array(maxSends);
    this.#homes = new Int32Array(maxSends);
    this.lengths = new Int32Array(maxSends);
    this.segments = new Int32Array(maxSends);
    this.slots = new Int32Array(maxSends);
    this.df = new Uint8Array(maxSends);
  }

  /** Sends that are finished; those below `first` have left. */
  get count(): number {
    return this.#count;
  }

  /** The first send that has not left. */
  get first(): number {
    return this.#first;
  }

  /** Nothing waits to be sent. */
  get empty(): boolean {
    return this.#first === this.#count;
  }

  /** Bytes that wait to be sent. */
  get waitingBytes(): number {
    return this.empty ? 0 : this.#tail - (this.#homes[this.#first] ?? 0);
  }

  /** Bytes that can still be reserved; 0 if no further send fits. */
  get roomBytes(): number {
    return this.#count === this.offsets.length ? 0 : this.#end - this.#tail;
  }

  /** A datagram is under construction. */
  get building(): boolean {
    return this.#reserved >= 0;
  }

  /**
   * Sets room aside for one datagram.
   *
   * @param mostBytes how long it can become
   * @returns where to write it, -1 if the outbox is full: send first
   */
  reserve(mostBytes: number): number {
    if (this.#reserved >= 0) throw new Bug("Outbox: a datagram is being built");
    if (this.#count === this.offsets.length || this.#tail + mostBytes > this.#end) return -1;
    this.#reserved = mostBytes;
    return this.#tail;
  }

  /** Gives the reserved room back unused. */
  cancel(): void {
    this.#reserved = -1;
  }

  /**
   * Finishes the datagram that was reserved: it joins the last train if it may, else begins a new one.
   *
   * @param lengthBytes its length, at most what was reserved
   * @param slot address slot of the receiver
   * @param df send it with the don't-fragment bit
   * @param joinable it may share a train; false for datagrams above the path MTU
   * @param maxSegments most segments of a train to that receiver
   */
  commit(
    lengthBytes: number,
    slot: number,
    df: boolean,
    joinable: boolean,
    maxSegments: number = this.#maxSegments,
  ): void {
    if (lengthBytes > this.#reserved) throw new Bug("Outbox: datagram outgrew its reservation");
    const offset = this.#tail;
    this.#reserved = -1;
    this.#tail = offset + lengthBytes;
    const flag = df ? 1 : 0;
    const last = this.#count - 1;
    if (
      joinable && !this.#closed && last >= this.#first && this.#joins(last, lengthBytes, slot, flag)
    ) {
      const length = (this.lengths[last] ?? 0) + lengthBytes;
      this.lengths[last] = length;
      const segment = this.segments[last] ?? 0;
      this.#closed = lengthBytes < segment || length + segment > TRAIN_BYTES ||
        length >= segment * this.#limit;
      return;
    }
    const i = this.#count++;
    this.offsets[i] = offset;
    this.#homes[i] = offset;
    this.lengths[i] = lengthBytes;
    this.segments[i] = lengthBytes;
    this.slots[i] = slot;
    this.df[i] = flag;
    this.#limit = Math.min(maxSegments, this.#maxSegments);
    this.#closed = !joinable || this.#limit < 2 || lengthBytes * 2 > TRAIN_BYTES;
  }

  /**
   * Takes a whole train that lies elsewhere; it leaves from there, as it is, and nothing joins it. Whoever lends it calls
   * {@link keep} before those bytes change.
   *
   * @param offset where it lies in the slab
   * @param lengthBytes all its segments together, at most {@link TRAIN_BYTES}
   * @param segmentBytes size of each but the last, which may be shorter
   * @param slot address slot of the receiver
   * @returns false if the outbox has no room to keep it: send first
   */
  lendTrain(offset: number, lengthBytes: number, segmentBytes: number, slot: number): boolean {
    if (this.reserve(lengthBytes) < 0) return false;
    this.commit(lengthBytes, slot, true, false);
    const i = this.#count - 1;
    this.offsets[i] = offset;
    this.segments[i] = Math.min(segmentBytes, lengthBytes);
    return true;
  }

  /** Copies what was lent and has not left. */
  keep(copy: CopyBytes): void {
    for (let i = this.#first; i < this.#count; i++) {
      const home = this.#homes[i] ?? 0;
      const offset = this.offsets[i] ?? 0;
      if (home === offset) continue;
      copy(home, offset, this.lengths[i] ?? 0);
      this.offsets[i] = home;
    }
  }

  #joins(last: number, lengthBytes: number, slot: number, flag: number): boolean {
    return this.slots[last] === slot && this.df[last] === flag &&
      lengthBytes <= (this.segments[last] ?? 0);
  }

  /** Forgets the first `sent` sends that wait; with none left the whole area is free again. */
  sent(sent: number): void {
    this.#first += sent;
    // A train that has begun to leave must not grow.
    this.#closed = true;
    if (this.#first < this.#count || this.#reserved >= 0) return;
    this.#first = 0;
    this.#count = 0;
    this.#tail = this.#begin;
  }
}
