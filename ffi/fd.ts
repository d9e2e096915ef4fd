/**
 * File descriptors with an owner.
 *
 * @module
 */

import { check } from "./errno.ts";
import { cString, libc } from "./libc.ts";

/** Flags of open(2) (`asm-generic/fcntl.h`); equal on x86-64 and arm64. */
export const OPEN = {
  O_RDONLY: 0,
  O_WRONLY: 1,
  O_RDWR: 2,
  O_CREAT: 0o100,
  O_EXCL: 0o200,
  O_TRUNC: 0o1000,
  O_APPEND: 0o2000,
  O_NONBLOCK: 0x800,
  O_CLOEXEC: 0x80000,
} as const;

/** Owns a file descriptor and closes it once. */
export class Fd implements Disposable {
  #number: number;

  /** Takes a descriptor over. @param number an open descriptor; from now on it belongs to this object */
  constructor(number: number) {
    this.#number = number;
  }

  /** The descriptor; -1 once closed, so that a late use fails with EBADF and touches nobody else's file. */
  get number(): number {
    return this.#number;
  }

  /** Closes the descriptor; closing again does nothing. */
  close(): void {
    if (this.#number < 0) return;
    const number = this.#number;
    this.#number = -1;
    // Linux frees the number even when close(2) reports an error: there is nothing to retry.
    libc().close(number);
  }

  /** Closes the descriptor. */
  [Symbol.dispose](): void {
    this.close();
  }
}

/**
 * Opens a file through libc; O_CLOEXEC is always added.
 *
 * @param path any path; `/proc`, `/sys` and `/dev` too, which Deno's own calls refuse
 * @param flags of {@link OPEN}
 * @param mode permission bits of a file that is made, before the umask
 * @throws {SysError} with the kernel's reason
 */
export function openFd(path: string, flags: number, mode = 0): Fd {
  return new Fd(check(`open ${path}`, libc().open(cString(path), flags | OPEN.O_CLOEXEC, mode)));
}
