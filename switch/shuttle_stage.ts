/**
 * The stages of shuttle between the loop and the pieces in `shuttle/`: who of them gets what.
 *
 * ```
 *   captured   send(peer) -> ShuttleSender -> outbox
 *   received   for us:      open -> ShuttleReceiver -> next .. next: records      probes are answered here
 *              for others:  ShuttleRelay -> outbox
 * ```
 *
 * It does not write to the TAP: the loop takes the records on.
 *
 * @module
 */

import type { Millis } from "../base/mod.ts";
import { COUNTER } from "./contract.ts";
import type { Forwarding } from "./forwarding.ts";
import type { Slab } from "./frame.ts";
import type { LinkTable } from "./link_table.ts";
import type { CopyBytes, Offload } from "./offload.ts";
import type { Outbox } from "./outbox.ts";
import { SEND } from "./overlay/overlay.ts";
import {
  type OutgoingKey,
  type PairCiphers,
  pairMtuBytes,
  Pairs,
  RECEIVED,
  ShuttleReceiver,
  ShuttleRelay,
  ShuttleSender,
} from "./shuttle/mod.ts";
import { PROBE, probeKind, probeSize, probeTokenHigh } from "./wire/shuttle_probe.ts";
import { isShuttle, SEGMENT, segmentDestination } from "./wire/shuttle_segment.ts";

/** Segments a second that are opened although they come from no established link. */
const STRANGERS_PER_SECOND = 100;
const SECOND_MS = 1_000;

/** What they ask of the links. */
export type StageLinks = Pick<LinkTable, "hop" | "isOddName">;

/** What the stages work with. */
export interface ShuttleStageParts {
  /** Memory of all frames. */
  readonly slab: Slab;
  /** Takes segments. */
  readonly outbox: Outbox;
  /** Has inspected what is sent. */
  readonly offload: Offload;
  /** Copies bytes in the slab. */
  readonly copy: CopyBytes;
  /** Adds to a counter of `contract.ts`. */
  readonly count: (counter: number, by?: number) => void;
  /** Ends the datagram of a tunnel that is under construction. */
  readonly beforeWrite: () => void;
  /** Sends what is in the outbox, so that there is room again. */
  readonly makeRoom: () => void;
  /** Who lives where and how to get there. */
  readonly forwarding: Pick<Forwarding, "nextHop" | "relayHop">;
  /** The links. */
  readonly links: StageLinks;
  /** Whether there is a password. */
  readonly mode: "sealed" | "clear";
  /** Makes contexts of keys. */
  readonly ciphers: PairCiphers;
  /** Random 32 bits. */
  readonly token: number;
}

/** All of shuttle that the loop sees. */
export class ShuttleStage {
  /** All pairs. */
  readonly pairs: Pairs;
  /** The record at hand. */
  readonly record: ShuttleReceiver;
  readonly #view: DataView;
  readonly #count: (counter: number, by?: number) => void;
  readonly #beforeWrite: () => void;
  readonly #links: StageLinks;
  readonly #sender: ShuttleSender;
  readonly #relay: ShuttleRelay;
  #ownShortId = -1;
  #strangers = STRANGERS_PER_SECOND;
  #secondAt: Millis = 0;

