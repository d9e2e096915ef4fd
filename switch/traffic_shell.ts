/**
 * The stages between reading and sending: what is captured goes to tunnels, what is received to the bridge and on.
 *
 * ```
 *   captured  offload.inspect -> forwarding.decideCaptured -> shuttle.send, as it is
 *                                                          -> offload.writePiece -> tunnel.send
 *   received  forwarding.decideReceived -> tunnel.send (relay, flood) -> injector.offer
 *   opened    forwarding.decideOpened -> injector.offerRecord
 *   too big   for its way or our bridge: ICMP to the origin of the frame
 * ```
 *
 * At most one datagram is under construction, that of the tunnel which got the last frame. A frame to a peer whose pair is
 * usable takes shuttle, any other a tunnel. A flood takes shuttle if all of its copies can, else the tree of tunnels.
 *
 * @module
 */

import type { Millis } from "../base/mod.ts";
import { isBulk } from "./bulk.ts";
import { COUNTER } from "./contract.ts";
import {
  DROP,
  FLOOD,
  type Forwarding,
  INDEX,
  LOCAL,
  RELAY,
  SEND as TO_PEER,
} from "./forwarding.ts";
import { type Slab, VIRTIO_HEADER_BYTES } from "./frame.ts";
import type { Injector } from "./injector_shell.ts";
import type { LinkTable } from "./link_table.ts";
import { INSPECT_OK, type Offload } from "./offload.ts";
import { type FrameRef, type ReceivedFrame, SEND, type Tunnel } from "./overlay/overlay.ts";
import { PAIR, type ShuttleReceiver } from "./shuttle/mod.ts";
import type { ShuttleStage } from "./shuttle_stage.ts";
import { GSO_NONE, writePlainVirtio } from "./virtio.ts";

/** What the stages work with. */
export interface TrafficParts {
  /** Memory of all frames. */
  readonly slab: Slab;
  /** Who lives where and how to get there. */
  readonly forwarding: Forwarding;
  /** Makes real frames of superframes. */
  readonly offload: Offload;
  /** The way to the bridge. */
  readonly injector: Injector;
  /** The tunnels. */
  readonly links: LinkTable;
  /** The way past the tunnels. */
  readonly shuttle: ShuttleStage;
  /** Where one frame can be built, with room for the largest. */
  readonly piece: number;
  /** Adds to a counter of `contract.ts`. */
  readonly count: (counter: number, by?: number) => void;
  /** Sends what is in the outbox, so that there is room again. */
  readonly makeRoom: () => void;
}

