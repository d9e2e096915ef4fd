/**
 * Payloads of the channel `weft-topology`, by which two weft peers find out in which entries their tables differ.
 *
 * ```
 *   offset  size         sums (kind 1): what I hold, in short
 *   0       1            kind
 *   1       1            bits b: the table is split into 2^b buckets by name, 0 to 10
 *   2       8 * 2^b      of each bucket the first 8 bytes of SHA-256 over its rows, by ascending name
 *
 *                        list (kind 2): what I hold in these buckets, all of it
 *   0       1            kind
 *   1       1            bits b
 *   2       2            count n of buckets, 1 to 2^b
 *   4       2 * n        buckets, ascending
 *   4+2n    23 * rows    rows, by ascending name: name u48 | uid u64 | version u64 | has a short id u8, 0 or 1
 *
 *                        want (kind 3): of these your entry is newer
 *   0       1            kind
 *   1       6 * names    names, ascending; none: there is nothing that I want
 * ```
 *
 * Integers are big-endian. There is one way to write each value, and what is written otherwise does not parse.
 *
 * @module
 */

import { ByteReader, must, type PeerName, UNKNOWN_PEER, WireError } from "../base/mod.ts";

/** Most bits of a bucket's number: 16 entries a bucket in the largest table. */
export const MAX_BUCKET_BITS = 10;
/** Most rows in a list, and names in a want: the largest table. */
export const MAX_ROWS = 16_384;

const SUMS = 1;
const LIST = 2;
const WANT = 3;
const SUM_BYTES = 8;
const ROW_BYTES = 23;
const FORMAT = "digest";

/** What decides which of two entries of a peer is newer. */
export interface DigestRow {
  /** The peer. */
  readonly name: PeerName;
  /** Its UID, 64 bits. */
  readonly uid: bigint;
  /** Version of its entry, 64 bits. */
  readonly version: bigint;
  /** The entry has a short id. */
  readonly hasShortId: boolean;
}

/** One payload. */
export type Digest =
  /** Sums of all buckets. */
  | { readonly kind: "sums"; readonly bits: number; readonly sums: readonly bigint[] }
  /** All rows of some buckets. */
  | {
    readonly kind: "list";
    readonly bits: number;
    readonly buckets: readonly number[];
    readonly rows: readonly DigestRow[];
  }
  /** Names whose entries are asked for. */
  | { readonly kind: "want"; readonly names: readonly PeerName[] };

/** Returns the bucket of a name, 0 to 2^bits - 1: names that are close to each other are spread evenly. */
export function bucketOf(name: PeerName, bits: number): number {
  if (bits === 0) return 0;
  const high = Math.floor(name / 0x1_0000_0000);
  // Multiplicative hashing; the factor is 2^32 divided by the golden ratio.
  return Math.imul((name ^ Math.imul(high, 0x85ebca6b)) >>> 0, 0x9e3779b1) >>> (32 - bits);
}

/** Returns sums of rows that are in ascending order of their names. */
export function sumRows(
  rows: readonly DigestRow[],
  bits: number,
  sha256: (bytes: Uint8Array) => Uint8Array,
): bigint[] {
  const buckets = Array.from({ length: 1 << bits }, (): DigestRow[] => []);
  for (const row of rows) must(buckets[bucketOf(row.name, bits)], "bucket").push(row);
  return buckets.map((bucket) => {
    const bytes = new Uint8Array(bucket.length * ROW_BYTES);
    writeRows(new DataView(bytes.buffer), 0, bucket);
    return new ByteReader(sha256(bytes), FORMAT).u64();
  });
}

/** Encodes a payload; its parts must be in the order that the format asks for. */
export function encodeDigest(digest: Digest): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(sizeOf(digest));
  const view = new DataView(bytes.buffer);
  if (digest.kind === "sums") {
    bytes.set([SUMS, digest.bits]);
    digest.sums.forEach((sum, i) => view.setBigUint64(2 + SUM_BYTES * i, sum));
  } else if (digest.kind === "list") {
    bytes.set([LIST, digest.bits]);
    view.setUint16(2, digest.buckets.length);
    digest.buckets.forEach((bucket, i) => view.setUint16(4 + 2 * i, bucket));
    writeRows(view, 4 + 2 * digest.buckets.length, digest.rows);
  } else {
    bytes[0] = WANT;
    digest.names.forEach((name, i) => setUint48(view, 1 + 6 * i, name));
  }
  return bytes;
}

