/**
 * Segments for others: on to the next hop, the train as it came (spec/shuttle.md 4).
 *
 * ```
 *   train received   | A | A | A | B | B |        runs of one destination
 *   trains sent      | A | A | A |  | B | B |     hops - 1, nothing else is touched
 * ```
 *
 * A relay believes nothing and opens nothing. It passes on what comes from the address of an established link, never back to
 * where it came from, never in clear where there is a password.
 *
 * A core: the loop gives it segment after segment, and says when a train ends.
 *
 * @module
 */

import { COUNTER } from "../contract.ts";
import type { Slab } from "../frame.ts";
import type { Outbox } from "../outbox.ts";
import {
  isPlainType,
  MAX_HOPS,
  SEGMENT,
  segmentDestination,
  segmentHops,
  segmentIsWhole,
  segmentType,
  setSegmentHops,
} from "../wire/shuttle_segment.ts";

/** What a relay works with. */
export interface RelayParts {
  /** Memory that all offsets refer to. */
  readonly slab: Slab;
  /** Takes trains. */
  readonly outbox: Outbox;
  /** Adds to a counter of `contract.ts`. */
  readonly count: (counter: number, by?: number) => void;
  /** Ends what is under construction in the outbox. */
  readonly beforeWrite: () => void;
  /** Sends what is in the outbox, so that there is room again. */
  readonly makeRoom: () => void;
  /** Segments in clear are passed on: there is no password. */
  readonly clear: boolean;
  /** Returns the address slot of the next hop to a short id, -1 if there is none but back to the source. */
  readonly route: (destination: number, source: number) => number;
}

/** Passes segments on. */
export class ShuttleRelay {
  readonly #parts: RelayParts;
  // The run at hand: segments of equal size, one behind the other, that go the same way.
  #begin = 0;
  #end = 0;
  #segment = 0;
  #destination = -1;
  #slot = -1;

  /** Begins with nothing at hand. */
  constructor(parts: RelayParts) {
    this.#parts = parts;
  }

  /**
   * Takes one segment, which stays where it is until the outbox has sent or kept it. hot path
   *
   * @param source address slot of the established link that it came from, -1 for none
   */
  take(segment: number, length: number, source: number): void {
    const { slab: { view }, count, clear, route } = this.#parts;
    if (source < 0) return count(COUNTER.dropUnknownSender);
    if (!segmentIsWhole(view, segment, length)) return count(COUNTER.dropMalformed);
    const type = segmentType(view, segment);
    if (type === SEGMENT.LINK_PROBE) return count(COUNTER.dropNoRoute);
    if (isPlainType(type) && !clear) return count(COUNTER.dropNoKey);
    const hops = segmentHops(view, segment);
    // With one hop left the next one would have to drop it.
    if (hops < 2 || hops > MAX_HOPS) return count(COUNTER.dropHops);
    setSegmentHops(view, segment, hops - 1);
    const destination = segmentDestination(view, segment);
    if (
      segment === this.#end && destination === this.#destination && length <= this.#segment
    ) {
      this.#end = segment + length;
      // A shorter one is the last of its train.
      if (length < this.#segment) this.end();
      return;
    }
    this.end();
    const slot = route(destination, source);
    if (slot < 0) return count(COUNTER.dropNoRoute);
    this.#begin = segment;
    this.#end = segment + length;
    this.#segment = length;
    this.#destination = destination;
    this.#slot = slot;
  }

  /** Lends the run at hand to the outbox; at the end of each train. hot path */
  end(): void {
    const length = this.#end - this.#begin;
    if (this.#destination < 0) return;
    this.#destination = -1;
    const { count, beforeWrite, makeRoom } = this.#parts;
    beforeWrite();
    const segments = Math.ceil(length / this.#segment);
    if (!this.#lend(length)) {
      makeRoom();
      if (!this.#lend(length)) return count(COUNTER.dropOutboxFull, segments);
    }
    count(COUNTER.framesRelayed, segments);
  }

  #lend(length: number): boolean {
    return this.#parts.outbox.lendTrain(this.#begin, length, this.#segment, this.#slot);
  }
}
