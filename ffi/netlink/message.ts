/**
 * Netlink messages and attributes as bytes; netlink(7), rtnetlink(7), `linux/netlink.h`.
 *
 * ```
 *   nlmsghdr  0 len u32 (header included)   4 type u16   6 flags u16   8 seq u32   12 pid u32
 *             16 family header (ifinfomsg, ifaddrmsg, rtmsg, ndmsg), then attributes up to len
 *   rtattr    0 len u16 (header included)   2 type u16   4 value, then zeros up to a multiple of 4
 * ```
 *
 * Host byte order, which is little-endian wherever weft runs; addresses inside attributes are in network order.
 * No I/O here: {@link Netlink} of `socket.ts` sends and receives.
 *
 * @module
 */

import { concat, fromUtf8, utf8, WireError } from "../../base/mod.ts";
import { NLMSGERR, NLMSGHDR, RTATTR } from "../layout.ts";

/** Flags of a message (`linux/netlink.h`). */
export const NLM_F = {
  REQUEST: 0x01,
  MULTI: 0x02,
  ACK: 0x04,
  DUMP_INTR: 0x10,
  DUMP: 0x300,
  REPLACE: 0x100,
  EXCL: 0x200,
  CREATE: 0x400,
  APPEND: 0x800,
  CAPPED: 0x100,
  ACK_TLVS: 0x200,
} as const;

/** Types of control messages (`linux/netlink.h`). */
export const NLMSG = { NOOP: 1, ERROR: 2, DONE: 3, OVERRUN: 4 } as const;

/** `linux/netlink.h`: the attribute holds attributes. */
export const NLA_F_NESTED = 0x8000;
const NLA_TYPE_MASK = 0x3fff;
/** `linux/netlink.h`: attributes of an extended acknowledgement. */
const NLMSGERR_ATTR_MSG = 1;
const ALIGN = 4;
const FORMAT = "netlink message";

/** One message. */
export interface NlMessage {
  /** RTM_* or one of {@link NLMSG}. */
  readonly type: number;
  /** Bits of {@link NLM_F}. */
  readonly flags: number;
  /** Number of the request that it belongs to. */
  readonly seq: number;
  /** Port of the socket that it is for or from; 0 is the kernel. */
  readonly pid: number;
  /** What follows the header: a view when parsed. */
  readonly payload: Uint8Array;
}

/** What an error message says. */
export interface NlError {
  /** Positive error number; 0 is an acknowledgement. */
  readonly errno: number;
  /** The kernel's own words, empty if it gave none. */
  readonly text: string;
}

/** Attributes by type; of several with one type the last counts. */
export type Attributes = ReadonlyMap<number, Uint8Array>;

/** Parses the messages of one datagram. @throws {WireError} if a length does not fit */
export function parseMessages(bytes: Uint8Array): NlMessage[] {
  const view = viewOf(bytes);
  const messages: NlMessage[] = [];
  for (let at = 0; at < bytes.length;) {
    const left = bytes.length - at;
    if (left < NLMSGHDR.size) throw new WireError(FORMAT, at, `a header of ${NLMSGHDR.size} bytes`);
    const length = view.getUint32(at + NLMSGHDR.len, true);
    if (length < NLMSGHDR.size || length > left) {
      throw new WireError(FORMAT, at, `a length from ${NLMSGHDR.size} to ${left}, not ${length}`);
    }
    messages.push({
      type: view.getUint16(at + NLMSGHDR.type, true),
      flags: view.getUint16(at + NLMSGHDR.flags, true),
      seq: view.getUint32(at + NLMSGHDR.seq, true),
      pid: view.getUint32(at + NLMSGHDR.pid, true),
      payload: bytes.subarray(at + NLMSGHDR.size, at + length),
    });
    at += align(length);
  }
  return messages;
}

/** Parses attributes. @param from where they begin @throws {WireError} if a length does not fit */
export function parseAttributes(bytes: Uint8Array, from = 0): Attributes {
  const view = viewOf(bytes);
  const found = new Map<number, Uint8Array>();
  for (let at = from; at < bytes.length;) {
    const left = bytes.length - at;
    // The kernel may pad what it sends; less than a header is padding.
    if (left < RTATTR.size) break;
    const length = view.getUint16(at + RTATTR.len, true);
    if (length < RTATTR.size || length > left) {
      throw new WireError(
        "netlink attribute",
        at,
        `a length from ${RTATTR.size} to ${left}, not ${length}`,
      );
    }
    const type = view.getUint16(at + RTATTR.type, true) & NLA_TYPE_MASK;
    found.set(type, bytes.subarray(at + RTATTR.size, at + length));
    at += align(length);
  }
  return found;
}

/**
 * Parses the payload of NLMSG_ERROR, or of an NLMSG_DONE, which carries only the number.
 *
 * @param flags of the message
 * @throws {WireError} if it is too short
 */
