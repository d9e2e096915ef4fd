/**
 * Makes real Ethernet frames of what the TAP gives: superframes are split, partial checksums completed.
 *
 * ```
 *   read buffer   | virtio 10 | headers H | payload: gs | gs | gs | rest |          stays as it is: it may be flooded
 *   piece k       | headers, patched | payload k |                                   a frame like any other
 * ```
 *
 * What is patched in piece k: IPv4 total length, id + k, header checksum; IPv6 payload length; TCP sequence + k x gs, FIN and
 * PSH only on the last, CWR only on the first; UDP length; the transport checksum, which is complete afterwards.
 *
 * `joiner.ts` does the reverse.
 *
 * @module
 */

import { COUNTER } from "./contract.ts";
import { ETHERNET_HEADER_BYTES, type Slab, VIRTIO_HEADER_BYTES } from "./frame.ts";
import {
  GSO_ECN,
  GSO_NONE,
  GSO_TCPV4,
  GSO_TCPV6,
  GSO_UDP,
  NEEDS_CSUM,
  virtioCsumOffset,
  virtioCsumStart,
  virtioFlags,
  virtioGsoSize,
  virtioGsoType,
} from "./virtio.ts";
import { fold, foldPartial, sum16 } from "./wire/checksum.ts";
import {
  ethernetHeaderLength,
  etherType,
  ETHERTYPE_IPV4,
  ETHERTYPE_IPV6,
} from "./wire/ethernet.ts";
import {
  ipv4HeaderLength,
  ipv4Protocol,
  ipv4TotalLength,
  IPV6_HEADER_BYTES,
  ipv6PayloadLength,
  ipv6Valid,
  PROTOCOL_TCP,
  PROTOCOL_UDP,
} from "./wire/ip.ts";
import {
  FLAG_CWR,
  FLAG_FIN,
  FLAG_PSH,
  TCP_CHECKSUM,
  TCP_FLAGS,
  TCP_SEQUENCE,
  tcpHeaderLength,
  UDP_CHECKSUM,
  UDP_HEADER_BYTES,
  UDP_LENGTH,
} from "./wire/transport.ts";

/** What {@link Offload.inspect} returns for a frame that can be sent. */
export const INSPECT_OK: number = -1;

/** Longest headers of a superframe, Ethernet to TCP options (spec/dataplane.md 6.2). */
export const MAX_HEADER_BYTES = 256;

/**
 * Most pieces of a superframe: 65,535 bytes in segments of 48, the smallest that TCP of Linux ever sends. A container with a
 * packet socket can ask for more; it would only keep us busy.
 */
export const MAX_PIECES = 1_366;

/** Copies bytes inside the slab; the runs do not overlap. `memcpy` of libc in production. */
export type CopyBytes = (destination: number, source: number, length: number) => void;

/** Returns a {@link CopyBytes} that needs no foreign functions. */
export function portableCopy(slab: Slab): CopyBytes {
  const { bytes } = slab;
  return (destination, source, length): void => {
    bytes.copyWithin(destination, source, source + length);
  };
}

/** Splits one superframe at a time; fields describe the one that was inspected last. */
export class Offload {
  /** Frames that it makes: 1 unless it is a superframe. */
  pieces = 0;
  /** Bytes of all headers, Ethernet to transport; the whole frame if it is not split. */
  headerLength = 0;
  /** Payload bytes of each piece but the last. */
  gsoSize = 0;
  /** gso_type without the ECN bit. */
  gsoType: number = GSO_NONE;
  /** Offset of the Ethernet header in the slab. */
  frameOffset = 0;
  /** Bytes of the frame or superframe. */
  frameLength = 0;
  /** Bytes of the longest frame that {@link writePiece} makes. */
  longestPiece = 0;
  readonly #view: DataView;
  readonly #copy: CopyBytes;
  #complete = true;
  #network = 0;
  #isIpv4 = false;
  #transport = 0;
  #checksum = 0;
  /** Sum of the IPv4 header without total length, id and checksum. */
  #ipSum = 0;
  #id = 0;
  /** Sum of the pseudo-header without its length. */
  #seed = 0;

