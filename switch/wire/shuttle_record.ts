/**
 * Records of the overlay `shuttle`: frames, and pieces of superframes with all their headers (spec/shuttle.md 7).
 *
 * ```
 *    0  length 2            bytes of the Ethernet frame
 *    2  virtio header 10    as the TAP gave it; hdr_len is the index k of the piece: 0, 1, 2 ...
 *   12  Ethernet frame      whole; of a superframe all headers, unchanged, and piece k of the payload
 * ```
 *
 * The length is big-endian, the virtio header little-endian. IP length, sequence number and checksum of a piece are those of
 * the whole superframe.
 *
 * Whatever a peer sends reaches our kernel as a virtio header, so a record is hostile until {@link RecordHeaders.parse} has
 * found nothing wrong with it. The sender asks the same question before it seals.
 *
 * @module
 */

import { ETHERNET_HEADER_BYTES, VIRTIO_HEADER_BYTES } from "../frame.ts";
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
} from "../virtio.ts";
import { ethernetHeaderLength, etherType, ETHERTYPE_IPV4, ETHERTYPE_IPV6 } from "./ethernet.ts";
import {
  IPV4_MF,
  IPV4_OFFSET_MASK,
  ipv4Fragment,
  ipv4Protocol,
  ipv4TotalLength,
  IPV6_HEADER_BYTES,
  ipv6NextHeader,
  ipv6PayloadLength,
  PROTOCOL_TCP,
  PROTOCOL_UDP,
} from "./ip.ts";
import { TCP_CHECKSUM, TCP_HEADER_BYTES, UDP_CHECKSUM, UDP_HEADER_BYTES } from "./transport.ts";

/** Bytes before the frame: length and virtio header. */
export const RECORD_BYTES: number = 2 + VIRTIO_HEADER_BYTES;

/** Smallest gso_size that is carried: nothing sane cuts finer, and it bounds what our kernel can be made to cut. */
export const MIN_GSO_SIZE = 48;

/** Most datagrams of a UDP superframe (UDP_MAX_SEGMENTS of the kernel). */
export const MAX_UDP_PIECES = 64;

/** All flags that a frame may have: partial checksum, checksum verified. */
const KNOWN_FLAGS = 3;

/** What is wrong with a record. */
export const FAULT = {
  /** Nothing. */
  NONE: 0,
  /** Shorter than an Ethernet header. */
  FRAME: 1,
  /** Flags that this gso_type does not go with. */
  FLAGS: 2,
  /** gso_type is unknown. */
  GSO_TYPE: 3,
  /** The checksum would lie outside the frame. */
  CHECKSUM: 4,
  /** EtherType or IP version are not what gso_type says. */
  NETWORK: 5,
  /** A fragment, or IPv6 with extension headers. */
  FRAGMENT: 6,
  /** Not the transport protocol that gso_type says. */
  PROTOCOL: 7,
  /** csum_start or csum_offset do not point at the checksum of the transport header. */
  CSUM_START: 8,
  /** The transport header is none, or does not fit. */
  TRANSPORT: 9,
  /** gso_size is below {@link MIN_GSO_SIZE}. */
  GSO_SIZE: 10,
  /** The payload is not what piece k of such a superframe has. */
  PAYLOAD: 11,
  /** More than {@link MAX_UDP_PIECES} datagrams. */
  PIECES: 12,
} as const;

/** Returns the offset behind the record at `at`; -1 if it is cut short or holds no Ethernet header. hot path */
export function shuttleRecordEnd(view: DataView, at: number, end: number): number {
  if (at + RECORD_BYTES + ETHERNET_HEADER_BYTES > end) return -1;
  const length = view.getUint16(at);
  if (length < ETHERNET_HEADER_BYTES) return -1;
  const next = at + RECORD_BYTES + length;
  return next > end ? -1 : next;
}

/** Returns the index of the piece. hot path */
export function pieceIndex(view: DataView, virtio: number): number {
  return view.getUint16(virtio + 2, true);
}

/** Sets the index of the piece. hot path */
export function setPieceIndex(view: DataView, virtio: number, k: number): void {
  view.setUint16(virtio + 2, k, true);
}

/** One record taken apart and checked; one object is used for record after record. */
export class RecordHeaders {
  /** Flags of the virtio header. */
  flags = 0;
  /** gso_type with the ECN bit; 0: a frame, all fields below mean nothing. */
  gsoType: number = GSO_NONE;
  /** Payload bytes of each piece but the last. */
  gsoSize = 0;
  /** Index of the piece. */
  k = 0;
  /** Bytes of the Ethernet header with its tags. */
  network = 0;
  /** Bytes from the frame to the transport header. */
  transport = 0;
  /** Bytes of all headers. */
  header = 0;
  /** Payload bytes of this piece. */
  payload = 0;
  /** Payload bytes of the whole superframe, by its IP header. */
  wholePayload = 0;
  /** IPv4, else IPv6. */
  isIpv4 = false;
  /** TCP, else UDP. */
  isTcp = false;
  /** It ends the superframe. */
  isLast = false;