/** Moves frames between bridge and tunnels. */
export class Traffic {
  /** What is captured only goes its way once more. */
  rehearses = false;
  readonly #view: DataView;
  readonly #forwarding: Forwarding;
  readonly #offload: Offload;
  readonly #injector: Injector;
  readonly #links: LinkTable;
  readonly #shuttle: ShuttleStage;
  readonly #piece: number;
  readonly #count: (counter: number, by?: number) => void;
  readonly #makeRoom: () => void;
  /** One for all sends: filled in, lent, filled in again. */
  readonly #frame: FrameRef = {
    offset: 0,
    length: 0,
    originHigh: 0,
    originLow: 0,
    destinationHigh: 0,
    destinationLow: 0,
    flooded: false,
  };
  /** The tunnel that may have a datagram under construction. */
  #open: Tunnel | undefined;
  /** The superframe whose pieces are coming, and its key; -1 for none. */
  #gid = 0;
  #keySlot = -1;

  /** Joins the stages. */
  constructor(parts: TrafficParts) {
    this.#view = parts.slab.view;
    this.#forwarding = parts.forwarding;
    this.#offload = parts.offload;
    this.#injector = parts.injector;
    this.#links = parts.links;
    this.#shuttle = parts.shuttle;
    this.#piece = parts.piece;
    this.#count = parts.count;
    this.#makeRoom = parts.makeRoom;
  }

  /**
   * Takes what the TAP gave. hot path
   *
   * @param offset of its virtio header
   * @param length bytes, virtio header included
   */
  captured(offset: number, length: number, now: Millis): void {
    const offload = this.#offload;
    const fault = offload.inspect(offset, length);
    if (fault !== INSPECT_OK) return this.#count(fault);
    const { frameOffset, frameLength } = offload;
    const forwarding = this.#forwarding;
    const decision = forwarding.decideCaptured(
      this.#view,
      frameOffset,
      frameLength,
      now,
    );
    if ((decision & DROP) !== 0) return this.#count(decision & INDEX);
    if (!this.rehearses) this.#countUrgent(frameOffset, frameLength, offload.gsoType);
    if ((decision & TO_PEER) === 0) {
      const { floodPeers } = this.#shuttle.pairs;
      if (floodPeers !== undefined) return this.#floodByShuttle(floodPeers, now);
    }
    this.#setOrigin(forwarding.self);
    if ((decision & TO_PEER) !== 0) {
      const peer = decision & INDEX;
      const status = this.#shuttle.pairs.status(peer);
      if (status === PAIR.USABLE) return this.#sendByShuttle(peer, now);
      if (status === PAIR.NEEDS_KEY) this.#shuttle.pairs.wants(peer, now);
      this.#frame.flooded = false;
      return this.#sendPieces(peer, forwarding.nextHop(peer));
    }
    const neighbours = forwarding.floodList(forwarding.self);
    this.#frame.flooded = true;
    for (let i = 0; i < neighbours.length; i++) {
      this.#count(COUNTER.framesFlooded);
      this.#sendPieces(neighbours[i] ?? -1, neighbours[i] ?? -1);
    }
  }

  /** Takes a frame that a tunnel delivered; it stays until the injector is flushed. hot path */
  received(received: ReceivedFrame, now: Millis): void {
    const forwarding = this.#forwarding;
    const origin = forwarding.indexOf(received.originHigh, received.originLow);
    const decision = forwarding.decideReceived(
      this.#view,
      received.offset,
      received.length,
      origin,
      forwarding.indexOf(received.destinationHigh, received.destinationLow),
      this.#links.peerOf(received.tunnel),
      now,
    );
    if ((decision & DROP) !== 0) return this.#count(decision & INDEX);
    if ((decision & (RELAY | FLOOD)) !== 0) this.#passOn(received, decision);
    if ((decision & LOCAL) === 0) return;
    this.#countUrgent(received.offset, received.length, GSO_NONE);
    this.#count(COUNTER.framesLocal);
    const sealed = received.tunnel.spec.key !== undefined;
    const limit = this.#injector.offer(received.offset, received.length, sealed);
    if (limit === 0) return;
    this.#borrow(received);
    this.#answerTooBig(limit);
  }

  /** Takes the record at hand, which stays until the injector is flushed, unless it is transient. hot path */
  opened(record: ShuttleReceiver, now: Millis): void {
    const origin = record.key?.peer ?? -1;
    const { gid, keySlot, headers } = record;
    // One decision for all pieces of a superframe: they are written as one frame.
    if (headers.gsoType === GSO_NONE || gid !== this.#gid || keySlot !== this.#keySlot) {
      const decision = this.#forwarding.decideOpened(this.#view, record.frame, origin, now);
      this.#keySlot = -1;
      if ((decision & DROP) !== 0) return this.#count(decision & INDEX);
      this.#gid = gid;
      if (headers.gsoType !== GSO_NONE) this.#keySlot = keySlot;
      this.#countUrgent(record.frame, record.length, headers.gsoType);
    }
    this.#count(COUNTER.framesLocal);
    const injector = this.#injector;
    const limit = injector.offerRecord(record);
    if (record.isTransient) injector.flush();
    if (limit === 0) return;
    const answer = injector.tooBig(injector.rejected, injector.rejectedLength, limit);
    if (answer > 0) this.#answerTo(origin, answer, now);
  }

  /** Finishes what is under construction. */
  close(): void {
    this.closeTunnel();
    this.#shuttle.flush();
  }

  /** Finishes the datagram of a tunnel that is under construction. */
  closeTunnel(): void {
    this.#open?.flush();
    this.#open = undefined;
  }

  #countUrgent(frame: number, length: number, gsoType: number): void {
    if (!isBulk(this.#view, frame, length, gsoType)) this.#count(COUNTER.framesUrgent);
  }

  // --- shuttle ---

  #sendByShuttle(peer: number, now: Millis): void {
    const shuttle = this.#shuttle;
    if (shuttle.send(peer, false, now) !== SEND.TOO_BIG) return;
    const injector = this.#injector;
    const { rejectedOffset, rejectedLength } = shuttle;
    const limit = shuttle.mtuBytes(peer, now);
    const answer = injector.tooBig(rejectedOffset, rejectedLength, limit);
    if (answer > 0) injector.write(injector.answer, answer);
  }

  #floodByShuttle(peers: Int32Array, now: Millis): void {
    for (let i = 0; i < peers.length; i++) {
      this.#count(COUNTER.framesFlooded);
      this.#shuttle.send(peers[i] ?? -1, true, now);
    }
  }

  /** Sends the injector's answer to the peer that a record came from; one that does not fit either is dropped. */
  #answerTo(origin: number, length: number, now: Millis): void {
    const at = this.#injector.answer - VIRTIO_HEADER_BYTES;
    writePlainVirtio(this.#view, at);
    if (this.#shuttle.pairs.status(origin) !== PAIR.USABLE) return;
    if (this.#offload.inspect(at, VIRTIO_HEADER_BYTES + length) !== INSPECT_OK) return;
    this.#shuttle.send(origin, false, now);
  }

  // --- tunnels ---

  /** Sends the superframe that was inspected, piece by piece. */
  #sendPieces(destination: number, hop: number): void {
    const tunnel = this.#links.towards(hop);
    if (tunnel === undefined) return this.#count(COUNTER.dropNoRoute);
    this.#setDestination(destination);
    const { pieces } = this.#offload;
    this.#frame.offset = this.#piece;
    for (let k = 0; k < pieces; k++) {
      this.#frame.length = this.#offload.writePiece(k, this.#piece);
      const result = this.#send(tunnel);
      // The rest would fare no better. Other drops are counted by the tunnel, one by one.
      if (result === SEND.FULL) return this.#count(COUNTER.dropOutboxFull, pieces - 1 - k);
      if (result === SEND.TOO_BIG) return this.#count(COUNTER.dropTooBig, pieces - 1 - k);
    }
  }

  /** Gives `#frame` to a tunnel, counts what it has no room for, answers what is too big. @returns one of {@link SEND} */
  #send(tunnel: Tunnel): number {
    if (this.#open !== tunnel) this.closeTunnel();
    this.#open = tunnel;
    let result = tunnel.send(this.#frame);
    if (result === SEND.FULL) {
      this.closeTunnel();
      this.#makeRoom();
      this.#open = tunnel;
      result = tunnel.send(this.#frame);
    }
    if (result === SEND.FULL) this.#count(COUNTER.dropOutboxFull);
    else if (result === SEND.TOO_BIG) this.#answerTooBig(tunnel.mtuBytes);
    return result;
  }

  /** Tells the origin of `#frame` that it is too big for its way. */
  #answerTooBig(mtuBytes: number): void {
    const frame = this.#frame;
    const answer = this.#injector.tooBig(frame.offset, frame.length, mtuBytes);
    if (answer === 0) return;
    const { originHigh, originLow } = frame;
    const origin = this.#forwarding.indexOf(originHigh, originLow);
    if (origin === this.#forwarding.self) {
      this.#injector.write(this.#injector.answer, answer);
      return;
    }
    const tunnel = this.#links.towards(this.#forwarding.nextHop(origin));
    if (tunnel === undefined) return;
    frame.originHigh = frame.destinationHigh;
    frame.originLow = frame.destinationLow;
    frame.destinationHigh = originHigh;
    frame.destinationLow = originLow;
    frame.offset = this.#injector.answer;
    frame.length = answer;
    frame.flooded = false;
    this.closeTunnel();
    this.#open = tunnel;
    // An answer that does not fit either is dropped: there is nobody to ask about it.
    tunnel.send(frame);
  }

  #setOrigin(peer: number): void {
    this.#frame.originHigh = this.#forwarding.nameHigh(peer);
    this.#frame.originLow = this.#forwarding.nameLow(peer);
  }

  #setDestination(peer: number): void {
    this.#frame.destinationHigh = this.#forwarding.nameHigh(peer);
    this.#frame.destinationLow = this.#forwarding.nameLow(peer);
  }

  /** Sends a received frame on: to the next hop of its peer, or to all that its broadcast has to reach through us. */
  #passOn(received: ReceivedFrame, decision: number): void {
    const forwarding = this.#forwarding;
    const from = this.#links.peerOf(received.tunnel);
    this.#borrow(received);
    if ((decision & RELAY) !== 0) {
      const tunnel = this.#links.towards(forwarding.relayHop(decision & INDEX, from));
      if (tunnel === undefined) return this.#count(COUNTER.dropNoRoute);
      if (this.#send(tunnel) === SEND.OK) this.#count(COUNTER.framesRelayed);
      return;
    }
    const neighbours = forwarding.floodList(decision & INDEX);
    for (let i = 0; i < neighbours.length; i++) {
      const neighbour = neighbours[i] ?? -1;
      const tunnel = neighbour === from ? undefined : this.#links.towards(neighbour);
      if (tunnel === undefined) continue;
      this.#borrow(received);
      this.#frame.flooded = true;
      this.#setDestination(neighbour);
      this.#count(COUNTER.framesFlooded);
      this.#send(tunnel);
    }
  }

  #borrow(received: ReceivedFrame): void {
    const frame = this.#frame;
    frame.offset = received.offset;
    frame.length = received.length;
    frame.originHigh = received.originHigh;
    frame.originLow = received.originLow;
    frame.destinationHigh = received.destinationHigh;
    frame.destinationLow = received.destinationLow;
    frame.flooded = false;
  }
}
