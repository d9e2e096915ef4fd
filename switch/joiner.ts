/**
 * Joins consecutive frames of one flow into a superframe for the TAP, as the kernel's GRO does.
 *
 * ```
 *   receive slots   | .. | frame 0 | .. | frame 1 | .. | frame 2 |        nothing is copied
 *   iovecs          | virtio 10, frame 0 | payload 1 | payload 2 |        one writev
 * ```
 *
 * One group is open at a time, and a frame that does not join closes it, so frames never overtake. The virtio header is
 * written into the bytes before the first frame, and the first frame's lengths, flags and checksum are changed: a frame
 * belongs to the joiner from `offer` to `flush`, so copies for others are made before.
 *
 * A superframe has a partial checksum: nobody behind us verifies it. So frames join only if the datagram was authenticated
 * (`vouched`) or their own checksum is right.
 *
 * @module
 */

import { type Slab, VIRTIO_HEADER_BYTES } from "./frame.ts";
import {
  GSO_ECN,
  GSO_TCPV4,
  GSO_TCPV6,
  GSO_UDP,
  writeGsoVirtio,
  writePlainVirtio,
} from "./virtio.ts";
import { FlowHeaders } from "./flow_headers.ts";
import { fold, foldPartial, sum16 } from "./wire/checksum.ts";
import { IPV4_DF, IPV4_HEADER_BYTES, IPV6_HEADER_BYTES } from "./wire/ip.ts";
import {
  FLAG_CWR,
  FLAG_FIN,
  FLAG_PSH,
  TCP_ACKNOWLEDGEMENT,
  TCP_CHECKSUM,
  TCP_FLAGS,
  TCP_HEADER_BYTES,
  TCP_SEQUENCE,
  UDP_CHECKSUM,
  UDP_LENGTH,
} from "./wire/transport.ts";

/** Most frames of a superframe, and so most iovecs; far below the kernel's 1024. */
export const JOIN_FRAMES = 256;

/** Most UDP datagrams of a superframe that every kernel takes (UDP_MAX_SEGMENTS). */
export const JOIN_DATAGRAMS = 64;

/** Most payload bytes of a superframe (spec/dataplane.md 6.4). */
export const JOIN_BYTES = 65_000;

/** What the TAP accepts. */
export interface JoinerOptions {
  /** TCP superframes (TUN_F_TSO4 and TSO6). */
  readonly tso: boolean;
  /** UDP superframes (TUN_F_USO4 and USO6). */
  readonly uso: boolean;
}

/** Collects frames for one write to the TAP. */
export class Joiner {
  /** Where each iovec begins in the slab. */
  readonly offsets = new Int32Array(JOIN_FRAMES);
  /** Bytes of each iovec. */
  readonly lengths = new Int32Array(JOIN_FRAMES);
  /** Bytes of what `flush` prepared, virtio header included. */
  totalBytes = 0;
  readonly #view: DataView;
  readonly #tso: boolean;
  readonly #uso: boolean;
  #count = 0;
  #closed = true;
  #verified = false;
  #lastFlags = 0;
  /** Payload bytes of the group. */
  #payload = 0;
  /** Headers of the first frame, and room for those of the one being offered. */
  readonly #first = new FlowHeaders();
  readonly #next = new FlowHeaders();

  /**
   * Makes an empty one.
   *
   * @param slab memory that all offsets refer to
   * @param options what may be joined
   */
  constructor(slab: Slab, options: JoinerOptions) {
    this.#view = slab.view;
    this.#tso = options.tso;
    this.#uso = options.uso;
  }

  /** Frames that wait for `flush`. */
  get frames(): number {
    return this.#count;
  }

