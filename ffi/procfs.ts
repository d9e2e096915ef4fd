/**
 * Files under `/proc`, `/sys` and `/dev`, through libc: Deno's own calls refuse them without all permissions.
 *
 * Answers are `undefined` or `false` where a file is missing or refused: most callers have a default for that.
 *
 * @module
 */

import { cString, libc } from "./libc.ts";
import { Fd, OPEN } from "./fd.ts";
import { DIRENT64 } from "./layout.ts";

const CHUNK_BYTES = 65536;

function tryOpen(path: string, flags: number): Fd | undefined {
  const number = libc().open(cString(path), flags | OPEN.O_CLOEXEC, 0);
  return number < 0 ? undefined : new Fd(number);
}

/** Reads a whole file as UTF-8; `undefined` if it cannot be opened or read. */
export function readProc(path: string): string | undefined {
  using fd = tryOpen(path, OPEN.O_RDONLY);
  if (fd === undefined) return undefined;
  const decoder = new TextDecoder();
  const chunk = new Uint8Array(CHUNK_BYTES);
  let text = "";
  for (;;) {
    const length = libc().readBuffer(fd.number, chunk, chunk.length);
    if (length < 0) return undefined;
    if (length === 0) return text + decoder.decode();
    text += decoder.decode(chunk.subarray(0, length), { stream: true });
  }
}

/**
 * Writes a text to an existing file in one write(2), as `/proc/sys` wants it.
 *
 * @returns false if it cannot be opened or the kernel refuses the value
 */
export function writeProc(path: string, text: string): boolean {
  using fd = tryOpen(path, OPEN.O_WRONLY);
  if (fd === undefined) return false;
  const bytes = new TextEncoder().encode(text);
  return libc().writeBuffer(fd.number, bytes, bytes.length) === bytes.length;
}

/** Reads where a symbolic link points; `undefined` if there is none. */
export function readLinkProc(path: string): string | undefined {
  const target = new Uint8Array(4096);
  const length = libc().readlink(cString(path), target, target.length);
  return length < 0 ? undefined : new TextDecoder().decode(target.subarray(0, length));
}

/** Lists the names in a directory without `.` and `..`, in the kernel's order; empty if it cannot be read. */
export function listDir(path: string): string[] {
  using fd = tryOpen(path, OPEN.O_RDONLY);
  if (fd === undefined) return [];
  const chunk = new Uint8Array(CHUNK_BYTES);
  const view = new DataView(chunk.buffer);
  const names: string[] = [];
  for (;;) {
    const length = libc().getdents64(fd.number, chunk, chunk.length);
    if (length <= 0) return names;
    for (let at = 0; at < length;) {
      const end = at + view.getUint16(at + DIRENT64.reclen, true);
      const from = at + DIRENT64.name;
      const name = new TextDecoder().decode(chunk.subarray(from, chunk.indexOf(0, from)));
      if (name !== "." && name !== "..") names.push(name);
      at = end;
    }
  }
}

/** Tells whether something is at a path and can be reached. */
export function fileExists(path: string): boolean {
  return libc().access(cString(path), 0) === 0;
}
