/**
 * Frames and superframes of the TAP become sealed segments in the outbox (spec/dataplane.md 6.2).
 *
 * ```
 *   TAP read buffer   | virtio 10 | headers H | payload: gs | gs | gs | rest |       stays as it is: it may be flooded
 *   staging           | length 2 | virtio, index k | headers | payload k |           headers copied once, payload per piece
 *   outbox            | header 16 | sealed record .................... | tag 16 |    equal segments: one train
 *
 *   small frames      | record | record | record |    gathered, one segment; ended by the next large one and by flush()
 * ```
 *
 * A segment that is sealed has left: counters go up in the order of the outbox. Nothing waits for more frames beyond a turn.
 *
 * A superframe goes as pieces if the peer's kernel may see it ({@link RecordHeaders}); else real frames are made of it. When
 * the path is narrower than its pieces TCP is cut finer. What is still too large is cut into fragments, or refused so that its
 * origin hears of it.
 *
 * @module
 */

import { COUNTER } from "../contract.ts";
import {
  ETHERNET_HEADER_BYTES,
  type Slab,
  SUPERFRAME_BYTES,
  VIRTIO_HEADER_BYTES,
} from "../frame.ts";
import { type CopyBytes, MAX_HEADER_BYTES, type Offload } from "../offload.ts";
import { SEND } from "../overlay/overlay.ts";
import {
  GSO_ECN,
  GSO_NONE,
  GSO_TCPV4,
  GSO_TCPV6,
  GSO_UDP,
  NEEDS_CSUM,
  virtioFlags,
  writePlainVirtio,
} from "../virtio.ts";
import {
  ethernetHeaderLength,
  etherType,
  ETHERTYPE_IPV4,
  ETHERTYPE_IPV6,
} from "../wire/ethernet.ts";
import { IPV4_DF, ipv4Fragment, ipv4HeaderLength } from "../wire/ip.ts";
import { PROBE, PROBE_BYTES, writeProbe } from "../wire/shuttle_probe.ts";
import {
  FAULT,
  MIN_GSO_SIZE,
  RECORD_BYTES,
  RecordHeaders,
  setPieceIndex,
} from "../wire/shuttle_record.ts";
import { SEGMENT } from "../wire/shuttle_segment.ts";
import { FLAG_CWR, FLAG_RST, FLAG_SYN, FLAG_URG, TCP_FLAGS } from "../wire/transport.ts";
import { FRAGMENT_BYTES, MOST_FRAGMENTS, writeFragmentHeader } from "./fragments.ts";
import type { OutgoingKey } from "./keys.ts";
import { bodyBytes, SegmentWriter, type WriterParts } from "./segment_writer.ts";

/** Room for the largest body. */
const BODY_BYTES = 65_536;

/** Longest frame of a record: its length has 16 bits. */
const MOST_FRAME_BYTES = 65_535;

/** Flags of TCP segments that are not cut: they are not said of each part. */
const UNCUT_FLAGS = FLAG_SYN | FLAG_RST | FLAG_URG;

/** What to do with a frame that does not fit in a segment. */
const OVERSIZE = { FRAGMENT: 0, TELL: 1, DROP: 2 } as const;

/** What the sender works with. */
export interface SenderParts extends WriterParts {
  /** Has inspected what is sent. */
  readonly offload: Offload;
  /** Adds to a counter of `contract.ts`. */
  readonly count: (counter: number, by?: number) => void;
}

/** A probe or an answer to one. */
export interface ProbeSpec {
  /** PATH_PROBE or LINK_PROBE of `SEGMENT`; for a pair in clear the one beside it is taken. */
  readonly type: number;
  /** One of `PROBE`. */
  readonly kind: number;
  /** Size of the segment in bytes of UDP payload: what a probe becomes, what an answer names. */
  readonly sizeBytes: number;
  /** Upper half of the token. */
  readonly tokenHigh: number;
  /** Lower half of the token. */
  readonly tokenLow: number;
  /** Address slot that it goes to. */
  readonly slot: number;
}

/** Returns the largest IP packet that a frame to that peer can hold in one segment, in bytes. */
export function pairMtuBytes(pair: OutgoingKey): number {
  return bodyBytes(pair) - RECORD_BYTES - ETHERNET_HEADER_BYTES;
}

