/**
 * Pieces become the superframe again that they were cut from: one write to the TAP (spec/dataplane.md 6.3 and 6.4).
 *
 * ```
 *   receive slots   | .. record: virtio, headers, payload 0 | .. | headers, payload 1 | ..      nothing is copied
 *   iovecs          | virtio 10, headers, payload 0 | payload 1 | payload 2 |                   one writev
 *
 *   complete   first piece to last      written as it was read at the origin
 *   partial    some were lost           the first one's headers are repaired: lengths, IPv4 id and checksum, sequence number,
 *                                       FIN, PSH, CWR, partial checksum
 * ```
 *
 * Waiting for what is missing would cost more than the repair. A record that does not go on with the group ends it and is
 * written after it: frames never overtake. UDP datagrams of equal size that follow each other in one flow are joined as
 * well, which their origin did not do.
 *
 * A record belongs to the joiner from `offer` to the write after `flush`: its headers are changed in place.
 *
 * @module
 */

import { VIRTIO_HEADER_BYTES } from "../frame.ts";
import { FlowHeaders } from "../flow_headers.ts";
import { JOIN_BYTES, JOIN_DATAGRAMS } from "../joiner.ts";
import {
  GSO_ECN,
  GSO_NONE,
  GSO_UDP,
  NEEDS_CSUM,
  virtioCsumOffset,
  virtioCsumStart,
  writeGsoVirtio,
} from "../virtio.ts";
import { fold, foldPartial, sum16 } from "../wire/checksum.ts";
import { ipv4PseudoSum, ipv6PseudoSum, PROTOCOL_TCP, PROTOCOL_UDP } from "../wire/ip.ts";
import { MIN_GSO_SIZE, type RecordHeaders } from "../wire/shuttle_record.ts";
import {
  FLAG_CWR,
  FLAG_FIN,
  FLAG_PSH,
  TCP_CHECKSUM,
  TCP_FLAGS,
  TCP_SEQUENCE,
  UDP_CHECKSUM,
  UDP_LENGTH,
} from "../wire/transport.ts";

/** Most iovecs of one write; the kernel takes 1024. */
export const PIECE_IOVECS = 512;

/** What the TAP and the bridge behind it take. */
export interface PieceJoinerOptions {
  /** TCP superframes (TUN_F_TSO4 and TSO6). */
  readonly tso: boolean;
  /** UDP superframes (TUN_F_USO4 and USO6). */
  readonly uso: boolean;
  /** MTU of the bridge, in bytes of IP packet. */
  readonly mtuBytes: number;
}

/** A record that was checked; `ShuttleReceiver` is one. */
export interface ReceivedRecord {
  /** Slot of the key that it came under. */
  readonly keySlot: number;
  /** Number of its superframe. */
  readonly gid: number;
  /** Offset of its virtio header; the frame follows. */
  readonly virtio: number;
  /** Bytes of the frame. */
  readonly length: number;
  /** The record, taken apart. */
  readonly headers: RecordHeaders;
}

/** What waits. */
const KIND = { FRAME: 0, DATAGRAMS: 1, PIECES: 2 } as const;

/** Collects records for one write to the TAP. */
export class PieceJoiner {
  /** Where each iovec begins in the slab. */
  readonly offsets = new Int32Array(PIECE_IOVECS);
  /** Bytes of each iovec. */
  readonly lengths = new Int32Array(PIECE_IOVECS);
  /** Bytes of what `flush` prepared, virtio header included. */
  totalBytes = 0;
  readonly #view: DataView;
  readonly #tso: boolean;
  readonly #uso: boolean;
  readonly #mtuBytes: number;
  #count = 0;
  #kind: number = KIND.FRAME;
  #closed = true;
  #payload = 0;
  // The group of pieces: what each of them must agree in, and where the first one's headers lie.
  #keySlot = 0;
  #gid = 0;
  #gsoType = 0;
  #gsoSize = 0;
  #firstK = 0;
  #nextK = 0;
  #frame = 0;
  #network = 0;
  #transport = 0;
  #header = 0;
  #whole = 0;
  #isIpv4 = false;
  #isTcp = false;
  #hasLast = false;
  /** Headers of the first datagram, and room for those of the one being offered. */
  readonly #first = new FlowHeaders();
  readonly #next = new FlowHeaders();

  /**
   * Makes an empty one.
   *
   * @param view memory that all offsets refer to
   */
  constructor(view: DataView, options: PieceJoinerOptions) {
    this.#view = view;
    this.#tso = options.tso;
    this.#uso = options.uso;
    this.#mtuBytes = options.mtuBytes;
  }

  /** Records that wait for `flush`. */
  get records(): number {
    return this.#count;
  }

