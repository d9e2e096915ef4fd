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
 * computations of routes a second and no more.
 *
 * @module
 */

import {
  type Endpoint,
  formatEndpoint,
  formatPeerName,
  type LogFields,
  type LogLevel,
  type Machine,
  type Millis,
  type PeerName,
  WireError,
} from "../base/mod.ts";
import { Connection } from "./connection.ts";
import { Dialer, type DialerAction } from "./dialer.ts";
import { Discovery } from "./discovery.ts";
import { Door } from "./door.ts";
import { encodeFeatures, isTrusted, parseTrustedSubnet } from "./features.ts";
import type { Channel } from "./gossip.ts";
import type { Introduction } from "./handshake.ts";
import { linkOf, type Live, type LiveLink, makeLink, newLive } from "./live.ts";
import type { MeshInput, MeshOutput } from "./mesh_io.ts";
import { randomFraction, randomUint64 } from "./random.ts";
import { label, negotiateOverlays, objectionTo, tieBreak } from "./registration.ts";
import { takeSnapshot } from "./snapshot.ts";
import { Spreading } from "./spreading.ts";
import { parseTarget } from "./target.ts";
import { Topology } from "./topology.ts";
import type { ForwardingPeer, MeshConfig, MeshCrypto, MeshEvent, MeshSnapshot } from "./types.ts";
import { overlayMessage, parseMessage, ProtocolError } from "./wire.ts";

/** Longest wait for a TCP connection to be made. */
const DIAL_MS = 10_000;
/** Between two computations of routes. */
const SETTLE_MS = 100;
/** A connection with more unwritten bytes gets no gossip. */
const LOW_WATER_BYTES = 256 * 1024;
/** A connection with more unwritten bytes is given up: the largest message, thrice. */
const HIGH_WATER_BYTES = 32 * 1024 * 1024;

