/**
 * UDP sockets for many peers, with batches and trains.
 *
 * ```
 *   arena:  mmsghdr[receiveSlots] -> iovec, sockaddr, control, buffer of slotBytes     receive(): one recvmmsg
 *           mmsghdr[sendSlots]    -> iovec, endpoint, control with UDP_SEGMENT         prepare(i, …); send(first, count)
 *           sockaddr[endpoints]   <- setEndpoint
 * ```
 *
 * All arrays are built once; a call only fills in what changes. A received message is a train if the kernel merged
 * datagrams of one sender (`UDP_GRO`): segments of {@link UdpSocket.slotSegment} bytes, the last one maybe shorter.
 *
 * @module
 */

import { type Endpoint, formatIp } from "../base/mod.ts";
import type { Arena } from "./arena.ts";
import { readSockaddr, SOCKADDR_BYTES, sockaddrLength, writeSockaddr } from "./_sockaddr.ts";
import { SysError } from "./errno.ts";
import type { Fd } from "./fd.ts";
import { CMSGHDR, IOVEC, MMSGHDR, MSGHDR } from "./layout.ts";
import { errno, type Libc, libc, orErrno } from "./libc.ts";
import { type UdpError, UdpErrorQueue } from "./_udp_errors.ts";
import {
  copyUdp,
  getOption,
  IP,
  openUdp,
  SO,
  SOL_UDP,
  UDP_GRO,
  UDP_SEGMENT,
} from "./_udp_setup.ts";

const MSG_TRUNC = 0x20;
const MSG_DONTWAIT = 0x40;
/** Room for ancillary data of a received message; UDP_GRO takes 24 of it. */
const RECEIVE_CONTROL_BYTES = 64;
/** CMSG_LEN(2) and CMSG_SPACE(2). */
const SEGMENT_CMSG_LEN = 18;
const SEGMENT_CMSG_SPACE = 24;
const PMTUDISC_DONT = 0;
const PMTUDISC_DO = 2;
const SK_MEMINFO_DROPS = 8;

/** How a socket is made. */
export interface UdpOptions {
  /** Address family; 6 takes no IPv4. */
  readonly family: 4 | 6;
  /** Local address, 16 bytes; `undefined` for all. */
  readonly host: Uint8Array | undefined;
  /** Local port; 0 lets the kernel choose. */
  readonly port: number;
  /** Receive buffer to ask for, in bytes of payload and overhead. */
  readonly receiveBufferBytes: number;
  /** Send buffer to ask for. */
  readonly sendBufferBytes: number;
  /** Messages that there is room for, and that one `receive` takes at most. */
  readonly receiveSlots: number;
  /** Room for each; 65,536 for trains, the largest datagram without `gro`. */
  readonly slotBytes: number;
  /** Messages that can be prepared at a time. */
  readonly sendSlots: number;
  /** Addresses that can be stored. */
  readonly endpoints: number;
  /** Wants to send trains. */
  readonly gso: boolean;
  /** Wants to receive trains. */
  readonly gro: boolean;
}

/** An unconnected, non-blocking UDP socket. Offsets refer to the arena that it was opened with. */
export class UdpSocket implements Disposable {
  /** Descriptor for epoll. */
  readonly fd: number;
  /** Local port. */
  readonly port: number;
  /** What the kernel gave for receiving, in bytes. */
  readonly receiveBufferBytes: number;
  /** What the kernel gave for sending, in bytes. */
  readonly sendBufferBytes: number;
  /** Trains may be sent: it was asked for and the kernel can. */
  readonly gso: boolean;
  /** Trains may arrive: it was asked for and the kernel can. */
  readonly gro: boolean;
  readonly #fd: Fd;
  readonly #sys: Libc;
  readonly #arena: Arena;
  readonly #family: 4 | 6;
  readonly #nameLength: number;
  readonly #slots: number;
  readonly #stride: number;
  readonly #buffers: number;
  readonly #names: number;
  readonly #controls: number;
  readonly #incoming: number;
  readonly #outgoing: number;
  readonly #outgoingIov: number;
  readonly #outgoingControls: number;
  readonly #endpoints: number;
  readonly #option: number;
  readonly #errors: UdpErrorQueue;
  /** Headers that the kernel overwrote and that must be reset before the next receive. */
  #usedFrom = 0;
  #usedTo = 0;
  #dontFragment: boolean | undefined;

