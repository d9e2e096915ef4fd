/**
 * Network namespaces, and host names, which have namespaces of their own. A thread is in one; a socket stays in the one it was
 * made in.
 *
 * ```
 *   home ──setns──> target    fn(): sockets, /proc/thread-self/net, ioctls act there    ──setns──> home
 * ```
 *
 * Nothing asynchronous may start inside: the runtime could make a pool thread that stays in the target.
 *
 * @module
 */

import { Bug } from "../base/mod.ts";
import { check, ERRNO, errnoName, SysError } from "./errno.ts";
import { Fd, openFd } from "./fd.ts";
import { errno, libc } from "./libc.ts";
import { readLinkProc, readProc } from "./procfs.ts";

/** `linux/sched.h`: the kind of namespace that setns and unshare are asked for. */
const CLONE_NEWNET = 0x4000_0000;
const CLONE_NEWUTS = 0x0400_0000;
/** `sys/socket.h`, for a socket that only tells of its namespace. */
const [AF_UNIX, SOCK_DGRAM, SOCK_CLOEXEC] = [1, 2, 0o2000000] as const;
/** `asm/socket.h`. */
const [SOL_SOCKET, SO_NETNS_COOKIE] = [1, 71] as const;
const HOSTNAME_FILE = "/proc/sys/kernel/hostname";
/** EX_SOFTWARE of `sysexits.h`: what the process ends with if a thread cannot come home. */
const EXIT_LOST = 70;

/** Opens a namespace by the path of its file, as `/run/netns/blue`. @throws {SysError} if it cannot be opened */
export function openNetns(path: string): Fd {
  return openFd(path, 0);
}

/** Opens the network namespace of a process. @throws {SysError} ENOENT if there is no such process */
export function openPidNetns(pid: number): Fd {
  return openFd(`/proc/${pid}/ns/net`, 0);
}

/** Opens the namespace that this thread is in. @throws {SysError} if `/proc` is not there */
export function openOwnNetns(): Fd {
  return openFd("/proc/thread-self/ns/net", 0);
}

/**
 * Returns the inode number of a network namespace: two namespaces are the same if these are equal.
 *
 * @param namespace a descriptor, or the path of a namespace file
 * @throws {SysError} if the path cannot be opened
 * @throws {TypeError} if it is not a network namespace
 */
export function netnsInode(namespace: Fd | number | string): bigint {
  if (typeof namespace === "string") {
    using fd = openNetns(namespace);
    return netnsInode(fd);
  }
  const number = typeof namespace === "number" ? namespace : namespace.number;
  const link = readLinkProc(`/proc/thread-self/fd/${number}`) ?? "nothing";
  const inode = inodeIn(link) ?? inodeWithin(number);
  if (inode !== undefined) return inode;
  throw new TypeError(
    `Cannot use descriptor ${number}: a network namespace is needed, not ${link}`,
  );
}

/**
 * Returns the number of a network namespace that no other has until the next boot; the inode goes to the next one when it ends.
 *
 * @returns `undefined` where the kernel keeps none, before Linux 5.14
 * @throws {SysError} if the namespace cannot be entered
 */
export function netnsCookie(namespace: Fd | number): bigint | undefined {
  return withNetns(namespace, () => {
    const type = SOCK_DGRAM | SOCK_CLOEXEC;
    using socket = new Fd(check("socket AF_UNIX", libc().socket(AF_UNIX, type, 0)));
    const value = new BigUint64Array(1);
    const bytes = new Uint8Array(value.buffer);
    const length = new Uint8Array([bytes.length, 0, 0, 0]);
    const { getsockopt } = libc();
    if (getsockopt(socket.number, SOL_SOCKET, SO_NETNS_COOKIE, bytes, length) < 0) return undefined;
    return value[0];
  });
}

function inodeIn(link: string | undefined): bigint | undefined {
  const digits = /^net:\[([0-9]+)\]$/.exec(link ?? "")?.[1];
  return digits === undefined ? undefined : BigInt(digits);
}

/** A namespace with a name shows that name and not its inode; from within every namespace shows it. */
function inodeWithin(number: number): bigint | undefined {
  try {
    return inodeIn(withNetns(number, () => readLinkProc("/proc/thread-self/ns/net")));
  } catch (error) {
    if (error instanceof SysError && error.errno === ERRNO.EINVAL) return undefined;
    throw error;
  }
}

/**
 * Makes a new, empty network namespace; it lives while something refers to it. The thread stays where it is.
 *
 * Equivalent to: `ip netns add`, without a name.
 *
 * @throws {SysError} EPERM without CAP_SYS_ADMIN
 */
export function createNetns(): Fd {
  using home = openOwnNetns();
  check("unshare CLONE_NEWNET", libc().unshare(CLONE_NEWNET));
  try {
    return openOwnNetns();
  } finally {
    returnHome(home, CLONE_NEWNET);
  }
}

/**
 * Runs a synchronous function in another network namespace and comes back, also when it throws.
 *
 * May be nested. If the way back fails the process ends with exit code 70: this thread would act in a foreign
 * namespace.
 *
 * Equivalent to: `ip netns exec`, for one function.
 *
 * @param namespace an open namespace; stays open
 * @param fn what to do there; must neither await nor start anything asynchronous
 * @throws {SysError} if the namespace cannot be entered
 * @throws {Bug} if `fn` returns a promise
 */
export function withNetns<T>(namespace: Fd | number, fn: () => T): T {
  const number = typeof namespace === "number" ? namespace : namespace.number;
  using home = openOwnNetns();
  check("setns to a network namespace", libc().setns(number, CLONE_NEWNET));
  let result: T;
  try {
    result = fn();
  } finally {
    returnHome(home, CLONE_NEWNET);
  }
  if (result instanceof Promise) {
    throw new Bug("Function given to withNetns returned a promise: it must be synchronous");
  }
  return result;
}

/**
 * Returns the host name that a process sees.
 *
 * Equivalent to: `nsenter -t PID -u hostname`.
 *
 * @returns `undefined` if it sees that of this host, or is not there
 * @throws {SysError} EPERM without CAP_SYS_ADMIN
 */
export function hostnameOf(pid: number): string | undefined {
  const path = `/proc/${pid}/ns/uts`;
  const own = "/proc/thread-self/ns/uts";
  const there = readLinkProc(path);
  if (there === undefined || there === readLinkProc(own)) return undefined;
  const here = readProc(HOSTNAME_FILE);
  const name = within(path, own, () => readProc(HOSTNAME_FILE));
  return name === here ? undefined : name?.trim();
}

function within<T>(path: string, own: string, fn: () => T): T | undefined {
  using home = openFd(own, 0);
  let target: Fd;
  try {
    target = openFd(path, 0);
  } catch (error) {
    if (error instanceof SysError && error.errno === ERRNO.ENOENT) return undefined;
    throw error;
  }
  using entered = target;
  check("setns to a UTS namespace", libc().setns(entered.number, CLONE_NEWUTS));
  try {
    return fn();
  } finally {
    returnHome(home, CLONE_NEWUTS);
  }
}

function returnHome(home: Fd, kind: number): void {
  const sys = libc();
  if (sys.setns(home.number, kind) === 0) return;
  const line = `weft: Cannot return to the home namespace: ${errnoName(errno())}; ` +
    `the process ends\n`;
  const bytes = new TextEncoder().encode(line);
  sys.writeBuffer(2, bytes, bytes.length);
  // Not Deno.exit: in a worker that would end the worker alone.
  sys._exit(EXIT_LOST);
}
