/**
 * What an overlay is: a way to carry frames to a neighbour in UDP datagrams.
 *
 * ```
 *   loop:  tunnel.send(...)  -> datagrams in the outbox          overlay.receive(datagram) -> records, one at a time
 *          overlay.tick(now) -> heartbeats, probes in the outbox overlay.poll()            -> control, state for main
 * ```
 *
 * An overlay is a core: it never reads a clock and does no I/O. Bytes live in one slab (in production the arena of the
 * data plane, in tests any array); a place is an offset in it. Crypto is passed in. All overlays pass `conformance.ts`.
 *
 * @module
 */

import type { Endpoint } from "../../base/mod.ts";
import type { Millis } from "../../base/mod.ts";
import type { PeerName } from "../../base/mod.ts";
import type { Outbox } from "../outbox.ts";
import type { Slab } from "../frame.ts";

/** NaCl secretbox on a slab; `ffi/crypto.ts` implements it with libsodium or tweetnacl-es6. */
export interface Secretbox {
  /** Which library, as "libsodium 1.0.18". */
  readonly name: string;
  /** Takes a 32-byte key and returns its handle, a small integer that is reused after `removeKey`. */
  addKey(key: Uint8Array): number;
  /** Wipes a key. */
  removeKey(handle: number): void;
  /**
   * Seals in place: the plaintext of `length` bytes lies at `offset + 16`; afterwards the tag is at `offset`, the
   * ciphertext behind it.
   *
   * @param nonce offset of the 24-byte nonce in the slab
   */
  seal(handle: number, nonce: number, offset: number, length: number): void;
  /**
   * Opens in place: tag at `offset`, then ciphertext of `length` bytes; afterwards the plaintext lies at `offset + 16`.
   *
   * @returns false if it does not authenticate; the slab then holds nothing of use there
   */
  open(handle: number, nonce: number, offset: number, length: number): boolean;
}

/** What an overlay works with; made once per worker. */
export interface OverlayContext {
  /** Memory that all offsets refer to. */
  readonly slab: Slab;
  /** Takes finished datagrams. */
  readonly outbox: Outbox;
  /** Crypto for sealed tunnels. */
  readonly secretbox: Secretbox;
  /** Our own name. */
  readonly self: PeerName;
  /** Adds one to a counter of `contract.ts`. */
  readonly count: (counter: number) => void;
}

/** What main says of a tunnel when it begins. */
export interface TunnelSpec {
  /** The link that it belongs to. */
  readonly link: number;
  /** Position in the common list. */
  readonly index: number;
  /** Name of the neighbour. */
  readonly peer: PeerName;
  /** XOR of both connection ids. */
  readonly connUid: bigint;
  /** We dialled. */
  readonly outbound: boolean;
  /** Session key, or `undefined` for clear. */
  readonly key: Uint8Array | undefined;
  /** Where to send first, if known. */
  readonly remote: Endpoint | undefined;
  /** Most datagrams of a GSO train to it; the overlay's own value if absent. Reference peers get short ones. */
  readonly trainSegments?: number;
  /** Between our heartbeats on a lively tunnel; absent for real peers, which get the overlay's ordinary ones. */
  readonly livelyMs?: Millis | undefined;
}

/** What an overlay tells the loop. */
export type OverlayEvent =
  /** Send this to the remote over TCP. */
  | {
    readonly kind: "control";
    readonly tunnel: Tunnel;
    readonly tag: number;
    readonly body: Uint8Array;
  }
  /** State, MTU, reason or remote of the tunnel changed. */
  | { readonly kind: "changed"; readonly tunnel: Tunnel };

/** Results of {@link Tunnel.send}. */
export const SEND = {
  /** Taken: it is in the outbox or in the datagram being built. */
  OK: 0,
  /** Dropped and counted. */
  DROPPED: 1,
  /** Above the MTU, DF set, not a broadcast: answer with ICMP fragmentation-needed; counted. */
  TOO_BIG: 2,
  /** The outbox is full: nothing was taken, flush and call again. */
  FULL: 3,
} as const;