  /**
   * Makes one that has inspected nothing yet.
   *
   * @param slab memory that all offsets refer to
   * @param copy copies bytes in it
   */
  constructor(slab: Slab, copy: CopyBytes) {
    this.#view = slab.view;
    this.#copy = copy;
  }

  /**
   * Reads the headers of what was read from the TAP and checks all that {@link writePiece} relies on. hot path
   *
   * @param virtioOffset where the virtio header lies
   * @param totalLength bytes that were read, virtio header included
   * @returns {@link INSPECT_OK}, or the cell of the counter of the drop
   */
  inspect(virtioOffset: number, totalLength: number): number {
    const view = this.#view;
    const length = totalLength - VIRTIO_HEADER_BYTES;
    if (length < ETHERNET_HEADER_BYTES) return COUNTER.dropMalformed;
    const flags = virtioFlags(view, virtioOffset);
    const type = virtioGsoType(view, virtioOffset);
    this.frameOffset = virtioOffset + VIRTIO_HEADER_BYTES;
    this.frameLength = length;
    this.gsoType = type & ~GSO_ECN;
    this.pieces = 1;
    this.headerLength = length;
    this.gsoSize = 0;
    this.longestPiece = length;
    this.#complete = (flags & NEEDS_CSUM) === 0;
    this.#transport = virtioCsumStart(view, virtioOffset);
    this.#checksum = this.#transport + virtioCsumOffset(view, virtioOffset);
    const fits = this.#complete ||
      this.#transport >= ETHERNET_HEADER_BYTES && this.#checksum + 2 <= length;
    if (!fits) return COUNTER.dropMalformed;
    if (type === GSO_NONE) return INSPECT_OK;
    // The kernel never asks for segmentation without leaving the checksum to us.
    if (this.#complete || !this.#inspectGso(virtioGsoSize(view, virtioOffset))) {
      return COUNTER.dropMalformed;
    }
    return INSPECT_OK;
  }

  /** Returns the bytes of piece `k`, from 0 to `pieces - 1`. hot path */
  pieceLength(k: number): number {
    const left = this.frameLength - this.headerLength - k * this.gsoSize;
    return this.headerLength + (k + 1 < this.pieces ? this.gsoSize : left);
  }

  /**
   * Writes piece `k` as a finished frame; `inspect` must have accepted it. hot path
   *
   * @param k from 0 to `pieces - 1`
   * @param destination offset to write to, outside the read buffer
   * @returns its length
   */
  writePiece(k: number, destination: number): number {
    if (this.gsoType === GSO_NONE) return this.#writeWhole(destination);
    const header = this.headerLength;
    const length = this.pieceLength(k);
    const payload = length - header;
    const source = this.frameOffset;
    this.#copy(destination, source, header);
    this.#copy(destination + header, source + header + k * this.gsoSize, payload);
    this.#patchNetwork(k, destination, length);
    const transport = destination + this.#transport;
    if (this.gsoType === GSO_UDP) this.#view.setUint16(transport + UDP_LENGTH, payload + 8);
    else this.#patchTcp(k, transport);
    this.#completeChecksum(destination, length);
    return length;
  }