/** Fills the outbox with segments; one for all pairs. */
export class ShuttleSender {
  /** After TOO_BIG of {@link SEND}: offset of the frame that was refused. */
  rejectedOffset = 0;
  /** Its length. */
  rejectedLength = 0;
  readonly #slab: Slab;
  readonly #view: DataView;
  readonly #offload: Offload;
  readonly #copy: CopyBytes;
  readonly #count: (counter: number, by?: number) => void;
  readonly #writer: SegmentWriter;
  readonly #headers = new RecordHeaders();
  /** Where one record is put together. */
  readonly #staging: number;
  /** Small records that wait to share a segment. */
  readonly #gather: number;
  #gatheredBytes = 0;
  #gatheredFrames = 0;
  /** Whom they are for. */
  #pair: OutgoingKey | undefined;
  #fragmentId = 0;
  /** Why the last frame was dropped. */
  #reason = 0;

  /** Sets its working places aside in the slab: about 130 KiB. */
  constructor(parts: SenderParts) {
    this.#slab = parts.slab;
    this.#view = parts.slab.view;
    this.#offload = parts.offload;
    this.#copy = parts.copy;
    this.#count = parts.count;
    this.#writer = new SegmentWriter(parts);
    this.#staging = parts.slab.alloc(SUPERFRAME_BYTES + RECORD_BYTES, 64);
    this.#gather = parts.slab.alloc(BODY_BYTES, 64);
  }

