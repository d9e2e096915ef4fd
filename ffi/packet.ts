/**
 * Whole Ethernet frames on an interface: packet(7), for gratuitous ARP, ARP probes and tests.
 *
 * @module
 */

import { check, ERRNO } from "./errno.ts";
import { Fd, OPEN } from "./fd.ts";
import { POLLFD, SOCKADDR_LL } from "./layout.ts";
import { errno, libc } from "./libc.ts";

/** `sys/socket.h`, `linux/if_packet.h`, `linux/if_ether.h` */
const AF_PACKET = 17;
const SOCK_RAW = 3;
const SOL_PACKET = 263;
const PACKET_IGNORE_OUTGOING = 23;
const PACKET_OUTGOING = 4;
const ETH_P_ALL = 3;
const POLLIN = 1;
const FRAME_BYTES = 65_600;

/** What a {@link PacketSocket} hears. */
export interface PacketOptions {
  /** Interface to hear, `undefined` for all of the namespace. */
  readonly ifindex?: number;
  /** EtherType to hear, as 0x0806 for ARP; default all. */
  readonly etherType?: number;
}

/** A raw socket that hears what comes in on one interface or on all, and sends on any. */
export class PacketSocket implements Disposable {
  readonly #fd: Fd;
  readonly #frame = new Uint8Array(FRAME_BYTES);

  private constructor(fd: Fd) {
    this.#fd = fd;
  }

  /** Descriptor for epoll. */
  get fd(): number {
    return this.#fd.number;
  }

  /** Opens one in the namespace of this thread. @throws {SysError} EPERM without CAP_NET_RAW, ENODEV */
  static open(options: PacketOptions = {}): PacketSocket {
    // Protocol 0 hears nothing until bind: no frame of another interface slips in.
    const type = SOCK_RAW | OPEN.O_NONBLOCK | OPEN.O_CLOEXEC;
    const fd = new Fd(check("socket AF_PACKET", libc().socket(AF_PACKET, type, 0)));
    try {
      const one = new Uint8Array([1, 0, 0, 0]);
      // Unknown before Linux 4.20: receive() looks at the packet type as well.
      libc().setsockopt(fd.number, SOL_PACKET, PACKET_IGNORE_OUTGOING, one, one.length);
      const address = linkAddress(options.ifindex ?? 0, options.etherType ?? ETH_P_ALL);
      check("bind AF_PACKET", libc().bind(fd.number, address, address.length));
      return new PacketSocket(fd);
    } catch (error) {
      fd.close();
      throw error;
    }
  }

  /**
   * Sends a frame.
   *
   * @param ifindex where
   * @param frame from the destination MAC on, at least 14 bytes
   * @throws {SysError} ENETDOWN if the interface is down, EMSGSIZE above its MTU
   */
  send(ifindex: number, frame: Uint8Array<ArrayBuffer>): void {
    const address = linkAddress(ifindex, ((frame[12] ?? 0) << 8) | (frame[13] ?? 0));
    const { sendto } = libc();
    check(
      `send a frame on interface ${ifindex}`,
      sendto(this.#fd.number, frame, frame.length, 0, address, address.length),
    );
  }

  /**
   * Waits for the next frame that comes in; blocks the thread.
   *
   * @param timeoutMs whole milliseconds for all of it; 0 only looks
   * @returns the frame, or `undefined` after the time
   * @throws {SysError} ENETDOWN if the interface went down
   */
  receive(timeoutMs: number): Uint8Array<ArrayBuffer> | undefined {
    const end = performance.now() + timeoutMs;
    const address = new Uint8Array(SOCKADDR_LL.size);
    const addressLength = new Uint8Array(4);
    for (;;) {
      addressLength[0] = SOCKADDR_LL.size;
      const { recvfrom } = libc();
      const number = this.#fd.number;
      const length = recvfrom(number, this.#frame, FRAME_BYTES, 0, address, addressLength);
      if (length >= 0 && address[SOCKADDR_LL.pkttype] !== PACKET_OUTGOING) {
        return this.#frame.slice(0, length);
      }
      if (length >= 0) continue;
      const reason = errno();
      if (reason !== ERRNO.EAGAIN && reason !== ERRNO.EINTR) check("receive a frame", length);
      const left = Math.ceil(end - performance.now());
      if (left <= 0) return undefined;
      this.#poll(left);
    }
  }

  /** Closes it. */
  [Symbol.dispose](): void {
    this.#fd.close();
  }

  #poll(timeoutMs: number): void {
    const entry = new Uint8Array(POLLFD.size);
    const view = new DataView(entry.buffer);
    view.setInt32(POLLFD.fd, this.#fd.number, true);
    view.setInt16(POLLFD.events, POLLIN, true);
    libc().poll(entry, 1n, timeoutMs);
  }
}

function linkAddress(ifindex: number, etherType: number): Uint8Array<ArrayBuffer> {
  const address = new Uint8Array(SOCKADDR_LL.size);
  const view = new DataView(address.buffer);
  view.setUint16(SOCKADDR_LL.family, AF_PACKET, true);
  view.setUint16(SOCKADDR_LL.protocol, etherType);
  view.setInt32(SOCKADDR_LL.ifindex, ifindex, true);
  return address;
}
