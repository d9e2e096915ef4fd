/**
 * A counter that one thread adds to and another waits for: how the main thread wakes the data plane.
 *
 * @module
 */

import type { Arena } from "./arena.ts";
import { check } from "./errno.ts";
import { Fd, OPEN } from "./fd.ts";
import { libc, orErrno } from "./libc.ts";

const COUNTER_BYTES = 8;

/** Owns an eventfd(2). Its number may be given to a worker of the same process. */
export class EventFd implements Disposable {
  /** Descriptor for epoll and {@link drainEventFd}. */
  readonly fd: number;
  readonly #fd: Fd;
  readonly #one = new Uint8Array(COUNTER_BYTES);

  private constructor(fd: Fd) {
    this.#fd = fd;
    this.fd = fd.number;
    this.#one[0] = 1;
  }

  /** Makes one, not signalled. @throws {SysError} EMFILE */
  static open(): EventFd {
    const flags = OPEN.O_NONBLOCK | OPEN.O_CLOEXEC;
    return new EventFd(new Fd(check("eventfd", libc().eventfd(0, flags))));
  }

  /** Wakes whoever waits. Does nothing once closed. */
  signal(): void {
    // A full counter (EAGAIN) is signalled as well.
    libc().writeBuffer(this.#fd.number, this.#one, COUNTER_BYTES);
  }

  /** Closes it; nobody may wait for it any more. */
  [Symbol.dispose](): void {
    this.#fd.close();
  }
}

// hot path
/**
 * Takes the counter of an eventfd, so that it is no longer readable.
 *
 * @param offset 8 bytes in the arena, a multiple of 8
 * @returns how often it was signalled, or -11 if it was not
 */
export function drainEventFd(fd: number, arena: Arena, offset: number): number {
  const result = orErrno(libc().read(fd, arena.base + offset, COUNTER_BYTES));
  return result < 0 ? result : arena.u32[offset >> 2] ?? 0;
}
