/**
 * Messages between neighbours (spec/mesh.md 5.3, 8, 9).
 *
 * ```
 *   stream   = ( length u32 | payload[length] )*            length at most 10 MiB; payload sealed if there is a password
 *   message  = tag u8 | body                                0 heartbeat   7 overlay control: index u8, tag u8, message
 *   envelope = string channel | uint source | [uint destination] | bytes payload      gob; tags 4 gossip, 5 unicast, 6 broadcast
 * ```
 *
 * @module
 */

import {
  concat,
  gobBytes,
  GobDecoder,
  GobEncoder,
  gobString,
  gobUint,
  type PeerName,
  WireError,
} from "../base/mod.ts";

/** Largest payload either way, in bytes. */
export const MAX_MESSAGE_BYTES = 10 * 1024 * 1024;

/** Tag of a heartbeat. */
export const TAG_HEARTBEAT = 0;
/** Tag of gossip to a neighbour. */
export const TAG_GOSSIP = 4;
/** Tag of a message to one peer. */
export const TAG_UNICAST = 5;
/** Tag of a message to all peers. */
export const TAG_BROADCAST = 6;
/** Tag of an overlay control message. */
export const TAG_OVERLAY = 7;

/** Is thrown when a peer breaks the rules of the mesh; its connection is closed with the message as reason. */
export class ProtocolError extends Error {
  /** Name of the class. */
  override name = "ProtocolError";
}

/** A message as received. */
export type Message =
  /** Nothing but life. */
  | { readonly kind: "heartbeat" }
  /** Data of a channel. `source` is the sender for gossip, the originator otherwise. */
  | {
    readonly kind: "gossip" | "broadcast";
    readonly channel: string;
    readonly source: PeerName;
    readonly payload: Uint8Array;
  }
  /** Data of a channel for one peer. */
  | {
    readonly kind: "unicast";
    readonly channel: string;
    readonly source: PeerName;
    readonly destination: PeerName;
    readonly payload: Uint8Array;
  }
  /** The remote's overlay speaks. */
  | {
    readonly kind: "overlay";
    readonly index: number;
    readonly tag: number;
    readonly body: Uint8Array;
  }
  /** Empty, unknown or too short to mean anything: ignored. */
  | { readonly kind: "unknown" };

const NAME = gobUint(48);

/** Parses one plaintext message. @throws {WireError} if an envelope does not parse */
export function parseMessage(message: Uint8Array): Message {
  const body = message.subarray(1);
  switch (message[0]) {
    case TAG_HEARTBEAT:
      return { kind: "heartbeat" };
    case TAG_GOSSIP:
      return parseEnvelope("gossip", body);
    case TAG_BROADCAST:
      return parseEnvelope("broadcast", body);
    case TAG_UNICAST: {
      const gob = new GobDecoder(body);
      const channel = gob.next(gobString);
      const source = gob.next(NAME);
      const destination = gob.next(NAME);
      return { kind: "unicast", channel, source, destination, payload: gob.next(gobBytes) };
    }
    case TAG_OVERLAY: {
      const [index, tag] = body;
      if (index === undefined || tag === undefined) return { kind: "unknown" };
      return { kind: "overlay", index, tag, body: body.slice(2) };
    }
    default:
      return { kind: "unknown" };
  }
}

function parseEnvelope(kind: "gossip" | "broadcast", body: Uint8Array): Message {
  const gob = new GobDecoder(body);
  const channel = gob.next(gobString);
  const source = gob.next(NAME);
  return { kind, channel, source, payload: gob.next(gobBytes) };
}

/** Returns a heartbeat. */
export function heartbeatMessage(): Uint8Array {
  return Uint8Array.of(TAG_HEARTBEAT);
}

/** Returns a gossip message; `source` is ourselves. */
export function gossipMessage(channel: string, source: PeerName, payload: Uint8Array): Uint8Array {
  return envelope(TAG_GOSSIP, channel, [source], payload);
}

