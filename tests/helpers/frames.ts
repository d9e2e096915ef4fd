/**
 * Ethernet frames for tests, built and checked in the slow and obvious way, apart from the code under test.
 *
 * @module
 */

import { concat } from "../../base/mod.ts";

/** A TCP or UDP frame in words. */
export interface FrameSpec {
  /** IPv6 instead of IPv4. */
  readonly ipv6?: boolean;
  /** VLAN tags, 0 to 2. */
  readonly tags?: number;
  /** UDP instead of TCP. */
  readonly udp?: boolean;
  /** IPv4 id. */
  readonly id?: number;
  /** IPv4 DF bit. */
  readonly df?: boolean;
  /** IPv4 options, a multiple of 4 bytes. */
  readonly ipOptions?: Uint8Array;
  /** TOS or traffic class. */
  readonly tos?: number;
  /** TTL or hop limit. */
  readonly ttl?: number;
  /** Last byte of the source address. */
  readonly host?: number;
  /** Source port. */
  readonly port?: number;
  /** TCP sequence number. */
  readonly sequence?: number;
  /** TCP acknowledgement number. */
  readonly acknowledgement?: number;
  /** TCP flags; ACK unless given. */
  readonly flags?: number;
  /** TCP window. */
  readonly window?: number;
  /** TCP options, a multiple of 4 bytes. */
  readonly options?: Uint8Array;
  /** Payload. */
  readonly payload: Uint8Array;
}

/** Lengths of the headers of a frame. */
export interface Layout {
  /** Ethernet with tags. */
  readonly network: number;
  /** Up to the transport header. */
  readonly transport: number;
  /** Up to the payload. */
  readonly header: number;
}

/** Returns where the headers of such a frame end. */
export function layoutOf(spec: FrameSpec): Layout {
  const network = 14 + 4 * (spec.tags ?? 0);
  const transport = network + (spec.ipv6 ? 40 : 20 + (spec.ipOptions?.length ?? 0));
  const header = transport + (spec.udp ? 8 : 20 + (spec.options?.length ?? 0));
  return { network, transport, header };
}

/** Sums big-endian 16-bit words one by one and folds, RFC 1071 to the letter; not complemented. */
export function slowSum(bytes: Uint8Array): number {
  let sum = 0;
  bytes.forEach((byte, i) => sum += i % 2 === 0 ? byte * 256 : byte);
  while (sum > 0xffff) sum = (sum % 0x10000) + Math.floor(sum / 0x10000);
  return sum;
}

/** Builds the frame with complete checksums. */
export function buildFrame(spec: FrameSpec): Uint8Array<ArrayBuffer> {
  const frame = buildUnchecked(spec);
  const { transport } = layoutOf(spec);
  const at = transport + (spec.udp ? 6 : 16);
  const sum = slowSum(concat(pseudoHeader(spec, frame), frame.subarray(transport))) ^ 0xffff;
  new DataView(frame.buffer).setUint16(at, spec.udp && sum === 0 ? 0xffff : sum);
  return frame;
}

/** Builds a superframe as the TAP gives it: virtio header, frame with a partial checksum. */
export function buildSuperframe(spec: FrameSpec, gsoSize: number): Uint8Array<ArrayBuffer> {
  const frame = buildUnchecked(spec);
  const { transport, header } = layoutOf(spec);
  const offset = spec.udp ? 6 : 16;
  new DataView(frame.buffer).setUint16(transport + offset, slowSum(pseudoHeader(spec, frame)));
  const virtio = new Uint8Array(10);
  const view = new DataView(virtio.buffer);
  const ecn = !spec.udp && ((spec.flags ?? 0) & 0x80) !== 0 ? 0x80 : 0;
  view.setUint8(0, 1);
  view.setUint8(1, spec.udp ? 5 : (spec.ipv6 ? 4 : 1) | ecn);
  view.setUint16(2, header, true);
  view.setUint16(4, gsoSize, true);
  view.setUint16(6, transport, true);
  view.setUint16(8, offset, true);
  return concat(virtio, frame);
}

