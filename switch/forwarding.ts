/**
 * Where a frame goes: one decision, a small integer, for captured, received and relayed frames.
 *
 * ```
 *   captured   source MAC    conflict -> drop, else lives here          destination  here -> drop   peer -> SEND   else FLOOD
 *   received   for another   -> RELAY, never back to where it came from but round it, else drop
 *              for us        source MAC lives at the origin; LOCAL      destination  here -> that is all   else FLOOD too
 * ```
 *
 * A decision holds one or more flags above, and an index below, 16 bits:
 *
 * | flag | index | the loop |
 * |---|---|---|
 * | DROP | cell of the counter | counts it |
 * | SEND | destination peer | sends it to `nextHop(peer)`, origin ourselves |
 * | RELAY | destination peer | sends it on to `relayHop(peer, neighbour)`, origin and destination unchanged |
 * | LOCAL | origin | writes it to the TAP |
 * | FLOOD | origin | copies it to each neighbour of `floodList(origin)` but the one that it came from, destination = that neighbour |
 *
 * LOCAL and FLOOD may come together. Copies are sent before the frame is given to the joiner, which writes to it.
 *
 * It neither sends nor reads a clock, and does not know overlays.
 *
 * @module
 */

import { breadthFirst, broadcastHops, macHigh, macLow, type PeerGraph } from "../base/mod.ts";
import { COUNTER, type PeerEntry } from "./contract.ts";
import { LEARN, MacTable, type MacTableOptions } from "./mac_table.ts";
import { NameTable } from "./name_table.ts";
import { StormLimiter } from "./storm_limiter.ts";
import {
  destinationHigh,
  destinationLow,
  isGroup,
  sourceHigh,
  sourceLow,
} from "./wire/ethernet.ts";
import { ETHERNET_HEADER_BYTES } from "./frame.ts";

/** Mask of the index in a decision. */
export const INDEX = 0xffff;

/** Not passed on; the index is the cell of the counter that says why. */
export const DROP = 1 << 16;

/** Write it to the TAP. */
export const LOCAL = 1 << 17;

/** Copy it to the flood list of the peer in the index. */
export const FLOOD = 1 << 18;

/** Captured, for the peer in the index. */
export const SEND = 1 << 19;

/** Received, to be passed on to the peer in the index. */
export const RELAY = 1 << 20;

const DROP_LOCAL = DROP | COUNTER.dropLocal;
const DROP_RESERVED = DROP | COUNTER.dropReserved;
const DROP_CONFLICT = DROP | COUNTER.dropConflict;
const DROP_NO_ROUTE = DROP | COUNTER.dropNoRoute;
const DROP_UNKNOWN_PEER = DROP | COUNTER.dropUnknownPeer;
const DROP_MALFORMED = DROP | COUNTER.dropMalformed;
const DROP_STORM = DROP | COUNTER.stormLimited;

/** 01:80:c2:00:00:0x, in two halves; x is masked away. */
const RESERVED_HIGH = 0x0180;
const RESERVED_LOW = 0xc2000000 | 0;

/**
 * Last of the reserved addresses that are discarded: 0 STP, 1 PAUSE, 2 slow protocols (LACP).
 *
 * The model discards STP alone. These three are the ones that a Linux bridge can never be told to forward, since they mean
 * the single cable that they were sent on. The others (3 to f, LLDP among them) the bridge keeps to itself unless its
 * `group_fwd_mask` says otherwise: one that arrives here was let through by the operator's wish, so it is forwarded.
 */
const RESERVED_LAST = 2;

const NOBODY = new Int32Array(0);

/** What {@link Forwarding} is made with. */
export type ForwardingOptions = Omit<MacTableOptions, "self">;

/** What {@link Forwarding} needs of a `Configure`. */
export interface ForwardingPeers {
  /** Our own index. */
  readonly self: number;
  /** Peers by index. */
  readonly peers: readonly (Omit<PeerEntry, "shortId"> | null)[];
}