/** Returns a broadcast message; `source` is the originator. */
export function broadcastMessage(
  channel: string,
  source: PeerName,
  payload: Uint8Array,
): Uint8Array {
  return envelope(TAG_BROADCAST, channel, [source], payload);
}

/** Returns a message to one peer. */
export function unicastMessage(
  channel: string,
  source: PeerName,
  destination: PeerName,
  payload: Uint8Array,
): Uint8Array {
  return envelope(TAG_UNICAST, channel, [source, destination], payload);
}

/** Returns an overlay control message; shorter ones than this makes end a real peer's process. */
export function overlayMessage(index: number, tag: number, body: Uint8Array): Uint8Array {
  return concat(Uint8Array.of(TAG_OVERLAY, index, tag), body);
}

function envelope(
  tag: number,
  channel: string,
  names: readonly PeerName[],
  payload: Uint8Array,
): Uint8Array {
  const gob = new GobEncoder().write(gobString, channel);
  for (const name of names) gob.write(NAME, name);
  return concat(Uint8Array.of(tag), gob.write(gobBytes, payload).bytes());
}

/** Puts the length before a payload. @throws {RangeError} above {@link MAX_MESSAGE_BYTES} */
export function withLength(payload: Uint8Array): Uint8Array {
  if (payload.length > MAX_MESSAGE_BYTES) throw new RangeError("Cannot send message: above 10 MiB");
  const framed = new Uint8Array(4 + payload.length);
  new DataView(framed.buffer).setUint32(0, payload.length);
  framed.set(payload, 4);
  return framed;
}

/** Room at first. */
const FIRST_BYTES = 1024;
/** Room that is kept when nothing waits. */
const KEPT_BYTES = 16 * 1024;

/** Received bytes that wait to be understood. */
export class ByteQueue {
  #bytes = new Uint8Array(FIRST_BYTES);
  #start = 0;
  #end = 0;

  /** Bytes that wait. */
  get length(): number {
    return this.#end - this.#start;
  }

  /** Appends a copy of `chunk`. */
  push(chunk: Uint8Array): void {
    if (this.#end + chunk.length > this.#bytes.length) this.#make(this.length + chunk.length);
    this.#bytes.set(chunk, this.#end);
    this.#end += chunk.length;
  }

  /** Returns a view of the first `count` bytes, fewer if fewer are there; valid until the next push. */
  peek(count: number): Uint8Array {
    return this.#bytes.subarray(this.#start, this.#start + Math.min(count, this.length));
  }

  /** Removes the first `count` bytes and returns a copy, `undefined` if fewer are there. */
  take(count: number): Uint8Array | undefined {
    if (this.length < count) return undefined;
    const taken = this.#bytes.slice(this.#start, this.#start + count);
    this.#start += count;
    if (this.#start === this.#end) this.#reset();
    return taken;
  }

  /**
   * Removes the next length-prefixed payload, `undefined` while it is incomplete.
   *
   * @throws {WireError} as soon as a length above `limit` is seen
   */
  takePayload(limit: number): Uint8Array | undefined {
    const head = this.peek(4);
    if (head.length < 4) return undefined;
    const length = new DataView(head.buffer, head.byteOffset).getUint32(0);
    if (length > limit) throw new WireError("message", 0, `a length of at most ${limit} bytes`);
    if (this.length < 4 + length) return undefined;
    this.take(4);
    return this.take(length);
  }

  /** A large message leaves no large buffer behind: every connection has its own. */
  #reset(): void {
    this.#start = this.#end = 0;
    if (this.#bytes.length > KEPT_BYTES) this.#bytes = new Uint8Array(FIRST_BYTES);
  }

  #make(needed: number): void {
    const target = needed > this.#bytes.length || needed * 4 < this.#bytes.length
      ? new Uint8Array(Math.max(FIRST_BYTES, 2 * needed))
      : this.#bytes;
    target.set(this.#bytes.subarray(this.#start, this.#end));
    this.#end -= this.#start;
    this.#start = 0;
    this.#bytes = target;
  }
}
