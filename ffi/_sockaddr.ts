/**
 * Socket addresses of IPv4 and IPv6, from and to endpoints of 16 bytes.
 *
 * @module
 */

import { type Endpoint, formatIp, mapIpv4, unmapIpv4 } from "../base/mod.ts";
import { ERRNO, SysError } from "./errno.ts";
import { SOCKADDR_IN, SOCKADDR_IN6 } from "./layout.ts";

/** `bits/socket.h` */
export const AF_INET = 2;
/** `bits/socket.h` */
export const AF_INET6 = 10;
/** Room for either kind. */
export const SOCKADDR_BYTES = 32;

/** Returns how long an address of a family is, in bytes. */
export function sockaddrLength(family: 4 | 6): number {
  return family === 4 ? SOCKADDR_IN.size : SOCKADDR_IN6.size;
}

/**
 * Writes a `sockaddr_in` or `sockaddr_in6`.
 *
 * @param ip 16 bytes; `undefined` for all addresses
 * @throws {SysError} EAFNOSUPPORT if the address is of the other family
 */
export function writeSockaddr(
  view: DataView,
  at: number,
  family: 4 | 6,
  ip: Uint8Array | undefined,
  port: number,
): void {
  for (let i = 0; i < SOCKADDR_BYTES; i++) view.setUint8(at + i, 0);
  const v4 = ip === undefined ? 0 : unmapIpv4(ip);
  if (ip !== undefined && (v4 !== undefined) !== (family === 4)) {
    throw new SysError(`use ${formatIp(ip)} on an IPv${family} socket`, ERRNO.EAFNOSUPPORT);
  }
  if (family === 4) {
    view.setUint16(at + SOCKADDR_IN.family, AF_INET, true);
    view.setUint16(at + SOCKADDR_IN.port, port);
    view.setUint32(at + SOCKADDR_IN.addr, v4 ?? 0);
    return;
  }
  view.setUint16(at + SOCKADDR_IN6.family, AF_INET6, true);
  view.setUint16(at + SOCKADDR_IN6.port, port);
  ip?.forEach((byte, i) => view.setUint8(at + SOCKADDR_IN6.addr + i, byte));
}

/** Reads a `sockaddr_in` or `sockaddr_in6`; any other family gives `::` and port 0. */
export function readSockaddr(view: DataView, at: number): Endpoint {
  const family = view.getUint16(at, true);
  if (family === AF_INET) {
    const ip = mapIpv4(view.getUint32(at + SOCKADDR_IN.addr));
    return { ip, port: view.getUint16(at + SOCKADDR_IN.port) };
  }
  const ip = new Uint8Array(16);
  if (family !== AF_INET6) return { ip, port: 0 };
  for (let i = 0; i < ip.length; i++) ip[i] = view.getUint8(at + SOCKADDR_IN6.addr + i);
  return { ip, port: view.getUint16(at + SOCKADDR_IN6.port) };
}
