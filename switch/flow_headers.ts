/**
 * The headers of a frame that could be joined with others of its flow, taken apart once.
 *
 * ```
 *   | Ethernet, tags | IPv4 20 or IPv6 40 | TCP 20..60 or UDP 8 | payload |
 *   frame            + network            + transport           + header
 * ```
 *
 * What never joins is not taken: IPv4 with options, fragments or a wrong header checksum, IPv6 with extension headers, Ethernet
 * padding, TCP without ACK or with SYN, RST or URG, UDP without a checksum, anything without payload.
 *
 * @module
 */

import { fold, sum16 } from "./wire/checksum.ts";
import {
  ethernetHeaderLength,
  etherType,
  ETHERTYPE_IPV4,
  ETHERTYPE_IPV6,
} from "./wire/ethernet.ts";
import {
  IPV4_HEADER_BYTES,
  IPV4_MF,
  IPV4_OFFSET_MASK,
  ipv4Fragment,
  ipv4HeaderLength,
  ipv4Protocol,
  ipv4PseudoSum,
  ipv4TotalLength,
  IPV6_HEADER_BYTES,
  ipv6NextHeader,
  ipv6PayloadLength,
  ipv6PseudoSum,
  ipv6Valid,
  PROTOCOL_TCP,
  PROTOCOL_UDP,
} from "./wire/ip.ts";
import {
  FLAG_ACK,
  FLAG_CWR,
  FLAG_ECE,
  FLAG_FIN,
  FLAG_PSH,
  TCP_FLAGS,
  tcpHeaderLength,
  UDP_CHECKSUM,
  UDP_HEADER_BYTES,
  UDP_LENGTH,
} from "./wire/transport.ts";

/** Flags of TCP that a frame which joins may have. */
const JOINABLE_FLAGS = FLAG_ACK | FLAG_PSH | FLAG_FIN | FLAG_ECE | FLAG_CWR;

/** Where the headers of one frame lie; one object is used for frame after frame. */
export class FlowHeaders {
  /** Offset of the Ethernet header in the slab. */
  frame = 0;
  /** Bytes of the Ethernet header with its tags. */
  network = 0;
  /** Bytes from the frame to the transport header. */
  transport = 0;
  /** Bytes of all headers. */
  header = 0;
  /** Bytes of payload, at least 1. */
  payload = 0;
  /** IPv4, else IPv6. */
  isIpv4 = false;
  /** TCP, else UDP. */
  isTcp = false;

  /** Takes a frame apart. hot path @returns false if it never joins; the fields then mean nothing */
  parse(view: DataView, frame: number, length: number): boolean {
    const network = ethernetHeaderLength(view, frame, length);
    if (network < 0) return false;
    const ip = frame + network;
    const type = etherType(view, frame, network);
    this.frame = frame;
    this.network = network;
    this.isIpv4 = type === ETHERTYPE_IPV4;
    let protocol = -1;
    if (type === ETHERTYPE_IPV4) protocol = this.#parseIpv4(view, ip, length - network);
    else if (type === ETHERTYPE_IPV6) protocol = this.#parseIpv6(view, ip, length - network);
    this.isTcp = protocol === PROTOCOL_TCP;
    if (this.isTcp) return this.#parseTcp(view, length);
    return protocol === PROTOCOL_UDP && this.#parseUdp(view, length);
  }

  /** Compares an even number of bytes, from `at` on, with those of another frame. hot path */
  sameBytes(view: DataView, other: FlowHeaders, at: number, length: number): boolean {
    const a = this.frame + at;
    const b = other.frame + at;
    let i = 0;
    for (; i + 4 <= length; i += 4) {
      if (view.getInt32(a + i) !== view.getInt32(b + i)) return false;
    }
    return i === length || view.getUint16(a + i) === view.getUint16(b + i);
  }

  /** Returns the sum of the pseudo-header for a transport header and payload of that length together. hot path */
  pseudoSum(view: DataView, length: number): number {
    const ip = this.frame + this.network;
    const protocol = this.isTcp ? PROTOCOL_TCP : PROTOCOL_UDP;
    return this.isIpv4
      ? ipv4PseudoSum(view, ip, protocol, length)
      : ipv6PseudoSum(view, ip, protocol, length);
  }

  /** Verifies the transport checksum. hot path */
  checksumIsRight(view: DataView): boolean {
    const length = this.header - this.transport + this.payload;
    const pseudo = this.pseudoSum(view, length);
    return fold(sum16(view, this.frame + this.transport, length, pseudo)) === 0;
  }

  /** @returns the protocol, -1 if it never joins */
  #parseIpv4(view: DataView, ip: number, available: number): number {
    this.transport = this.network + IPV4_HEADER_BYTES;
    const plain = ipv4HeaderLength(view, ip, available) === IPV4_HEADER_BYTES &&
      ipv4TotalLength(view, ip) === available &&
      (ipv4Fragment(view, ip) & (IPV4_MF | IPV4_OFFSET_MASK)) === 0 &&
      // A joined frame gets a new, right one: a wrong one would be hidden.
      fold(sum16(view, ip, IPV4_HEADER_BYTES, 0)) === 0;
    return plain ? ipv4Protocol(view, ip) : -1;
  }

  /** @returns the next header, -1 if it never joins */
  #parseIpv6(view: DataView, ip: number, available: number): number {
    this.transport = this.network + IPV6_HEADER_BYTES;
    const plain = ipv6Valid(view, ip, available) &&
      ipv6PayloadLength(view, ip) === available - IPV6_HEADER_BYTES;
    return plain ? ipv6NextHeader(view, ip) : -1;
  }

  #parseTcp(view: DataView, length: number): boolean {
    const tcp = this.frame + this.transport;
    const header = tcpHeaderLength(view, tcp, length - this.transport);
    if (header < 0) return false;
    this.header = this.transport + header;
    this.payload = length - this.header;
    const flags = view.getUint8(tcp + TCP_FLAGS);
    return this.payload > 0 && (flags & FLAG_ACK) !== 0 && (flags & ~JOINABLE_FLAGS) === 0;
  }

  #parseUdp(view: DataView, length: number): boolean {
    const udp = this.frame + this.transport;
    this.header = this.transport + UDP_HEADER_BYTES;
    this.payload = length - this.header;
    return this.payload > 0 && view.getUint16(udp + UDP_CHECKSUM) !== 0 &&
      view.getUint16(udp + UDP_LENGTH) === length - this.transport;
  }
}
