/**
 * UDP datagrams out of a capture file: pcap (microseconds, little-endian, Ethernet), IPv4, fragments put together.
 *
 * @module
 */

/** One datagram, whole. */
export interface CapturedDatagram {
  /** Seconds since the first packet of the capture. */
  readonly seconds: number;
  /** Source address, as `10.98.0.1`. */
  readonly from: string;
  /** Source and destination port. */
  readonly ports: readonly [number, number];
  /** DF bit of the first fragment. */
  readonly df: boolean;
  /** The checksum field is zero. */
  readonly checksumZero: boolean;
  /** IP packets that it came in. */
  readonly fragments: number;
  /** UDP payload. */
  readonly payload: Uint8Array;
}

interface Assembly {
  readonly pieces: { readonly offset: number; readonly bytes: Uint8Array }[];
  total: number;
  df: boolean;
}

const MAGIC_MICROSECONDS = 0xa1b2_c3d4;
const FILE_HEADER_BYTES = 24;
const PACKET_HEADER_BYTES = 16;
const ETHERNET_BYTES = 14;
const PROTOCOL_UDP = 17;

/** Returns all UDP datagrams of a capture in the order in which they were complete. @throws {Error} for another format */
export function readUdp(file: Uint8Array): CapturedDatagram[] {
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength);
  if (view.getUint32(0, true) !== MAGIC_MICROSECONDS || view.getUint32(20, true) !== 1) {
    throw new Error("Not a little-endian Ethernet capture in microseconds");
  }
  const datagrams: CapturedDatagram[] = [];
  const assemblies = new Map<string, Assembly>();
  let first: number | undefined;
  for (let at = FILE_HEADER_BYTES; at < file.length;) {
    const seconds = view.getUint32(at, true) + view.getUint32(at + 4, true) / 1e6;
    first ??= seconds;
    const length = view.getUint32(at + 8, true);
    const packet = file.subarray(at + PACKET_HEADER_BYTES, at + PACKET_HEADER_BYTES + length);
    at += PACKET_HEADER_BYTES + length;
    const datagram = takePacket(packet, seconds - first, assemblies);
    if (datagram !== undefined) datagrams.push(datagram);
  }
  return datagrams;
}

function takePacket(
  packet: Uint8Array,
  seconds: number,
  assemblies: Map<string, Assembly>,
): CapturedDatagram | undefined {
  const view = new DataView(packet.buffer, packet.byteOffset, packet.byteLength);
  if (view.getUint16(12) !== 0x0800) return undefined;
  const ip = ETHERNET_BYTES;
  if (view.getUint8(ip + 9) !== PROTOCOL_UDP) return undefined;
  const header = (view.getUint8(ip) & 15) * 4;
  const end = ip + view.getUint16(ip + 2);
  const flags = view.getUint16(ip + 6);
  const key = packet.slice(ip + 12, ip + 20).toHex() + view.getUint16(ip + 4);
  const assembly = assemblies.get(key) ?? { pieces: [], total: Infinity, df: false };
  const offset = (flags & 0x1fff) * 8;
  const bytes = packet.slice(ip + header, end);
  assembly.pieces.push({ offset, bytes });
  if ((flags & 0x2000) === 0) assembly.total = offset + bytes.length;
  if (offset === 0) assembly.df = (flags & 0x4000) !== 0;
  const have = assembly.pieces.reduce((sum, piece) => sum + piece.bytes.length, 0);
  if (have < assembly.total) {
    assemblies.set(key, assembly);
    return undefined;
  }
  assemblies.delete(key);
  const whole = new Uint8Array(assembly.total);
  for (const piece of assembly.pieces) whole.set(piece.bytes, piece.offset);
  const udp = new DataView(whole.buffer);
  return {
    seconds,
    from: packet.subarray(ip + 12, ip + 16).join("."),
    ports: [udp.getUint16(0), udp.getUint16(2)],
    df: assembly.df,
    checksumZero: udp.getUint16(6) === 0,
    fragments: assembly.pieces.length,
    payload: whole.subarray(8, udp.getUint16(4)),
  };
}
