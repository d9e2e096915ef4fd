/**
 * Which frames belong to bulk, where what counts is how much goes through, and not when each frame does.
 *
 * ```
 *   TCP superframe, TCP segment of 600 bytes and more      data of a transfer        bulk
 *   TCP segment without data                               its acknowledgements      bulk
 *   any other: a connection that begins, a request, a key that was typed, a ping, a name, voice                somebody waits for it
 * ```
 *
 * @module
 */

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
  ipv6NextHeader,
  ipv6PayloadLength,
  ipv6Valid,
  PROTOCOL_TCP,
} from "./wire/ip.ts";
import { FLAG_SYN, TCP_FLAGS, tcpHeaderLength } from "./wire/transport.ts";
import { GSO_NONE, GSO_UDP } from "./virtio.ts";

/** Requests and what is typed are shorter; a transfer has few segments that are. */
const LONG_BYTES = 600;

/**
 * Tells whether a frame belongs to bulk. hot path
 *
 * @param frame its offset
 * @param length its bytes, at least 14
 * @param gsoType of its virtio header, with or without the ECN bit
 */
export function isBulk(view: DataView, frame: number, length: number, gsoType: number): boolean {
  if (gsoType !== GSO_NONE) return gsoType !== GSO_UDP;
  const network = ethernetHeaderLength(view, frame, length);
  if (network < 0) return false;
  const ip = frame + network;
  const available = length - network;
  const type = etherType(view, frame, network);
  if (type === ETHERTYPE_IPV4) {
    const header = ipv4HeaderLength(view, ip, available);
    if (header < 0 || ipv4Protocol(view, ip) !== PROTOCOL_TCP) return false;
    return isBulkTcp(view, ip + header, ipv4TotalLength(view, ip) - header);
  }
  if (type !== ETHERTYPE_IPV6 || !ipv6Valid(view, ip, available)) return false;
  if (ipv6NextHeader(view, ip) !== PROTOCOL_TCP) return false;
  return isBulkTcp(view, ip + IPV6_HEADER_BYTES, ipv6PayloadLength(view, ip));
}

/** The same for what lies behind the IP header. @param length without the padding of Ethernet */
function isBulkTcp(view: DataView, tcp: number, length: number): boolean {
  if (length >= LONG_BYTES) return true;
  return tcpHeaderLength(view, tcp, length) === length &&
    (view.getUint8(tcp + TCP_FLAGS) & FLAG_SYN) === 0;
}
