/**
 * IP addresses, prefixes and endpoints.
 *
 * An IPv4 address in a container's network is a number (allocation is integer arithmetic). An underlay address is
 * 16 bytes, IPv4 mapped as `::ffff:a.b.c.d`, so that both families take one path.
 *
 * @module
 */

import { WireError } from "./bytes.ts";

/** An IPv4 address: an integer from 0 to 2^32 - 1. */
export type Ipv4 = number;

/** An IPv4 address with a prefix length, host bits kept: `10.32.0.5/12`. */
export interface Cidr {
  /** The address, host bits included. */
  readonly address: Ipv4;
  /** Prefix length, 0 to 32. */
  readonly length: number;
}

/** An underlay address: 16 bytes (IPv4 as `::ffff:a.b.c.d`) and a port. */
export interface Endpoint {
  /** 16 bytes in network order. */
  readonly ip: Uint8Array;
  /** UDP or TCP port, host order. */
  readonly port: number;
}

/** Parses four decimal numbers of 0 to 255 without leading zeros. @throws {WireError} for anything else */
export function parseIpv4(text: string): Ipv4 {
  const parts = text.split(".");
  const ok = parts.length === 4 &&
    parts.every((part) => /^(0|[1-9][0-9]{0,2})$/.test(part) && Number(part) < 256);
  if (!ok) throw new WireError(`IPv4 address "${text}"`, 0, "four numbers such as 10.32.0.5");
  return parts.reduce((sum, part) => sum * 256 + Number(part), 0);
}

/** Formats an IPv4 address as `10.32.0.5`. */
export function formatIpv4(address: Ipv4): string {
  return [24, 16, 8, 0].map((shift) => (address >>> shift) & 255).join(".");
}

/** Parses `IP/LEN`. @throws {WireError} for anything else; the text holds "invalid CIDR address" */
export function parseCidr(text: string): Cidr {
  const [ip, length, more] = text.split("/");
  try {
    if (more !== undefined || !/^(0|[1-9][0-9]?)$/.test(length ?? "") || Number(length) > 32) {
      throw 0;
    }
    return { address: parseIpv4(ip ?? ""), length: Number(length) };
  } catch {
    throw new WireError(
      `invalid CIDR address "${text}"`,
      0,
      "an address with a prefix such as 10.32.0.5/12",
    );
  }
}

/** Formats a CIDR as `10.32.0.5/12`. */
export function formatCidr(cidr: Cidr): string {
  return `${formatIpv4(cidr.address)}/${cidr.length}`;
}

/** Returns the netmask of a prefix length as a number. */
export function netmask(length: number): number {
  return length === 0 ? 0 : (0xffff_ffff << (32 - length)) >>> 0;
}

/** Returns the first address of the subnet that a CIDR lies in. */
export function networkOf(cidr: Cidr): Ipv4 {
  return (cidr.address & netmask(cidr.length)) >>> 0;
}

/** Returns the last address of the subnet that a CIDR lies in (its broadcast address). */
export function lastOf(cidr: Cidr): Ipv4 {
  return (networkOf(cidr) | ~netmask(cidr.length)) >>> 0;
}

/** Tells whether an address lies in the subnet of a CIDR. */
export function cidrContains(cidr: Cidr, address: Ipv4): boolean {
  return ((address & netmask(cidr.length)) >>> 0) === networkOf(cidr);
}

/** Returns the 16 bytes of an IPv4 address: `::ffff:a.b.c.d` (RFC 4291 2.5.5.2). */
export function mapIpv4(address: Ipv4): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(16);
  bytes[10] = bytes[11] = 0xff;
  new DataView(bytes.buffer).setUint32(12, address);
  return bytes;
}

/** Returns the IPv4 address that 16 bytes map, `undefined` for a real IPv6 address. */
export function unmapIpv4(ip: Uint8Array): Ipv4 | undefined {
  for (let i = 0; i < 10; i++) if (ip[i] !== 0) return undefined;
  if (ip[10] !== 0xff || ip[11] !== 0xff) return undefined;
  return new DataView(ip.buffer, ip.byteOffset, ip.byteLength).getUint32(12);
}

/**
 * Parses an IPv4 or IPv6 address (RFC 4291 2.2, no zone) to 16 bytes.
 *
 * @throws {WireError} for anything else
 */
export function parseIp(text: string): Uint8Array<ArrayBuffer> {
  if (!text.includes(":")) return mapIpv4(parseIpv4(text));
  const fail = (): never => {
    throw new WireError(`IP address "${text}"`, 0, "an IPv4 or IPv6 address");
  };
  let source = text;
  const dotted = /^(.*:)([0-9.]+)$/.exec(text);
  if (dotted !== null && dotted[2]?.includes(".")) {
    const v4 = parseIpv4(dotted[2]);
    source = `${dotted[1]}${(v4 >>> 16).toString(16)}:${(v4 & 0xffff).toString(16)}`;
  }
  const halves = source.split("::");
  const groups = halves.map((half) => half === "" ? [] : half.split(":"));
  const written = groups.flat();
  if (halves.length > 2 || !written.every((group) => /^[0-9a-f]{1,4}$/i.test(group))) fail();
  if (halves.length === 1 ? written.length !== 8 : written.length > 7) fail();
  const zeros = new Array<string>(8 - written.length).fill("0");
  const all = halves.length === 1 ? written : [...groups[0] ?? [], ...zeros, ...groups[1] ?? []];
  const bytes = new Uint8Array(16);
  const view = new DataView(bytes.buffer);
  all.forEach((group, i) => view.setUint16(2 * i, parseInt(group, 16)));
  return bytes;
}

/** Formats 16 bytes as IPv4 if they map one, else as IPv6 in the form of RFC 5952. */
export function formatIp(ip: Uint8Array): string {
  const v4 = unmapIpv4(ip);
  if (v4 !== undefined) return formatIpv4(v4);
  const view = new DataView(ip.buffer, ip.byteOffset, ip.byteLength);
  const groups = Array.from({ length: 8 }, (_, i) => view.getUint16(2 * i).toString(16));
  const text = groups.join(":");
  const runs = [...text.matchAll(/(^|(?<=:))0(:0)+(?=:|$)/g)];
  const longest = runs.reduce((a, b) => b[0].length > a.length ? b[0] : a, "");
  if (longest === "") return text;
  const at = runs.find((run) => run[0] === longest)?.index ?? 0;
  const head = text.slice(0, at).replace(/:$/, "");
  const tail = text.slice(at + longest.length).replace(/^:/, "");
  return `${head}::${tail}`;
}

/** Formats an endpoint as `10.0.0.1:6783` or `[2001:db8::1]:6783`. */
export function formatEndpoint(endpoint: Endpoint): string {
  const ip = formatIp(endpoint.ip);
  return ip.includes(":") ? `[${ip}]:${endpoint.port}` : `${ip}:${endpoint.port}`;
}

/** Parses `ip:port` or `[ip]:port`. @throws {WireError} for anything else */
export function parseEndpoint(text: string): Endpoint {
  const match = /^(?:\[([^\]]+)\]|([^:]+)):([0-9]{1,5})$/.exec(text);
  const port = Number(match?.[3]);
  if (match === null || port > 65535) throw new WireError(`address "${text}"`, 0, "IP:PORT");
  return { ip: parseIp(match[1] ?? match[2] ?? ""), port };
}

/** Tells whether two endpoints are the same address and port. */
export function sameEndpoint(a: Endpoint | undefined, b: Endpoint | undefined): boolean {
  if (a === undefined || b === undefined) return a === b;
  return a.port === b.port && a.ip.every((byte, i) => byte === b.ip[i]);
}
