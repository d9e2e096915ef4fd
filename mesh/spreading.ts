/**
 * When the topology is told to whom (spec/mesh.md 7, 13): gossip with its clocks.
 *
 * ```
 *   change of our entry      announced 1 s later, later changes join            random neighbours
 *   news from a neighbour    at the next settling                               random neighbours but that one
 *   new or restarted peer    everything, at once                                that peer
 *   every 30 s               everything                                         random neighbours
 *     between weft peers     a digest in place of everything; what differs      that peer
 *   1 s after the last news  peers that cannot be reached are forgotten
 * ```
 *
 * @module
 */

import type { Millis, PeerName } from "../base/mod.ts";
import { DIGEST, Digests } from "./digest.ts";
import { Gossip } from "./gossip.ts";
import { Routes } from "./routes.ts";
import type { Topology } from "./topology.ts";
import { TOPOLOGY, TopologyChannel } from "./topology_channel.ts";
import type { Message } from "./wire.ts";

/** From a change of our entry to its announcement. */
const ANNOUNCE_MS = 1_000;
/** From the last news to the sweep of unreachable peers: what connects them may come a little later than they do. */
const SWEEP_MS = 1_000;
/** From the first news to that sweep, if news does not end. */
const SWEEP_LIMIT_MS = 3_000;
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
}

/** Gossip, routes and their clocks. */
export class Spreading {
  /** Next hops, as of the last settling. */
  readonly routes: Routes;
  #topology: Topology;
  #channel: TopologyChannel;
  #gossip: Gossip;
  #digests: Digests;
  #announced = new Set<PeerName>();
  #announceAt: Millis = Infinity;
  #sweepAt: Millis = Infinity;
  #sweepBy: Millis = Infinity;
  #periodicAt: Millis;

  /** Has no neighbours yet. */
  constructor(options: SpreadingOptions, now: Millis) {
    const { topology, random, sha256 } = options;
    this.#topology = topology;
    this.routes = new Routes(topology);
    this.#channel = new TopologyChannel(topology);
    const gossipOptions = { self: topology.name, routes: this.routes, random, sha256 };
    this.#gossip = new Gossip(gossipOptions, [this.#channel]);
    this.#digests = new Digests({ topology, sha256 });
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

  /**
   * Begins to tell a neighbour.
   *
   * @param how `digest`: tables can be compared; `full`: it has to be told everything; `restarted`: its entry is of an
   *   earlier run, which it must hear of to pass its version
   */
  addNeighbour(
    peer: PeerName,
    how: { readonly digest: boolean; readonly full: boolean; readonly restarted: boolean },
    now: Millis,
  ): void {
    const { digest, full, restarted } = how;
    this.#gossip.addNeighbour(peer);
    if (full) this.#gossip.sendFull(peer, digest ? TOPOLOGY : undefined);
    if (!digest) return;
    if (restarted) this.#gossip.sendTo(peer, TOPOLOGY, new Set([peer]));
    this.#digests.add(peer, full, now);
    this.#drainDigests();
  }

  /** Ends to tell a neighbour, and forgets at once whom we cannot reach any more: else the dead circulate for ever. */
  removeNeighbour(peer: PeerName): void {
    this.#gossip.removeNeighbour(peer);
    this.#digests.remove(peer);
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
    if ("channel" in message && message.channel === DIGEST) {
      return this.#receiveDigest(message, from, now);
    }
    const { revision } = this.#topology;
    this.#gossip.receive(message, from, now);
    if (revision !== this.#topology.revision) {
      this.#sweepBy = Math.min(this.#sweepBy, now + SWEEP_LIMIT_MS);
      this.#sweepAt = Math.min(this.#sweepBy, now + SWEEP_MS);
    }
  }

  /** Returns the next message for a neighbour, `undefined` if there is none. */
  next(peer: PeerName): Uint8Array | undefined {
    return this.#gossip.next(peer);
  }

  /** Returns when it wants a tick. */
  deadline(): Millis {
    return Math.min(
      this.#announceAt,
      this.#sweepAt,
      this.#periodicAt,
      this.#digests.deadline(),
    );
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
      this.#gossip.sendPeriodic((peer, channel) => channel === TOPOLOGY && this.#compare(peer));
    }
    this.#digests.tick(now);
    this.#drainDigests();
  }

  /** Begins to compare tables with a neighbour. @returns whether that is possible */
  #compare(peer: PeerName): boolean {
    const compares = this.#digests.begin(peer);
    this.#drainDigests();
    return compares;
  }

  /** Digests are between neighbours: others than theirs to us are dropped, and none is ever passed on. */
  #receiveDigest(message: Message, from: PeerName, now: Millis): void {
    if (message.kind !== "unicast" || message.source !== from) return;
    if (message.destination !== this.#topology.name) return;
    this.#digests.receive(message.payload, from, now);
    this.#drainDigests();
  }

  #drainDigests(): void {
    for (let out = this.#digests.poll(); out !== undefined; out = this.#digests.poll()) {
      if (out.kind === "send") this.#gossip.sendLast(out.peer, DIGEST, out.payload);
      else this.#gossip.sendTo(out.peer, TOPOLOGY, out.names);
    }
  }

  #sweep(): void {
    this.#sweepAt = Infinity;
    this.#sweepBy = Infinity;
    this.#topology.sweep();
  }
}
