/**
 * The way of frames to the bridge: joined where they belong together, fragmented or refused where the bridge would drop them.
 *
 * ```
 *   offer(frame) -> fits the bridge? -> joiner -> flush -> one writev for a superframe, one write for a frame
 *                   IPv4 without DF  -> fragments, a write each
 *                   else             -> its limit is returned: answer with ICMP
 *   offerRecord  -> fits the bridge? -> piece joiner -> flush -> the same
 *                   else             -> made a real frame, then as above
 * ```
 *
 * Frames of tunnels and records of shuttle are joined apart; what came first is written first.
 *
 * @module
 */

import { type Arena, ERRNO, setIovec, type Tap, TUN_F } from "../ffi/mod.ts";
import { bridgeMtuVerdict, MTU_VERDICT } from "./bridge_mtu.ts";
import { COUNTER } from "./contract.ts";
import { SUPERFRAME_BYTES, VIRTIO_HEADER_BYTES } from "./frame.ts";
import { JOIN_FRAMES, Joiner } from "./joiner.ts";
import { INSPECT_OK, type Offload } from "./offload.ts";
import { PIECE_IOVECS, PieceJoiner, type ReceivedRecord } from "./shuttle/mod.ts";
import { writePlainVirtio } from "./virtio.ts";
import { ethernetHeaderLength, etherType, ETHERTYPE_IPV6 } from "./wire/ethernet.ts";
import { fragmentPayloadBytes, fragmentStep, writeFragment } from "./wire/fragment.ts";
import { writeFragmentationNeeded } from "./wire/icmp.ts";
import { PACKET_TOO_BIG_BYTES, writePacketTooBig } from "./wire/icmpv6.ts";

const IOVEC_BYTES = 16;
const IOVECS = Math.max(JOIN_FRAMES, PIECE_IOVECS);
/** Room before a frame that we make, for the virtio header. */
const HEADROOM_BYTES = 64;

/** Arena that {@link Injector} needs, in bytes. */
export const INJECTOR_ARENA_BYTES = IOVECS * IOVEC_BYTES + 2 * SUPERFRAME_BYTES +
  PACKET_TOO_BIG_BYTES + 3 * HEADROOM_BYTES + 512;

/** What an injector needs of a TAP. */
export type InjectorTap = Pick<Tap, "offloads" | "write" | "writev">;

/** Writes frames to the TAP. */
export class Injector {
  /** Where {@link Injector.tooBig} writes its answer. */
  readonly answer: number;
  /** Where the frame is whose limit {@link Injector.offerRecord} returned. */
  readonly rejected: number;
  /** Its length. */
  rejectedLength = 0;
  readonly #arena: Arena;
  readonly #tap: InjectorTap;
  readonly #mtuBytes: number;
  readonly #count: (counter: number, by?: number) => void;
  readonly #joiner: Joiner;
  readonly #pieces: PieceJoiner;
  readonly #offload: Offload;
  readonly #iovecs: number;
  readonly #piece: number;
  /** What waits began before this batch. */
  #old = false;

  /**
   * @param arena memory of all frames
   * @param tap where they go
   * @param mtuBytes MTU of the bridge
   * @param offload makes real frames of records that are too long
   * @param count adds to a counter of `contract.ts`
   */
  constructor(
    arena: Arena,
    tap: InjectorTap,
    mtuBytes: number,
    offload: Offload,
    count: (counter: number, by?: number) => void,
  ) {
    this.#arena = arena;
    this.#tap = tap;
    this.#mtuBytes = mtuBytes;
    this.#count = count;
    this.#offload = offload;
    const offloads = {
      tso: (tap.offloads & TUN_F.TSO4) !== 0,
      uso: (tap.offloads & TUN_F.USO4) !== 0,
    };
    this.#joiner = new Joiner(arena, offloads);
    this.#pieces = new PieceJoiner(arena.view, { ...offloads, mtuBytes });
    this.#iovecs = arena.alloc(IOVECS * IOVEC_BYTES);
    this.rejected = arena.alloc(SUPERFRAME_BYTES + HEADROOM_BYTES, 64) + HEADROOM_BYTES;
    this.#piece = arena.alloc(SUPERFRAME_BYTES + HEADROOM_BYTES, 64) + HEADROOM_BYTES;
    this.answer = arena.alloc(PACKET_TOO_BIG_BYTES + HEADROOM_BYTES, 64) + HEADROOM_BYTES;
  }