  /**
   * Takes a record apart. hot path
   *
   * @param virtio offset of its virtio header, with the piece index in hdr_len
   * @param length bytes of the frame behind it
   * @returns one of {@link FAULT}
   */
  parse(view: DataView, virtio: number, length: number): number {
    const type = virtioGsoType(view, virtio);
    const flags = virtioFlags(view, virtio);
    this.flags = flags;
    this.gsoType = type;
    if (length < ETHERNET_HEADER_BYTES) return FAULT.FRAME;
    if (type === GSO_NONE) return this.#parseFrame(view, virtio, length);
    const isUdp = type === GSO_UDP;
    const base = type & ~GSO_ECN;
    if (!isUdp && base !== GSO_TCPV4 && base !== GSO_TCPV6) return FAULT.GSO_TYPE;
    if (flags !== NEEDS_CSUM) return FAULT.FLAGS;
    this.isTcp = !isUdp;
    this.gsoSize = virtioGsoSize(view, virtio);
    this.k = pieceIndex(view, virtio);
    if (this.gsoSize < MIN_GSO_SIZE) return FAULT.GSO_SIZE;
    const frame = virtio + VIRTIO_HEADER_BYTES;
    const network = ethernetHeaderLength(view, frame, length);
    if (network < 0) return FAULT.NETWORK;
    this.network = network;
    const ethernetType = etherType(view, frame, network);
    this.isIpv4 = ethernetType === ETHERTYPE_IPV4;
    if (this.isIpv4 ? base === GSO_TCPV6 : base === GSO_TCPV4) return FAULT.NETWORK;
    if (!this.isIpv4 && ethernetType !== ETHERTYPE_IPV6) return FAULT.NETWORK;
    const fault = this.isIpv4
      ? this.#parseIpv4(view, frame + network, length - network)
      : this.#parseIpv6(view, frame + network, length - network);
    if (fault !== FAULT.NONE) return fault;
    return this.#parseTransport(view, virtio, length);
  }

  #parseFrame(view: DataView, virtio: number, length: number): number {
    const { flags } = this;
    if ((flags & ~KNOWN_FLAGS) !== 0) return FAULT.FLAGS;
    const start = virtioCsumStart(view, virtio);
    if (start + virtioCsumOffset(view, virtio) + 2 > length) return FAULT.CHECKSUM;
    // The kernel counts from behind the Ethernet header.
    const needs = (flags & NEEDS_CSUM) !== 0;
    return needs && start < ETHERNET_HEADER_BYTES ? FAULT.CHECKSUM : FAULT.NONE;
  }

  /** Leaves the bytes behind the IP header that the superframe has in `wholePayload`. */
  #parseIpv4(view: DataView, ip: number, available: number): number {
    if (available < 20 || view.getUint8(ip) >>> 4 !== 4) return FAULT.NETWORK;
    const header = (view.getUint8(ip) & 15) * 4;
    if (header < 20 || header > available) return FAULT.NETWORK;
    if ((ipv4Fragment(view, ip) & (IPV4_MF | IPV4_OFFSET_MASK)) !== 0) return FAULT.FRAGMENT;
    if (ipv4Protocol(view, ip) !== (this.isTcp ? PROTOCOL_TCP : PROTOCOL_UDP)) {
      return FAULT.PROTOCOL;
    }
    this.transport = this.network + header;
    this.wholePayload = ipv4TotalLength(view, ip) - header;
    return FAULT.NONE;
  }

  #parseIpv6(view: DataView, ip: number, available: number): number {
    if (available < IPV6_HEADER_BYTES || view.getUint8(ip) >>> 4 !== 6) return FAULT.NETWORK;
    const next = ipv6NextHeader(view, ip);
    if (next !== PROTOCOL_TCP && next !== PROTOCOL_UDP) return FAULT.FRAGMENT;
    if ((next === PROTOCOL_TCP) !== this.isTcp) return FAULT.PROTOCOL;
    this.transport = this.network + IPV6_HEADER_BYTES;
    this.wholePayload = ipv6PayloadLength(view, ip);
    return FAULT.NONE;
  }

  #parseTransport(view: DataView, virtio: number, length: number): number {
    const { transport, gsoSize } = this;
    const field = this.isTcp ? TCP_CHECKSUM : UDP_CHECKSUM;
    if (virtioCsumStart(view, virtio) !== transport) return FAULT.CSUM_START;
    if (virtioCsumOffset(view, virtio) !== field) return FAULT.CSUM_START;
    const available = length - transport;
    let bytes = UDP_HEADER_BYTES;
    if (this.isTcp) {
      if (available < TCP_HEADER_BYTES) return FAULT.TRANSPORT;
      bytes = (view.getUint8(virtio + VIRTIO_HEADER_BYTES + transport + 12) >>> 4) * 4;
      if (bytes < TCP_HEADER_BYTES) return FAULT.TRANSPORT;
    }
    if (bytes > available) return FAULT.TRANSPORT;
    const whole = this.wholePayload - bytes;
    const payload = available - bytes;
    const end = this.k * gsoSize + payload;
    this.header = transport + bytes;
    this.payload = payload;
    this.wholePayload = whole;
    this.isLast = end === whole;
    if (payload === 0 || payload > gsoSize || end > whole) return FAULT.PAYLOAD;
    if (!this.isLast && payload !== gsoSize) return FAULT.PAYLOAD;
    return !this.isTcp && whole > MAX_UDP_PIECES * gsoSize ? FAULT.PIECES : FAULT.NONE;
  }
}

/** Formats open records on one line, for tests and debugging. */
export function formatRecords(view: DataView, offset: number, length: number): string {
  const end = offset + length;
  const parts: string[] = [];
  for (let at = offset; at < end;) {
    const next = shuttleRecordEnd(view, at, end);
    if (next < 0) return [...parts, `malformed: ${end - at} bytes`].join("; ");
    const type = virtioGsoType(view, at + 2);
    const piece = `piece ${pieceIndex(view, at + 2)} of type ${type}, gso_size ${
      virtioGsoSize(view, at + 2)
    }`;
    parts.push(`${type === GSO_NONE ? "frame" : piece}: ${view.getUint16(at)} bytes`);
    at = next;
  }
  return parts.join("; ");
}
