/**
 * When the topology is told to whom (spec/mesh.md 7, 13): gossip with its clocks.
 *
 * ```
 *   change of our entry      announced 1 s later, later changes join            random neighbours
 *   loss of a connection     at once, and what waits with it                    random neighbours
 *   news from a neighbour    at the next settling, of those who can be reached  random neighbours but that one
 *     that is new            after our entry was announced
 *   new or restarted peer    everything, at once                                that peer
 *   every 30 s               everything                                         random neighbours
 *     between weft peers     a digest in place of everything; what differs      that peer
 *   1 s after news           peers that cannot be reached are forgotten
 * ```
 *
 * @module
 */

import type { Millis, PeerName } from "../base/mod.ts";
import { DIGEST, Digests } from "./digest.ts";
import type { Channel } from "./channel.ts";
import { Gossip } from "./gossip.ts";
import { Routes } from "./routes.ts";
import type { Topology } from "./topology.ts";
import { TOPOLOGY, TopologyChannel } from "./topology_channel.ts";
import type { Message } from "./wire.ts";

/** From a change of our entry to its announcement. */
const ANNOUNCE_MS = 1_000;
/** Between two losses that are announced at once, and two changes of a link of ours that are settled at once. */
const HURRY_MS = 100;
/** From news to the sweep of unreachable peers. */
const SWEEP_MS = 1_000;
/** A table of so few peers is told whole to a new neighbour: to compare it first would take longer and save nothing. */
const SMALL_TABLE = 16;
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
  #digests: Digests;
  #announced = new Set<PeerName>();
  /** Neighbours that were added since our entry was announced last. */
  #unannounced = new Set<PeerName>();
  #announceAt: Millis = Infinity;
  #hurried = false;
  #edgeChanged = false;
  #edgeAt: Millis = -Infinity;
  #hurriedAt: Millis = -Infinity;
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
    const self = this.#topology.name;
    const isReachable = (name: PeerName): boolean =>
      name === self || this.routes.nextHop(name) !== undefined;
    // What is reachable over a link of ours that nobody knows of would be held back, and swept, where it arrives.
    const isAnnounced = (from: PeerName): boolean => !this.#unannounced.has(from);
    for (const [from, names] of this.#channel.takeNews(isReachable, isAnnounced)) {
      this.#gossip.send(TOPOLOGY, names, from);
    }
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
    // Only weft peers compare tables, and none of them cuts a connection for what it is told.
    this.#gossip.addNeighbour(peer, !digest, now);
    this.#unannounced.add(peer);
    const compares = digest && this.#topology.size > SMALL_TABLE;
    if (full) this.#gossip.sendFull(peer, compares ? TOPOLOGY : undefined);
    if (!digest) return;
    if (restarted) this.#gossip.sendTo(peer, TOPOLOGY, new Set([peer]));
    this.#digests.add(peer, full, now);
    this.#drainDigests();
  }

  /** Ends to tell a neighbour, and forgets at once whom we cannot reach any more: else the dead circulate for ever. */
  removeNeighbour(peer: PeerName): void {
    this.#gossip.removeNeighbour(peer);
    this.#unannounced.delete(peer);
    this.#digests.remove(peer);
    this.#sweep();
  }

  /** Announces entries soon; at once after {@link Spreading.hurry}. @returns whether they were announced now */
  announce(names: readonly PeerName[], now: Millis): boolean {
    for (const name of names) this.#announced.add(name);
    const at = this.#hurried ? Math.max(now, this.#hurriedAt + HURRY_MS) : now + ANNOUNCE_MS;
    this.#announceAt = Math.min(this.#announceAt, at);
    this.#hurried = false;
    if (now < this.#announceAt) return false;
    this.#tellAnnounced(now);
    return true;
  }

  /** Says that what is announced next is a loss: frames are lost until others know of it. */
  hurry(): void {
    this.#hurried = true;
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
    const before = this.#works(from);
    this.#gossip.receive(message, from, now);
    if (revision === this.#topology.revision) return;
    this.#sweepAt = Math.min(this.#sweepAt, now + SWEEP_MS);
    if (before !== this.#works(from)) this.#edgeChanged = true;
  }

  /** Returns and clears whether a neighbour changed its mind about our link; what comes soon after another can wait. */
  takeEdgeChange(now: Millis): boolean {
    const due = this.#edgeChanged && now >= this.#edgeAt + HURRY_MS;
    this.#edgeChanged = false;
    if (due) this.#edgeAt = now;
    return due;
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
    return Math.min(
      this.#announceAt,
      this.#sweepAt,
      this.#periodicAt,
      this.#digests.deadline(),
      this.#gossip.deadline(),
    );
  }

  /** Does what is due. */
  tick(now: Millis): void {
    this.#gossip.tick(now);
    if (now >= this.#sweepAt) this.#sweep();
    if (now >= this.#announceAt) this.#tellAnnounced(now);
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

  /** Whether a neighbour says that its connection to us works. */
  #works(neighbour: PeerName): boolean {
    const { name } = this.#topology;
    const connections = this.#topology.get(neighbour)?.connections ?? [];
    return connections.some(({ peer, established }) => established && peer === name);
  }

  #tellAnnounced(now: Millis): void {
    this.#announceAt = Infinity;
    this.#hurriedAt = now;
    // A neighbour that was added just now must be among those to choose from.
    this.routes.refresh();
    this.#gossip.send(TOPOLOGY, new Set(this.#announced));
    this.#announced.clear();
    this.#unannounced.clear();
    this.#channel.lookAgain();
  }

  #sweep(): void {
    this.#sweepAt = Infinity;
    this.#topology.sweep();
  }
}
