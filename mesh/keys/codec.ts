/**
 * The three messages of key agreement (spec/shuttle.md 3). Big-endian; bytes behind the last field are an error.
 *
 * ```
 *   M1  I -> R    0  01          1  version 1    2  sidI[8]   10  uidI[8]   18  uidR[8]   26  suites u8
 *                27  rxI u16    29  eI[32]                                                61 bytes
 *   M2  R -> I    0  02          1  version 1    2  sidI[8]   10  sidR[8]   18  uidR[8]   26  uidI[8]
 *                34  suite u8   35  rxR u16     37  eR[32]    | 69  n u8   70  tag[16] x n
 *   M3  I -> R    0  03          1  sidR[8]      9  tagI[16]                              25 bytes
 * ```
 *
 * @module
 */

import { ByteReader, toHex, WireError } from "../../base/mod.ts";

/** Version of the protocol that we speak. */
export const VERSION = 1;
/** Bit of AES-256-GCM in `suites`, and its number in `suite`. */
export const SUITE_GCM = 1;
/** Bit of AES-256-OCB in `suites`, and its number in `suite` (docs/adr/0020). */
export const SUITE_OCB = 4;
/** Bit of ChaCha20-Poly1305 in `suites`, and its number in `suite`. */
export const SUITE_CHACHA = 2;
/** Length of the name of a run. */
export const SID_BYTES = 8;
/** Length of a public key. */
export const PUBLIC_KEY_BYTES = 32;
/** Length of a tag. */
export const TAG_BYTES = 16;
/** Most tags in M2. */
export const MAX_TAGS = 8;
/** Length of M1. */
export const M1_BYTES = 61;
/** Length of M2 before the bar: what the transcript takes of it. */
export const M2_HEAD_BYTES = 69;
/** Length of M3. */
export const M3_BYTES = 25;
/** Length of the longest message. */
export const MAX_MESSAGE_BYTES: number = M2_HEAD_BYTES + 1 + MAX_TAGS * TAG_BYTES;

const TYPE_M1 = 1;
const TYPE_M2 = 2;
const TYPE_M3 = 3;
const FORMAT = "key agreement";

/** I asks R for a key. */
export interface M1 {
  /** Which message. */
  readonly kind: "M1";
  /** I's name of the run. */
  readonly sidI: Uint8Array;
  /** UID of I. */
  readonly uidI: bigint;
  /** UID that R has in I's topology. */
  readonly uidR: bigint;
  /** Bits of the suites that I offers. */
  readonly suites: number;
  /** Key id that I will accept. */
  readonly rxI: number;
  /** Public key of I for this run. */
  readonly eI: Uint8Array;
}

/** R answers, and shows that it knows a password. */
export interface M2 {
  /** Which message. */
  readonly kind: "M2";
  /** I's name of the run. */
  readonly sidI: Uint8Array;
  /** R's name of the run. */
  readonly sidR: Uint8Array;
  /** UID of R. */
  readonly uidR: bigint;
  /** UID of I. */
  readonly uidI: bigint;
  /** The suite that R chose, one bit. */
  readonly suite: number;
  /** Key id that R will accept. */
  readonly rxR: number;
  /** Public key of R for this run. */
  readonly eR: Uint8Array;
  /** One for each password that R accepts, 1 to 8. */
  readonly tags: readonly Uint8Array[];
}

/** I shows that it knows the same password. */
export interface M3 {
  /** Which message. */
  readonly kind: "M3";
  /** R's name of the run. */
  readonly sidR: Uint8Array;
  /** Of I. */
  readonly tagI: Uint8Array;
}

/** Any of the three. */
export type KeyMessage = M1 | M2 | M3;

/** Parses one message; byte strings in it are views into the input. @throws {WireError} if it does not parse */
export function parseKeyMessage(bytes: Uint8Array): KeyMessage {
  const reader = new ByteReader(bytes, FORMAT);
  const message = parse(reader);
  if (reader.remaining > 0) throw new WireError(FORMAT, reader.offset, "the end");
  return message;
}