function sizeOf(digest: Digest): number {
  switch (digest.kind) {
    case "sums":
      return 2 + SUM_BYTES * digest.sums.length;
    case "list":
      return 4 + 2 * digest.buckets.length + ROW_BYTES * digest.rows.length;
    case "want":
      return 1 + 6 * digest.names.length;
  }
}

function writeRows(view: DataView, start: number, rows: readonly DigestRow[]): void {
  let at = start;
  for (const { name, uid, version, hasShortId } of rows) {
    setUint48(view, at, name);
    view.setBigUint64(at + 6, uid);
    view.setBigUint64(at + 14, version);
    view.setUint8(at + 22, hasShortId ? 1 : 0);
    at += ROW_BYTES;
  }
}

function setUint48(view: DataView, at: number, value: number): void {
  view.setUint16(at, Math.floor(value / 0x1_0000_0000));
  view.setUint32(at + 2, value % 0x1_0000_0000);
}

/** Decodes a payload. @throws {WireError} if it does not parse, is too long, or is not written as we would write it */
export function decodeDigest(payload: Uint8Array): Digest {
  const reader = new ByteReader(payload, FORMAT);
  const kind = reader.u8();
  if (kind === WANT) return { kind: "want", names: readNames(reader) };
  if (kind !== SUMS && kind !== LIST) return fail(reader, "sums, a list or a want");
  const bits = reader.u8();
  if (bits > MAX_BUCKET_BITS) fail(reader, `at most ${MAX_BUCKET_BITS} bits`);
  if (kind === LIST) return readList(reader, bits);
  expectRest(reader, SUM_BYTES, 1 << bits);
  return { kind: "sums", bits, sums: Array.from({ length: 1 << bits }, () => reader.u64()) };
}

function readList(reader: ByteReader, bits: number): Digest {
  const count = reader.u16();
  if (count === 0 || count > 1 << bits) fail(reader, `1 to ${1 << bits} buckets`);
  const buckets: number[] = [];
  for (let last = -1; buckets.length < count;) {
    const bucket = reader.u16();
    if (bucket <= last || bucket >= 1 << bits) fail(reader, "an ascending bucket");
    buckets.push(last = bucket);
  }
  const length = countOf(reader, ROW_BYTES);
  const rows: DigestRow[] = [];
  const known = new Set(buckets);
  for (let last = UNKNOWN_PEER; rows.length < length;) {
    const name = readName(reader, last);
    if (!known.has(bucketOf(name, bits))) fail(reader, "a name of the buckets");
    const [uid, version, flag] = [reader.u64(), reader.u64(), reader.u8()];
    if (flag > 1) fail(reader, "0 or 1");
    rows.push({ name, uid, version, hasShortId: flag === 1 });
    last = name;
  }
  return { kind: "list", bits, buckets, rows };
}

function readNames(reader: ByteReader): PeerName[] {
  const length = countOf(reader, 6);
  const names: PeerName[] = [];
  for (let last = UNKNOWN_PEER; names.length < length;) names.push(last = readName(reader, last));
  return names;
}

function readName(reader: ByteReader, last: PeerName): PeerName {
  const name = reader.u48();
  return name > last ? name : fail(reader, "a name above the one before");
}

/** Returns how many parts of equal size are left. */
function countOf(reader: ByteReader, partBytes: number): number {
  const count = Math.floor(reader.remaining / partBytes);
  if (count > MAX_ROWS) fail(reader, `at most ${MAX_ROWS} peers`);
  expectRest(reader, partBytes, count);
  return count;
}

function expectRest(reader: ByteReader, partBytes: number, count: number): void {
  if (reader.remaining !== partBytes * count) fail(reader, `${count} parts of ${partBytes} bytes`);
}

function fail(reader: ByteReader, expected: string): never {
  throw new WireError(FORMAT, reader.offset, expected);
}
