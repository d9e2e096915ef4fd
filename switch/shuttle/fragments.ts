/**
 * Records that are larger than a segment and may not be dropped, in parts (spec/dataplane.md 8.4).
 *
 * ```
 *   body of a fragment   0 id 2 | 2 index 1 | 3 count 1 | 4 part of the record      all parts but the last are equal
 *
 *   place    | part 0 | part 1 | ..      | last |     the last waits at the end until the size of the others is known
 * ```
 *
 * Big-endian. Bounded: a second per record, eight records at once, two of one peer; who begins another pushes out the peer's
 * oldest, or the oldest of all.
 *
 * @module
 */

import type { Millis } from "../../base/mod.ts";
import { COUNTER } from "../contract.ts";
import { type Slab, SUPERFRAME_BYTES } from "../frame.ts";

/** Bytes before the part. */
export const FRAGMENT_BYTES = 4;

/** Most parts of a record: the count is one byte. */
export const MOST_FRAGMENTS = 255;

/** Time for all parts to come. */
export const FRAGMENT_TIMEOUT_MS = 1_000;

/** Records at once: half a megabyte. */
const PLACES = 8;

/** Records at once from one peer: the one that comes and the one that lost a part. */
const PLACES_PER_PEER = 2;

const SEEN_WORDS = 8;

/** Writes the header of a part. */
export function writeFragmentHeader(
  view: DataView,
  at: number,
  id: number,
  index: number,
  count: number,
): void {
  view.setUint16(at, id);
  view.setUint8(at + 2, index);
  view.setUint8(at + 3, count);
}

/** One record that is being put together. */
interface Place {
  readonly offset: number;
  /** Peer, or -1 if the place is free. */
  peer: number;
  id: number;
  count: number;
  /** Bytes of each part but the last; 0 before one came. */
  step: number;
  /** Bytes of the last part; 0 before it came. */
  last: number;
  missing: number;
  begun: Millis;
  readonly seen: Int32Array;
}

/** Puts records together again, for all peers. */
export class Fragments {
  /** Where the record lies that {@link add} completed, until the next call. */
  offset = 0;
  /** Its bytes. */
  length = 0;
  readonly #slab: Slab;
  readonly #count: (counter: number, by?: number) => void;
  readonly #places: readonly Place[];

  /**
   * Sets its places aside in the slab.
   *
   * @param count adds to a counter of `contract.ts`
   */
  constructor(slab: Slab, count: (counter: number, by?: number) => void) {
    this.#slab = slab;
    this.#count = count;
    this.#places = Array.from({ length: PLACES }, () => ({
      offset: slab.alloc(SUPERFRAME_BYTES, 64),
      peer: -1,
      id: 0,
      count: 0,
      step: 0,
      last: 0,
      missing: 0,
      begun: 0,
      seen: new Int32Array(SEEN_WORDS),
    }));
  }

  /** Bytes that it takes from a slab. */
  static readonly SLAB_BYTES: number = PLACES * SUPERFRAME_BYTES;

  /**
   * Takes a part.
   *
   * @param peer who sent it
   * @param body of the segment: header and part
   * @returns true if the record is whole: `offset` and `length` say where, until the next call
   */
  add(peer: number, body: number, length: number, now: Millis): boolean {
    this.expire(now);
    const { view } = this.#slab;
    const size = length - FRAGMENT_BYTES;
    if (size <= 0) return this.#refuse();
    const id = view.getUint16(body);
    const index = view.getUint8(body + 2);
    const count = view.getUint8(body + 3);
    if (count < 2 || index >= count || size > SUPERFRAME_BYTES) return this.#refuse();
    const place = this.#find(peer, id) ?? this.#begin(peer, id, count, now);
    if (place.count !== count || !this.#fits(place, index, size)) return this.#refuse();
    const word = index >>> 5;
    const bit = 1 << (index & 31);
    if (((place.seen[word] ?? 0) & bit) !== 0) return this.#refuse();
    place.seen[word] = (place.seen[word] ?? 0) | bit;
    place.missing--;
    const isLast = index === count - 1;
    const at = isLast ? SUPERFRAME_BYTES - size : index * size;
    if (isLast) place.last = size;
    else place.step = size;
    const from = body + FRAGMENT_BYTES;
    this.#slab.bytes.copyWithin(place.offset + at, from, from + size);
    return place.missing === 0 && this.#complete(place);
  }

  /** Gives up records whose parts do not come. */
  expire(now: Millis): void {
    for (const place of this.#places) {
      if (place.peer >= 0 && now - place.begun > FRAGMENT_TIMEOUT_MS) this.#giveUp(place);
    }
  }

  /** Forgets what a peer began. */
  forget(peer: number): void {
    for (const place of this.#places) if (place.peer === peer) place.peer = -1;
  }

  #refuse(): false {
    this.#count(COUNTER.dropFragment);
    return false;
  }

  #find(peer: number, id: number): Place | undefined {
    return this.#places.find((place) => place.peer === peer && place.id === id);
  }

  #begin(peer: number, id: number, count: number, now: Millis): Place {
    const own = this.#places.filter((place) => place.peer === peer);
    const free = this.#places.find((place) => place.peer < 0);
    let place = own.length < PLACES_PER_PEER ? free : undefined;
    if (place === undefined) {
      const candidates = own.length < PLACES_PER_PEER ? this.#places : own;
      place = candidates.reduce((a, b) => b.begun < a.begun ? b : a);
      this.#giveUp(place);
    }
    Object.assign(place, { peer, id, count, step: 0, last: 0, missing: count, begun: now });
    place.seen.fill(0);
    return place;
  }

  /** Tells whether a part is as long as it has to be. */
  #fits(place: Place, index: number, size: number): boolean {
    const isLast = index === place.count - 1;
    const step = isLast ? place.step : size;
    const last = isLast ? size : place.last;
    if (!isLast && place.step !== 0 && place.step !== size) return false;
    return (place.count - 1) * step + last <= SUPERFRAME_BYTES;
  }

  #giveUp(place: Place): void {
    place.peer = -1;
    this.#count(COUNTER.fragmentTimeouts);
  }

  #complete(place: Place): true {
    const end = (place.count - 1) * place.step;
    const from = place.offset + SUPERFRAME_BYTES - place.last;
    this.#slab.bytes.copyWithin(place.offset + end, from, from + place.last);
    this.offset = place.offset;
    this.length = end + place.last;
    place.peer = -1;
    return true;
  }
}
