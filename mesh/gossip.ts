/**
 * Spreading of data over the mesh (spec/mesh.md 9, 10).
 *
 * ```
 *   gossip     what was new goes on to a random part of our neighbours        state; periodic too
 *   broadcast  along a tree from the originator to everybody                  urgent news
 *   unicast    hop by hop to one peer                                         questions and answers
 * ```
 *
 * Nothing is pushed. What a neighbour is to get waits here, merged to at most one item a channel, and is encoded when the
 * connection can take it ({@link Gossip.next}): that bounds memory when a neighbour reads slowly.
 *
 * @module
 */

import { Bug, type Millis, type PeerName } from "../base/mod.ts";
import type { Channel } from "./channel.ts";
import type { Routes } from "./routes.ts";
import { Surrogate } from "./surrogate.ts";
import {
  broadcastMessage,
  gossipMessage,
  MAX_MESSAGE_BYTES,
  type Message,
  unicastMessage,
} from "./wire.ts";

/** What the spreading needs. */
export interface GossipOptions {
  /** Our name. */
  readonly self: PeerName;
  /** Next hops. */
  readonly routes: Routes;
  /** Returns 0 <= x < 1. */
  readonly random: () => number;
  /** SHA-256. */
  readonly sha256: (bytes: Uint8Array) => Uint8Array;
}

/** Channel of address allocation, and the last of its kinds of unicast. */
const ALLOCATION = "IPallocation";
const LAST_ALLOCATION_KIND = 2;

/** Most channels that others may make us stand in for; data of more is dropped. */
const MAX_SURROGATES = 256;
/** Most bytes of unicasts that wait for one neighbour; more are dropped, as without a route. */
const MAX_DIRECT_BYTES = 1024 * 1024;
/** Most messages that wait for one neighbour until nothing else does. */
const MAX_LAST = 8;
/** A new neighbour that says nothing on a channel where it is to be heard first is told after that time. */
const HEAR_FIRST_MS = 2_000;
/** Room for tag, channel and names in a message, and for the tag of its seal. */
const ENVELOPE_BYTES = 1024;

interface Pending {
  gossip: unknown;
  readonly broadcasts: Map<PeerName, unknown>;
}

interface Outbox {
  /** Encoded messages, first to go. */
  readonly direct: Uint8Array[];
  directBytes: number;
  readonly channels: Map<string, Pending>;
  /** Encoded messages that go when nothing else waits. */
  readonly last: Uint8Array[];
  /** Channels on which the neighbour is to be heard first, and until when. */
  readonly holds: Map<string, Millis>;
}

/** What waits for our neighbours, and how it is passed on. */
export class Gossip {
  #options: GossipOptions;
  #channels = new Map<string, Channel>();
  #outboxes = new Map<PeerName, Outbox>();
  #surrogates = 0;

