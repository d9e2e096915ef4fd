/**
 * Messages of the channel `weft`, which only weft peers understand. Big-endian; bytes behind the last field are an error.
 *
 * ```
 *   told      01   count u16   then each: name u48  serial u48  role u8  targets u16
 *                              and each target: peer u48 (0: not reached yet)  length u16  text, UTF-8
 *   ping      02   nonce u32        are you alive?                      pong       03   nonce u32
 *   bequest   04   nonce u32        all we owned is yours: confirm      confirmed  05   nonce u32
 *   absent    06   nonce u32, 0     this peer gives out no addresses: do not wait for what it says
 * ```
 *
 * `told` says whom peers were told of, so that all who found a ring together wait for the same peers. Each peer raises its
 * serial when it says something new, also above what others remember of a former run. It goes as broadcast when something
 * is new and with periodic gossip, as long as there is no ring; the rest are messages to one peer.
 *
 * @module
 */

import { ByteReader, concat, fromUtf8, type PeerName, utf8, WireError } from "../../base/mod.ts";

/** Name of the channel. */
export const WEFT_CHANNEL = "weft";
/** Most targets of one peer that are told. */
export const MAX_TARGETS = 1024;
/** Longest spelling of a target that is told, in bytes. */
export const MAX_TARGET_BYTES = 512;

const FORMAT = "weft message";
const TOLD = 1;
const NONCES = ["ping", "pong", "bequest", "confirmed", "absent"] as const;
const FIRST_NONCE = 2;
const ROLES = ["founder", "joiner", "counter", "observer"] as const;

/**
 * What a peer without a ring does about it. founder: makes one when asked; joiner: agrees with all whom it was told of;
 * counter: agrees with a majority; observer: waits.
 */
export type Role = (typeof ROLES)[number];

/** A target that we were told of: by the command line, the stored list, or `connect`. */
export interface Target {
  /** As it was spelt. */
  readonly text: string;
  /** Who is, or was, behind it, ourselves too; `undefined` if it was never reached. */
  readonly peer: PeerName | undefined;
}

/** What one peer says of itself while it has no ring. */
export interface Told {
  /** Who says it. */
  readonly name: PeerName;
  /** Larger means later; 48 bits. */
  readonly serial: number;
  /** What it does. */
  readonly role: Role;
  /** Whom it was told of. */
  readonly targets: readonly Target[];
}

/** A message of the channel. */
export type WeftMessage =
  | { readonly kind: "told"; readonly told: readonly Told[] }
  | { readonly kind: (typeof NONCES)[number]; readonly nonce: number };

/** Parses a message; `undefined` if it is of a kind that a later version knows. @throws {WireError} if it does not parse */
export function parseWeftMessage(bytes: Uint8Array): WeftMessage | undefined {
  const reader = new ByteReader(bytes, FORMAT);
  const type = reader.u8();
  if (type === TOLD) {
    const told = Array.from({ length: reader.u16() }, () => readTold(reader));
    return end(reader, { kind: "told", told });
  }
  const kind = NONCES[type - FIRST_NONCE];
  return kind === undefined ? undefined : end(reader, { kind, nonce: reader.u32() });
}

/** Returns the bytes of a message. */
export function formatWeftMessage(message: WeftMessage): Uint8Array<ArrayBuffer> {
  if (message.kind === "told") {
    return concat(number(TOLD, 1), number(message.told.length, 2), ...message.told.map(writeTold));
  }
  return concat(number(FIRST_NONCE + NONCES.indexOf(message.kind), 1), number(message.nonce, 4));
}

function readTold(reader: ByteReader): Told {
  const [name, serial, code] = [reader.u48(), reader.u48(), reader.u8()];
  const role = ROLES[code];
  if (role === undefined) throw new WireError(FORMAT, reader.offset - 1, "a role");
  const count = reader.u16();
  if (count > MAX_TARGETS) throw new WireError(FORMAT, reader.offset - 2, "fewer targets");
  const targets = Array.from({ length: count }, (): Target => {
    const peer = reader.u48();
    const text = fromUtf8(reader.take(reader.u16()));
    return { text, peer: peer === 0 ? undefined : peer };
  });
  return { name, serial, role, targets };
}

function writeTold({ name, serial, role, targets }: Told): Uint8Array {
  const head = concat(number(name, 6), number(serial, 6), number(ROLES.indexOf(role), 1));
  const told = targets.slice(0, MAX_TARGETS).map(({ peer, text }) => {
    const bytes = utf8(text).slice(0, MAX_TARGET_BYTES);
    return concat(number(peer ?? 0, 6), number(bytes.length, 2), bytes);
  });
  return concat(head, number(told.length, 2), ...told);
}

function end(reader: ByteReader, message: WeftMessage): WeftMessage {
  if (reader.remaining > 0) throw new WireError(FORMAT, reader.offset, "nothing more");
  return message;
}

function number(value: number, length: number): Uint8Array {
  const bytes = new Uint8Array(length);
  for (let i = length - 1, rest = value; i >= 0; i--, rest = Math.floor(rest / 256)) {
    bytes[i] = rest % 256;
  }
  return bytes;
}