  private constructor(fd: Fd, port: number, arena: Arena, options: UdpOptions) {
    this.#fd = fd;
    this.#sys = libc();
    this.#arena = arena;
    this.#family = options.family;
    this.#nameLength = sockaddrLength(options.family);
    this.#slots = options.receiveSlots;
    this.#stride = Math.ceil(options.slotBytes / 64) * 64;
    this.fd = fd.number;
    this.port = port;
    // The kernel reports twice what it was asked for.
    this.receiveBufferBytes = getOption(fd, SO.LEVEL, SO.RCVBUF) / 2;
    this.sendBufferBytes = getOption(fd, SO.LEVEL, SO.SNDBUF) / 2;
    this.gso = options.gso && getOption(fd, SOL_UDP, UDP_SEGMENT) >= 0;
    this.gro = options.gro && getOption(fd, SOL_UDP, UDP_GRO) > 0;
    const { receiveSlots, sendSlots } = options;
    this.#names = arena.alloc(receiveSlots * SOCKADDR_BYTES);
    this.#controls = arena.alloc(receiveSlots * RECEIVE_CONTROL_BYTES);
    this.#incoming = arena.alloc(receiveSlots * MMSGHDR.size, 64);
    this.#buffers = arena.alloc(receiveSlots * this.#stride, 64);
    this.#outgoing = arena.alloc(sendSlots * MMSGHDR.size, 64);
    this.#outgoingIov = arena.alloc(sendSlots * IOVEC.size);
    this.#outgoingControls = arena.alloc(sendSlots * SEGMENT_CMSG_SPACE, 8);
    this.#endpoints = arena.alloc(options.endpoints * SOCKADDR_BYTES);
    this.#option = arena.alloc(4);
    this.#errors = new UdpErrorQueue(fd, arena);
    this.#buildIncoming(arena.alloc(receiveSlots * IOVEC.size), options.slotBytes);
    this.#buildOutgoing(sendSlots);
    this.setDontFragment(false);
  }

  /**
   * Opens and binds a socket in the namespace of this thread; its arrays lie in the arena.
   *
   * Error reports (`IP_RECVERR`) are on. Buffers are forced with CAP_NET_ADMIN, else capped by the system's limit.
   *
   * @throws {SysError} EADDRINUSE if the port is taken, EADDRNOTAVAIL if the address is not ours
   */
  static open(arena: Arena, options: UdpOptions): UdpSocket {
    return UdpSocket.#over(openUdp(options), arena, options);
  }

  /**
   * Takes part in a socket that the runtime has bound, so that it waits and we receive and send in batches.
   *
   * Both see the same queue. Closing this one leaves the other open.
   *
   * @param options its address and port, as they are; `gso` and `gro` do not change it; what it sends may be
   *   fragmented from now on
   * @throws {SysError} EBADF if there is no such socket
   */
  static join(arena: Arena, options: UdpOptions): UdpSocket {
    return UdpSocket.#over(copyUdp(options), arena, options);
  }