  /** Has no neighbours yet. @throws {Bug} if two channels have one name */
  constructor(options: GossipOptions, channels: readonly Channel[]) {
    this.#options = options;
    for (const channel of channels) {
      if (this.#channels.has(channel.name)) throw new Bug(`Two channels "${channel.name}"`);
      this.#channels.set(channel.name, channel);
    }
  }

  /** Begins to keep data for a neighbour. @param hearFirst it may cut the connection for what it is told */
  addNeighbour(peer: PeerName, hearFirst: boolean, now: Millis): void {
    const holds = new Map<string, Millis>();
    for (const channel of hearFirst ? this.#channels.values() : []) {
      if (channel.hearsFirst === true) holds.set(channel.name, now + HEAR_FIRST_MS);
    }
    this.#outboxes.set(peer, { direct: [], directBytes: 0, channels: new Map(), last: [], holds });
  }

  /** Returns when {@link Gossip.tick} is due. */
  deadline(): Millis {
    let first = Infinity;
    for (const { holds } of this.#outboxes.values()) {
      for (const until of holds.values()) first = Math.min(first, until);
    }
    return first;
  }

  /** Tells those who were not heard in time. */
  tick(now: Millis): void {
    for (const { holds } of this.#outboxes.values()) {
      for (const [name, until] of holds) if (until <= now) holds.delete(name);
    }
  }

  /** Drops what waits for a neighbour. */
  removeNeighbour(peer: PeerName): void {
    this.#outboxes.delete(peer);
  }

  /**
   * Takes a message of a neighbour and passes it on as the protocol asks.
   *
   * @throws {WireError | ProtocolError} if the connection must be closed
   */
  receive(message: Message, from: PeerName, now: Millis): void {
    const { self, routes } = this.#options;
    if (message.kind === "unicast") {
      if (message.destination !== self) return this.#forward(message, from);
      this.#channel(message.channel)?.unicast(message.payload, message.source, now);
    } else if (message.kind === "gossip") {
      const channel = this.#channel(message.channel);
      const news = channel?.gossip(message.payload, from, now);
      this.#outboxes.get(from)?.holds.delete(message.channel);
      if (channel !== undefined && news !== undefined) this.send(channel.name, news, from);
    } else if (message.kind === "broadcast") {
      // Our own broadcast that comes back has gone round in a circle.
      if (message.source === self) return;
      const channel = this.#channel(message.channel);
      const news = channel?.broadcast(message.payload, message.source, now);
      if (message.source === from) this.#outboxes.get(from)?.holds.delete(message.channel);
      if (channel === undefined || news === undefined) return;
      for (const hop of routes.broadcast(message.source)) {
        if (hop !== from) this.#queueBroadcast(hop, channel, message.source, news);
      }
    }
  }

  /** Sends an item to a random part of our neighbours, never to `except`. */
  send(channel: string, item: unknown, except?: PeerName): void {
    const { routes, random } = this.#options;
    for (const peer of routes.randomNeighbours(random, except)) this.#queue(peer, channel, item);
  }

  /** Sends an item of ours to all neighbours, and so to everybody. */
  broadcast(name: string, item: unknown): void {
    const channel = this.#channels.get(name);
    if (channel === undefined) return;
    for (const peer of this.#outboxes.keys()) {
      this.#queueBroadcast(peer, channel, this.#options.self, item);
    }
  }

  /** Sends a payload of ours to the next hop towards a peer; without one it is dropped. */
  unicast(channel: string, destination: PeerName, payload: Uint8Array): void {
    const { self } = this.#options;
    this.#forward({ kind: "unicast", channel, source: self, destination, payload }, undefined);
  }

  /** Sends an item to one neighbour. */
  sendTo(peer: PeerName, channel: string, item: unknown): void {
    this.#queue(peer, channel, item);
  }

  /** Sends a message to one neighbour, after all that waits for it; not if many such wait. @returns whether it will go */
  sendLast(peer: PeerName, channel: string, payload: Uint8Array): boolean {
    const last = this.#outboxes.get(peer)?.last;
    if (last === undefined || last.length >= MAX_LAST) return false;
    last.push(unicastMessage(channel, this.#options.self, peer, payload));
    return true;
  }

  /** Sends the whole state of every channel but `except` to one neighbour. */
  sendFull(peer: PeerName, except?: string): void {
    for (const channel of this.#channels.values()) {
      const item = channel.name === except ? undefined : channel.full();
      if (item !== undefined) this.#queue(peer, channel.name, item);
    }
  }

  /** Sends the whole state of every channel to a random part of our neighbours, save where `compares` does it better. */
  sendPeriodic(compares: (peer: PeerName, channel: string) => boolean = () => false): void {
    const { routes, random } = this.#options;
    for (const channel of this.#channels.values()) {
      const item = channel.full();
      if (item === undefined) continue;
      for (const peer of routes.randomNeighbours(random)) {
        if (!compares(peer, channel.name)) this.#queue(peer, channel.name, item);
      }
    }
  }

  /** Returns the next message for a neighbour, encoded now; `undefined` if nothing waits. */
  next(peer: PeerName): Uint8Array | undefined {
    const outbox = this.#outboxes.get(peer);
    if (outbox === undefined) return undefined;
    // Asked after each input, of each neighbour, mostly in vain.
    if (outbox.direct.length === 0 && outbox.channels.size === 0) return outbox.last.shift();
    for (;;) {
      const direct = outbox.direct.shift();
      if (direct !== undefined) {
        outbox.directBytes -= direct.length;
        return direct;
      }
      if (!this.#encodeOne(peer, outbox)) return outbox.last.shift();
    }
  }

  /** Encodes what one channel has for a neighbour: gossip first, then broadcasts. */
  #encodeOne(peer: PeerName, outbox: Outbox): boolean {
    const { self } = this.#options;
    for (const [name, pending] of outbox.channels) {
      if (outbox.holds.has(name)) continue;
      outbox.channels.delete(name);
      const channel = this.#channels.get(name);
      if (channel === undefined || channel.withholds?.(peer) === true) continue;
      if (pending.gossip !== undefined) {
        for (const payload of this.#payloads(channel, pending.gossip)) {
          this.#pushDirect(outbox, gossipMessage(name, self, payload));
        }
      }
      for (const [source, item] of pending.broadcasts) {
        for (const payload of this.#payloads(channel, item)) {
          this.#pushDirect(outbox, broadcastMessage(name, source, payload));
        }
      }
      return true;
    }
    return false;
  }

  /** What does not fit into a message cannot be sent at all. */
  #payloads(channel: Channel, item: unknown): Uint8Array[] {
    const room = MAX_MESSAGE_BYTES - ENVELOPE_BYTES - channel.name.length * 3;
    return channel.encode(item).filter((payload) => payload.length <= room);
  }

  #forward(message: Message & { kind: "unicast" }, from: PeerName | undefined): void {
    const hop = this.#options.routes.nextHop(message.destination);
    const outbox = hop === undefined || hop === from ? undefined : this.#outboxes.get(hop);
    const { channel, source, destination, payload } = message;
    if (outbox === undefined || outbox.directBytes > MAX_DIRECT_BYTES) return;
    if (isDeadly(channel, payload)) return;
    if (payload.length + channel.length * 3 > MAX_MESSAGE_BYTES - ENVELOPE_BYTES) return;
    this.#pushDirect(outbox, unicastMessage(channel, source, destination, payload));
  }

  #pushDirect(outbox: Outbox, message: Uint8Array): void {
    outbox.direct.push(message);
    outbox.directBytes += message.length;
  }

