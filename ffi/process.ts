/**
 * This process: who runs it, where its output goes, what it uses.
 *
 * @module
 */

import { check, ERRNO } from "./errno.ts";
import { Fd, OPEN, openFd } from "./fd.ts";
import { errno, libc } from "./libc.ts";
import { SOCKADDR_UN } from "./layout.ts";
import { listDir, readProc } from "./procfs.ts";

const AF_UNIX = 1;
const SOCK_DGRAM = 2;
const SOCK_CLOEXEC = 0x80000;
const LOG_MODE = 0o640;

/** Returns the effective user id; 0 is root. */
export function geteuid(): number {
  return libc().geteuid();
}

/** Returns the process id as the kernel gives it, of this process's pid namespace. */
export function getpid(): number {
  return libc().getpid();
}

/** Starts a session of our own, so that the terminal's signals no longer reach us. @throws {SysError} EPERM for a group leader */
export function setsid(): void {
  check("setsid", libc().setsid());
}

/** Makes descriptor `to` a copy of `from`. @throws {SysError} EBADF if `from` is not open */
export function dup2(from: number, to: number): void {
  check(`dup2 ${from} to ${to}`, libc().dup2(from, to));
}

/**
 * Sends a signal.
 *
 * @param pid process id, above 0
 * @param signal its number; 0 only asks whether the process is there
 * @returns false if there is no such process
 * @throws {SysError} EPERM if it is somebody else's: for signal 0 that still means it is there, and true is returned
 */
export function kill(pid: number, signal: number): boolean {
  if (libc().kill(pid, signal) === 0) return true;
  const reason = errno();
  if (reason === ERRNO.ESRCH) return false;
  if (reason === ERRNO.EPERM && signal === 0) return true;
  check(`kill ${pid}`, -1);
  return false;
}

/**
 * Appends standard output and error to a file from now on and reads standard input from `/dev/null`.
 *
 * Done below the runtime, so that its own last words land there too.
 *
 * @param path the log file; made with mode 0640 if missing
 * @throws {SysError} if it cannot be opened
 */
export function redirectStandardStreams(path: string): void {
  using log = openFd(path, OPEN.O_WRONLY | OPEN.O_APPEND | OPEN.O_CREAT, LOG_MODE);
  using nothing = openFd("/dev/null", OPEN.O_RDONLY);
  dup2(nothing.number, 0);
  dup2(log.number, 1);
  dup2(log.number, 2);
}

/** Returns how many descriptors this process has open. */
export function openFileCount(): number {
  // The list holds the descriptor that reads it.
  return listDir("/proc/self/fd").length - 1;
}

/** Returns the resident memory of this process in bytes; 0 if `/proc` does not tell. */
export function rssBytes(): number {
  const match = /^VmRSS:\s+([0-9]+) kB$/m.exec(readProc("/proc/self/status") ?? "");
  return Number(match?.[1] ?? 0) * 1024;
}

/**
 * Tells systemd something, as sd_notify(3): `READY=1`, `WATCHDOG=1`, `STATUS=…`, `STOPPING=1`.
 *
 * @param state one or more `NAME=value` lines
 * @param socketPath the value of `$NOTIFY_SOCKET`; `@` begins an abstract name; `undefined`: there is no systemd
 * @returns false if nobody could be told, which is never a reason to stop
 */
export function notifySystemd(state: string, socketPath: string | undefined): boolean {
  if (socketPath === undefined || socketPath === "") return false;
  const name = new TextEncoder().encode(socketPath);
  if (name.length >= SOCKADDR_UN.size - SOCKADDR_UN.path) return false;
  const address = new Uint8Array(SOCKADDR_UN.path + name.length);
  new DataView(address.buffer).setUint16(SOCKADDR_UN.family, AF_UNIX, true);
  address.set(name, SOCKADDR_UN.path);
  if (socketPath.startsWith("@")) address[SOCKADDR_UN.path] = 0;
  const number = libc().socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (number < 0) return false;
  using socket = new Fd(number);
  const bytes = new TextEncoder().encode(state);
  return libc().sendto(socket.number, bytes, bytes.length, 0, address, address.length) >= 0;
}