  /**
   * Tells whether the bridge would drop a record, which no gso_size can help: a frame above its MTU, or a datagram of a UDP
   * superframe. Offered alone and flushed it is one frame, which Offload completes; then it is cut, or its origin told. hot path
   */
  isTooLong(record: ReceivedRecord): boolean {
    const { headers } = record;
    if (headers.gsoType === GSO_NONE) return record.length > this.#mtuBytes + 14;
    return !headers.isTcp && headers.header - headers.network + headers.payload > this.#mtuBytes;
  }

  /**
   * Takes a record. hot path
   *
   * @returns false if it does not go together with those that wait: flush, write, offer it again
   */
  offer(record: ReceivedRecord): boolean {
    if (this.#count === 0) {
      this.#begin(record);
      return true;
    }
    if (this.#closed) return false;
    return this.#kind === KIND.PIECES ? this.#addPiece(record) : this.#addDatagram(record);
  }

  /**
   * Finishes what waits: `offsets`, `lengths` and `totalBytes` say what to write. hot path
   *
   * @returns iovecs, 0 if nothing waits
   */
  flush(): number {
    const count = this.#count;
    if (count === 0) return 0;
    if (this.#kind === KIND.PIECES) this.#finishPieces();
    else if (count > 1) this.#finishDatagrams();
    else this.#finishFrame();
    this.#count = 0;
    this.#closed = true;
    return count;
  }

  #begin(record: ReceivedRecord): void {
    const { virtio, length, headers } = record;
    this.#count = 1;
    this.offsets[0] = virtio;
    this.lengths[0] = VIRTIO_HEADER_BYTES + length;
    if (headers.gsoType === GSO_NONE) {
      const joins = this.#uso && this.#isDatagram(record, this.#first);
      this.#kind = joins ? KIND.DATAGRAMS : KIND.FRAME;
      this.#closed = !joins;
      this.#payload = this.#first.payload;
      return;
    }
    this.#kind = KIND.PIECES;
    this.#keySlot = record.keySlot;
    this.#gid = record.gid;
    this.#gsoType = headers.gsoType;
    this.#gsoSize = headers.gsoSize;
    this.#firstK = headers.k;
    this.#nextK = headers.k + 1;
    this.#frame = virtio + VIRTIO_HEADER_BYTES;
    this.#network = headers.network;
    this.#transport = headers.transport;
    this.#header = headers.header;
    this.#whole = headers.wholePayload;
    this.#isIpv4 = headers.isIpv4;
    this.#isTcp = headers.isTcp;
    this.#payload = headers.payload;
    this.#hasLast = headers.isLast;
    this.#closed = headers.isLast || !(headers.isTcp ? this.#tso : this.#uso);
  }

  // --- pieces ---

  #addPiece(record: ReceivedRecord): boolean {
    const { headers } = record;
    if (
      headers.gsoType !== this.#gsoType || record.gid !== this.#gid ||
      record.keySlot !== this.#keySlot || headers.gsoSize !== this.#gsoSize ||
      headers.k !== this.#nextK || headers.header !== this.#header ||
      // The lengths of what is written are counted from these: another peer may lie about them.
      headers.transport !== this.#transport || headers.network !== this.#network ||
      headers.isIpv4 !== this.#isIpv4
    ) return false;
    const i = this.#count++;
    this.offsets[i] = record.virtio + VIRTIO_HEADER_BYTES + headers.header;
    this.lengths[i] = headers.payload;
    this.#payload += headers.payload;
    this.#nextK++;
    this.#hasLast = headers.isLast;
    this.#closed = headers.isLast || this.#count === PIECE_IOVECS;
    return true;
  }