/** The forwarding state and the decisions that follow from it. */
export class Forwarding {
  /** Who lives where. */
  readonly macs: MacTable;
  /** Addresses that were not learnt because the table, or a peer's share of it, was full. */
  notLearnt = 0;
  readonly #names: NameTable;
  readonly #storms = new StormLimiter();
  #self = -1;
  #graph: PeerGraph = { names: [], edges: [] };
  #nextHop = NOBODY;
  #nameHigh = NOBODY;
  #nameLow = NOBODY;
  #floods: (Int32Array | undefined)[] = [];
  /** First hops by peer, along ways that avoid the neighbour in the index. */
  #detours: (Int32Array | undefined)[] = [];

  /** Makes a state without peers; every frame is dropped until {@link configure}. */
  constructor(options: ForwardingOptions) {
    this.macs = new MacTable({ ...options, self: -1 });
    this.#names = new NameTable(options.seed);
  }

  /** Index of ourselves, -1 before the first {@link configure}. */
  get self(): number {
    return this.#self;
  }

  /** Replaces peers and routes; addresses of peers that are gone are forgotten. */
  configure({ self, peers }: ForwardingPeers): void {
    const names = peers.map((peer) => peer?.name ?? 0);
    this.#graph.edges.forEach((_, index) => {
      if (this.#graph.names[index] !== (names[index] ?? 0)) this.macs.forgetPeer(index);
    });
    this.#self = self;
    this.macs.self = self;
    this.#graph = { names, edges: peers.map((peer) => peer?.edges ?? []) };
    this.#nextHop = Int32Array.from(peers, (peer) => peer?.nextHop ?? -1);
    this.#nameHigh = Int32Array.from(names, macHigh);
    this.#nameLow = Int32Array.from(names, macLow);
    this.#floods = peers.map(() => undefined);
    this.#detours = peers.map(() => undefined);
    this.#names.clear();
    peers.forEach((peer, index) => {
      if (peer !== null) this.#names.set(macHigh(peer.name), macLow(peer.name), index);
    });
  }

  /** Returns the index of a peer by the halves of its name, -1 if the mesh does not know it. hot path */
  indexOf(high: number, low: number): number {
    return this.#names.get(high, low);
  }

  /** Returns the upper 16 bits of a peer's name. hot path */
  nameHigh(index: number): number {
    return this.#nameHigh[index] ?? 0;
  }

  /** Returns the lower 32 bits of a peer's name, signed. hot path */
  nameLow(index: number): number {
    return this.#nameLow[index] ?? 0;
  }

  /** Returns the index of the neighbour towards a peer, -1 if there is no way. hot path */
  nextHop(index: number): number {
    return this.#nextHop[index] ?? -1;
  }

  /**
   * Returns the neighbour to which a relay passes on what came from another one. hot path
   *
   * The next hop; if that is where the frame came from, the one along the shortest way that avoids it. Routers whose views
   * agree never ask for that. While a link comes back they do not: a relay may know of it before the link's own end does, and
   * the end, which sends the frame round, has no use for it.
   *
   * @returns index of the neighbour, -1 if there is none but the one that it came from
   */
  relayHop(destination: number, arrivedFrom: number): number {
    const hop = this.nextHop(destination);
    return hop !== arrivedFrom || hop < 0 ? hop : this.#detour(destination, arrivedFrom);
  }

  /** Returns the neighbours that a broadcast of `source` goes on to; lent until the next `configure`. hot path */
  floodList(source: number): Int32Array {
    return this.#floods[source] ?? this.#computeFlood(source);
  }

  /**
   * Decides on a frame, or superframe, that the bridge gave us. hot path
   *
   * @param frame offset of the Ethernet header
   * @param length of the frame, in bytes
   */
  decideCaptured(view: DataView, frame: number, length: number, now: number): number {
    if (length < ETHERNET_HEADER_BYTES) return DROP_MALFORMED;
    if (this.#self < 0) return DROP_NO_ROUTE;
    const fromHigh = sourceHigh(view, frame);
    const fromLow = sourceLow(view, frame);
    const toHigh = destinationHigh(view, frame);
    const toLow = destinationLow(view, frame);
    // Sleeve would take it for one of its own special frames.
    if ((fromHigh | fromLow | toHigh | toLow) === 0) return DROP_RESERVED;
    const learnt = this.macs.learnLocal(fromHigh, fromLow, now);
    if (learnt === LEARN.CONFLICT) return DROP_CONFLICT;
    if (learnt === LEARN.FULL) this.notLearnt++;
    if (
      toHigh === RESERVED_HIGH && (toLow & ~15) === RESERVED_LOW && (toLow & 15) <= RESERVED_LAST
    ) return DROP_RESERVED;
    const peer = isGroup(toHigh) ? -1 : this.macs.lookup(toHigh, toLow);
    if (peer === this.#self) return DROP_LOCAL;
    if (peer >= 0) return this.nextHop(peer) < 0 ? DROP_NO_ROUTE : SEND | peer;
    return this.floodList(this.#self).length === 0 ? DROP_NO_ROUTE : FLOOD | this.#self;
  }

  /**
   * Decides on a frame that came from a neighbour. hot path
   *
   * @param frame offset of the Ethernet header
   * @param length of the frame, in bytes
   * @param origin index of the peer that it began at, -1 for unknown
   * @param destination index of the peer that it is for, -1 for unknown
   * @param arrivedFrom index of the neighbour that sent it to us
   */
  decideReceived(
    view: DataView,
    frame: number,
    length: number,
    origin: number,
    destination: number,
    arrivedFrom: number,
    now: number,
  ): number {
    if (length < ETHERNET_HEADER_BYTES) return DROP_MALFORMED;
    if (origin < 0 || destination < 0) return DROP_UNKNOWN_PEER;
    // A frame of ours that comes back: views differ. Injected, it would teach the bridge that our containers live behind the
    // TAP. The reference processes it.
    if (origin === this.#self) return DROP_CONFLICT;
    if (destination !== this.#self) {
      if (this.relayHop(destination, arrivedFrom) < 0) return DROP_NO_ROUTE;
      return this.#storms.admit(view, frame, length, origin, now)
        ? RELAY | destination
        : DROP_STORM;
    }
    const learnt = this.macs.learnRemote(
      sourceHigh(view, frame),
      sourceLow(view, frame),
      origin,
      now,
    );
    if (learnt === LEARN.FULL) this.notLearnt++;
    const toHigh = destinationHigh(view, frame);
    if (!isGroup(toHigh) && this.macs.lookup(toHigh, destinationLow(view, frame)) === this.#self) {
      return LOCAL | origin;
    }
    if (this.floodList(origin).length === 0) return LOCAL | origin;
    // Only those who pass frames on can close a circle; there it ends for our own bridge as well.
    return this.#storms.admit(view, frame, length, origin, now)
      ? LOCAL | FLOOD | origin
      : DROP_STORM;
  }

  /**
   * Decides on a frame that came for us from the peer that it began at: it is injected and goes no further. hot path
   *
   * @param origin index of that peer
   */
  decideOpened(view: DataView, frame: number, origin: number, now: number): number {
    if (origin < 0) return DROP_UNKNOWN_PEER;
    if (origin === this.#self) return DROP_CONFLICT;
    const learnt = this.macs.learnRemote(
      sourceHigh(view, frame),
      sourceLow(view, frame),
      origin,
      now,
    );
    if (learnt === LEARN.FULL) this.notLearnt++;
    return LOCAL | origin;
  }

  #detour(destination: number, avoided: number): number {
    // The way to the avoided neighbour itself begins with it.
    if (destination === avoided) return -1;
    return (this.#detours[avoided] ??= this.#computeDetours(avoided))[destination] ?? -1;
  }

  #computeDetours(avoided: number): Int32Array {
    const { names, edges } = this.#graph;
    return breadthFirst({ names, edges: edges.with(avoided, []) }, this.#self, -1).via;
  }

  #computeFlood(source: number): Int32Array {
    if (source < 0 || source >= this.#floods.length || this.#self < 0) return NOBODY;
    const list = Int32Array.from(broadcastHops(this.#graph, this.#self, source));
    this.#floods[source] = list;
    return list;
  }
}
