/**
 * Received segments become records, one at a time (spec/shuttle.md 2 and 7).
 *
 * ```
 *   receive(segment)   hops, key, origin, fresh? -> open in place -> mark -> what is in it
 *     RECORDS          next() .. next(): virtio, frame, length, headers, gid          pieces to the joiner, frames to the TAP
 *     PROBE            body, bodyLength, segmentBytes: the pair answers
 *     NOTHING          dropped and counted, or a part of something
 * ```
 *
 * A segment is for us: the loop has looked at its destination. What its header says is not believed before the tag was
 * right, and what its records say not before {@link RecordHeaders} found nothing wrong. In clear there is no tag; who may
 * send so is a matter of where it came from.
 *
 * @module
 */

import type { Millis } from "../../base/mod.ts";
import { COUNTER } from "../contract.ts";
import type { Slab } from "../frame.ts";
import { GSO_NONE } from "../virtio.ts";
import { probeIsWhole } from "../wire/shuttle_probe.ts";
import { FAULT, RECORD_BYTES, RecordHeaders, shuttleRecordEnd } from "../wire/shuttle_record.ts";
import {
  isPlainType,
  MAX_HOPS,
  PLAIN_STEP,
  SEGMENT,
  SEGMENT_HEADER_BYTES,
  SEGMENT_NONCE_BYTES,
  segmentCounterHigh,
  segmentCounterLow,
  segmentHops,
  segmentIsWhole,
  segmentKeyId,
  segmentOrigin,
  segmentOverheadBytes,
  segmentType,
  writeSegmentNonce,
} from "../wire/shuttle_segment.ts";
import { Fragments } from "./fragments.ts";
import type { IncomingKey, IncomingKeys } from "./keys.ts";
import type { ReceivedRecord } from "./piece_joiner.ts";

/** Results of {@link ShuttleReceiver.receive}. */
export const RECEIVED = {
  /** It was dropped and counted, or is a part of a record. */
  NOTHING: 0,
  /** There are records: call `next`. */
  RECORDS: 1,
  /** It is a probe. */
  PROBE: 2,
} as const;

/** What the receiver works with. */
export interface ReceiverParts {
  /** Memory that all offsets refer to. */
  readonly slab: Slab;
  /** The keys that we hold. */
  readonly keys: IncomingKeys;
  /** Adds to a counter of `contract.ts`. */
  readonly count: (counter: number, by?: number) => void;
}

/** Opens segments; one for all pairs. Its fields describe the segment and the record at hand. */
export class ShuttleReceiver implements ReceivedRecord {
  /** Slot of the key that the record came under. */
  keySlot = 0;
  /** Under which key the segment came; of the last one that was opened. */
  key: IncomingKey | undefined;
  /** Type of the segment, that of a sealed one also in clear. */
  type = 0;
  /** Where its body begins: of a probe. */
  body = 0;
  /** Bytes of the body. */
  bodyLength = 0;
  /** Bytes of the whole segment: the size that has passed. */
  segmentBytes = 0;
  /** Offset of the record's virtio header; the two bytes before it may be overwritten too. */
  virtio = 0;
  /** Offset of the frame. */
  frame = 0;
  /** Bytes of the frame. */
  length = 0;
  /** Number of the superframe that a piece belongs to: lower half of its counter less its index. */
  gid = 0;
  /** The record lies where the next fragment may be put: write it to the TAP before the next `receive`. */
  isTransient = false;
  /** What is opened was opened before and must not count: its counter may have been seen, and is not noted again. */
  rehearses = false;
  /** The record, taken apart. */
  readonly headers = new RecordHeaders();
  readonly #view: DataView;
  readonly #keys: IncomingKeys;
  readonly #count: (counter: number, by?: number) => void;
  readonly #fragments: Fragments;
  readonly #nonce: number;
  #counterLow = 0;
  #at = 0;
  #end = 0;

  /** Sets a nonce and places for fragments aside in the slab: about half a megabyte. */
  constructor(parts: ReceiverParts) {
    this.#view = parts.slab.view;
    this.#keys = parts.keys;
    this.#count = parts.count;
    this.#fragments = new Fragments(parts.slab, parts.count);
    this.#nonce = parts.slab.alloc(SEGMENT_NONCE_BYTES);
  }

