/**
 * DNS messages as they come in: queries of containers, answers of other name servers (RFC 1035 4, RFC 6891).
 *
 * ```
 *   0   2  id
 *   2   2  QR 1, opcode 4, AA TC RD RA 1 each, reserved 1, AD 1, CD 1, rcode 4
 *   4   2  questions      6  2  answers      8  2  authorities      10  2  additional records
 *  12      question:  name, type 2, class 2
 *          record:    name, type 2, class 2, ttl 4, length 2, data        all big-endian
 *          name:      labels of length 1 and bytes, up to 0; or 0xc000 + offset: goes on there
 *          OPT:       name 0, type 41, class = size, ttl = rcode 1, version 1, DO 1 bit, 15 bits; length, options
 * ```
 *
 * Nothing is taken apart that is not needed: of a query the first question and the OPT record are read, of an answer the
 * places of its records are noted. Nearly all queries are one question and perhaps an OPT record, which is seen at once.
 *
 * @module
 */

import { WireError } from "../../base/mod.ts";

/** Bytes of the header. */
export const HEADER_BYTES = 12;
/** Longest name on the wire (RFC 1035 3.1). */
export const MAX_NAME_BYTES = 255;
/** Longest label (RFC 1035 2.3.4). */
export const MAX_LABEL_BYTES = 63;

/** Record types that are looked at. */
export const TYPE = { A: 1, SOA: 6, PTR: 12, OPT: 41 } as const;
/** Result codes that are given or looked at. */
export const RCODE = {
  NOERROR: 0,
  FORMERR: 1,
  SERVFAIL: 2,
  NXDOMAIN: 3,
  NOTIMP: 4,
  REFUSED: 5,
  /** Needs an OPT record: more than 4 bits. */
  BADVERS: 16,
} as const;
/** Bits of the second word of the header. */
export const FLAG = {
  QR: 0x8000,
  OPCODE: 0x7800,
  AA: 0x0400,
  TC: 0x0200,
  RD: 0x0100,
  RA: 0x0080,
  AD: 0x0020,
  CD: 0x0010,
  RCODE: 0x000f,
} as const;

const FORMAT = "DNS message";
const POINTER = 0xc0;
const RECORD_BYTES = 10;
const DNSSEC_OK = 0x8000;

/** What a client says in its OPT record. */
export interface Edns {
  /** Longest answer it takes by UDP, as given. */
  readonly sizeBytes: number;
  /** Version of EDNS; 0 is the only one. */
  readonly version: number;
  /** Whether it wants signatures. */
  readonly dnssecOk: boolean;
}

/** A query. It keeps no reference to the bytes that it was read from. */
export interface Query {
  /** Id, to be given back. */
  readonly id: number;
  /** The second word of the header. */
  readonly flags: number;
  /** How many questions there are. */
  readonly questions: number;
  /** The first question as it came, name, type and class; empty if there is none. */
  readonly question: Uint8Array<ArrayBuffer>;
  /** Name of the first question in lower case with the dot at its end; unusual bytes as `\046`. */
  readonly lowerName: string;
  /** How many labels the name has. */
  readonly labels: number;
  /** Type of the first question. */
  readonly type: number;
  /** The OPT record. */
  readonly edns: Edns | undefined;
}

/** Where a record of an answer lies. */
export interface RecordPlace {
  /** 1 answers, 2 authorities, 3 additional records. */
  readonly section: 1 | 2 | 3;
  /** Its type. */
  readonly type: number;
  /** Offset of its first byte. */
  readonly start: number;
  /** Offset of its TTL. */
  readonly ttlAt: number;
  /** Its TTL in seconds, as it stands there. */
  readonly ttl: number;
  /** Offset of the first byte after it. */
  readonly end: number;
}

/** An answer of another name server. */
export interface Answer {
  /** The message; not copied. */
  readonly bytes: Uint8Array;
  /** Its id. */
  readonly id: number;
  /** The second word of its header. */
  readonly flags: number;
  /** Its result, with the upper bits from OPT. */
  readonly rcode: number;
  /** How many questions it repeats. */
  readonly questions: number;
  /** Offset of the first byte after the questions. */
  readonly questionEnd: number;
  /** All its records in order. */
  readonly records: readonly RecordPlace[];
}

