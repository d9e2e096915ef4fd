/**
 * The two gossip channels of the allocator.
 *
 * ```
 *   IPallocation   state of ring or votes, as real peers speak it; a broadcast goes on as our own state
 *   weft           whom each peer was told of; pings and bequests
 * ```
 *
 * What does not parse closes the connection; rings that do not go together never do.
 *
 * @module
 */

import type { PeerName } from "../../base/mod.ts";
import type { Channel } from "../../mesh/mod.ts";
import type { Allocator } from "./allocator.ts";
import type { AllocatorInput, AllocatorOutput, Telling } from "./allocator_io.ts";
import {
  decodeState,
  decodeUnicast,
  encodeState,
  encodeUnicast,
  IPAM_CHANNEL,
  type IpamUnicast,
} from "./state_wire.ts";
import { formatWeftMessage, parseWeftMessage, type Told, WEFT_CHANNEL } from "./weft_channel.ts";

/** Hands one input to the core and performs what comes out, before it returns. */
export type Feed = (input: AllocatorInput) => void;

/** Stands for our state as it is when it is sent. */
export type StateItem = "state";

/** The channel that real peers know. */
export class AllocationChannel implements Channel<StateItem> {
  /** Name on the wire. */
  readonly name: string = IPAM_CHANNEL;
  /** Two rings, or two clocks, are noticed before anything is told. */
  readonly hearsFirst = true;
  readonly #allocator: Allocator;
  readonly #feed: Feed;
  readonly #wallSeconds: () => number;

  /** @param wallSeconds returns seconds since 1970 */
  constructor(allocator: Allocator, feed: Feed, wallSeconds: () => number) {
    this.#allocator = allocator;
    this.#feed = feed;
    this.#wallSeconds = wallSeconds;
  }

  /** Tells whether a neighbour would cut the connection for our ring; weft peers never do. */
  withholds(neighbour: PeerName): boolean {
    const { peers } = this.#allocator.parts;
    return this.#allocator.conflictsWith(neighbour) && peers.get(neighbour)?.weft !== true;
  }

  /** Takes the state of a neighbour. @throws {WireError} if it does not parse */
  gossip(payload: Uint8Array, from: PeerName): undefined {
    this.#feed({ kind: "state", via: "gossip", from, state: decodeState(payload) });
  }

  /** Takes the state of any peer; ours goes on. @throws {WireError} if it does not parse */
  broadcast(payload: Uint8Array, from: PeerName): StateItem | undefined {
    const state = decodeState(payload);
    this.#feed({ kind: "state", via: "broadcast", from, state });
    const { content } = state;
    const { peers } = this.#allocator.parts;
    const teller = content.kind === "ring" ? peers.tellerOf(content.ring, from) : from;
    return this.#allocator.conflictsWith(teller) ? undefined : "state";
  }

  /** Takes a message for us. @throws {WireError} if it does not parse */
  unicast(payload: Uint8Array, from: PeerName): void {
    const message = decodeUnicast(payload);
    switch (message.kind) {
      case "request":
        return this.#feed({ kind: "asked", from, range: message.range });
      case "denial":
        return this.#feed({ kind: "denied", from, range: message.range });
      case "state":
        return this.#feed({ kind: "state", via: "unicast", from, state: message.state });
    }
  }

  /** Returns our state. */
  full(): StateItem {
    return "state";
  }

  /** One state is as good as two. */
  merge(): StateItem {
    return "state";
  }

  /** Encodes our state as it is now, as far as it is on the disk. */
  encode(): readonly Uint8Array[] {
    return [encodeState(this.#allocator.announcement(this.#wallSeconds()))];
  }

  /** Encodes a message to one peer. */
  telling(message: Telling): Uint8Array {
    return encodeUnicast(this.#unicastOf(message));
  }

  #unicastOf(message: Telling): IpamUnicast {
    if (message.kind === "request" || message.kind === "denial") return message;
    const state = this.#allocator.announcement(this.#wallSeconds());
    return message.kind === "state"
      ? { kind: "state", state }
      : { kind: "state", state: { ...state, content: { kind: "nothing" } } };
  }
}

/** The channel among weft peers. */
export class WeftChannel implements Channel<readonly Told[]> {
  /** Name on the wire. */
  readonly name: string = WEFT_CHANNEL;
  readonly #allocator: Allocator;
  readonly #feed: Feed;

  /** Feeds one core. */
  constructor(allocator: Allocator, feed: Feed) {
    this.#allocator = allocator;
    this.#feed = feed;
  }

  /** Takes what a neighbour knows; what was new goes on. @throws {WireError} if it does not parse */
  gossip(payload: Uint8Array, from: PeerName): readonly Told[] | undefined {
    return this.#take(payload, from);
  }

  /** Takes what a peer says to all; what was new goes on. @throws {WireError} if it does not parse */
  broadcast(payload: Uint8Array, from: PeerName): readonly Told[] | undefined {
    return this.#take(payload, from);
  }

  /** Takes a message for us. @throws {WireError} if it does not parse */
  unicast(payload: Uint8Array, from: PeerName): void {
    this.#take(payload, from);
  }

  /** Returns all that is known, as long as there is no ring. */
  full(): readonly Told[] | undefined {
    const { told } = this.#allocator;
    return told.length > 0 ? told : undefined;
  }

  /** Keeps the later words of each peer. */
  merge(a: readonly Told[], b: readonly Told[]): readonly Told[] {
    const byName = new Map<PeerName, Told>();
    for (const told of [...a, ...b]) {
      if (told.serial >= (byName.get(told.name)?.serial ?? 0)) byName.set(told.name, told);
    }
    return [...byName.values()];
  }

  /** Encodes an item. */
  encode(told: readonly Told[]): readonly Uint8Array[] {
    return [formatWeftMessage({ kind: "told", told })];
  }

  #take(payload: Uint8Array, from: PeerName): readonly Told[] | undefined {
    const message = parseWeftMessage(payload);
    if (message === undefined) return undefined;
    this.#feed({ kind: "weft", from, message });
    const { news } = this.#allocator;
    return message.kind === "told" && news.length > 0 ? news : undefined;
  }
}

/** What an output sends, for whoever carries it: channel, addressee or all, and what. */
export type Sending =
  | {
    readonly kind: "unicast";
    readonly channel: string;
    readonly to: PeerName;
    readonly payload: Uint8Array;
  }
  | { readonly kind: "broadcast"; readonly channel: string; readonly item: unknown };

/** Returns what to hand to the mesh for an output; `undefined` if it sends nothing. */
export function sendingOf(
  output: AllocatorOutput,
  allocation: AllocationChannel,
  allocator: Allocator,
): Sending | undefined {
  switch (output.kind) {
    case "unicast":
      return {
        kind: "unicast",
        channel: IPAM_CHANNEL,
        to: output.to,
        payload: allocation.telling(output.message),
      };
    case "broadcast":
      return { kind: "broadcast", channel: IPAM_CHANNEL, item: allocation.full() };
    case "weft":
      return {
        kind: "unicast",
        channel: WEFT_CHANNEL,
        to: output.to,
        payload: formatWeftMessage(output.message),
      };
    case "announce":
      return {
        kind: "broadcast",
        channel: WEFT_CHANNEL,
        item: [allocator.parts.bootstrap.founding.mine],
      };
    default:
      return undefined;
  }
}
