/**
 * What another process holds in its memory: AES keys that it uses, and whether some bytes are anywhere in it.
 *
 * ```
 *   key schedule of AES-256   | key 32 | 13 round keys of 16, each of which follows from those before |     240 bytes
 * ```
 *
 * A cipher that is in use keeps its key schedule, so that its keys can be found without knowing where to look. Needs root.
 *
 * @module
 */

import { Buffer } from "node:buffer";

const KEY_BYTES = 32;
const SCHEDULE_WORDS = 60;
const PAGE_BYTES = 4096;
const CHUNK_BYTES = 1 << 22;
/** What is found may lie across two chunks. */
const OVERLAP_BYTES = 256;

/** Returns the AES-256 keys whose schedules are in a process's memory, as hex. */
export function aesKeysOf(pid: number): Set<string> {
  const keys = new Set<string>();
  for (const chunk of memoryOf(pid)) {
    const words = new Uint32Array(chunk.buffer, 0, chunk.length >>> 2);
    for (let at = 0; at + SCHEDULE_WORDS <= words.length; at++) {
      if (isSchedule(words, at)) keys.add(chunk.subarray(4 * at, 4 * at + KEY_BYTES).toHex());
    }
  }
  return keys;
}

/** Tells which of some byte strings are in a process's memory, at whatever place; all as hex. */
export function foundIn(pid: number, wanted: Iterable<string>): Set<string> {
  const patterns = [...wanted].map((hex) => [hex, Buffer.from(hex, "hex")] as const);
  const found = new Set<string>();
  for (const chunk of memoryOf(pid)) {
    const memory = Buffer.from(chunk.buffer, 0, chunk.length);
    for (const [hex, bytes] of patterns) if (memory.includes(bytes)) found.add(hex);
  }
  return found;
}

/** All that a process has written to, in overlapping pieces that are valid until the next one. */
function* memoryOf(pid: number): Generator<Uint8Array<ArrayBuffer>> {
  using memory = Deno.openSync(`/proc/${pid}/mem`);
  using pages = Deno.openSync(`/proc/${pid}/pagemap`);
  const buffer = new Uint8Array(CHUNK_BYTES);
  for (const line of Deno.readTextFileSync(`/proc/${pid}/maps`).split("\n")) {
    const [, from = "", to = ""] = /^([0-9a-f]+)-([0-9a-f]+) rw/.exec(line) ?? [];
    for (const [begin, end] of touched(pages, parseInt(from, 16), parseInt(to, 16))) {
      for (let at = begin; at < end; at += CHUNK_BYTES - OVERLAP_BYTES) {
        const length = read(memory, at, buffer.subarray(0, Math.min(CHUNK_BYTES, end - at)));
        if (length > 0) yield buffer.subarray(0, length);
        if (at + CHUNK_BYTES >= end) break;
      }
    }
  }
}

/** Runs of pages that are in memory or swapped out: V8 sets aside a hundred times as much as it uses. */
function* touched(pages: Deno.FsFile, from: number, to: number): Generator<[number, number]> {
  const entries = new BigUint64Array(Math.max(0, (to - from) / PAGE_BYTES) || 0);
  read(pages, from / PAGE_BYTES * 8, new Uint8Array(entries.buffer));
  let begin = -1;
  for (let i = 0; i <= entries.length; i++) {
    const present = i < entries.length && (entries[i] ?? 0n) >> 62n !== 0n;
    if (present && begin < 0) begin = i;
    if (present || begin < 0) continue;
    yield [from + begin * PAGE_BYTES, from + i * PAGE_BYTES];
    begin = -1;
  }
}

/** @returns bytes, 0 if there is nothing any more */
function read(file: Deno.FsFile, at: number, into: Uint8Array): number {
  try {
    file.seekSync(at, Deno.SeekMode.Start);
    let length = 0;
    while (length < into.length) {
      const more = file.readSync(into.subarray(length));
      if (more === null) break;
      length += more;
    }
    return length;
  } catch {
    return 0;
  }
}

/** Tells whether a key schedule begins there. Words as a little-endian machine has them. */
function isSchedule(words: Uint32Array, at: number): boolean {
  const w = (i: number): number => words[at + i] ?? 0;
  // Most memory fails here.
  if ((w(1) ^ w(8)) !== (w(9) | 0) || (w(2) ^ w(9)) !== (w(10) | 0)) return false;
  for (let i = 8, round = 1; i < SCHEDULE_WORDS; i++) {
    let word = w(i - 1);
    if (i % 8 === 0) {
      word = substitute((word >>> 8) | (word << 24)) ^ round;
      round = double(round);
    } else if (i % 8 === 4) word = substitute(word);
    if (((w(i - 8) ^ word) | 0) !== (w(i) | 0)) return false;
  }
  return true;
}

function substitute(word: number): number {
  const s = (shift: number): number => (S_BOX[(word >>> shift) & 0xff] ?? 0) << shift;
  return s(0) | s(8) | s(16) | s(24);
}

function double(x: number): number {
  return ((x << 1) ^ (x >> 7) * 0x11b) & 0xff;
}

/** FIPS 197, 5.1.1: the inverse in GF(2^8), then an affine map. */
const S_BOX: Uint8Array = ((): Uint8Array => {
  const box = new Uint8Array(256);
  // p runs through all values but 0 as powers of 3, q through their inverses.
  let [p, q] = [1, 1];
  do {
    p = p ^ double(p);
    q = q ^ (q << 1);
    q = q ^ (q << 2);
    q = (q ^ (q << 4)) & 0xff;
    if ((q & 0x80) !== 0) q ^= 0x09;
    const rotated = (bits: number): number => ((q << bits) | (q >> (8 - bits))) & 0xff;
    box[p] = q ^ rotated(1) ^ rotated(2) ^ rotated(3) ^ rotated(4) ^ 0x63;
  } while (p !== 1);
  box[0] = 0x63;
  return box;
})();
