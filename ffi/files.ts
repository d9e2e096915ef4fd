/**
 * Small files outside the directories that Deno's own calls may write to.
 *
 * @module
 */

import { Fd, OPEN } from "./fd.ts";
import { cString, libc } from "./libc.ts";

/** `asm/fcntl.h`: one of the few flags that differ between the two. */
const O_NOFOLLOW = Deno.build.arch === "aarch64" ? 0o100000 : 0o400000;

/**
 * Writes a text in the place of what a file holds; whoever has the file open or mounted sees it.
 *
 * @returns false if there is no such file, or it cannot be written; a symbolic link at its end is not followed
 */
export function overwriteFile(path: string, text: string): boolean {
  return write(path, OPEN.O_WRONLY | OPEN.O_TRUNC | O_NOFOLLOW, { mode: 0, text });
}

/**
 * Puts a new file into the place of an old one; whoever has the old one open or mounted keeps it.
 *
 * @param mode permissions of the new file
 * @returns false if it cannot be written
 */
export function replaceFile(path: string, text: string, mode: number): boolean {
  libc().unlink(cString(path));
  return write(path, OPEN.O_WRONLY | OPEN.O_CREAT | OPEN.O_EXCL, { mode, text });
}

function write(
  path: string,
  flags: number,
  { mode, text }: { mode: number; text: string },
): boolean {
  const number = libc().open(cString(path), flags | OPEN.O_CLOEXEC, mode);
  if (number < 0) return false;
  using fd = new Fd(number);
  let rest = new TextEncoder().encode(text);
  while (rest.length > 0) {
    const length = libc().writeBuffer(fd.number, rest, rest.length);
    if (length <= 0) return false;
    rest = rest.subarray(length);
  }
  return true;
}
