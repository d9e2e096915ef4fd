/**
 * The error queue of a UDP socket (`IP_RECVERR`, ip(7)).
 *
 * @module
 */

import type { Endpoint } from "../base/mod.ts";
import type { Arena } from "./arena.ts";
import { readSockaddr, SOCKADDR_BYTES } from "./_sockaddr.ts";
import { IP } from "./_udp_setup.ts";
import { ERRNO } from "./errno.ts";
import type { Fd } from "./fd.ts";
import { CMSGHDR, IOVEC, MSGHDR, SOCK_EXTENDED_ERR } from "./layout.ts";
import { type Libc, libc } from "./libc.ts";

const MSG_DONTWAIT = 0x40;
const MSG_ERRQUEUE = 0x2000;
const CONTROL_BYTES = 256;
/** The refused datagram comes along; nobody looks at it. */
const PAYLOAD_BYTES = 16;

/** One report. */
export interface UdpError {
  /** What happened: 90 (EMSGSIZE) too big, 111 (ECONNREFUSED) port closed, 113 no route, … */
  readonly errno: number;
  /** For EMSGSIZE the MTU of the path in bytes of IP packet, else 0. A hint: anybody on the way can forge it. */
  readonly mtuBytes: number;
  /** Where the datagram was meant to go. The port is 0 if our own kernel refused it. */
  readonly endpoint: Endpoint;
}

/** Reads the queue; its buffers lie in the arena. */
export class UdpErrorQueue {
  readonly #fd: Fd;
  readonly #arena: Arena;
  readonly #sys: Libc;
  readonly #name: number;
  readonly #iov: number;
  readonly #header: number;
  readonly #control: number;

  /** Sets aside what a report needs. */
  constructor(fd: Fd, arena: Arena) {
    this.#fd = fd;
    this.#arena = arena;
    this.#sys = libc();
    this.#name = arena.alloc(SOCKADDR_BYTES);
    this.#iov = arena.alloc(IOVEC.size);
    this.#header = arena.alloc(MSGHDR.size);
    this.#control = arena.alloc(CONTROL_BYTES);
    const { u32, base } = arena;
    const header = this.#header >> 2;
    u32[header + (MSGHDR.name >> 2)] = base + this.#name;
    u32[header + (MSGHDR.iov >> 2)] = base + this.#iov;
    u32[header + (MSGHDR.iovlen >> 2)] = 1;
    u32[header + (MSGHDR.control >> 2)] = base + this.#control;
    u32[this.#iov >> 2] = base + arena.alloc(PAYLOAD_BYTES);
    u32[(this.#iov + IOVEC.len) >> 2] = PAYLOAD_BYTES;
  }

  /** Takes the oldest report, `undefined` if there is none. */
  read(): UdpError | undefined {
    const { u32, base, view } = this.#arena;
    const header = this.#header >> 2;
    for (;;) {
      u32[header + (MSGHDR.namelen >> 2)] = SOCKADDR_BYTES;
      u32[header + (MSGHDR.controllen >> 2)] = CONTROL_BYTES;
      const flags = MSG_ERRQUEUE | MSG_DONTWAIT;
      if (this.#sys.recvmsg(this.#fd.number, base + this.#header, flags) < 0) return undefined;
      const at = this.#find(u32[header + (MSGHDR.controllen >> 2)] ?? 0);
      if (at === undefined) continue;
      const errno = view.getUint32(at + SOCK_EXTENDED_ERR.errno, true);
      const info = view.getUint32(at + SOCK_EXTENDED_ERR.info, true);
      return {
        errno,
        mtuBytes: errno === ERRNO.EMSGSIZE ? info : 0,
        endpoint: readSockaddr(view, this.#name),
      };
    }
  }

  #find(length: number): number | undefined {
    const { view } = this.#arena;
    let at = this.#control;
    const end = at + length;
    while (at + CMSGHDR.size <= end) {
      const size = view.getUint32(at + CMSGHDR.len, true);
      if (size < CMSGHDR.size || at + size > end) return undefined;
      const level = view.getInt32(at + CMSGHDR.level, true);
      const type = view.getInt32(at + CMSGHDR.type, true);
      const report = (level === IP[4].level && type === IP[4].recvErr) ||
        (level === IP[6].level && type === IP[6].recvErr);
      if (report && size >= CMSGHDR.size + SOCK_EXTENDED_ERR.size) return at + CMSGHDR.size;
      at += (size + 7) & ~7;
    }
    return undefined;
  }
}