  /**
   * Takes one segment and opens it in place. hot path
   *
   * @param source address slot of the established link that it came from, -1 for none; only segments in clear need one
   * @returns one of {@link RECEIVED}
   */
  receive(segment: number, length: number, source: number, now: Millis): number {
    const view = this.#view;
    this.isTransient = false;
    this.#at = this.#end = 0;
    if (!segmentIsWhole(view, segment, length)) return this.#drop(COUNTER.dropMalformed);
    const hops = segmentHops(view, segment);
    if (hops === 0 || hops > MAX_HOPS) return this.#drop(COUNTER.dropHops);
    const type = segmentType(view, segment);
    const plain = isPlainType(type);
    const origin = segmentOrigin(view, segment);
    const key = plain
      ? this.#keys.inClear(source, origin)
      : this.#keys.byId(segmentKeyId(view, segment));
    if (key === undefined) return this.#drop(COUNTER.dropNoKey);
    if (key.origin !== origin) return this.#drop(COUNTER.dropOrigin);
    const body = segment + SEGMENT_HEADER_BYTES;
    const bodyLength = length - segmentOverheadBytes(type);
    if (!plain && !this.#open(key, segment, body, bodyLength)) return RECEIVED.NOTHING;
    this.key = key;
    this.keySlot = key.slot;
    this.type = plain ? type - PLAIN_STEP : type;
    this.body = body;
    this.bodyLength = bodyLength;
    this.segmentBytes = length;
    this.#counterLow = segmentCounterLow(view, segment);
    if (this.type === SEGMENT.DATA) return this.#records(body, bodyLength);
    if (this.type === SEGMENT.FRAGMENT) return this.#fragment(key, now);
    if (!probeIsWhole(view, body, bodyLength)) return this.#drop(COUNTER.dropMalformed);
    return RECEIVED.PROBE;
  }

  /**
   * Moves to the next record that our kernel may see; those that it may not are counted. hot path
   *
   * @returns false at the end
   */
  next(): boolean {
    const view = this.#view;
    const end = this.#end;
    while (this.#at < end) {
      const record = this.#at;
      const next = shuttleRecordEnd(view, record, end);
      if (next < 0) {
        this.#at = end;
        this.#count(COUNTER.dropMalformed);
        return false;
      }
      this.#at = next;
      const virtio = record + 2;
      const length = next - record - RECORD_BYTES;
      const fault = this.headers.parse(view, virtio, length);
      // Only small things are cut into fragments: a piece of a superframe is none.
      if (fault !== FAULT.NONE || this.isTransient && this.headers.gsoType !== GSO_NONE) {
        this.#count(COUNTER.dropRecord);
        continue;
      }
      this.virtio = virtio;
      this.frame = record + RECORD_BYTES;
      this.length = length;
      this.gid = (this.#counterLow - this.headers.k) | 0;
      return true;
    }
    return false;
  }

  /** Gives up records whose parts do not come; about once a second. */
  tick(now: Millis): void {
    this.#fragments.expire(now);
  }

  /** Forgets the parts of a peer's records: the peer is gone. */
  forget(peer: number): void {
    this.#fragments.forget(peer);
  }

  #drop(counter: number): number {
    this.#count(counter);
    return RECEIVED.NOTHING;
  }

  /** Opens what is sealed and notes that it was seen. @returns false if it was dropped and counted */
  #open(key: IncomingKey, segment: number, body: number, length: number): boolean {
    const view = this.#view;
    const { key: opening, window } = key;
    if (opening === undefined || window === undefined) {
      this.#count(COUNTER.dropNoKey);
      return false;
    }
    const high = segmentCounterHigh(view, segment);
    const low = segmentCounterLow(view, segment);
    if (!window.fresh(high, low) && !this.rehearses) {
      this.#count(COUNTER.dropReplayed);
      return false;
    }
    writeSegmentNonce(view, this.#nonce, key.salt, segment);
    if (!opening.open(this.#nonce, body, body, length, body + length)) {
      this.#count(COUNTER.dropBadTag);
      return false;
    }
    if (!this.rehearses) window.mark(high, low);
    return true;
  }

  #records(body: number, length: number): number {
    if (length === 0) return this.#drop(COUNTER.dropMalformed);
    this.#at = body;
    this.#end = body + length;
    return RECEIVED.RECORDS;
  }

  #fragment(key: IncomingKey, now: Millis): number {
    const fragments = this.#fragments;
    if (!fragments.add(key.peer, this.body, this.bodyLength, now)) return RECEIVED.NOTHING;
    this.isTransient = true;
    this.#at = fragments.offset;
    this.#end = fragments.offset + fragments.length;
    return RECEIVED.RECORDS;
  }
}