/** The core of the mesh. */
export class MeshCore implements Machine<MeshInput, MeshOutput> {
  /** The peer table. */
  readonly topology: Topology;
  #config: MeshConfig;
  #crypto: MeshCrypto;
  #trustedSubnets: ReturnType<typeof parseTrustedSubnet>[];
  #spreading: Spreading;
  #dialer: Dialer;
  #discovery: Discovery;
  #door = new Door();
  #live = new Map<number, Live>();
  #byPeer = new Map<PeerName, Live>();
  #out: MeshOutput[] = [];
  #lastId = 0;
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
    this.#config = config;
    this.#crypto = crypto;
    this.#trustedSubnets = config.trustedSubnets.map(parseTrustedSubnet);
    const random = (): number => randomFraction(crypto);
    const { name, nickname, port } = config;
    this.topology = new Topology({ name, nickname, uid: randomUint64(crypto), random });
    const { sha256 } = crypto;
    this.#spreading = new Spreading({ topology: this.topology, random, sha256, channels }, now);
    this.#dialer = new Dialer({ port, random });
    this.#discovery = new Discovery(this.topology, port);
    this.#settleAt = now;
    this.#dialer.connect(config.targets.map(parseTarget), false, now);
  }

  /** Returns a number for an accepted connection. */
  newId(): number {
    return ++this.#lastId;
  }

  /** Takes one input. */
  handle(input: MeshInput, now: Millis): void {
    if (input.kind === "stop") {
      for (const live of [...this.#live.values()]) this.#close(live, "we stop", undefined, now);
      return;
    }
    this.#dispatch(input, now);
    if (this.topology.takeAnnouncement()) this.#spreading.announce([this.topology.name], now);
    if (this.#needsSettling() && now >= this.#settleAt) this.#settle(now);
    for (const live of [...this.#byPeer.values()]) this.#flush(live, now);
  }

  /** Returns the next output. */
  poll(): MeshOutput | undefined {
    return this.#out.shift();
  }

  /** Returns when it wants a tick. */
  deadline(): Millis | undefined {
    let first = Math.min(
      this.#spreading.deadline(),
      this.#needsSettling() ? this.#settleAt : Infinity,
      Math.max(this.#wantsDials(), this.#settleAt),
    );
    for (const { due, connection } of this.#live.values()) {
      first = Math.min(first, due ?? connection?.deadline() ?? Infinity);
    }
    return first;
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
      live: this.#live.values(),
      refusals: this.#door.refusals(now),
      toEpoch,
    });
  }

  #dispatch(input: Exclude<MeshInput, { kind: "stop" }>, now: Millis): void {
    switch (input.kind) {
      case "accepted":
        return this.#accept(input.id, input.remote, now);
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
    }
    const live = this.#live.get(input.id);
    if (live === undefined) return;
    switch (input.kind) {
      case "dialled":
        return this.#begin(live, now);
      case "received":
        live.connection?.handle({ kind: "received", bytes: input.bytes }, now);
        return this.#pump(live, now);
      case "sent":
        live.unsent -= input.bytes;
        return;
      case "ended":
        if (live.connection === undefined || live.due !== undefined) {
          return this.#close(live, input.reason ?? "it closed the connection", undefined, now);
        }
        live.connection.handle({ kind: "ended", reason: input.reason }, now);
        return this.#pump(live, now);
      case "overlayControl":
        return this.#sendControl(live, input, now);
      case "overlayEstablished":
        return this.#setEstablished(live, input.established, now);
      case "overlayFailed":
        return this.#close(live, input.reason, undefined, now);
    }
  }

  #tick(now: Millis): void {
    for (const live of [...this.#live.values()]) {
      if (live.due !== undefined) {
        if (now < live.due) continue;
        if (live.outbound) {
          this.#close(live, `no answer within ${DIAL_MS / 1000} s`, undefined, now);
        } else this.#begin(live, now);
      } else if (now >= (live.connection?.deadline() ?? Infinity)) {
        live.connection?.handle({ kind: "tick" }, now);
        this.#pump(live, now);
      }
    }
    this.#spreading.tick(now);
    if (now >= this.#wantsDials()) this.#mark();
  }

  /** When the dialler has something to do, be it that somebody told of another peer. */
  #wantsDials(): Millis {
    const discovery = this.#config.discovery ? this.#discovery.deadline() : Infinity;
    return Math.min(this.#dialer.deadline() ?? Infinity, discovery);
  }

  // Connections

  #accept(id: number, remote: Endpoint, now: Millis): void {
    const begin = this.#door.enter(now);
    if (begin === undefined) {
      this.#out.push({ kind: "close", id });
      return this.#refused(remote, "too many connections are being introduced", now);
    }
    const live = this.#newLive(id, remote, undefined, 0);
    live.stranger = true;
    live.due = begin;
    live.connection = this.#newConnection(live);
    this.#live.set(id, live);
    if (begin <= now) this.#begin(live, now);
  }

  #dial(action: DialerAction & { kind: "dial" }, now: Millis): void {
    if (this.#atLimit()) {
      const reason = this.#limitReason();
      this.#dialer.ended(action.key, { reason, never: false, nextPassword: undefined }, now);
      return;
    }
    const live = this.#newLive(this.newId(), action.endpoint, action.key, action.password);
    live.due = now + DIAL_MS;
    this.#live.set(live.id, live);
    this.#out.push({ kind: "dial", id: live.id, remote: action.endpoint });
  }

  #newLive(id: number, remote: Endpoint, dialKey: string | undefined, password: number): Live {
    const connId = randomUint64(this.#crypto);
    const trusted = isTrusted(this.#trustedSubnets, remote.ip);
    return newLive({ id, remote, dialKey, password, connId, trusted });
  }

  #newConnection(live: Live): Connection {
    const { name, nickname, uid, shortId } = this.topology.self;
    const features = encodeFeatures({
      name,
      nickname,
      uid,
      shortId,
      connId: live.connId,
      trusted: live.trusted,
      overlays: this.#config.overlays,
      weft: true,
    });
    const { outbound, password } = live;
    const { passwords } = this.#config;
    return new Connection({ crypto: this.#crypto, outbound, passwords, password, features });
  }

  #begin(live: Live, now: Millis): void {
    live.due = undefined;
    live.connection ??= this.#newConnection(live);
    live.connection.handle({ kind: "start" }, now);
    this.#pump(live, now);
  }

  #pump(live: Live, now: Millis): void {
    for (let out = live.connection?.poll(); out !== undefined; out = live.connection?.poll()) {
      switch (out.kind) {
        case "send":
          live.unsent += out.bytes.length;
          this.#out.push({ kind: "send", id: live.id, bytes: out.bytes });
          break;
        case "finish":
          this.#out.push({ kind: "finish", id: live.id });
          break;
        case "introduced":
          this.#introduced(live, out.introduction, now);
          break;
        case "message":
          this.#message(live, out.message, now);
          break;
        case "closed":
          this.#close(live, out.reason, out.nextPassword, now);
      }
    }
    if (live.unsent > HIGH_WATER_BYTES) this.#close(live, "it does not read", undefined, now);
  }

  #introduced(live: Live, introduction: Introduction, now: Millis): void {
    const { features } = introduction;
    this.#authenticated(live);
    if (live.dialKey !== undefined) this.#dialer.connected(live.dialKey, features.name);
    const objection = objectionTo(features, this.topology.self);
    if (objection !== undefined) {
      live.never = objection.never;
      live.harmless = objection.ourself;
      return this.#refuse(live, objection.reason, now);
    }
    const overlays = negotiateOverlays(this.#config.overlays, features.overlays);
    if (typeof overlays === "string") return this.#refuse(live, overlays, now);
    const known = this.topology.get(features.name);
    const direct = live.dialKey === undefined || this.#dialer.isDirect(live.dialKey);
    if (known === undefined && !direct) {
      const who = label(features.name, features.nickname);
      return this.#refuse(live, `Found unknown remote name: ${who}`, now);
    }
    const connUid = live.connId ^ features.connId;
    const rival = this.#byPeer.get(features.name);
    if (rival === undefined && this.#atLimit()) return this.#refuse(live, this.#limitReason(), now);
    // Held before the rival goes, else the sweep takes the peer with it.
    this.topology.introduce(features);
    this.topology.hold(features.name);
    if (rival?.link !== undefined) {
      const verdict = tieBreak(connUid, rival.link.connUid);
      const reason = `Multiple connections to ${label(features.name, features.nickname)}`;
      live.harmless = true;
      if (verdict !== "keep_existing") this.#close(rival, reason, undefined, now);
      if (verdict !== "keep_new") {
        this.topology.release(features.name);
        return this.#refuse(live, reason, now);
      }
    }
    const restarted = known !== undefined && known.uid !== features.uid;
    this.#register(live, makeLink(live, introduction, overlays, now), restarted, now);
  }

  #register(live: Live, link: LiveLink, restarted: boolean, now: Millis): void {
    const { routes } = this.#spreading;
    routes.refresh();
    const reachable = routes.nextHopEstablished(link.peer) !== undefined;
    live.link = link;
    this.#byPeer.set(link.peer, live);
    if (live.dialKey !== undefined) this.#dialer.established(live.dialKey, now);
    else this.#door.forgive(live.remote);
    this.topology.addConnection({
      peer: link.peer,
      address: formatEndpoint(live.remote),
      outbound: live.outbound,
      established: false,
    });
    this.#event({ kind: "linkUp", link: linkOf(link) });
    this.#spreading.addNeighbour(link.peer, !reachable || restarted);
    this.#spreading.announce([link.peer, this.topology.name], now);
    this.#log("info", "connected", live);
    this.#mark();
  }

  #message(live: Live, bytes: Uint8Array, now: Millis): void {
    const { link } = live;
    // A refused connection may still have had messages behind its introduction.
    if (link === undefined) return;
    try {
      const message = parseMessage(bytes);
      if (message.kind === "overlay") {
        if (message.index >= link.overlays.length) return;
        const { index, tag, body } = message;
        this.#event({ kind: "overlayControl", id: live.id, index, tag, body });
      } else this.#spreading.receive(message, link.peer, now);
    } catch (error) {
      if (!(error instanceof WireError || error instanceof ProtocolError)) throw error;
      this.#close(live, error.message, undefined, now);
    }
  }

  #refuse(live: Live, reason: string, now: Millis): void {
    live.connection?.handle({ kind: "refuse", reason }, now);
  }

  #authenticated(live: Live): void {
    if (live.stranger) this.#door.leave();
    live.stranger = false;
  }

  #close(live: Live, reason: string, nextPassword: number | undefined, now: Millis): void {
    if (!this.#live.delete(live.id)) return;
    this.#authenticated(live);
    live.connection = undefined;
    this.#out.push({ kind: "close", id: live.id });
    const { link } = live;
    if (link !== undefined) {
      this.#byPeer.delete(link.peer);
      this.topology.removeConnection(link.peer);
      this.topology.release(link.peer);
      this.#spreading.removeNeighbour(link.peer);
      this.#event({ kind: "linkDown", id: live.id, reason });
      this.#log("info", "disconnected", live, reason);
    }
    if (live.dialKey !== undefined) {
      const end = { reason, never: live.never, nextPassword };
      const news = this.#dialer.ended(live.dialKey, end, now);
      const level = live.harmless ? "debug" : "warn";
      if (link === undefined && news) this.#log(level, "cannot connect", live, reason);
    } else if (link === undefined && !live.harmless) this.#refused(live.remote, reason, now);
    this.#mark();
  }

  #refused(remote: Endpoint, reason: string, now: Millis): void {
    if (!this.#door.refuse(remote, reason, now)) return;
    const fields = { remote: formatEndpoint(remote), reason };
    this.#out.push({ kind: "log", level: "warn", message: "refused connection", fields });
  }

  #sendControl(live: Live, input: MeshInput & { kind: "overlayControl" }, now: Millis): void {
    const { index, tag, body } = input;
    // Real peers do not survive an index out of range.
    const valid = live.link !== undefined && index >= 0 && index < live.link.overlays.length &&
      tag >= 0 && tag < 256;
    if (!valid) return;
    this.#send(live, overlayMessage(index, tag, body), now);
  }

  #setEstablished(live: Live, established: boolean, now: Millis): void {
    if (live.link === undefined || live.link.established === established) return;
    live.link.established = established;
    live.link.since = now;
    if (live.dialKey !== undefined && established) this.#dialer.forgetReason(live.dialKey);
    this.topology.setEstablished(live.link.peer, established);
    this.#mark();
  }

  #send(live: Live, message: Uint8Array, now: Millis): void {
    live.connection?.handle({ kind: "send", message }, now);
    this.#pump(live, now);
  }

  // Spreading

  #flush(live: Live, now: Millis): void {
    const peer = live.link?.peer;
    if (peer === undefined) return;
    while (live.unsent < LOW_WATER_BYTES && this.#live.has(live.id)) {
      const message = this.#spreading.next(peer);
      if (message === undefined) return;
      this.#send(live, message, now);
    }
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
    const connections = [...this.#byPeer.values()].map(({ link, remote, outbound }) => ({
      peer: link?.peer ?? 0,
      remote,
      outbound,
    }));
    const discovered = this.#config.discovery
      ? this.#discovery.find(new Set(this.#byPeer.keys()), now)
      : [];
    for (const action of this.#dialer.check({ connections, discovered }, now)) {
      if (action.kind === "dial") this.#dial(action, now);
      else this.#out.push(action);
    }
    this.#event({ kind: "changed" });
  }

  #atLimit(): boolean {
    const { connectionLimit } = this.#config;
    return connectionLimit > 0 && this.#byPeer.size >= connectionLimit;
  }

  #limitReason(): string {
    return `connection limit reached (${this.#config.connectionLimit})`;
  }

  #event(event: MeshEvent): void {
    this.#out.push({ kind: "event", event });
  }

  #log(level: LogLevel, message: string, live: Live, reason?: string): void {
    const fields: LogFields = { remote: formatEndpoint(live.remote), connection: live.id };
    if (live.link !== undefined) fields.peer = formatPeerName(live.link.peer);
    if (reason !== undefined) fields.reason = reason;
    this.#out.push({ kind: "log", level, message, fields });
  }
}