  /**
   * Sends what `Offload.inspect` accepted last. hot path
   *
   * The read buffer can be sent again to others: only the two bytes before its virtio header and hdr_len are overwritten.
   *
   * @param flooded it is a copy of a broadcast, multicast or unknown unicast: nobody is told if it is too big
   * @returns OK, DROPPED or TOO_BIG of {@link SEND}, never FULL; what was dropped is counted
   */
  send(pair: OutgoingKey, flooded: boolean): number {
    const offload = this.#offload;
    const virtio = offload.frameOffset - VIRTIO_HEADER_BYTES;
    const most = bodyBytes(pair) - RECORD_BYTES;
    if (offload.gsoType === GSO_NONE) {
      const length = offload.frameLength;
      if (length <= most || !this.#becomesSuperframe(virtio)) {
        return this.#sendFrame(pair, virtio, length, flooded);
      }
      const { header } = this.#headers;
      const gsoSize = most - header;
      if (gsoSize < MIN_GSO_SIZE) return this.#sendFrame(pair, virtio, length, flooded);
      return this.#sendPieces(pair, header, gsoSize);
    }
    const header = offload.headerLength;
    let { gsoSize } = offload;
    if (header + gsoSize > most && offload.gsoType !== GSO_UDP) gsoSize = most - header;
    if (gsoSize >= MIN_GSO_SIZE && header + gsoSize <= most) {
      this.#copy(this.#staging + 2, virtio, VIRTIO_HEADER_BYTES + header);
      if (this.#isCarried(header, gsoSize)) return this.#sendPieces(pair, header, gsoSize);
    }
    return this.#sendReal(pair, flooded);
  }

  /**
   * Seals the small frames that wait; call it at the end of each TAP batch. hot path
   *
   * @returns false if the outbox is full: make room and call again, nothing was lost
   */
  flush(): boolean {
    const pair = this.#pair;
    if (pair === undefined) return true;
    const writer = this.#writer;
    if (!writer.write(pair, SEGMENT.DATA, this.#gather, this.#gatheredBytes)) {
      if (writer.fault === COUNTER.dropOutboxFull) return false;
      this.#count(writer.fault, this.#gatheredFrames);
    }
    this.#pair = undefined;
    return true;
  }

  /** Throws away what waits for a pair that ends. */
  abandon(pair: OutgoingKey): void {
    if (this.#pair === pair) this.#pair = undefined;
  }

  /**
   * Sends a probe padded to its size, or an answer, alone.
   *
   * @returns false if it could not be sent: the outbox is full, or the key is used up. Try later
   */
  sendProbe(pair: OutgoingKey, probe: ProbeSpec): boolean {
    if (!this.flush()) return false;
    const overhead = pair.segmentBytes - bodyBytes(pair);
    const size = probe.kind === PROBE.ASK ? probe.sizeBytes - overhead : PROBE_BYTES;
    const length = Math.max(PROBE_BYTES, size);
    const body = this.#gather;
    this.#slab.bytes.fill(0, body, body + length);
    const { kind, sizeBytes, tokenHigh, tokenLow } = probe;
    writeProbe(this.#view, body, kind, sizeBytes, tokenHigh, tokenLow);
    return this.#writer.writeAlone(pair, probe.type, body, length, probe.slot);
  }

  // --- superframes ---

  /** Tells whether the superframe whose headers are staged may be cut into such pieces. */
  #isCarried(header: number, gsoSize: number): boolean {
    const payload = this.#offload.frameLength - header;
    const virtio = this.#staging + 2;
    this.#view.setUint16(virtio + 4, gsoSize, true);
    setPieceIndex(this.#view, virtio, 0);
    const length = header + (payload < gsoSize ? payload : gsoSize);
    return this.#headers.parse(this.#view, virtio, length) === FAULT.NONE;
  }

  /** Sends the pieces of a frame whose virtio header and headers are staged. */
  #sendPieces(pair: OutgoingKey, header: number, gsoSize: number): number {
    const view = this.#view;
    const writer = this.#writer;
    const record = this.#staging;
    const head = RECORD_BYTES + header;
    const source = this.#offload.frameOffset + header;
    const whole = this.#offload.frameLength - header;
    if (!this.flush()) return this.#drop(COUNTER.dropOutboxFull, Math.ceil(whole / gsoSize));
    view.setUint16(record + 6, gsoSize, true);
    for (let k = 0, at = 0; at < whole; k++, at += gsoSize) {
      const left = whole - at;
      const payload = left < gsoSize ? left : gsoSize;
      view.setUint16(record, header + payload);
      setPieceIndex(view, record + 2, k);
      let written: boolean;
      if (pair.key === undefined) {
        written = writer.writeClear(pair, SEGMENT.DATA, record, head, source + at, payload);
      } else {
        this.#copy(record + head, source + at, payload);
        written = writer.write(pair, SEGMENT.DATA, record, head + payload);
      }
      // The rest would fare no better.
      if (!written) return this.#drop(writer.fault, Math.ceil(left / gsoSize));
    }
    return SEND.OK;
  }

  /** Makes real frames of a superframe that cannot go as it is. */
  #sendReal(pair: OutgoingKey, flooded: boolean): number {
    const offload = this.#offload;
    const { pieces } = offload;
    const virtio = this.#staging + 2;
    for (let k = 0; k < pieces; k++) {
      const length = offload.writePiece(k, virtio + VIRTIO_HEADER_BYTES);
      writePlainVirtio(this.#view, virtio);
      const result = this.#sendFrame(pair, virtio, length, flooded);
      if (result === SEND.OK) continue;
      this.#count(this.#reason, pieces - 1 - k);
      return result;
    }
    return SEND.OK;
  }

  /** Makes a superframe's headers of those of a large TCP segment that has no checksum yet; they are then staged. */
  #becomesSuperframe(virtio: number): boolean {
    const view = this.#view;
    const frame = virtio + VIRTIO_HEADER_BYTES;
    const length = this.#offload.frameLength;
    if (virtioFlags(view, virtio) !== NEEDS_CSUM || length < MAX_HEADER_BYTES) return false;
    const network = ethernetHeaderLength(view, frame, length);
    const isIpv4 = etherType(view, frame, network) === ETHERTYPE_IPV4;
    const staged = this.#staging + 2;
    this.#copy(staged, virtio, VIRTIO_HEADER_BYTES + MAX_HEADER_BYTES);
    view.setUint8(staged + 1, isIpv4 ? GSO_TCPV4 : GSO_TCPV6);
    // With room for all of it in one piece the check says whether the lengths agree.
    view.setUint16(staged + 4, 0xffff, true);
    setPieceIndex(view, staged, 0);
    const headers = this.#headers;
    if (headers.parse(view, staged, length) !== FAULT.NONE) return false;
    const flags = view.getUint8(frame + headers.transport + TCP_FLAGS);
    if ((flags & FLAG_CWR) !== 0) view.setUint8(staged + 1, headers.gsoType | GSO_ECN);
    return (flags & UNCUT_FLAGS) === 0;
  }

  // --- frames ---

  /** Sends one frame as a record: with others, alone, or in parts. The two bytes before its virtio header are its own. */
  #sendFrame(pair: OutgoingKey, virtio: number, length: number, flooded: boolean): number {
    const view = this.#view;
    const record = RECORD_BYTES + length;
    const most = bodyBytes(pair);
    if (record > most) return this.#sendOversized(pair, virtio, length, flooded);
    if (record * 2 <= most) return this.#gatherFrame(pair, virtio, length, most);
    if (!this.flush()) return this.#drop(COUNTER.dropOutboxFull, 1);
    view.setUint16(virtio - 2, length);
    setPieceIndex(view, virtio, 0);
    const written = this.#writer.write(pair, SEGMENT.DATA, virtio - 2, record);
    return written ? SEND.OK : this.#drop(this.#writer.fault, 1);
  }

  #gatherFrame(pair: OutgoingKey, virtio: number, length: number, most: number): number {
    const record = RECORD_BYTES + length;
    if (this.#pair !== pair || this.#gatheredBytes + record > most) {
      if (!this.flush()) return this.#drop(COUNTER.dropOutboxFull, 1);
      this.#pair = pair;
      this.#gatheredBytes = 0;
      this.#gatheredFrames = 0;
    }
    const at = this.#gather + this.#gatheredBytes;
    this.#view.setUint16(at, length);
    this.#copy(at + 2, virtio, VIRTIO_HEADER_BYTES + length);
    setPieceIndex(this.#view, at + 2, 0);
    this.#gatheredBytes += record;
    this.#gatheredFrames++;
    return SEND.OK;
  }

  #drop(counter: number, frames: number): number {
    this.#reason = counter;
    this.#count(counter, frames);
    return SEND.DROPPED;
  }

