/**
 * TAP devices: one read or write is one Ethernet frame or superframe behind a virtio-net header of 10 bytes.
 *
 * @module
 */

import type { Arena } from "./arena.ts";
import { check, ERRNO, SysError } from "./errno.ts";
import { type Fd, OPEN, openFd } from "./fd.ts";
import { errno, type Libc, libc, orErrno } from "./libc.ts";
import { interfaceRequest } from "./_ifreq.ts";
import { IFREQ } from "./layout.ts";

/** `linux/if_tun.h` */
const TUNSETIFF = 0x4004_54can;
const TUNSETPERSIST = 0x4004_54cbn;
const TUNSETOFFLOAD = 0x4004_54d0n;
const IFF_TAP = 0x0002;
const IFF_NO_PI = 0x1000;
const IFF_VNET_HDR = 0x4000;

/** Offloads of a TAP, `TUN_F_*` of `linux/if_tun.h`. */
export const TUN_F = {
  CSUM: 0x01,
  TSO4: 0x02,
  TSO6: 0x04,
  TSO_ECN: 0x08,
  USO4: 0x20,
  USO6: 0x40,
} as const;

const TSO = TUN_F.CSUM | TUN_F.TSO4 | TUN_F.TSO6 | TUN_F.TSO_ECN;
/** What is tried for each wish, best first; the kernel refuses a set with a bit that it does not know. */
const OFFLOADS: Readonly<Record<TapOffloads, readonly number[]>> = {
  none: [0],
  csum: [TUN_F.CSUM],
  tso: [TSO | TUN_F.USO4 | TUN_F.USO6, TSO, TUN_F.CSUM],
};

/**
 * What a TAP may hand over unfinished. none: complete frames; csum: partial checksums; tso: superframes of up to
 * 64 KiB as well.
 */
export type TapOffloads = "none" | "csum" | "tso";

/** An attached TAP device. */
export class Tap implements Disposable {
  /** Descriptor for epoll. */
  readonly fd: number;
  /** Offloads that the kernel accepted, bits of {@link TUN_F}. */
  readonly offloads: number;
  readonly #fd: Fd;
  readonly #base: number;
  readonly #sys: Libc;

  private constructor(fd: Fd, offloads: number, arena: Arena) {
    this.#fd = fd;
    this.fd = fd.number;
    this.offloads = offloads;
    this.#base = arena.base;
    this.#sys = libc();
  }

  /**
   * Attaches to a device, non-blocking, with virtio-net headers; makes it if there is none.
   *
   * @param name of the interface, 1 to 15 bytes
   * @param arena that offsets refer to
   * @throws {SysError} EBUSY if somebody else is attached, EPERM without CAP_NET_ADMIN, ENOENT without `/dev/net/tun`
   */
  static open(name: string, arena: Arena, options: { offloads: TapOffloads }): Tap {
    const fd = attach(name);
    try {
      return new Tap(fd, setOffloads(fd, name, options.offloads), arena);
    } catch (error) {
      fd.close();
      throw error;
    }
  }

  /**
   * Makes a device that stays without anybody attached; keeps one that is there.
   *
   * Equivalent to: `ip tuntap add NAME mode tap vnet_hdr`.
   *
   * @throws {SysError} as {@link Tap.open}
   */
  static create(name: string): void {
    using fd = attach(name);
    check(`ioctl TUNSETPERSIST ${name}`, libc().ioctlValue(fd.number, TUNSETPERSIST, 1n));
  }

  /**
   * Deletes a device; none of that name is fine.
   *
   * Equivalent to: `ip tuntap del NAME mode tap`.
   *
   * @throws {SysError} EBUSY if somebody is attached
   */
  static remove(name: string): void {
    using fd = attach(name);
    check(`ioctl TUNSETPERSIST ${name}`, libc().ioctlValue(fd.number, TUNSETPERSIST, 0n));
  }

  // hot path
  /** Reads one frame with its header. @returns bytes, or -errno: -11 nothing there. A short buffer cuts silently: give 66,000 */
  read(offset: number, length: number): number {
    return orErrno(this.#sys.read(this.fd, this.#base + offset, length));
  }

  // hot path
  /** Writes one frame with its header. @returns bytes, or -errno: -22 malformed, -5 the device is down */
  write(offset: number, length: number): number {
    return orErrno(this.#sys.write(this.fd, this.#base + offset, length));
  }

  // hot path
  /**
   * Writes one frame from pieces.
   *
   * @param iovOffset offset of the array of `struct iovec`, 16 bytes each, see {@link setIovec}
   * @param count of pieces, at most 1024
   * @returns as {@link Tap.write}
   */
  writev(iovOffset: number, count: number): number {
    return orErrno(this.#sys.writev(this.fd, this.#base + iovOffset, count));
  }

  /** Detaches; a device that is not persistent disappears. */
  [Symbol.dispose](): void {
    this.#fd.close();
  }
}

// hot path
/**
 * Writes one `struct iovec` (16 bytes).
 *
 * @param at offset of the struct, a multiple of 8
 * @param offset where the piece begins
 * @param length of the piece
 */
export function setIovec(arena: Arena, at: number, offset: number, length: number): void {
  const { u32 } = arena;
  const index = at >> 2;
  u32[index] = arena.base + offset;
  u32[index + 1] = 0;
  u32[index + 2] = length;
  u32[index + 3] = 0;
}

function attach(name: string): Fd {
  const request = interfaceRequest(name);
  new DataView(request.buffer).setUint16(IFREQ.flags, IFF_TAP | IFF_NO_PI | IFF_VNET_HDR, true);
  const fd = openTun();
  if (libc().ioctlBuffer(fd.number, TUNSETIFF, request) === 0) return fd;
  const reason = errno();
  fd.close();
  throw new SysError(`ioctl TUNSETIFF ${name}`, reason, REMEDY[reason]);
}

/** What to do about the usual refusals of TUNSETIFF. */
const REMEDY: Readonly<Record<number, string>> = {
  [ERRNO.EBUSY]: "another process is attached to it: stop that router first",
  [ERRNO.EPERM]: "CAP_NET_ADMIN is needed: run as root",
  [ERRNO.EINVAL]: "an interface of that name exists and is no TAP with one queue: delete it",
};

function openTun(): Fd {
  try {
    return openFd("/dev/net/tun", OPEN.O_RDWR | OPEN.O_NONBLOCK);
  } catch (error) {
    if (!(error instanceof SysError)) throw error;
    const missing: number[] = [ERRNO.ENOENT, ERRNO.ENXIO, ERRNO.ENODEV];
    const remedy = missing.includes(error.errno)
      ? 'load the kernel module ("modprobe tun"), or give the container the device ("--device /dev/net/tun")'
      : "root is needed, and in a container the device and CAP_NET_ADMIN";
    throw new SysError(error.call, error.errno, remedy);
  }
}

function setOffloads(fd: Fd, name: string, wish: TapOffloads): number {
  let reason = 0;
  for (const flags of OFFLOADS[wish]) {
    if (libc().ioctlValue(fd.number, TUNSETOFFLOAD, BigInt(flags)) === 0) return flags;
    reason = errno();
  }
  throw new SysError(`ioctl TUNSETOFFLOAD ${name}`, reason);
}
