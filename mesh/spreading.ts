/**
 * When the topology is told to whom (spec/mesh.md 7, 13): gossip with its clocks.
 *
 * ```
 *   change of our entry      announced 1 s later, later changes join            random neighbours
 *   news from a neighbour    at the next settling                               random neighbours but that one
 *   new or restarted peer    everything, at once                                that peer
 *   every 30 s               everything                                         random neighbours
 *   1 s after news           peers that cannot be reached are forgotten
 * ```
 *
 * @module
 */

import type { Millis, PeerName } from "../base/mod.ts";
import { type Channel, Gossip } from "./gossip.ts";
import { Routes } from "./routes.ts";
import type { Topology } from "./topology.ts";
import { TOPOLOGY, TopologyChannel } from "./topology_channel.ts";
import type { Message } from "./wire.ts";

/** From a change of our entry to its announcement. */
const ANNOUNCE_MS = 1_000;
/** From news to the sweep of unreachable peers. */
const SWEEP_MS = 1_000;
/** Between two tellings of everything. */
const PERIODIC_MS = 30_000;

/** What spreading needs. */
export interface SpreadingOptions {
  /** The peer table. */
  readonly topology: Topology;
  /** Returns 0 <= x < 1. */
  readonly random: () => number;
  /** SHA-256. */
  readonly sha256: (bytes: Uint8Array) => Uint8Array;
  /** Channels that others handle; none by default. */
  readonly channels?: readonly Channel[];
}

/** Gossip, routes and their clocks. */
export class Spreading {
  /** Next hops, as of the last settling. */
  readonly routes: Routes;
  #topology: Topology;
  #channel: TopologyChannel;
  #gossip: Gossip;
  #announced = new Set<PeerName>();
  #announceAt: Millis = Infinity;
  #sweepAt: Millis = Infinity;
  #periodicAt: Millis;

  /** Has no neighbours yet. */
  constructor(options: SpreadingOptions, now: Millis) {
    const { topology, random, sha256, channels = [] } = options;
    this.#topology = topology;
    this.routes = new Routes(topology);
    this.#channel = new TopologyChannel(topology);
    const gossipOptions = { self: topology.name, routes: this.routes, random, sha256 };
    this.#gossip = new Gossip(gossipOptions, [this.#channel, ...channels]);
    this.#periodicAt = now + PERIODIC_MS;
  }

  /** Whether something waits for {@link Spreading.settle}. */
  get unsettled(): boolean {
    return this.routes.stale || this.#channel.hasNews;
  }

  /** Computes routes and passes on what is new. */
  settle(): void {
    this.routes.refresh();
    for (const [from, names] of this.#channel.takeNews()) this.#gossip.send(TOPOLOGY, names, from);
  }

  /** Begins to tell a neighbour, with everything if `full`. */
  addNeighbour(peer: PeerName, full: boolean): void {
    this.#gossip.addNeighbour(peer);
    if (full) this.#gossip.sendFull(peer);
  }

  /** Ends to tell a neighbour, and forgets at once whom we cannot reach any more: else the dead circulate for ever. */
  removeNeighbour(peer: PeerName): void {
    this.#gossip.removeNeighbour(peer);
    this.#sweep();
  }

  /** Announces entries soon. */
  announce(names: readonly PeerName[], now: Millis): void {
    for (const name of names) this.#announced.add(name);
    this.#announceAt = Math.min(this.#announceAt, now + ANNOUNCE_MS);
  }

  /**
   * Takes a message of a neighbour.
   *
   * @throws {WireError | ProtocolError} if its connection must be closed
   */
  receive(message: Message, from: PeerName, now: Millis): void {
    const { revision } = this.#topology;
    this.#gossip.receive(message, from, now);
    if (revision !== this.#topology.revision) {
      this.#sweepAt = Math.min(this.#sweepAt, now + SWEEP_MS);
    }
  }

  /** Gossips an item of a channel to a random part of our neighbours. */
  gossip(channel: string, item: unknown): void {
    // As for an announcement: a neighbour that was added just now must be among those to choose from.
    this.routes.refresh();
    this.#gossip.send(channel, item);
  }

  /** Broadcasts an item of a channel to everybody. */
  broadcast(channel: string, item: unknown): void {
    this.#gossip.broadcast(channel, item);
  }

  /** Sends a payload towards one peer. */
  unicast(channel: string, to: PeerName, payload: Uint8Array): void {
    this.#gossip.unicast(channel, to, payload);
  }

  /** Returns the next message for a neighbour, `undefined` if there is none. */
  next(peer: PeerName): Uint8Array | undefined {
    return this.#gossip.next(peer);
  }

  /** Returns when it wants a tick. */
  deadline(): Millis {
    return Math.min(this.#announceAt, this.#sweepAt, this.#periodicAt);
  }

  /** Does what is due. */
  tick(now: Millis): void {
    if (now >= this.#sweepAt) this.#sweep();
    if (now >= this.#announceAt) {
      this.#announceAt = Infinity;
      // A neighbour that was added just now must be among those to choose from.
      this.routes.refresh();
      this.#gossip.send(TOPOLOGY, new Set(this.#announced));
      this.#announced.clear();
    }
    if (now >= this.#periodicAt) {
      this.#periodicAt = now + PERIODIC_MS;
      this.routes.refresh();
      this.#gossip.sendPeriodic();
    }
  }

  #sweep(): void {
    this.#sweepAt = Infinity;
    this.#topology.sweep();
  }
}