function parse(reader: ByteReader): KeyMessage {
  switch (reader.u8()) {
    case TYPE_M1:
      return parseM1(reader);
    case TYPE_M2:
      return parseM2(reader);
    case TYPE_M3:
      return { kind: "M3", sidR: reader.take(SID_BYTES), tagI: reader.take(TAG_BYTES) };
    default:
      throw new WireError(FORMAT, 0, "a type of 1 to 3");
  }
}

function parseM1(reader: ByteReader): M1 {
  checkVersion(reader);
  return {
    kind: "M1",
    sidI: reader.take(SID_BYTES),
    uidI: reader.u64(),
    uidR: reader.u64(),
    suites: reader.u8(),
    rxI: reader.u16(),
    eI: reader.take(PUBLIC_KEY_BYTES),
  };
}

function parseM2(reader: ByteReader): M2 {
  checkVersion(reader);
  const head = {
    sidI: reader.take(SID_BYTES),
    sidR: reader.take(SID_BYTES),
    uidR: reader.u64(),
    uidI: reader.u64(),
    suite: reader.u8(),
    rxR: reader.u16(),
    eR: reader.take(PUBLIC_KEY_BYTES),
  };
  const count = reader.u8();
  if (count < 1 || count > MAX_TAGS) throw new WireError(FORMAT, M2_HEAD_BYTES, "1 to 8 tags");
  const tags = Array.from({ length: count }, () => reader.take(TAG_BYTES));
  return { kind: "M2", ...head, tags };
}

function checkVersion(reader: ByteReader): void {
  if (reader.u8() !== VERSION) throw new WireError(FORMAT, 1, `version ${VERSION}`);
}

/** Returns the bytes of a message. */
export function writeKeyMessage(message: KeyMessage): Uint8Array<ArrayBuffer> {
  switch (message.kind) {
    case "M1":
      return writeM1(message);
    case "M2":
      return writeM2(message);
    case "M3":
      return writeM3(message);
  }
}

function writeM1(message: M1): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(M1_BYTES);
  const view = new DataView(bytes.buffer);
  bytes.set([TYPE_M1, VERSION]);
  bytes.set(message.sidI, 2);
  view.setBigUint64(10, message.uidI);
  view.setBigUint64(18, message.uidR);
  bytes[26] = message.suites;
  view.setUint16(27, message.rxI);
  bytes.set(message.eI, 29);
  return bytes;
}

function writeM2(message: M2): Uint8Array<ArrayBuffer> {
  const { tags } = message;
  const bytes = new Uint8Array(M2_HEAD_BYTES + 1 + tags.length * TAG_BYTES);
  const view = new DataView(bytes.buffer);
  bytes.set([TYPE_M2, VERSION]);
  bytes.set(message.sidI, 2);
  bytes.set(message.sidR, 10);
  view.setBigUint64(18, message.uidR);
  view.setBigUint64(26, message.uidI);
  bytes[34] = message.suite;
  view.setUint16(35, message.rxR);
  bytes.set(message.eR, 37);
  bytes[M2_HEAD_BYTES] = tags.length;
  tags.forEach((tag, i) => bytes.set(tag, M2_HEAD_BYTES + 1 + i * TAG_BYTES));
  return bytes;
}

function writeM3(message: M3): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(M3_BYTES);
  bytes[0] = TYPE_M3;
  bytes.set(message.sidR, 1);
  bytes.set(message.tagI, 9);
  return bytes;
}

/** Returns a message as one line, for people. Nothing in it is secret. */
export function formatKeyMessage(message: KeyMessage): string {
  switch (message.kind) {
    case "M1": {
      const { sidI, uidI, uidR, suites, rxI } = message;
      return `M1 sidI=${toHex(sidI)} uidI=${uidI} uidR=${uidR} suites=${suites} rxI=${rxI}`;
    }
    case "M2": {
      const { sidI, sidR, uidR, uidI, suite, rxR, tags } = message;
      const sids = `sidI=${toHex(sidI)} sidR=${toHex(sidR)}`;
      return `M2 ${sids} uidR=${uidR} uidI=${uidI} suite=${suite} rxR=${rxR} tags=${tags.length}`;
    }
    case "M3":
      return `M3 sidR=${toHex(message.sidR)}`;
  }
}