/** Returns the id of a message, `undefined` if it is shorter than a header. */
export function messageId(bytes: Uint8Array): number | undefined {
  return bytes.length < HEADER_BYTES ? undefined : u16(bytes, 0);
}

/**
 * Reads a query.
 *
 * @throws {WireError} if it does not parse
 */
export function parseQuery(bytes: Uint8Array): Query {
  if (bytes.length < HEADER_BYTES) throw new WireError(FORMAT, bytes.length, "12 bytes of header");
  const questions = u16(bytes, 4);
  const head = { id: u16(bytes, 0), flags: u16(bytes, 2), questions };
  if (questions === 0) {
    const edns = parseOther(bytes);
    return { ...head, question: new Uint8Array(), lowerName: "", labels: 0, type: 0, edns };
  }
  const first = readName(bytes, HEADER_BYTES);
  const end = first.end + 4;
  need(bytes, end, "type and class");
  const simple = questions === 1 && u16(bytes, 6) === 0 && u16(bytes, 8) === 0;
  return {
    ...head,
    question: new Uint8Array(bytes.subarray(HEADER_BYTES, end)),
    lowerName: first.lowerName,
    labels: first.labels,
    type: u16(bytes, first.end),
    edns: simple ? parseTail(bytes, end) : parseOther(bytes),
  };
}

/**
 * Finds the records of an answer. What follows the last one is not looked at.
 *
 * @throws {WireError} if it does not parse
 */
export function parseAnswer(bytes: Uint8Array): Answer {
  if (bytes.length < HEADER_BYTES) throw new WireError(FORMAT, bytes.length, "12 bytes of header");
  const [id, flags, questions] = [u16(bytes, 0), u16(bytes, 2), u16(bytes, 4)];
  const { questionEnd, records, end } = findRecords(bytes);
  const opt = records.find((each) => each.type === TYPE.OPT);
  const rcode = (flags & FLAG.RCODE) | (opt === undefined ? 0 : (opt.ttl >>> 24) << 4);
  return { bytes: bytes.subarray(0, end), id, flags, rcode, questions, questionEnd, records };
}

/**
 * Writes a name: labels between dots.
 *
 * @returns `undefined` if it is none: a label that is empty or too long, or more than 255 bytes in all
 */
export function writeName(name: string): Uint8Array<ArrayBuffer> | undefined {
  const labels = name.replace(/\.$/, "").split(".").map((label) => new TextEncoder().encode(label));
  if (name === ".") return new Uint8Array(1);
  if (labels.some((label) => label.length === 0 || label.length > MAX_LABEL_BYTES)) {
    return undefined;
  }
  const bytes = new Uint8Array(labels.reduce((sum, label) => sum + label.length + 1, 1));
  if (bytes.length > MAX_NAME_BYTES) return undefined;
  let at = 0;
  for (const label of labels) {
    bytes[at] = label.length;
    bytes.set(label, at + 1);
    at += label.length + 1;
  }
  return bytes;
}

/** Returns a question in a form that is the same for names that differ in case only, one character a byte. */
export function foldQuestion(question: Uint8Array): string {
  // Type 65 is not type 97.
  const nameEnd = question.length - 4;
  let folded = "";
  for (let i = 0; i < question.length; i++) {
    const byte = question[i] ?? 0;
    folded += String.fromCharCode(i < nameEnd ? lower(byte) : byte);
  }
  return folded;
}

// Queries

/** What follows the one question: nothing, or one OPT record that ends the message. */
function parseTail(bytes: Uint8Array, at: number): Edns | undefined {
  const additional = u16(bytes, 10);
  if (additional === 0 && at === bytes.length) return undefined;
  const data = at + 1 + RECORD_BYTES;
  const opt = additional === 1 && data <= bytes.length && bytes[at] === 0 &&
    u16(bytes, at + 1) === TYPE.OPT && data + u16(bytes, data - 2) === bytes.length;
  if (!opt) return parseOther(bytes);
  const dnssecOk = (u16(bytes, at + 7) & DNSSEC_OK) !== 0;
  return { sizeBytes: u16(bytes, at + 3), version: bytes[at + 6] ?? 0, dnssecOk };
}