  // --- too large ---

  #sendOversized(pair: OutgoingKey, virtio: number, length: number, flooded: boolean): number {
    const frame = virtio + VIRTIO_HEADER_BYTES;
    const verdict = this.#oversize(frame, length, flooded);
    const step = bodyBytes(pair) - FRAGMENT_BYTES;
    const record = RECORD_BYTES + length;
    const fits = length <= MOST_FRAME_BYTES && record <= step * MOST_FRAGMENTS;
    if (verdict === OVERSIZE.FRAGMENT && fits) {
      this.#view.setUint16(virtio - 2, length);
      setPieceIndex(this.#view, virtio, 0);
      return this.#sendFragments(pair, virtio - 2, record, step);
    }
    this.#drop(COUNTER.dropTooBig, 1);
    this.rejectedOffset = frame;
    this.rejectedLength = length;
    return verdict === OVERSIZE.TELL ? SEND.TOO_BIG : SEND.DROPPED;
  }

  /** Behind VLAN tags nobody can be told: such frames are cut. */
  #oversize(frame: number, length: number, flooded: boolean): number {
    const view = this.#view;
    const type = view.getUint16(frame + ETHERNET_HEADER_BYTES - 2);
    if (type === ETHERTYPE_IPV6) return flooded ? OVERSIZE.FRAGMENT : OVERSIZE.TELL;
    const ip = frame + ETHERNET_HEADER_BYTES;
    const isIpv4 = type === ETHERTYPE_IPV4 &&
      ipv4HeaderLength(view, ip, length - ETHERNET_HEADER_BYTES) >= 0;
    if (!isIpv4 || (ipv4Fragment(view, ip) & IPV4_DF) === 0) return OVERSIZE.FRAGMENT;
    return flooded ? OVERSIZE.DROP : OVERSIZE.TELL;
  }

  #sendFragments(pair: OutgoingKey, record: number, length: number, step: number): number {
    if (!this.flush()) return this.#drop(COUNTER.dropOutboxFull, 1);
    const count = Math.ceil(length / step);
    const id = this.#fragmentId = (this.#fragmentId + 1) & 0xffff;
    const body = this.#gather;
    for (let i = 0; i < count; i++) {
      const left = length - i * step;
      const part = left < step ? left : step;
      writeFragmentHeader(this.#view, body, id, i, count);
      this.#copy(body + FRAGMENT_BYTES, record + i * step, part);
      if (!this.#writer.write(pair, SEGMENT.FRAGMENT, body, FRAGMENT_BYTES + part)) {
        return this.#drop(this.#writer.fault, 1);
      }
    }
    return SEND.OK;
  }
}