  #queue(peer: PeerName, name: string, item: unknown): void {
    const channel = this.#channels.get(name);
    const pending = this.#pending(peer, name);
    if (channel === undefined || pending === undefined) return;
    pending.gossip = pending.gossip === undefined ? item : channel.merge(pending.gossip, item);
  }

  #queueBroadcast(peer: PeerName, channel: Channel, source: PeerName, item: unknown): void {
    const broadcasts = this.#pending(peer, channel.name)?.broadcasts;
    const before = broadcasts?.get(source);
    broadcasts?.set(source, before === undefined ? item : channel.merge(before, item));
  }

  #pending(peer: PeerName, name: string): Pending | undefined {
    const outbox = this.#outboxes.get(peer);
    if (outbox === undefined) return undefined;
    const pending = outbox.channels.get(name) ?? { gossip: undefined, broadcasts: new Map() };
    outbox.channels.set(name, pending);
    return pending;
  }

  #channel(name: string): Channel | undefined {
    const known = this.#channels.get(name);
    if (known !== undefined) return known;
    if (this.#surrogates >= MAX_SURROGATES) return undefined;
    this.#surrogates++;
    const surrogate = new Surrogate(name, this.#options.sha256);
    this.#channels.set(name, surrogate);
    return surrogate;
  }
}

/**
 * Whether a unicast ends or blocks a real peer (spec/mesh.md 21): address allocation there reads the kind of the message from
 * the first byte without looking whether there is one, and waits for ever on a kind that it does not know. Whoever sends
 * one through us may mean no good: it is not passed on.
 */
function isDeadly(channel: string, payload: Uint8Array): boolean {
  return channel === ALLOCATION && (payload[0] ?? LAST_ALLOCATION_KIND + 1) > LAST_ALLOCATION_KIND;
}