  /**
   * Takes a frame. hot path
   *
   * @param frame its offset; at least 10 bytes before it may be overwritten
   * @param length its bytes, at least 14
   * @param vouched the datagram that it came in was authenticated
   * @returns false if it does not go together with those that wait: flush, write, offer it again
   */
  offer(frame: number, length: number, vouched: boolean): boolean {
    if (this.#count === 0) {
      this.#begin(frame, length, vouched);
      return true;
    }
    if (this.#closed || !this.#follows(frame, length)) return false;
    const view = this.#view;
    if (!this.#verified) {
      if (!this.#first.checksumIsRight(view)) {
        this.#closed = true;
        return false;
      }
      this.#verified = true;
    }
    const next = this.#next;
    if (!vouched && !next.checksumIsRight(view)) return false;
    const i = this.#count++;
    this.offsets[i] = frame + next.header;
    this.lengths[i] = next.payload;
    this.#payload += next.payload;
    const most = next.isTcp ? JOIN_FRAMES : JOIN_DATAGRAMS;
    this.#closed = this.#endsGroup(next) || next.payload < this.#first.payload ||
      this.#count === most;
    return true;
  }

  /**
   * Finishes what waits: `offsets`, `lengths` and `totalBytes` say what to write. hot path
   *
   * @returns iovecs, 0 if nothing waits
   */
  flush(): number {
    const count = this.#count;
    if (count === 0) return 0;
    if (count === 1) {
      writePlainVirtio(this.#view, this.offsets[0] ?? 0);
      this.totalBytes = this.lengths[0] ?? 0;
    } else {
      this.#patch();
      this.totalBytes = VIRTIO_HEADER_BYTES + this.#first.header + this.#payload;
    }
    this.#count = 0;
    this.#closed = true;
    return count;
  }

  #begin(frame: number, length: number, vouched: boolean): void {
    this.#count = 1;
    this.offsets[0] = frame - VIRTIO_HEADER_BYTES;
    this.lengths[0] = VIRTIO_HEADER_BYTES + length;
    this.#verified = vouched;
    const first = this.#first;
    this.#closed = !first.parse(this.#view, frame, length) ||
      !(first.isTcp ? this.#tso : this.#uso) || this.#endsGroup(first);
    this.#payload = first.payload;
  }

  /** Notes the flags of a TCP frame that joins. @returns true if nothing may follow it */
  #endsGroup(headers: FlowHeaders): boolean {
    if (!headers.isTcp) return false;
    this.#lastFlags = this.#view.getUint8(headers.frame + headers.transport + TCP_FLAGS);
    return (this.#lastFlags & (FLAG_FIN | FLAG_PSH)) !== 0;
  }

  /** Tells whether a frame continues the group; its headers are then in `#next`. */
  #follows(frame: number, length: number): boolean {
    const next = this.#next;
    const first = this.#first;
    if (!next.parse(this.#view, frame, length)) return false;
    return next.network === first.network && next.isIpv4 === first.isIpv4 &&
      next.isTcp === first.isTcp && next.header === first.header &&
      next.payload <= first.payload && this.#payload + next.payload <= JOIN_BYTES &&
      this.#sameBytes(0, first.network) &&
      (first.isIpv4 ? this.#followsIpv4() : this.#followsIpv6()) &&
      this.#samePorts() && (!first.isTcp || this.#followsTcp());
  }

  #samePorts(): boolean {
    const view = this.#view;
    const { frame, transport } = this.#first;
    return view.getInt32(this.#next.frame + transport) === view.getInt32(frame + transport);
  }

  #followsIpv4(): boolean {
    const view = this.#view;
    const network = this.#first.network;
    const ip = this.#next.frame + network;
    const first = this.#first.frame + network;
    const fragment = view.getUint16(ip + 6);
    // Version, IHL, TOS; flags; TTL, protocol; addresses. The checksum between them was verified.
    if (
      view.getUint16(ip) !== view.getUint16(first) || fragment !== view.getUint16(first + 6) ||
      view.getUint16(ip + 8) !== view.getUint16(first + 8) ||
      view.getInt32(ip + 12) !== view.getInt32(first + 12) ||
      view.getInt32(ip + 16) !== view.getInt32(first + 16)
    ) return false;
    // Whoever splits it again counts ids up. With DF nobody looks at them, and UDP senders do not count.
    return !this.#first.isTcp || (fragment & IPV4_DF) !== 0 ||
      view.getUint16(ip + 4) === ((view.getUint16(first + 4) + this.#count) & 0xffff);
  }

  /** All but the payload length. */
  #followsIpv6(): boolean {
    const network = this.#first.network;
    return this.#sameBytes(network, 4) && this.#sameBytes(network + 6, IPV6_HEADER_BYTES - 6);
  }

  #followsTcp(): boolean {
    const view = this.#view;
    const { transport, header } = this.#first;
    const tcp = this.#next.frame + transport;
    const first = this.#first.frame + transport;
    const expected = (view.getInt32(first + TCP_SEQUENCE) + this.#payload) | 0;
    if (
      view.getInt32(tcp + TCP_SEQUENCE) !== expected ||
      view.getInt32(tcp + TCP_ACKNOWLEDGEMENT) !== view.getInt32(first + TCP_ACKNOWLEDGEMENT)
    ) return false;
    // Data offset, reserved bits, ECE, window; only the first may say CWR, only the last FIN and PSH.
    const mask = ~((FLAG_CWR | FLAG_FIN | FLAG_PSH) << 16);
    const flags = view.getInt32(tcp + 12);
    const options = transport + TCP_HEADER_BYTES;
    return (flags & (FLAG_CWR << 16)) === 0 &&
      (flags & mask) === (view.getInt32(first + 12) & mask) &&
      this.#sameBytes(options, header - options);
  }

  /** Compares an even number of bytes of the frame on offer with those of the first one. */
  #sameBytes(at: number, length: number): boolean {
    return this.#next.sameBytes(this.#view, this.#first, at, length);
  }

  /** Makes the first frame's headers those of the superframe. */
  #patch(): void {
    const view = this.#view;
    const { frame, network, transport, header, payload, isIpv4, isTcp } = this.#first;
    const ip = frame + network;
    const at = frame + transport;
    const length = header - transport + this.#payload;
    if (isIpv4) {
      view.setUint16(ip + 2, IPV4_HEADER_BYTES + length);
      view.setUint16(ip + 10, 0);
      view.setUint16(ip + 10, fold(sum16(view, ip, IPV4_HEADER_BYTES, 0)));
    } else {
      view.setUint16(ip + 4, length);
    }
    const partial = foldPartial(this.#first.pseudoSum(view, length));
    const virtio = frame - VIRTIO_HEADER_BYTES;
    if (!isTcp) {
      view.setUint16(at + UDP_LENGTH, length);
      view.setUint16(at + UDP_CHECKSUM, partial);
      writeGsoVirtio(view, virtio, GSO_UDP, header, payload, transport, UDP_CHECKSUM);
      return;
    }
    const flags = view.getUint8(at + TCP_FLAGS);
    view.setUint8(at + TCP_FLAGS, flags | (this.#lastFlags & (FLAG_FIN | FLAG_PSH)));
    view.setUint16(at + TCP_CHECKSUM, partial);
    const type = (isIpv4 ? GSO_TCPV4 : GSO_TCPV6) | ((flags & FLAG_CWR) !== 0 ? GSO_ECN : 0);
    writeGsoVirtio(view, virtio, type, header, payload, transport, TCP_CHECKSUM);
  }
}
