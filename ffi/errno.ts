/**
 * Errors of the kernel: their numbers, their names, and the exception for set-up calls.
 *
 * @module
 */

import { errno } from "./libc.ts";

/** Error numbers that weft knows by name (`asm-generic/errno-base.h`, `asm-generic/errno.h`). */
export const ERRNO = {
  EPERM: 1,
  ENOENT: 2,
  ESRCH: 3,
  EINTR: 4,
  EIO: 5,
  ENXIO: 6,
  E2BIG: 7,
  EBADF: 9,
  ECHILD: 10,
  EAGAIN: 11,
  ENOMEM: 12,
  EACCES: 13,
  EFAULT: 14,
  EBUSY: 16,
  EEXIST: 17,
  EXDEV: 18,
  ENODEV: 19,
  ENOTDIR: 20,
  EISDIR: 21,
  EINVAL: 22,
  ENFILE: 23,
  EMFILE: 24,
  ENOTTY: 25,
  EFBIG: 27,
  ENOSPC: 28,
  EROFS: 30,
  EPIPE: 32,
  ERANGE: 34,
  ENAMETOOLONG: 36,
  ENOSYS: 38,
  ELOOP: 40,
  EBADFD: 77,
  ENOTSOCK: 88,
  EDESTADDRREQ: 89,
  EMSGSIZE: 90,
  ENOPROTOOPT: 92,
  EPROTONOSUPPORT: 93,
  EOPNOTSUPP: 95,
  EAFNOSUPPORT: 97,
  EADDRINUSE: 98,
  EADDRNOTAVAIL: 99,
  ENETDOWN: 100,
  ENETUNREACH: 101,
  ECONNRESET: 104,
  ENOBUFS: 105,
  ENOTCONN: 107,
  ETIMEDOUT: 110,
  ECONNREFUSED: 111,
  EHOSTDOWN: 112,
  EHOSTUNREACH: 113,
  EALREADY: 114,
  EINPROGRESS: 115,
} as const;

/** The words of strerror(3) for the errors an operator is likely to see. */
const TEXT: Readonly<Record<number, string>> = {
  [ERRNO.EPERM]: "operation not permitted",
  [ERRNO.ENOENT]: "no such file or directory",
  [ERRNO.ESRCH]: "no such process",
  [ERRNO.EINTR]: "interrupted",
  [ERRNO.EIO]: "input/output error",
  [ERRNO.ENXIO]: "no such device or address",
  [ERRNO.EBADF]: "bad file descriptor",
  [ERRNO.EAGAIN]: "try again",
  [ERRNO.ENOMEM]: "out of memory",
  [ERRNO.EACCES]: "permission denied",
  [ERRNO.EBUSY]: "device or resource busy",
  [ERRNO.EEXIST]: "it exists already",
  [ERRNO.ENODEV]: "no such device",
  [ERRNO.EINVAL]: "invalid argument",
  [ERRNO.EMFILE]: "too many open files",
  [ERRNO.ENOSPC]: "no space left",
  [ERRNO.ENOSYS]: "not supported by this kernel",
  [ERRNO.EMSGSIZE]: "message too long",
  [ERRNO.EOPNOTSUPP]: "operation not supported",
  [ERRNO.EAFNOSUPPORT]: "address family not supported",
  [ERRNO.EADDRINUSE]: "address already in use",
  [ERRNO.EADDRNOTAVAIL]: "address not available on this host",
  [ERRNO.ENETDOWN]: "network is down",
  [ERRNO.ENETUNREACH]: "network is unreachable",
  [ERRNO.ENOBUFS]: "no buffer space",
  [ERRNO.ECONNREFUSED]: "connection refused",
  [ERRNO.EHOSTUNREACH]: "no route to host",
};

const NAMES = new Map<number, string>(Object.entries(ERRNO).map(([name, n]) => [n, name]));

/** Returns the C name of an error number, as "EBUSY"; "errno 999" for one that is not in the table. */
export function errnoName(n: number): string {
  return NAMES.get(n) ?? `errno ${n}`;
}

/** Is thrown when a set-up call fails in a way that its caller did not ask for. */
export class SysError extends Error {
  /** Name of the class. */
  override name = "SysError";
  /** C name of the error, as "EBUSY". */
  readonly code: string;

  /**
   * Makes the error of a call.
   *
   * @param call what failed, as "ioctl TUNSETIFF weft-tap"
   * @param errno number of the error, positive
   * @param detail what the kernel or we know beyond the number, or the remedy
   */
  constructor(readonly call: string, readonly errno: number, detail?: string) {
    const code = errnoName(errno);
    const text = TEXT[errno];
    const reason = text === undefined ? code : `${text} (${code})`;
    super(`Cannot ${call}: ${reason}${detail === undefined ? "" : `; ${detail}`}`);
    this.code = code;
  }
}

/**
 * Passes the result of a libc call that was just made, or throws what `errno` says.
 *
 * @param call what was called, for the message, as "ioctl TUNSETIFF"
 * @param result what it returned; negative means failure
 * @throws {SysError} if the result is negative
 */
export function check(call: string, result: number): number {
  if (result >= 0) return result;
  // errno is read before anything else can run.
  throw new SysError(call, errno());
}
