/**
 * What containers send, at random: superframes of all kinds, single frames with and without checksums, odd ones.
 *
 * @module
 */

import { concat } from "../../base/mod.ts";
import { buildFrame, buildSuperframe, type FrameSpec, layoutOf } from "./frames.ts";

/** Makes one TAP read after the other; each frame in it is unlike all others. */
export class TapReads {
  readonly #roll: () => number;
  #serial = 0;

  /** Takes dice. */
  constructor(roll: () => number) {
    this.#roll = roll;
  }

  /** Returns a virtio header and a frame or superframe. */
  next(): Uint8Array {
    switch (this.below(8)) {
      case 0:
      case 1:
      case 2:
        return buildSuperframe(this.#spec(false, 8_000), 48 + this.below(1_250));
      case 3:
        return this.#uso();
      case 4:
        return this.#partial(this.#spec(this.#chance(0.5), 1_200));
      case 5:
        return concat(new Uint8Array(10), this.#padded());
      case 6:
        return this.#other();
      default:
        return concat(new Uint8Array(10), buildFrame(this.#spec(this.#chance(0.5), 300)));
    }
  }

  /** Returns a number from 0 to below `n`. */
  below(n: number): number {
    return Math.floor(this.#roll() * n);
  }

  #chance(share: number): boolean {
    return this.#roll() < share;
  }

  #payload(most: number): Uint8Array {
    const payload = new Uint8Array(8 + this.below(most));
    for (let i = 0; i < payload.length; i++) payload[i] = this.below(256);
    new DataView(payload.buffer).setUint32(0, ++this.#serial);
    return payload;
  }

  #words(most: number): Uint8Array {
    return this.#chance(0.5) ? new Uint8Array(0) : new Uint8Array(4 * this.below(most)).fill(1);
  }

  #spec(udp: boolean, most: number): FrameSpec {
    return {
      udp,
      ipv6: this.#chance(0.4),
      tags: this.#chance(0.2) ? 1 + this.below(2) : 0,
      ipOptions: this.#words(10),
      options: this.#words(10),
      id: this.below(0x10000),
      df: this.#chance(0.5),
      tos: this.below(256),
      sequence: this.below(0x1_0000_0000),
      // All but SYN, RST, URG.
      flags: this.below(256) & 0xd9,
      host: this.below(3),
      port: 40_000 + this.below(3),
      payload: this.#payload(most),
    };
  }

  #uso(): Uint8Array {
    const gsoSize = 48 + this.below(1_200);
    return buildSuperframe(this.#spec(true, Math.min(30_000, 63 * gsoSize)), gsoSize);
  }

  /** A frame whose checksum is left to somebody else; sometimes several of equal size in one flow follow each other. */
  #partial(spec: FrameSpec): Uint8Array {
    const equal = spec.udp && this.#chance(0.8)
      ? { ...spec, ipOptions: new Uint8Array(0), tags: 0, tos: 0, ipv6: false, port: 1, host: 1 }
      : spec;
    const payload = equal === spec ? spec.payload : this.#payload(0);
    const read = buildSuperframe({ ...equal, df: true, payload }, 1);
    read[1] = 0;
    read.fill(0, 2, 6);
    return read;
  }

  #padded(): Uint8Array {
    const frame = buildFrame({
      ...this.#spec(false, 1),
      ipv6: false,
      tags: 0,
      payload: Uint8Array.of(),
    });
    const { header } = layoutOf({ payload: new Uint8Array(0) });
    new DataView(frame.buffer).setUint32(header - 4, ++this.#serial);
    return concat(frame, new Uint8Array(Math.max(0, 60 - frame.length)));
  }

  /** ARP and what nobody knows. */
  #other(): Uint8Array {
    const frame = concat(new Uint8Array(12).fill(0xff), Uint8Array.of(8, 6), this.#payload(40));
    return concat(new Uint8Array(10), frame);
  }
}
