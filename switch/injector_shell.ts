/**
 * The way of frames to the bridge: joined where they belong together, fragmented or refused where the bridge would drop them.
 *
 * ```
 *   offer(frame) -> fits the bridge? -> joiner -> flush -> one writev for a superframe, one write for a frame
 *                   IPv4 without DF  -> fragments, a write each
 *                   else             -> its limit is returned: answer with ICMP
 * ```
 *
 * @module
 */

import { type Arena, ERRNO, setIovec, type Tap, TUN_F } from "../ffi/mod.ts";
import { bridgeMtuVerdict, MTU_VERDICT } from "./bridge_mtu.ts";
import { COUNTER } from "./contract.ts";
import { SUPERFRAME_BYTES, VIRTIO_HEADER_BYTES } from "./frame.ts";
import { JOIN_FRAMES, Joiner } from "./joiner.ts";
import { writePlainVirtio } from "./virtio.ts";
import { ethernetHeaderLength, etherType, ETHERTYPE_IPV6 } from "./wire/ethernet.ts";
import { fragmentPayloadBytes, fragmentStep, writeFragment } from "./wire/fragment.ts";
import { writeFragmentationNeeded } from "./wire/icmp.ts";
import { PACKET_TOO_BIG_BYTES, writePacketTooBig } from "./wire/icmpv6.ts";

const IOVEC_BYTES = 16;
/** Room before a frame that we make, for the virtio header. */
const HEADROOM_BYTES = 64;

/** Arena that {@link Injector} needs, in bytes. */
export const INJECTOR_ARENA_BYTES = JOIN_FRAMES * IOVEC_BYTES + SUPERFRAME_BYTES +
  PACKET_TOO_BIG_BYTES + 2 * HEADROOM_BYTES + 512;

/** Writes frames to the TAP. */
export class Injector {
  /** Where {@link Injector.tooBig} writes its answer. */
  readonly answer: number;
  readonly #arena: Arena;
  readonly #tap: Tap;
  readonly #mtuBytes: number;
  readonly #count: (counter: number, by?: number) => void;
  readonly #joiner: Joiner;
  readonly #iovecs: number;
  readonly #piece: number;

  /**
   * @param arena memory of all frames
   * @param tap where they go
   * @param mtuBytes MTU of the bridge
   * @param count adds to a counter of `contract.ts`
   */
  constructor(
    arena: Arena,
    tap: Tap,
    mtuBytes: number,
    count: (counter: number, by?: number) => void,
  ) {
    this.#arena = arena;
    this.#tap = tap;
    this.#mtuBytes = mtuBytes;
    this.#count = count;
    this.#joiner = new Joiner(arena, {
      tso: (tap.offloads & TUN_F.TSO4) !== 0,
      uso: (tap.offloads & TUN_F.USO4) !== 0,
    });
    this.#iovecs = arena.alloc(JOIN_FRAMES * IOVEC_BYTES);
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
    if (this.#joiner.offer(offset, length, vouched)) return 0;
    this.flush();
    this.#joiner.offer(offset, length, vouched);
    return 0;
  }

  /** Writes what waits to be joined. hot path */
  flush(): void {
    const joiner = this.#joiner;
    const pieces = joiner.flush();
    if (pieces === 0) return;
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

  #done(result: number): void {
    if (result > 0) {
      this.#count(COUNTER.tapWrites);
      this.#count(COUNTER.tapWriteBytes, result);
    } else if (result !== -ERRNO.EINTR) this.#count(COUNTER.dropTap);
  }
}
