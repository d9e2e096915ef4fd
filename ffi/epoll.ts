/**
 * Waiting for descriptors: epoll(7), level-triggered.
 *
 * @module
 */

import type { Arena } from "./arena.ts";
import { check } from "./errno.ts";
import { Fd, OPEN } from "./fd.ts";
import { EPOLL_EVENT } from "./layout.ts";
import { type Libc, libc, orErrno } from "./libc.ts";

/** What can be waited for and what is reported (`sys/epoll.h`). */
export const EPOLL = {
  /** Something to read. */
  IN: 0x1,
  /** Room to write. */
  OUT: 0x4,
  /** An error is pending; reported without being asked for. */
  ERR: 0x8,
  /** The other end is gone; reported without being asked for. */
  HUP: 0x10,
} as const;

const EPOLL_CTL_ADD = 1;
const EPOLL_CTL_DEL = 2;
const EPOLL_CTL_MOD = 3;
const MAX_EVENTS = 16;

/** A set of descriptors to wait for. */
export class Epoll implements Disposable {
  readonly #fd: Fd;
  readonly #arena: Arena;
  readonly #sys: Libc;
  readonly #events: number;
  readonly #change: number;

  private constructor(fd: Fd, arena: Arena) {
    this.#fd = fd;
    this.#arena = arena;
    this.#sys = libc();
    this.#events = arena.alloc(MAX_EVENTS * EPOLL_EVENT.size);
    this.#change = arena.alloc(EPOLL_EVENT.size);
  }

  /** Makes an empty set; its event array lies in the arena. @throws {SysError} EMFILE */
  static open(arena: Arena): Epoll {
    return new Epoll(new Fd(check("epoll_create1", libc().epoll_create1(OPEN.O_CLOEXEC))), arena);
  }

  /**
   * Adds a descriptor.
   *
   * @param events bits of {@link EPOLL}
   * @param data a number of 32 bits that comes back with each event
   * @throws {SysError} EEXIST if it is in the set
   */
  add(fd: number, events: number, data: number): void {
    check("epoll_ctl ADD", this.#control(EPOLL_CTL_ADD, fd, events, data));
  }

  /** Changes what is waited for. @throws {SysError} ENOENT if it is not in the set */
  modify(fd: number, events: number, data: number): void {
    check("epoll_ctl MOD", this.#control(EPOLL_CTL_MOD, fd, events, data));
  }

  /** Takes a descriptor out. @throws {SysError} ENOENT if it is not in the set */
  remove(fd: number): void {
    check("epoll_ctl DEL", this.#control(EPOLL_CTL_DEL, fd, 0, 0));
  }

  // hot path
  /**
   * Waits until something happens.
   *
   * @param timeoutMs whole milliseconds; 0 only looks, -1 waits for ever
   * @returns how many events there are, at most 16; 0 after the time; -errno, -4 (EINTR) for a signal
   */
  wait(timeoutMs: number): number {
    const events = this.#arena.base + this.#events;
    return orErrno(this.#sys.epoll_wait(this.#fd.number, events, MAX_EVENTS, timeoutMs));
  }

  // hot path
  /** Returns the number given with the descriptor of event `i` of the last `wait`. */
  data(i: number): number {
    return this.#arena.u32[(this.#events + i * EPOLL_EVENT.size + EPOLL_EVENT.data) >> 2] ?? 0;
  }

  // hot path
  /** Returns what happened in event `i` of the last `wait`, bits of {@link EPOLL}. */
  events(i: number): number {
    return this.#arena.u32[(this.#events + i * EPOLL_EVENT.size + EPOLL_EVENT.events) >> 2] ?? 0;
  }

  /** Closes the set; its descriptors stay open. */
  [Symbol.dispose](): void {
    this.#fd.close();
  }

  #control(operation: number, fd: number, events: number, data: number): number {
    const { u32, base } = this.#arena;
    const event = this.#change >> 2;
    u32[event + (EPOLL_EVENT.events >> 2)] = events;
    u32[event + (EPOLL_EVENT.data >> 2)] = data;
    u32[event + (EPOLL_EVENT.data >> 2) + 1] = 0;
    return this.#sys.epoll_ctl(this.#fd.number, operation, fd, base + this.#change);
  }
}