  static #over(
    { fd, port }: { fd: Fd; port: number },
    arena: Arena,
    options: UdpOptions,
  ): UdpSocket {
    try {
      return new UdpSocket(fd, port, arena, options);
    } catch (error) {
      fd.close();
      throw error;
    }
  }

  // hot path
  /**
   * Takes what has arrived.
   *
   * @param first slot of the first message; those of others keep what they have
   * @param most so many messages, 1 to `receiveSlots` - `first`
   * @returns how many, or -errno: -11 none
   */
  receive(first = 0, most: number = this.#slots): number {
    const { u32, base } = this.#arena;
    for (let i = this.#usedFrom; i < this.#usedTo; i++) {
      const header = (this.#incoming + i * MMSGHDR.size) >> 2;
      u32[header + (MSGHDR.namelen >> 2)] = this.#nameLength;
      u32[header + (MSGHDR.controllen >> 2)] = RECEIVE_CONTROL_BYTES;
    }
    const messages = base + this.#incoming + first * MMSGHDR.size;
    const count = orErrno(this.#sys.recvmmsg(this.fd, messages, most, MSG_DONTWAIT, 0));
    this.#usedFrom = first;
    this.#usedTo = first + Math.max(count, 0);
    return count;
  }

  // hot path
  /** Returns where message `i` lies in the arena; the same for every receive. */
  slotOffset(i: number): number {
    return this.#buffers + i * this.#stride;
  }

  // hot path
  /** Returns the length of message `i`, all its segments together. */
  slotLength(i: number): number {
    return this.#arena.u32[(this.#incoming + i * MMSGHDR.size + MMSGHDR.len) >> 2] ?? 0;
  }

  // hot path
  /** Returns the segment size of train `i`; the whole length if it is a single datagram. */
  slotSegment(i: number): number {
    const { u32 } = this.#arena;
    const header = (this.#incoming + i * MMSGHDR.size) >> 2;
    const length = u32[header + (MMSGHDR.len >> 2)] ?? 0;
    let left = u32[header + (MSGHDR.controllen >> 2)] ?? 0;
    let at = (this.#controls + i * RECEIVE_CONTROL_BYTES) >> 2;
    while (left >= CMSGHDR.size) {
      const size = u32[at] ?? 0;
      if (size < CMSGHDR.size || size > left) return length;
      if (u32[at + (CMSGHDR.level >> 2)] === SOL_UDP && u32[at + (CMSGHDR.type >> 2)] === UDP_GRO) {
        const segment = u32[at + (CMSGHDR.size >> 2)] ?? 0;
        return segment > 0 && segment < length ? segment : length;
      }
      const step = (size + 7) & ~7;
      at += step >> 2;
      left -= step;
    }
    return length;
  }

  // hot path
  /** Tells whether message `i` was longer than its slot; the rest is lost. */
  slotTruncated(i: number): boolean {
    const flags = (this.#incoming + i * MMSGHDR.size + MSGHDR.flags) >> 2;
    return ((this.#arena.u32[flags] ?? 0) & MSG_TRUNC) !== 0;
  }

  /** Returns where message `i` came from; makes objects. */
  source(i: number): Endpoint {
    return readSockaddr(this.#arena.view, this.#names + i * SOCKADDR_BYTES);
  }

  // hot path
  /** Tells whether message `i` came from the address in a slot set by {@link UdpSocket.setEndpoint}. */
  sourceIs(i: number, endpointSlot: number): boolean {
    const { u32 } = this.#arena;
    const a = (this.#names + i * SOCKADDR_BYTES) >> 2;
    const b = (this.#endpoints + endpointSlot * SOCKADDR_BYTES) >> 2;
    // Family and port share a word. Flow label and scope are not part of an endpoint.
    if (u32[a] !== u32[b]) return false;
    if (this.#family === 4) return u32[a + 1] === u32[b + 1];
    return u32[a + 2] === u32[b + 2] && u32[a + 3] === u32[b + 3] &&
      u32[a + 4] === u32[b + 4] && u32[a + 5] === u32[b + 5];
  }

  /**
   * Stores an address to send to.
   *
   * @param slot 0 to `endpoints` - 1
   * @throws {SysError} EAFNOSUPPORT if it is of the other family
   */
  setEndpoint(slot: number, endpoint: Endpoint): void {
    const at = this.#endpoints + slot * SOCKADDR_BYTES;
    writeSockaddr(this.#arena.view, at, this.#family, endpoint.ip, endpoint.port);
  }

  // hot path
  /** Stores the address that message `i` came from. @param slot 0 to `endpoints` - 1 */
  setEndpointToSource(slot: number, i: number): void {
    const { u32 } = this.#arena;
    const from = (this.#names + i * SOCKADDR_BYTES) >> 2;
    const to = (this.#endpoints + slot * SOCKADDR_BYTES) >> 2;
    for (let word = 0; word < SOCKADDR_BYTES >> 2; word++) u32[to + word] = u32[from + word] ?? 0;
  }

  // hot path
  /**
   * Describes message `i`; its bytes must stay until it is sent.
   *
   * @param i 0 to `sendSlots` - 1
   * @param endpointSlot where it goes
   * @param offset where it begins in the arena
   * @param length all of it, at most 65,507 bytes (IPv4)
   * @param segment size of its datagrams, the last one may be shorter; 0 or `length`: a single datagram. Only with `gso`
   */
  prepare(i: number, endpointSlot: number, offset: number, length: number, segment: number): void {
    const { u32, base } = this.#arena;
    const header = (this.#outgoing + i * MMSGHDR.size) >> 2;
    const iov = (this.#outgoingIov + i * IOVEC.size) >> 2;
    const train = segment > 0 && length > segment;
    u32[header] = base + this.#endpoints + endpointSlot * SOCKADDR_BYTES;
    u32[header + (MSGHDR.controllen >> 2)] = train ? SEGMENT_CMSG_SPACE : 0;
    u32[iov] = base + offset;
    u32[iov + (IOVEC.len >> 2)] = length;
    if (train) {
      const control = this.#outgoingControls + i * SEGMENT_CMSG_SPACE;
      u32[(control + CMSGHDR.size) >> 2] = segment;
    }
  }

  // hot path
  /**
   * Sends prepared messages.
   *
   * @returns how many left, from `first` on; or -errno if the first one did not: -11 buffer full, -90 too big for the path
   */
  send(first: number, count: number): number {
    const messages = this.#arena.base + this.#outgoing + first * MMSGHDR.size;
    return orErrno(this.#sys.sendmmsg(this.fd, messages, count, MSG_DONTWAIT));
  }

  /**
   * Sets whether datagrams carry the don't-fragment bit from now on; no system call if nothing changes.
   *
   * With it, what exceeds the path MTU that the kernel knows is refused with EMSGSIZE; without it, it is fragmented.
   *
   * @throws {SysError} never in practice
   */
  setDontFragment(on: boolean): void {
    if (this.#dontFragment === on) return;
    const { u32, base } = this.#arena;
    u32[this.#option >> 2] = on ? PMTUDISC_DO : PMTUDISC_DONT;
    const { level, mtuDiscover } = IP[this.#family];
    if (this.#sys.setsockoptAt(this.fd, level, mtuDiscover, base + this.#option, 4) < 0) {
      throw new SysError("setsockopt MTU_DISCOVER", errno());
    }
    this.#dontFragment = on;
  }

  /**
   * Takes the oldest report of the error queue: an ICMP error, or a datagram refused for its size.
   *
   * While there is one, epoll reports EPOLLERR: call until `undefined`.
   */
  readError(): UdpError | undefined {
    return this.#errors.read();
  }

  /** Returns how many datagrams the kernel dropped because our receive buffer was full. */
  receiveDrops(): number {
    const info = new Uint8Array(64);
    const length = new Uint8Array([info.length, 0, 0, 0]);
    const { getsockopt } = libc();
    if (getsockopt(this.fd, SO.LEVEL, SO.MEMINFO, info, length) < 0) return 0;
    return new DataView(info.buffer).getUint32(4 * SK_MEMINFO_DROPS, true);
  }

  /** Closes the socket; its place in the arena is not given back. */
  [Symbol.dispose](): void {
    this.#fd.close();
  }

  #buildIncoming(iovs: number, slotBytes: number): void {
    const { u32, base } = this.#arena;
    for (let i = 0; i < this.#slots; i++) {
      const header = (this.#incoming + i * MMSGHDR.size) >> 2;
      const iov = iovs + i * IOVEC.size;
      u32[header + (MSGHDR.name >> 2)] = base + this.#names + i * SOCKADDR_BYTES;
      u32[header + (MSGHDR.iov >> 2)] = base + iov;
      u32[header + (MSGHDR.iovlen >> 2)] = 1;
      u32[header + (MSGHDR.control >> 2)] = base + this.#controls + i * RECEIVE_CONTROL_BYTES;
      u32[iov >> 2] = base + this.slotOffset(i);
      u32[(iov + IOVEC.len) >> 2] = slotBytes;
    }
    this.#usedTo = this.#slots;
  }

  #buildOutgoing(count: number): void {
    const { u32, base } = this.#arena;
    for (let i = 0; i < count; i++) {
      const header = (this.#outgoing + i * MMSGHDR.size) >> 2;
      const control = this.#outgoingControls + i * SEGMENT_CMSG_SPACE;
      u32[header + (MSGHDR.namelen >> 2)] = this.#nameLength;
      u32[header + (MSGHDR.iov >> 2)] = base + this.#outgoingIov + i * IOVEC.size;
      u32[header + (MSGHDR.iovlen >> 2)] = 1;
      u32[header + (MSGHDR.control >> 2)] = base + control;
      u32[control >> 2] = SEGMENT_CMSG_LEN;
      u32[(control + CMSGHDR.level) >> 2] = SOL_UDP;
      u32[(control + CMSGHDR.type) >> 2] = UDP_SEGMENT;
    }
  }
}

/**
 * Asks the kernel for the path MTU to an address as it knows it now, in bytes of IP packet.
 *
 * What a send of a train that is refused for its size does not tell.
 *
 * @param endpoint where to
 * @returns `undefined` if there is no route
 */
export function pathMtu(endpoint: Endpoint): number | undefined {
  const family = formatIp(endpoint.ip).includes(":") ? 6 : 4;
  const { fd } = openUdp({ family, host: undefined, port: 0 });
  try {
    const address = new Uint8Array(SOCKADDR_BYTES);
    writeSockaddr(new DataView(address.buffer), 0, family, endpoint.ip, endpoint.port);
    if (libc().connect(fd.number, address, sockaddrLength(family)) < 0) return undefined;
    const mtu = getOption(fd, IP[family].level, IP[family].mtu);
    return mtu > 0 ? mtu : undefined;
  } finally {
    fd.close();
  }
}