/** One frame to be sent, lent for one call. The bytes lie in the slab. */
export interface FrameRef {
  /** Offset of the Ethernet header. */
  offset: number;
  /** Length in bytes, at least 14. */
  length: number;
  /** Name of the peer that it began at, halves of 16 and 32 bits. */
  originHigh: number;
  /** Lower half of the origin. */
  originLow: number;
  /** Name of the peer that it is for, halves of 16 and 32 bits. */
  destinationHigh: number;
  /** Lower half of the destination. */
  destinationLow: number;
  /** It is a copy of a broadcast, multicast or unknown unicast. */
  flooded: boolean;
}

/** One overlay's path to one neighbour. */
export interface Tunnel {
  /** What main said of it. */
  readonly spec: TunnelSpec;
  /** Where it stands. */
  readonly state: "pending" | "established" | "failed";
  /** Why it failed, or is established no longer. */
  readonly reason: string | undefined;
  /** Inner IP packet size that fits, in bytes. */
  readonly mtuBytes: number;
  /** Largest datagram that the path is known to carry, in bytes of UDP payload; `undefined` before it is known. */
  readonly pathPayloadBytes: number | undefined;
  /** Where datagrams go, if known. */
  readonly remote: Endpoint | undefined;
  /** Slot of `remote` in the socket's address table, given by the loop. */
  readonly slot: number;

  /** Takes a whole, finished Ethernet frame (checksums complete). @returns one of {@link SEND} */
  send(frame: FrameRef): number;
  /** Closes the datagram being built, if it is this tunnel's. @returns false if the outbox is full: flush, call again */
  flush(): boolean;
  /** Takes a control message that came over TCP; any bytes. */
  control(tag: number, body: Uint8Array, now: Millis): void;
  /** Does what is due. */
  tick(now: Millis): void;
  /** When `tick` has something to do. */
  deadline(): Millis;
  /** The kernel found a smaller path to `remote`: `pathMtuBytes` counts the outer IP header in. */
  pathMtu(pathMtuBytes: number, now: Millis): void;
  /** Changes how often a lively tunnel sends heartbeats. Absent: all tunnels of the overlay have the same times. */
  retime?(livelyMs: Millis, now: Millis): void;
  /** Gives its key and slot back. */
  stop(): void;
}

/** Where a record is, after {@link Overlay.next}. One object, reused for each record. */
export interface ReceivedFrame {
  /** Offset of the Ethernet header in the slab. At least 14 bytes before it may be overwritten. */
  offset: number;
  /** Length of the frame. */
  length: number;
  /** Origin, halves of 16 and 32 bits. */
  originHigh: number;
  /** Lower half of the origin. */
  originLow: number;
  /** Destination, halves of 16 and 32 bits. */
  destinationHigh: number;
  /** Lower half of the destination. */
  destinationLow: number;
  /** The tunnel that it came through. */
  tunnel: Tunnel;
}

/** One overlay: all its tunnels. */
export interface Overlay {
  /** Name in the feature `Overlays`. */
  readonly name: string;
  /** Begins a tunnel: prepared and confirmed, it may send. */
  open(spec: TunnelSpec, slot: number, now: Millis): Tunnel;
  /** Ends a tunnel. */
  close(tunnel: Tunnel): void;
  /**
   * Takes one datagram and opens it in place; its records follow from `next`.
   *
   * @param source reads where the datagram came from; called only when the overlay wants to know
   * @returns true if there may be records; false if it was dropped, which is then counted
   */
  receive(offset: number, length: number, source: () => Endpoint, now: Millis): boolean;
  /** Moves to the next record of the datagram. Special frames are dealt with inside. @returns undefined at the end */
  next(): ReceivedFrame | undefined;
  /** Returns and clears whether a tunnel wants a tick before its deadline as it was; ask after each datagram. hot path */
  takeDue(): boolean;
  /** Returns what happened; drain it after each call that may change state. */
  poll(): OverlayEvent | undefined;
}
