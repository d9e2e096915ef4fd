/**
 * Making a UDP socket: its options and its address. Set-up calls only.
 *
 * @module
 */

import { type Endpoint, formatEndpoint, formatIp } from "../base/mod.ts";
import {
  AF_INET,
  AF_INET6,
  readSockaddr,
  SOCKADDR_BYTES,
  sockaddrLength,
  writeSockaddr,
} from "./_sockaddr.ts";
import { check, ERRNO, SysError } from "./errno.ts";
import { Fd, OPEN } from "./fd.ts";
import { errno, libc } from "./libc.ts";

const SOCK_DGRAM = 2;
/** `linux/fcntl.h` */
const F_DUPFD_CLOEXEC = 1030;
/** Descriptors that are looked at for a socket; the usual limit of a process. */
const MAX_DESCRIPTORS = 4096;

/** `asm-generic/socket.h` */
export const SO = {
  LEVEL: 1,
  TYPE: 3,
  SNDBUF: 7,
  RCVBUF: 8,
  SNDBUFFORCE: 32,
  RCVBUFFORCE: 33,
  MEMINFO: 55,
} as const;

/** `linux/udp.h` */
export const SOL_UDP = 17;
/** `linux/udp.h` */
export const UDP_SEGMENT = 103;
/** `linux/udp.h` */
export const UDP_GRO = 104;

/** `linux/in.h` and `linux/in6.h`: the same options of both families. */
export const IP = {
  4: { level: 0, mtuDiscover: 10, recvErr: 11, mtu: 14 },
  6: { level: 41, mtuDiscover: 23, recvErr: 25, mtu: 24 },
} as const;
const IPV6_V6ONLY = 26;

/** What {@link openUdp} needs. */
export interface UdpSetup {
  /** Address family. */
  readonly family: 4 | 6;
  /** Local address. */
  readonly host: Uint8Array | undefined;
  /** Local port; 0: any. */
  readonly port: number;
  /** Receive buffer; the system's default if missing. */
  readonly receiveBufferBytes?: number;
  /** Send buffer; the system's default if missing. */
  readonly sendBufferBytes?: number;
  /** Asks for trains when receiving. */
  readonly gro?: boolean;
}

/** Opens, configures and binds a non-blocking socket. @returns it and its port @throws {SysError} EADDRINUSE and others */
export function openUdp(setup: UdpSetup): { fd: Fd; port: number } {
  const { family } = setup;
  const type = SOCK_DGRAM | OPEN.O_NONBLOCK | OPEN.O_CLOEXEC;
  const domain = family === 4 ? AF_INET : AF_INET6;
  const fd = new Fd(check(`socket IPv${family} UDP`, libc().socket(domain, type, 0)));
  try {
    if (family === 6) must(fd, "IPV6_V6ONLY", IP[6].level, IPV6_V6ONLY, 1);
    must(fd, "RECVERR", IP[family].level, IP[family].recvErr, 1);
    setBuffer(fd, SO.RCVBUFFORCE, SO.RCVBUF, setup.receiveBufferBytes);
    setBuffer(fd, SO.SNDBUFFORCE, SO.SNDBUF, setup.sendBufferBytes);
    // Before Linux 5.0 there is none: datagrams then come one by one.
    if (setup.gro === true) setOption(fd, SOL_UDP, UDP_GRO, 1);
    bind(fd, setup);
    return { fd, port: localPort(fd) };
  } catch (error) {
    fd.close();
    throw error;
  }
}

/**
 * Takes a second descriptor of a UDP socket that this process has bound: the runtime does not tell its own.
 *
 * @returns it and its port @throws {SysError} EBADF if there is no such socket
 */
export function copyUdp(setup: UdpSetup): { fd: Fd; port: number } {
  const number = findUdp(setup);
  const fd = new Fd(check("fcntl F_DUPFD", libc().fcntl(number, F_DUPFD_CLOEXEC, 0)));
  setBuffer(fd, SO.RCVBUFFORCE, SO.RCVBUF, setup.receiveBufferBytes);
  setBuffer(fd, SO.SNDBUFFORCE, SO.SNDBUF, setup.sendBufferBytes);
  return { fd, port: setup.port };
}

/** Returns an option that is an int, or -errno. */
export function getOption(fd: Pick<Fd, "number">, level: number, option: number): number {
  const value = new Int32Array(1);
  const bytes = new Uint8Array(value.buffer);
  const length = new Uint8Array([4, 0, 0, 0]);
  const { getsockopt } = libc();
  return getsockopt(fd.number, level, option, bytes, length) < 0 ? -errno() : value[0] ?? 0;
}

function setOption(fd: Fd, level: number, option: number, value: number): number {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setInt32(0, value, true);
  return libc().setsockopt(fd.number, level, option, bytes, bytes.length);
}

function must(fd: Fd, name: string, level: number, option: number, value: number): void {
  check(`setsockopt ${name}`, setOption(fd, level, option, value));
}

function setBuffer(fd: Fd, force: number, plain: number, bytes: number | undefined): void {
  if (bytes === undefined) return;
  // Without CAP_NET_ADMIN the system's limit caps it; the caller looks at what it got.
  if (setOption(fd, SO.LEVEL, force, bytes) < 0) setOption(fd, SO.LEVEL, plain, bytes);
}

function bind(fd: Fd, setup: UdpSetup): void {
  const { family, host, port } = setup;
  const address = new Uint8Array(SOCKADDR_BYTES);
  const view = new DataView(address.buffer);
  writeSockaddr(view, 0, family, host, port);
  if (libc().bind(fd.number, address, sockaddrLength(family)) === 0) return;
  const reason = errno();
  const where = host === undefined
    ? `UDP port ${port} (IPv${family})`
    : `UDP ${formatEndpoint({ ip: host, port })}`;
  const remedy = reason === ERRNO.EADDRINUSE
    ? "another program has it: stop that one or choose another port"
    : undefined;
  throw new SysError(`bind ${where}`, reason, remedy);
}

function findUdp({ family, host, port }: UdpSetup): number {
  const wanted = new Uint8Array(SOCKADDR_BYTES);
  writeSockaddr(new DataView(wanted.buffer), 0, family, host, port);
  const text = wordsOf(wanted);
  for (let number = 0; number < MAX_DESCRIPTORS; number++) {
    const address = new Uint8Array(SOCKADDR_BYTES);
    const length = new Uint8Array([SOCKADDR_BYTES, 0, 0, 0]);
    if (libc().getsockname(number, address, length) < 0 || wordsOf(address) !== text) continue;
    if (getOption({ number }, SO.LEVEL, SO.TYPE) === SOCK_DGRAM) return number;
  }
  throw new SysError(`find the UDP socket of ${text}`, ERRNO.EBADF);
}

/** A socket address without what is no part of an endpoint. */
function wordsOf(address: Uint8Array<ArrayBuffer>): string {
  const view = new DataView(address.buffer);
  const { ip, port }: Endpoint = readSockaddr(view, 0);
  return `${view.getUint16(0, true)} ${formatIp(ip)} ${port}`;
}

function localPort(fd: Fd): number {
  const address = new Uint8Array(SOCKADDR_BYTES);
  const length = new Uint8Array([SOCKADDR_BYTES, 0, 0, 0]);
  check("getsockname", libc().getsockname(fd.number, address, length));
  return readSockaddr(new DataView(address.buffer), 0).port;
}