  /** Joins the stages. */
  constructor(parts: ShuttleStageParts) {
    const { slab, count, links, forwarding, mode, ciphers, token } = parts;
    this.#view = slab.view;
    this.#count = count;
    this.#beforeWrite = parts.beforeWrite;
    this.#links = links;
    this.pairs = new Pairs({
      mode,
      ciphers,
      links,
      token,
      probe: (pair, kind, size, probeToken) => this.#sendProbe(pair, kind, size, probeToken),
      forget: (peer) => this.record.forget(peer),
    });
    this.#sender = new ShuttleSender(parts);
    this.record = new ShuttleReceiver({ slab, keys: this.pairs, count });
    this.#relay = new ShuttleRelay({
      ...parts,
      clear: mode === "clear",
      route: (destination, source) => {
        const peer = this.pairs.indexOf(destination);
        const hop = forwarding.nextHop(peer);
        const slot = links.hop(hop)?.slot ?? -1;
        return slot === source ? links.hop(forwarding.relayHop(peer, hop))?.slot ?? -1 : slot;
      },
    });
  }

  /** Notes new peers, routes and links. */
  configure(state: Parameters<Pairs["configure"]>[0], now: Millis): void {
    this.pairs.configure(state, now);
    this.#ownShortId = this.pairs.ownShortId;
  }

  // --- out ---

  /**
   * Sends what was inspected last to a peer whose pair is usable. hot path
   *
   * @returns OK, DROPPED or TOO_BIG of {@link SEND}
   */
  send(peer: number, flooded: boolean, now: Millis): number {
    const pair = this.pairs.outgoing(peer, now);
    if (pair === undefined) {
      this.#count(COUNTER.dropNoRoute);
      return SEND.DROPPED;
    }
    this.#beforeWrite();
    return this.#sender.send(pair, flooded);
  }

  /** After TOO_BIG: where the frame is that was refused. */
  get rejectedOffset(): number {
    return this.#sender.rejectedOffset;
  }

  /** Its length. */
  get rejectedLength(): number {
    return this.#sender.rejectedLength;
  }

  /** After TOO_BIG: what would fit, in bytes of IP packet. */
  mtuBytes(peer: number, now: Millis): number {
    const pair = this.pairs.outgoing(peer, now);
    return pair === undefined ? 0 : pairMtuBytes(pair);
  }

  /** Seals small frames that wait; no tunnel has a datagram under construction. hot path */
  flush(): void {
    this.#sender.flush();
  }

  // --- in ---

  /** Tells whether a datagram is a segment, and none of sleeve from a neighbour with an odd name. hot path */
  takes(datagram: number, length: number): boolean {
    return length > 0 && isShuttle(this.#view, datagram) &&
      !this.#links.isOddName(this.#view, datagram, length);
  }

  /**
   * Takes a segment: opens it if it is for us, else passes it on. hot path
   *
   * @param source address slot of the established link that it came from, -1 for none
   * @returns true if there are records: call `record.next()`
   */
  receive(segment: number, length: number, source: number, now: Millis): boolean {
    if (length < 4) {
      this.#count(COUNTER.dropMalformed);
      return false;
    }
    if (segmentDestination(this.#view, segment) !== this.#ownShortId) {
      this.#relay.take(segment, length, source);
      return false;
    }
    if (source < 0 && --this.#strangers < 0) {
      this.#count(COUNTER.dropUnknownSender);
      return false;
    }
    const { record } = this;
    const result = record.receive(segment, length, source, now);
    if (result === RECEIVED.NOTHING || record.key === undefined) return false;
    this.pairs.opened(record.key, now);
    if (result === RECEIVED.RECORDS) return true;
    this.#takeProbe(now);
    return false;
  }

  /** A train was read to its end. hot path */
  endTrain(): void {
    this.#relay.end();
  }

  /** Does what is due. @returns when the next thing is due */
  tick(now: Millis): Millis {
    if (now >= this.#secondAt) {
      this.#secondAt = now + SECOND_MS;
      this.#strangers = STRANGERS_PER_SECOND;
      this.record.tick(now);
    }
    return this.pairs.tick(now);
  }

  #takeProbe(now: Millis): void {
    const { record } = this;
    const { key, body, segmentBytes } = record;
    // Link probes are answered where addresses move; none does here.
    if (key === undefined || record.type !== SEGMENT.PATH_PROBE) return;
    const view = this.#view;
    const kind = probeKind(view, body);
    const size = kind === PROBE.ASK ? segmentBytes : probeSize(view, body);
    this.pairs.probed(key, kind, size, probeTokenHigh(view, body), now);
  }

  #sendProbe(pair: OutgoingKey, kind: number, sizeBytes: number, token: number): boolean {
    this.#beforeWrite();
    const spec = { type: SEGMENT.PATH_PROBE, kind, sizeBytes, tokenHigh: token, tokenLow: 0 };
    return this.#sender.sendProbe(pair, { ...spec, slot: pair.slot });
  }
}