  /**
   * Takes a finished frame for the bridge; it must stay where it is until {@link Injector.flush}. hot path
   *
   * @param offset of the frame; the 10 bytes before it are overwritten
   * @param length its bytes, at least 14
   * @param vouched it was authenticated on its way
   * @returns 0, or the MTU that its origin must be told of: the frame was dropped and counted
   */
  offer(offset: number, length: number, vouched: boolean): number {
    if (length > this.#mtuBytes + 14) {
      const verdict = bridgeMtuVerdict(this.#arena.view, offset, length, this.#mtuBytes);
      if (verdict !== MTU_VERDICT.FITS) return this.#oversized(offset, length, verdict);
    }
    if (this.#pieces.records > 0) this.#write(this.#pieces, this.#pieces.flush());
    if (this.#joiner.offer(offset, length, vouched)) return 0;
    this.flush();
    this.#joiner.offer(offset, length, vouched);
    return 0;
  }

  /**
   * Takes a record of shuttle, which has been checked; it must stay where it is until {@link Injector.flush}. hot path
   *
   * @returns 0, or the MTU that its origin must be told of: the frame was dropped and counted, and is at `rejected`
   */
  offerRecord(record: ReceivedRecord): number {
    const pieces = this.#pieces;
    if (pieces.isTooLong(record)) return this.#tooLong(record);
    if (this.#joiner.frames > 0) this.#write(this.#joiner, this.#joiner.flush());
    if (pieces.offer(record)) return 0;
    this.#write(pieces, pieces.flush());
    pieces.offer(record);
    return 0;
  }

  /** Notes that what is offered from now on lies elsewhere: what waits already is old. hot path */
  beginBatch(): void {
    this.#old = this.waits;
  }

  /**
   * Writes what waits to be joined, unless it may go on in the next batch. hot path
   *
   * @param goesOn another batch is there already
   * @returns whether something of this batch waits; what came before has been written
   */
  endBatch(goesOn: boolean): boolean {
    if (!goesOn || this.#old) this.flush();
    return this.waits;
  }

  /** Whether something waits to be joined. hot path */
  get waits(): boolean {
    return this.#joiner.frames > 0 || this.#pieces.records > 0;
  }

  /** Writes what waits to be joined. hot path */
  flush(): void {
    this.#write(this.#joiner, this.#joiner.flush());
    this.#write(this.#pieces, this.#pieces.flush());
  }

  #write(joiner: Joiner | PieceJoiner, pieces: number): void {
    if (pieces === 0) return;
    this.#old = false;
    if (pieces === 1) return this.#done(this.#tap.write(joiner.offsets[0] ?? 0, joiner.totalBytes));
    for (let i = 0; i < pieces; i++) {
      setIovec(
        this.#arena,
        this.#iovecs + i * IOVEC_BYTES,
        joiner.offsets[i] ?? 0,
        joiner.lengths[i] ?? 0,
      );
    }
    this.#done(this.#tap.writev(this.#iovecs, pieces));
  }

  /** Writes one frame at once, behind all that waits. */
  write(offset: number, length: number): void {
    this.flush();
    writePlainVirtio(this.#arena.view, offset - VIRTIO_HEADER_BYTES);
    this.#done(this.#tap.write(offset - VIRTIO_HEADER_BYTES, length + VIRTIO_HEADER_BYTES));
  }

  /**
   * Writes the ICMP or ICMPv6 answer to a frame that is too big at {@link Injector.answer}.
   *
   * @param mtuBytes what would fit
   * @returns length of the answer, 0 where the rules forbid one
   */
  tooBig(offset: number, length: number, mtuBytes: number): number {
    const { view } = this.#arena;
    const network = ethernetHeaderLength(view, offset, length);
    if (network > 0 && etherType(view, offset, network) === ETHERTYPE_IPV6) {
      return writePacketTooBig(view, offset, length, mtuBytes, this.answer);
    }
    return writeFragmentationNeeded(this.#arena, offset, length, mtuBytes, this.answer);
  }

  #oversized(offset: number, length: number, verdict: number): number {
    const step = verdict === MTU_VERDICT.FRAGMENT
      ? fragmentStep(this.#arena.view, offset, length, this.#mtuBytes)
      : 0;
    if (step === 0) {
      this.#count(COUNTER.dropTooBig);
      return verdict === MTU_VERDICT.TOO_BIG ? 0 : this.#mtuBytes;
    }
    const payload = fragmentPayloadBytes(this.#arena.view, offset);
    for (let position = 0; position < payload; position += step) {
      this.write(this.#piece, writeFragment(this.#arena, offset, position, step, this.#piece));
    }
    return 0;
  }

  /** The kernel cuts no such frame for the bridge: a real frame is made of it, and goes the way of such. */
  #tooLong(record: ReceivedRecord): number {
    this.flush();
    const pieces = this.#pieces;
    pieces.offer(record);
    pieces.flush();
    const fault = this.#offload.inspect(pieces.offsets[0] ?? 0, pieces.totalBytes);
    if (fault !== INSPECT_OK) {
      this.#count(fault);
      return 0;
    }
    let limit = 0;
    for (let k = 0; k < this.#offload.pieces; k++) {
      const length = this.#offload.writePiece(k, this.rejected);
      this.rejectedLength = length;
      limit = this.offer(this.rejected, length, true);
      // The next one is made in the same place.
      this.flush();
    }
    return limit;
  }

  #done(result: number): void {
    if (result > 0) {
      this.#count(COUNTER.tapWrites);
      this.#count(COUNTER.tapWriteBytes, result);
    } else if (result !== -ERRNO.EINTR) this.#count(COUNTER.dropTap);
  }
}
