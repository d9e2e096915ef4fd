/**
 * Bodies become segments in the outbox: header, counter, cipher, tag.
 *
 * ```
 *   body in the slab  --seal: the cipher is the copy-->  | header 16 | ciphertext | tag 16 |     in the outbox
 *                     --in clear: copied-------------->  | header 16 | body |
 * ```
 *
 * The counter is taken when the segment is written and never given back, whatever happens then: a nonce is used once.
 *
 * @module
 */

import { COUNTER } from "../contract.ts";
import type { Slab } from "../frame.ts";
import type { CopyBytes } from "../offload.ts";
import type { Outbox } from "../outbox.ts";
import {
  PLAIN_STEP,
  SEGMENT_HEADER_BYTES,
  SEGMENT_NONCE_BYTES,
  SEGMENT_TAG_BYTES,
  writeSegmentHeader,
  writeSegmentNonce,
} from "../wire/shuttle_segment.ts";
import { advance, isUsedUp, type OutgoingKey } from "./keys.ts";

/** What the writer works with. */
export interface WriterParts {
  /** Memory that all offsets refer to. */
  readonly slab: Slab;
  /** Takes finished segments; no datagram may be under construction in it when the writer is called. */
  readonly outbox: Outbox;
  /** Copies bytes in the slab. */
  readonly copy: CopyBytes;
  /** Sends what is in the outbox, so that there is room again; does not call the writer. */
  readonly makeRoom: () => void;
}

/** Returns the largest body of a segment to that peer. hot path */
export function bodyBytes(pair: OutgoingKey): number {
  const tag = pair.key === undefined ? 0 : SEGMENT_TAG_BYTES;
  return pair.segmentBytes - SEGMENT_HEADER_BYTES - tag;
}

/** Writes segments; one for all pairs. */
export class SegmentWriter {
  /** Why the last segment was not written: the cell of its counter. */
  fault = 0;
  readonly #view: DataView;
  readonly #outbox: Outbox;
  readonly #copy: CopyBytes;
  readonly #makeRoom: () => void;
  readonly #nonce: number;

  /** Sets a nonce aside in the slab. */
  constructor(parts: WriterParts) {
    this.#view = parts.slab.view;
    this.#outbox = parts.outbox;
    this.#copy = parts.copy;
    this.#makeRoom = parts.makeRoom;
    this.#nonce = parts.slab.alloc(SEGMENT_NONCE_BYTES);
  }

  /**
   * Writes one segment to the next hop of a pair. hot path
   *
   * @param type a sealed one of `SEGMENT`; in clear the one beside it is taken
   * @param body where the body lies, outside the outbox
   * @returns false if it was not: `fault` says why
   */
  write(pair: OutgoingKey, type: number, body: number, length: number): boolean {
    const segment = this.#begin(pair, type, length);
    if (segment < 0 || !this.#fill(pair, segment, body, length)) return false;
    this.#finish(pair, length, pair.slot, true);
    return true;
  }

  /** Writes one segment that travels alone, to any address; otherwise as {@link write}. */
  writeAlone(
    pair: OutgoingKey,
    type: number,
    body: number,
    length: number,
    slot: number,
  ): boolean {
    const segment = this.#begin(pair, type, length);
    if (segment < 0 || !this.#fill(pair, segment, body, length)) return false;
    this.#finish(pair, length, slot, false);
    return true;
  }

  /** Writes one segment in clear whose body lies in two places. hot path @returns as {@link write} */
  writeClear(
    pair: OutgoingKey,
    type: number,
    head: number,
    headLength: number,
    rest: number,
    restLength: number,
  ): boolean {
    const segment = this.#begin(pair, type, headLength + restLength);
    if (segment < 0) return false;
    const output = segment + SEGMENT_HEADER_BYTES;
    this.#copy(output, head, headLength);
    this.#copy(output + headLength, rest, restLength);
    this.#finish(pair, headLength + restLength, pair.slot, true);
    return true;
  }

  /** Makes room and writes the header. @returns where the segment is, -1 if it cannot be */
  #begin(pair: OutgoingKey, type: number, length: number): number {
    const { key, counter } = pair;
    if (key !== undefined && isUsedUp(counter)) {
      this.fault = COUNTER.dropKeyUsedUp;
      return -1;
    }
    const whole = SEGMENT_HEADER_BYTES + length + SEGMENT_TAG_BYTES;
    let at = this.#outbox.reserve(whole);
    if (at < 0) {
      this.#makeRoom();
      at = this.#outbox.reserve(whole);
    }
    if (at < 0) {
      this.fault = COUNTER.dropOutboxFull;
      return -1;
    }
    writeSegmentHeader(
      this.#view,
      at,
      key === undefined ? type + PLAIN_STEP : type,
      pair.destination,
      pair.origin,
      pair.keyId,
      counter[0] ?? 0,
      counter[1] ?? 0,
    );
    advance(counter);
    return at;
  }

  #fill(pair: OutgoingKey, segment: number, body: number, length: number): boolean {
    const output = segment + SEGMENT_HEADER_BYTES;
    const { key } = pair;
    if (key === undefined) {
      this.#copy(output, body, length);
      return true;
    }
    writeSegmentNonce(this.#view, this.#nonce, pair.salt, segment);
    if (key.seal(this.#nonce, body, output, length, output + length)) return true;
    this.#outbox.cancel();
    this.fault = COUNTER.dropCipher;
    return false;
  }

  #finish(pair: OutgoingKey, length: number, slot: number, joinable: boolean): void {
    const tag = pair.key === undefined ? 0 : SEGMENT_TAG_BYTES;
    const whole = SEGMENT_HEADER_BYTES + length + tag;
    this.#outbox.commit(whole, slot, true, joinable, pair.trainSegments);
  }
}