  #finishPieces(): void {
    const view = this.#view;
    const payload = this.#payload;
    const complete = this.#firstK === 0 && payload === this.#whole;
    if (!complete) this.#repair();
    let gsoSize = this.#gsoSize;
    if (this.#isTcp) {
      const most = this.#mtuBytes - (this.#header - this.#network);
      if (gsoSize > most) gsoSize = most < MIN_GSO_SIZE ? MIN_GSO_SIZE : most;
    }
    const single = payload <= gsoSize;
    const type = this.#firstK === 0 ? this.#gsoType : this.#gsoType & ~GSO_ECN;
    writeGsoVirtio(
      view,
      this.#frame - VIRTIO_HEADER_BYTES,
      single ? GSO_NONE : type,
      this.#header,
      single ? 0 : gsoSize,
      this.#transport,
      this.#isTcp ? TCP_CHECKSUM : UDP_CHECKSUM,
    );
    this.totalBytes = VIRTIO_HEADER_BYTES + this.#header + payload;
  }

  /** Makes the first piece's headers those of what is left of the superframe. */
  #repair(): void {
    const view = this.#view;
    const firstK = this.#firstK;
    const ip = this.#frame + this.#network;
    const at = this.#frame + this.#transport;
    const length = this.#header - this.#transport + this.#payload;
    if (this.#isIpv4) view.setUint16(ip + 4, view.getUint16(ip + 4) + firstK);
    this.#writeLength(ip, this.#transport - this.#network, this.#isIpv4, length);
    if (!this.#isTcp) {
      view.setUint16(at + UDP_LENGTH, length);
      view.setUint16(at + UDP_CHECKSUM, this.#pseudo(ip, length));
      return;
    }
    view.setInt32(at + TCP_SEQUENCE, view.getInt32(at + TCP_SEQUENCE) + firstK * this.#gsoSize);
    let mask = 0xff;
    if (firstK > 0) mask &= ~FLAG_CWR;
    if (!this.#hasLast) mask &= ~(FLAG_FIN | FLAG_PSH);
    view.setUint8(at + TCP_FLAGS, view.getUint8(at + TCP_FLAGS) & mask);
    view.setUint16(at + TCP_CHECKSUM, this.#pseudo(ip, length));
  }

  /** Writes the length of an IP header, and for IPv4 its checksum. */
  #writeLength(ip: number, header: number, isIpv4: boolean, length: number): void {
    const view = this.#view;
    if (!isIpv4) {
      view.setUint16(ip + 4, length + header - 40);
      return;
    }
    view.setUint16(ip + 2, header + length);
    view.setUint16(ip + 10, 0);
    view.setUint16(ip + 10, fold(sum16(view, ip, header, 0)));
  }

  #pseudo(ip: number, length: number): number {
    const protocol = this.#isTcp ? PROTOCOL_TCP : PROTOCOL_UDP;
    const sum = this.#isIpv4
      ? ipv4PseudoSum(this.#view, ip, protocol, length)
      : ipv6PseudoSum(this.#view, ip, protocol, length);
    return foldPartial(sum);
  }

  // --- frames and datagrams ---

  /** What is not understood goes on as it came, but for what belongs to us. */
  #finishFrame(): void {
    const view = this.#view;
    const virtio = this.offsets[0] ?? 0;
    view.setInt16(virtio + 2, 0);
    view.setInt16(virtio + 4, 0);
    this.totalBytes = this.lengths[0] ?? 0;
  }

  /** Tells whether a frame is a UDP datagram whose checksum is still partial. */
  #isDatagram(record: ReceivedRecord, headers: FlowHeaders): boolean {
    const view = this.#view;
    const { virtio } = record;
    return record.headers.flags === NEEDS_CSUM && virtioCsumOffset(view, virtio) === UDP_CHECKSUM &&
      headers.parse(view, virtio + VIRTIO_HEADER_BYTES, record.length) && !headers.isTcp &&
      virtioCsumStart(view, virtio) === headers.transport;
  }

  #addDatagram(record: ReceivedRecord): boolean {
    const first = this.#first;
    const next = this.#next;
    if (record.headers.gsoType !== GSO_NONE || !this.#isDatagram(record, next)) return false;
    if (
      next.network !== first.network || next.isIpv4 !== first.isIpv4 ||
      next.payload > first.payload || this.#payload + next.payload > JOIN_BYTES ||
      !this.#isSameFlow()
    ) return false;
    const i = this.#count++;
    this.offsets[i] = next.frame + next.header;
    this.lengths[i] = next.payload;
    this.#payload += next.payload;
    this.#closed = next.payload < first.payload || this.#count === JOIN_DATAGRAMS;
    return true;
  }

  /** All that the superframe has once: Ethernet header, IP header but length, id and checksum, ports. */
  #isSameFlow(): boolean {
    const { network, transport, isIpv4 } = this.#first;
    if (!this.#sameBytes(0, network) || !this.#sameBytes(transport, 4)) return false;
    if (!isIpv4) return this.#sameBytes(network, 4) && this.#sameBytes(network + 6, 34);
    return this.#sameBytes(network, 2) && this.#sameBytes(network + 6, 4) &&
      this.#sameBytes(network + 12, 8);
  }

  /** Compares an even number of bytes of the datagram on offer with those of the first one. */
  #sameBytes(at: number, length: number): boolean {
    return this.#next.sameBytes(this.#view, this.#first, at, length);
  }

  #finishDatagrams(): void {
    const view = this.#view;
    const { frame, network, transport, header, payload, isIpv4 } = this.#first;
    const length = header - transport + this.#payload;
    const at = frame + transport;
    this.#writeLength(frame + network, transport - network, isIpv4, length);
    view.setUint16(at + UDP_LENGTH, length);
    view.setUint16(at + UDP_CHECKSUM, foldPartial(this.#first.pseudoSum(view, length)));
    writeGsoVirtio(
      view,
      frame - VIRTIO_HEADER_BYTES,
      GSO_UDP,
      header,
      payload,
      transport,
      UDP_CHECKSUM,
    );
    this.totalBytes = VIRTIO_HEADER_BYTES + header + this.#payload;
  }
}