/** Of a message that is built in another way: it has to be whole, and its OPT record may stand anywhere. */
function parseOther(bytes: Uint8Array): Edns | undefined {
  const opt = findRecords(bytes).records
    .find(({ section, type }) => section === 3 && type === TYPE.OPT);
  if (opt === undefined) return undefined;
  const { ttl, ttlAt } = opt;
  return {
    sizeBytes: u16(bytes, ttlAt - 2),
    version: (ttl >>> 16) & 255,
    dnssecOk: (ttl & DNSSEC_OK) !== 0,
  };
}

interface Name {
  readonly lowerName: string;
  readonly labels: number;
  readonly end: number;
}

/** Reads the name of the first question: nothing stands before it that it could point to. */
function readName(bytes: Uint8Array, start: number): Name {
  let at = start;
  let labels = 0;
  let lowerName = "";
  for (;;) {
    const length = bytes[at];
    if (length === undefined) throw new WireError(FORMAT, at, "a label");
    if (length === 0) break;
    if (length > MAX_LABEL_BYTES) throw new WireError(FORMAT, at, "a label of at most 63 bytes");
    const end = at + 1 + length;
    need(bytes, end, `${length} bytes of label`);
    for (at++; at < end; at++) lowerName += character(lower(bytes[at] ?? 0));
    lowerName += ".";
    labels++;
    if (at - start >= MAX_NAME_BYTES) {
      throw new WireError(FORMAT, at, "a name of at most 255 bytes");
    }
  }
  return { lowerName: labels === 0 ? "." : lowerName, labels, end: at + 1 };
}

/** Letters and the like as they are; a dot within a label must not look like one between two. */
function character(byte: number): string {
  const plain = byte > 0x20 && byte < 0x7f && byte !== 0x2e && byte !== 0x5c;
  return plain ? String.fromCharCode(byte) : `\\${String(byte).padStart(3, "0")}`;
}

function lower(byte: number): number {
  return byte >= 0x41 && byte <= 0x5a ? byte + 0x20 : byte;
}

// Records

interface Found {
  readonly questionEnd: number;
  readonly records: readonly RecordPlace[];
  readonly end: number;
}

function findRecords(bytes: Uint8Array): Found {
  let at = HEADER_BYTES;
  for (let left = u16(bytes, 4); left > 0; left--) {
    at = skipName(bytes, at) + 4;
    need(bytes, at, "type and class");
  }
  const questionEnd = at;
  const records: RecordPlace[] = [];
  for (const section of [1, 2, 3] as const) {
    for (let left = u16(bytes, 4 + 2 * section); left > 0; left--) {
      const place = findRecord(bytes, at, section);
      records.push(place);
      at = place.end;
    }
  }
  return { questionEnd, records, end: at };
}

function findRecord(bytes: Uint8Array, start: number, section: 1 | 2 | 3): RecordPlace {
  const at = skipName(bytes, start);
  need(bytes, at + RECORD_BYTES, "a record");
  const end = at + RECORD_BYTES + u16(bytes, at + 8);
  need(bytes, end, "the data of a record");
  return { section, type: u16(bytes, at), start, ttlAt: at + 4, ttl: u32(bytes, at + 4), end };
}

/** Returns where a name ends. A pointer leads backwards, so that no two of them make a circle. */
function skipName(bytes: Uint8Array, start: number): number {
  let at = start;
  for (;;) {
    const length = bytes[at];
    if (length === undefined) throw new WireError(FORMAT, at, "a label");
    if (length === 0) return at + 1;
    if (length >= POINTER) {
      need(bytes, at + 2, "a pointer");
      const target = u16(bytes, at) & 0x3fff;
      if (target >= start) throw new WireError(FORMAT, at, "a pointer that leads backwards");
      return at + 2;
    }
    if (length > MAX_LABEL_BYTES) throw new WireError(FORMAT, at, "a label of at most 63 bytes");
    at += 1 + length;
    if (at - start >= MAX_NAME_BYTES) {
      throw new WireError(FORMAT, at, "a name of at most 255 bytes");
    }
  }
}

/** Reads 16 bits, big-endian; 0 beyond the end. */
export function u16(bytes: Uint8Array, at: number): number {
  return ((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0);
}

/** Reads 32 bits, big-endian, without sign; 0 beyond the end. */
export function u32(bytes: Uint8Array, at: number): number {
  return u16(bytes, at) * 0x1_0000 + u16(bytes, at + 2);
}

function need(bytes: Uint8Array, end: number, what: string): void {
  if (end > bytes.length) throw new WireError(FORMAT, bytes.length, what);
}
