/**
 * The mesh as one core: joins connections, topology, gossip and the dialler.
 *
 * ```
 *   accepted, dialled, received ... -> connections -> introduced -> registered in topology -> linkUp
 *                                                  -> messages   -> gossip -> topology, surrogates
 *   overlay events, connect, forget, tick          -> settle (at most every 100 ms): routes, relays, dials, changed
 *   <- dial, send, finish, close, resolve, event, log
 * ```
 *
 * Every change marks; {@link MeshCore} settles once for all changes within 100 ms, so that a storm of updates costs ten
 * computations of routes a second and no more. The first loss of a connection is settled at once,
 * and so is what a neighbour says of the link to us: frames that others send our way because of it must not turn back.
 *
 * @module
 */

import { formatPeerName, type Machine, type Millis } from "../base/mod.ts";
import { Collisions } from "./collisions.ts";
import { Connections } from "./connections.ts";
import { Dialer } from "./dialer.ts";
import { Discovery } from "./discovery.ts";
import type { Channel } from "./channel.ts";
import type { MeshInput, MeshOutput } from "./mesh_io.ts";
import { randomFraction, randomUint64 } from "./random.ts";
import { takeSnapshot } from "./snapshot.ts";
import { Spreading } from "./spreading.ts";
import { parseTarget } from "./target.ts";
import { Topology } from "./topology.ts";
import type { ForwardingPeer, MeshConfig, MeshCrypto, MeshSnapshot } from "./types.ts";

/** Between two computations of routes. */
const SETTLE_MS = 100;

/** The core of the mesh. */
export class MeshCore implements Machine<MeshInput, MeshOutput> {
  /** The peer table. */
  readonly topology: Topology;
  readonly #discovers: boolean;
  readonly #spreading: Spreading;
  readonly #dialer: Dialer;
  readonly #discovery: Discovery;
  readonly #collisions: Collisions;
  readonly #connections: Connections;
  readonly #out: MeshOutput[] = [];
  #dirty = true;
  #settleAt: Millis;

  /**
   * Sets everything up and takes the targets of the configuration.
   *
   * @param channels gossip channels that others handle, beside our own
   * @throws {WireError} if a target or a trusted subnet does not parse
   */
  constructor(
    config: MeshConfig,
    crypto: MeshCrypto,
    now: Millis,
    channels: readonly Channel[] = [],
  ) {
    const random = (): number => randomFraction(crypto);
    const { name, nickname, port } = config;
    const topology = new Topology({ name, nickname, uid: randomUint64(crypto), random });
    const spreading = new Spreading({ topology, random, sha256: crypto.sha256, channels }, now);
    const dialer = new Dialer({ port, random });
    this.topology = topology;
    this.#discovers = config.discovery;
    this.#spreading = spreading;
    this.#dialer = dialer;
    this.#discovery = new Discovery(topology, port);
    const emit = (output: MeshOutput): void => void this.#out.push(output);
    const changed = (): void => this.#mark();
    const collisions = new Collisions(topology);
    this.#collisions = collisions;
    const parts = { config, crypto, topology, spreading, dialer, collisions, emit, changed };
    this.#connections = new Connections(parts);
    this.#settleAt = now;
    dialer.connect(config.targets.map(parseTarget), false, now);
  }

  /** Returns a number for an accepted connection. */
  newId(): number {
    return this.#connections.newId();
  }

  /** Takes one input. */
  handle(input: MeshInput, now: Millis): void {
    if (input.kind === "stop") return this.#connections.closeAll("we stop", now);
    this.#dispatch(input, now);
    this.#lookForCollisions(now);
    const { name } = this.topology;
    // What cannot wait to be told cannot wait to be acted upon either.
    if (this.topology.takeAnnouncement() && this.#spreading.announce([name], now)) {
      this.#settleAt = now;
    }
    if (this.#spreading.takeEdgeChange(now)) this.#settleAt = now;
    if (this.#needsSettling() && now >= this.#settleAt) this.#settle(now);
    this.#connections.flush(now);
  }

  /** Returns the next output. */
  poll(): MeshOutput | undefined {
    return this.#out.shift();
  }

  /** Returns when it wants a tick. */
  deadline(): Millis | undefined {
    return Math.min(
      this.#spreading.deadline(),
      this.#needsSettling() ? this.#settleAt : Infinity,
      Math.max(this.#wantsDials(), this.#settleAt),
      this.#connections.deadline(),
    );
  }

  /** Returns routes for frames, as of now. */
  forwarding(): ForwardingPeer[] {
    this.#spreading.routes.refresh();
    return this.#spreading.routes.forwarding();
  }

  /** Returns what status pages show. `toEpoch` is added to times to make them ms since 1970. */
  snapshot(now: Millis, toEpoch: Millis): MeshSnapshot {
    return takeSnapshot({
      topology: this.topology,
      dialer: this.#dialer,
      live: this.#connections.live,
      registered: this.#connections.registered(),
      refusals: this.#connections.refusals(now),
      collisions: this.#collisions,
      now,
      toEpoch,
    });
  }

  #dispatch(input: Exclude<MeshInput, { kind: "stop" }>, now: Millis): void {
    switch (input.kind) {
      case "accepted":
        return this.#connections.accept(input.id, input.remote, now);
      case "resolved":
        this.#dialer.resolved(input.host, input.answer, now);
        return this.#mark();
      case "connect":
        this.#dialer.connect(input.targets, input.replace, now);
        return this.#mark();
      case "forget":
        this.#dialer.forget(input.targets);
        return this.#mark();
      case "gossip":
        return this.#spreading.gossip(input.channel, input.item);
      case "broadcast":
        return this.#spreading.broadcast(input.channel, input.item);
      case "unicast":
        return this.#spreading.unicast(input.channel, input.to, input.payload);
      case "tick":
        return this.#tick(now);
      default:
        return this.#connections.handle(input, now);
    }
  }

  #tick(now: Millis): void {
    this.#connections.tick(now);
    this.#spreading.tick(now);
    if (now >= this.#wantsDials()) this.#mark();
  }

  /** When the dialler has something to do, be it that somebody told of another peer. */
  #wantsDials(): Millis {
    const discovery = this.#discovers ? this.#discovery.deadline() : Infinity;
    return Math.min(this.#dialer.deadline() ?? Infinity, discovery);
  }

  #mark(): void {
    this.#dirty = true;
  }

  #needsSettling(): boolean {
    return this.#dirty || this.#spreading.unsettled;
  }

  #settle(now: Millis): void {
    this.#settleAt = now + SETTLE_MS;
    this.#dirty = false;
    this.#spreading.settle();
    const connections = this.#connections.registered();
    const discovered = this.#discovers
      ? this.#discovery.find(this.#connections.neighbours, now)
      : [];
    for (const action of this.#dialer.check({ connections, discovered }, now)) {
      if (action.kind === "dial") this.#connections.dial(action, now);
      else this.#out.push(action);
    }
    this.#out.push({ kind: "event", event: { kind: "changed" } });
  }

  #lookForCollisions(now: Millis): void {
    for (const { name, text: reason } of this.#collisions.look(now)) {
      const fields = { peer: formatPeerName(name), reason };
      this.#out.push({ kind: "log", level: "warn", message: "name collision", fields });
    }
  }
}
