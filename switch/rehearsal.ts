/**
 * Goes the ways of the last small frames once more, without effect: the next ones then find code and tables in the CPU's caches.
 *
 * ```
 *   out    the frame that the bridge gave   -> inspect -> decide -> seal -> outbox, which is emptied again
 *   in     a copy of the segment that came  -> open -> records, which nobody takes
 *   echo   a byte to our own socket         -> the kernel's way out and in; the loop drops it
 * ```
 *
 * What changes: a counter of the sending key moves on, as if the network had lost a segment, and the source address of a frame
 * that came some milliseconds ago was seen again. Nothing is sent, injected or counted as traffic, and what was rehearsed does
 * not count as received: a real copy of it is still a replay.
 *
 * @module
 */

import type { Millis } from "../base/mod.ts";
import { DROP, type Forwarding, INDEX, SEND as TO_PEER } from "./forwarding.ts";
import { type Slab, VIRTIO_HEADER_BYTES } from "./frame.ts";
import type { CopyBytes } from "./offload.ts";
import type { Outbox } from "./outbox.ts";
import { PAIR } from "./shuttle/mod.ts";
import type { ShuttleStage } from "./shuttle_stage.ts";
import { SEGMENT } from "./wire/shuttle_segment.ts";

/** Answers, handshakes and questions are shorter. What is longer is bulk, which has no cold caches. */
const SMALL_BYTES = 512;

/** The way of a frame that the bridge gave. */
export interface CapturedFrames {
  /** What is captured only goes its way once more. */
  rehearses: boolean;
  /** Takes a frame. @param offset of its virtio header */
  captured(offset: number, length: number, now: Millis): void;
  /** Finishes what is under construction. */
  close(): void;
}

/** What it works with. */
export interface RehearsalParts {
  /** Memory of all frames. */
  readonly slab: Slab;
  /** Copies bytes in the slab. */
  readonly copy: CopyBytes;
  /** Who lives where. */
  readonly forwarding: Pick<Forwarding, "decideCaptured">;
  /** The way from the bridge. */
  readonly traffic: CapturedFrames;
  /** The way of segments. */
  readonly shuttle: Pick<ShuttleStage, "receive" | "record" | "pairs">;
  /** Where captured frames end. */
  readonly outbox: Outbox;
  /** Sends a byte to our own socket. */
  readonly echo: () => void;
}

/** Remembers the last small frame of each direction. */
export class Rehearsal {
  readonly #parts: RehearsalParts;
  readonly #kept: number;
  readonly #scratch: number;
  #capturedAt = 0;
  #capturedLength = 0;
  #arrivedLength = 0;
  #arrivingLength = 0;
  #source = -1;

  /** Sets room for two small segments aside in the slab. */
  constructor(parts: RehearsalParts) {
    this.#parts = parts;
    this.#kept = parts.slab.alloc(SMALL_BYTES, 64);
    this.#scratch = parts.slab.alloc(SMALL_BYTES, 64);
  }

  // hot path
  /**
   * Notes what the bridge gave.
   *
   * @param offset of its virtio header, in a buffer that stays as it is until the next frame is noted
   * @param length bytes, virtio header included
   */
  captured(offset: number, length: number): void {
    this.#capturedAt = offset;
    this.#capturedLength = length <= SMALL_BYTES ? length : 0;
  }

  // hot path
  /** Copies a segment that will be opened in place. @param source address slot of the link that it came from, -1 for none */
  arrives(segment: number, length: number, source: number): void {
    this.#arrivedLength = 0;
    this.#arrivingLength = length <= SMALL_BYTES && source >= 0 ? length : 0;
    this.#source = source;
    if (this.#arrivingLength > 0) this.#parts.copy(this.#kept, segment, length);
  }

  // hot path
  /** Notes that the segment which arrived last has whole records: only then is it worth to be opened again. */
  opened(): void {
    const { record } = this.#parts.shuttle;
    this.#arrivedLength = record.type === SEGMENT.DATA ? this.#arrivingLength : 0;
  }

  /** Forgets both frames: keys or peers may be others now. */
  forget(): void {
    this.#capturedLength = 0;
    this.#arrivedLength = 0;
  }

  // hot path
  /** Goes all ways; what the echo brings has to be read from the socket. Not while something waits to be sent. */
  run(now: Millis): void {
    if (!this.#parts.outbox.empty) return;
    this.#send(now);
    this.#receive(now);
    this.#parts.echo();
  }

  #send(now: Millis): void {
    const length = this.#capturedLength;
    if (length === 0) return;
    const { slab, forwarding, traffic, shuttle, outbox } = this.#parts;
    const at = this.#capturedAt;
    const decision = forwarding.decideCaptured(
      slab.view,
      at + VIRTIO_HEADER_BYTES,
      length - VIRTIO_HEADER_BYTES,
      now,
    );
    if ((decision & (DROP | TO_PEER)) !== TO_PEER) return;
    if (shuttle.pairs.status(decision & INDEX) !== PAIR.USABLE) return;
    traffic.rehearses = true;
    traffic.captured(at, length, now);
    traffic.rehearses = false;
    traffic.close();
    outbox.sent(outbox.count - outbox.first);
  }

  #receive(now: Millis): void {
    const length = this.#arrivedLength;
    if (length === 0) return;
    const { copy, shuttle } = this.#parts;
    const { record } = shuttle;
    copy(this.#scratch, this.#kept, length);
    record.rehearses = true;
    if (shuttle.receive(this.#scratch, length, this.#source, now)) { while (record.next()); }
    record.rehearses = false;
  }
}