export function parseError(message: NlMessage): NlError {
  const { payload, flags } = message;
  if (payload.length < 4) throw new WireError("netlink error", 0, "an error number");
  const view = viewOf(payload);
  const errno = Math.max(0, -view.getInt32(NLMSGERR.error, true));
  if ((flags & NLM_F.ACK_TLVS) === 0) return { errno, text: "" };
  let at = 4;
  if (message.type === NLMSG.ERROR) {
    // The refused request comes back in full, or its header alone if capped; attributes follow.
    if (payload.length < NLMSGERR.size) throw new WireError("netlink error", 4, "the request");
    const echoed = view.getUint32(NLMSGERR.msg + NLMSGHDR.len, true);
    const capped = errno === 0 || (flags & NLM_F.CAPPED) !== 0;
    at = NLMSGERR.msg + (capped ? NLMSGHDR.size : align(echoed));
  }
  const text = parseAttributes(payload, Math.min(at, payload.length)).get(NLMSGERR_ATTR_MSG);
  return { errno, text: text === undefined ? "" : stringValue(text) };
}

/** Writes one message with its header. */
export function writeMessage(message: NlMessage): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(NLMSGHDR.size + message.payload.length);
  const view = viewOf(bytes);
  view.setUint32(NLMSGHDR.len, bytes.length, true);
  view.setUint16(NLMSGHDR.type, message.type, true);
  view.setUint16(NLMSGHDR.flags, message.flags, true);
  view.setUint32(NLMSGHDR.seq, message.seq, true);
  view.setUint32(NLMSGHDR.pid, message.pid, true);
  bytes.set(message.payload, NLMSGHDR.size);
  return bytes;
}

/** Writes an attribute with its padding. @throws {RangeError} if the value is longer than a length can say */
export function attr(type: number, value: Uint8Array): Uint8Array<ArrayBuffer> {
  const length = RTATTR.size + value.length;
  if (length > 0xffff) throw new RangeError(`Cannot write attribute ${type}: ${length} bytes`);
  const bytes = new Uint8Array(align(length));
  const view = viewOf(bytes);
  view.setUint16(RTATTR.len, length, true);
  view.setUint16(RTATTR.type, type, true);
  bytes.set(value, RTATTR.size);
  return bytes;
}

/** Writes an attribute of 8 bits. */
export function attrU8(type: number, value: number): Uint8Array<ArrayBuffer> {
  return attr(type, Uint8Array.of(value));
}

/** Writes an attribute of 16 bits in network order, as ports are. */
export function attrPort(type: number, value: number): Uint8Array<ArrayBuffer> {
  return attr(type, Uint8Array.of(value >>> 8, value));
}

/** Writes an attribute of 32 bits in host order; negative numbers as two's complement. */
export function attrU32(type: number, value: number): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(4);
  viewOf(bytes).setUint32(0, value, true);
  return attr(type, bytes);
}

/** Writes an IPv4 address, in network order. */
export function attrIpv4(type: number, value: number): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(4);
  viewOf(bytes).setUint32(0, value);
  return attr(type, bytes);
}

/** Writes a text ended by NUL. */
export function attrString(type: number, value: string): Uint8Array<ArrayBuffer> {
  return attr(type, utf8(`${value}\0`));
}

/** Writes an attribute that holds attributes. */
export function attrNested(
  type: number,
  ...children: readonly Uint8Array[]
): Uint8Array<ArrayBuffer> {
  return attr(type | NLA_F_NESTED, concat(...children));
}

/** Reads a value of 8 bits; `undefined` if it is missing or too short. */
export function u8Of(attributes: Attributes, type: number): number | undefined {
  return attributes.get(type)?.[0];
}

/** Reads a value of 32 bits in host order; `undefined` if it is missing or too short. */
export function u32Of(attributes: Attributes, type: number): number | undefined {
  const value = attributes.get(type);
  return value === undefined || value.length < 4 ? undefined : viewOf(value).getUint32(0, true);
}

/** Reads a signed value of 32 bits in host order; `undefined` if it is missing or too short. */
export function i32Of(attributes: Attributes, type: number): number | undefined {
  const value = u32Of(attributes, type);
  return value === undefined ? undefined : value | 0;
}

/** Reads an IPv4 address; `undefined` if it is missing or not of 4 bytes. */
export function ipv4Of(attributes: Attributes, type: number): number | undefined {
  const value = attributes.get(type);
  return value?.length === 4 ? viewOf(value).getUint32(0) : undefined;
}

/** Reads a text up to its NUL; `undefined` if it is missing. */
export function stringOf(attributes: Attributes, type: number): string | undefined {
  const value = attributes.get(type);
  return value === undefined ? undefined : stringValue(value);
}

/** Reads the attributes inside an attribute; none if it is missing. @throws {WireError} if they do not parse */
export function nestedOf(attributes: Attributes, type: number): Attributes {
  const value = attributes.get(type);
  return value === undefined ? new Map() : parseAttributes(value);
}

/** Returns a view over exactly the bytes of an array. */
export function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

function stringValue(bytes: Uint8Array): string {
  const end = bytes.indexOf(0);
  return fromUtf8(end < 0 ? bytes : bytes.subarray(0, end));
}

function align(length: number): number {
  return (length + ALIGN - 1) & ~(ALIGN - 1);
}