/** Tells whether IPv4 header and transport checksums of a frame are right. */
export function checksumsAreRight(spec: FrameSpec, frame: Uint8Array): boolean {
  const { network, transport } = layoutOf(spec);
  if (!spec.ipv6 && slowSum(frame.subarray(network, transport)) !== 0xffff) return false;
  return slowSum(concat(pseudoHeader(spec, frame), frame.subarray(transport))) === 0xffff;
}

function pseudoHeader(spec: FrameSpec, frame: Uint8Array): Uint8Array {
  const { network, transport } = layoutOf(spec);
  const addresses = spec.ipv6
    ? frame.subarray(network + 8, network + 40)
    : frame.subarray(network + 12, network + 20);
  const rest = new Uint8Array(8);
  new DataView(rest.buffer).setUint32(0, frame.length - transport);
  rest[7] = spec.udp ? 17 : 6;
  return concat(addresses, rest);
}

function buildUnchecked(spec: FrameSpec): Uint8Array<ArrayBuffer> {
  const { network, transport, header } = layoutOf(spec);
  const frame = new Uint8Array(header + spec.payload.length);
  const view = new DataView(frame.buffer);
  frame.set([0x0a, 0, 0, 0, 0, 2, 0x0a, 0, 0, 0, 0, 1]);
  for (let tag = 0; tag < (spec.tags ?? 0); tag++) {
    view.setUint16(12 + 4 * tag, tag === 0 ? 0x88a8 : 0x8100);
    view.setUint16(14 + 4 * tag, 7 + tag);
  }
  view.setUint16(network - 2, spec.ipv6 ? 0x86dd : 0x0800);
  if (spec.ipv6) writeIpv6(spec, view, network);
  else writeIpv4(spec, frame, view, network, transport);
  if (spec.udp) writeUdp(spec, view, transport);
  else writeTcp(spec, frame, view, transport, header);
  frame.set(spec.payload, header);
  return frame;
}

function writeIpv4(
  spec: FrameSpec,
  frame: Uint8Array,
  view: DataView,
  ip: number,
  transport: number,
): void {
  view.setUint8(ip, 0x40 + (transport - ip) / 4);
  view.setUint8(ip + 1, spec.tos ?? 0);
  view.setUint16(ip + 2, frame.length - ip);
  view.setUint16(ip + 4, spec.id ?? 0);
  view.setUint16(ip + 6, spec.df ? 0x4000 : 0);
  view.setUint8(ip + 8, spec.ttl ?? 64);
  view.setUint8(ip + 9, spec.udp ? 17 : 6);
  frame.set([192, 0, 2, spec.host ?? 1, 192, 0, 2, 200], ip + 12);
  frame.set(spec.ipOptions ?? [], ip + 20);
  view.setUint16(ip + 10, slowSum(frame.subarray(ip, transport)) ^ 0xffff);
}

function writeIpv6(spec: FrameSpec, view: DataView, ip: number): void {
  view.setUint32(ip, 0x60000000 + (spec.tos ?? 0) * 0x100000);
  view.setUint16(ip + 4, view.byteLength - ip - 40);
  view.setUint8(ip + 6, spec.udp ? 17 : 6);
  view.setUint8(ip + 7, spec.ttl ?? 64);
  view.setUint32(ip + 8, 0x20010db8);
  view.setUint8(ip + 23, spec.host ?? 1);
  view.setUint32(ip + 24, 0x20010db8);
  view.setUint8(ip + 39, 200);
}

function writeUdp(spec: FrameSpec, view: DataView, udp: number): void {
  view.setUint16(udp, spec.port ?? 40000);
  view.setUint16(udp + 2, 5001);
  view.setUint16(udp + 4, view.byteLength - udp);
}

function writeTcp(
  spec: FrameSpec,
  frame: Uint8Array,
  view: DataView,
  tcp: number,
  header: number,
): void {
  view.setUint16(tcp, spec.port ?? 40000);
  view.setUint16(tcp + 2, 5001);
  view.setUint32(tcp + 4, spec.sequence ?? 0);
  view.setUint32(tcp + 8, spec.acknowledgement ?? 1);
  view.setUint8(tcp + 12, (header - tcp) * 4);
  view.setUint8(tcp + 13, spec.flags ?? 0x10);
  view.setUint16(tcp + 14, spec.window ?? 512);
  frame.set(spec.options ?? [], tcp + 20);
}