  /** Checks a superframe's headers and prepares what all pieces share. */
  #inspectGso(gsoSize: number): boolean {
    const view = this.#view;
    const frame = this.frameOffset;
    const length = this.frameLength;
    const network = ethernetHeaderLength(view, frame, length);
    if (network < 0 || gsoSize === 0) return false;
    const protocol = this.gsoType === GSO_UDP ? PROTOCOL_UDP : PROTOCOL_TCP;
    const ip = frame + network;
    const ethernetType = etherType(view, frame, network);
    this.#network = network;
    this.#isIpv4 = ethernetType === ETHERTYPE_IPV4;
    if (this.#isIpv4) {
      const ipHeader = ipv4HeaderLength(view, ip, length - network);
      const valid = ipHeader >= 0 && this.gsoType !== GSO_TCPV6 &&
        ipv4Protocol(view, ip) === protocol && this.#transport === network + ipHeader &&
        ipv4TotalLength(view, ip) === length - network;
      if (!valid) return false;
      this.#id = view.getUint16(ip + 4);
      this.#ipSum = sum16(view, ip + 6, 4, view.getUint16(ip)) +
        sum16(view, ip + 12, ipHeader - 12, 0);
    } else {
      // Extension headers may lie between; csum_start tells where they end.
      const valid = ethernetType === ETHERTYPE_IPV6 && this.gsoType !== GSO_TCPV4 &&
        ipv6Valid(view, ip, length - network) &&
        this.#transport >= network + IPV6_HEADER_BYTES &&
        ipv6PayloadLength(view, ip) === length - network - IPV6_HEADER_BYTES;
      if (!valid) return false;
    }
    return this.#inspectTransport(gsoSize);
  }

  #inspectTransport(gsoSize: number): boolean {
    const view = this.#view;
    const udp = this.gsoType === GSO_UDP;
    if (!udp && this.gsoType !== GSO_TCPV4 && this.gsoType !== GSO_TCPV6) return false;
    const available = this.frameLength - this.#transport;
    const transportHeader = udp
      ? UDP_HEADER_BYTES
      : tcpHeaderLength(view, this.frameOffset + this.#transport, available);
    const header = this.#transport + transportHeader;
    const payload = this.frameLength - header;
    const at = this.#transport + (udp ? UDP_CHECKSUM : TCP_CHECKSUM);
    if (transportHeader < 0 || this.#checksum !== at) return false;
    if (header > MAX_HEADER_BYTES || payload <= 0) return false;
    this.pieces = Math.ceil(payload / gsoSize);
    if (this.pieces > MAX_PIECES) return false;
    this.headerLength = header;
    this.gsoSize = gsoSize;
    this.longestPiece = header + Math.min(gsoSize, payload);
    // The field holds the pseudo-header's sum over the whole length: take that out, each piece adds its own.
    this.#seed = view.getUint16(this.frameOffset + at) + (available ^ 0xffff);
    return true;
  }

  #writeWhole(destination: number): number {
    const length = this.frameLength;
    this.#copy(destination, this.frameOffset, length);
    if (this.#complete) return length;
    const view = this.#view;
    const at = destination + this.#checksum;
    // The field is part of the sum: it holds that of the pseudo-header.
    const start = this.#transport;
    const sum = fold(sum16(view, destination + start, length - start, 0));
    // 0 would mean "no checksum" in UDP; everywhere else both are the same number.
    view.setUint16(at, sum === 0 ? 0xffff : sum);
    return length;
  }

  #patchNetwork(k: number, destination: number, length: number): void {
    const view = this.#view;
    const ip = destination + this.#network;
    const total = length - this.#network;
    if (this.#isIpv4) {
      const id = (this.#id + k) & 0xffff;
      view.setUint16(ip + 2, total);
      view.setUint16(ip + 4, id);
      view.setUint16(ip + 10, fold(this.#ipSum + total + id));
    } else {
      view.setUint16(ip + 4, total - IPV6_HEADER_BYTES);
    }
  }

  #patchTcp(k: number, tcp: number): void {
    const view = this.#view;
    view.setInt32(tcp + TCP_SEQUENCE, view.getInt32(tcp + TCP_SEQUENCE) + k * this.gsoSize);
    let mask = 0xff;
    if (k > 0) mask &= ~FLAG_CWR;
    if (k + 1 < this.pieces) mask &= ~(FLAG_FIN | FLAG_PSH);
    view.setUint8(tcp + TCP_FLAGS, view.getUint8(tcp + TCP_FLAGS) & mask);
  }

  /** Computes the transport checksum of one piece. */
  #completeChecksum(destination: number, length: number): void {
    const view = this.#view;
    const at = destination + this.#checksum;
    const transportLength = length - this.#transport;
    view.setUint16(at, foldPartial(this.#seed + transportLength));
    const sum = fold(sum16(view, destination + this.#transport, transportLength, 0));
    view.setUint16(at, sum === 0 && this.gsoType === GSO_UDP ? 0xffff : sum);
  }
}
