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
import { type Discovered, Discovery } from "./discovery.ts";
import { Door } from "./door.ts";
import { encodeFeatures, type Features, isTrusted, parseTrustedSubnet } from "./features.ts";
import { Gossip } from "./gossip.ts";
import type { Introduction } from "./handshake.ts";
import type { Live, LiveLink } from "./live.ts";
import { label, negotiateOverlays, objectionTo, tieBreak } from "./registration.ts";
import { Routes } from "./routes.ts";
import { takeSnapshot } from "./snapshot.ts";
import { parseTarget, type Target } from "./target.ts";
import { Topology } from "./topology.ts";
import { TOPOLOGY, TopologyChannel } from "./topology_channel.ts";
import type { ForwardingPeer, MeshConfig, MeshCrypto, MeshEvent, MeshSnapshot } from "./types.ts";
import { overlayMessage, parseMessage, ProtocolError } from "./wire.ts";

/** Longest wait for a TCP connection to be made. */
const DIAL_MS = 10_000;
/** From a change of our entry to its announcement; later changes join it. */
const ANNOUNCE_MS = 1_000;
/** From news to the sweep of unreachable peers. */
const SWEEP_MS = 1_000;
/** Between two tellings of everything. */
const PERIODIC_MS = 30_000;
/** Between two computations of routes. */
const SETTLE_MS = 100;
/** Between two searches of the topology for addresses. */
const DISCOVER_MS = 1_000;
/** A connection with more unwritten bytes gets no gossip. */
const LOW_WATER_BYTES = 256 * 1024;
/** A connection with more unwritten bytes is given up: the largest message, thrice. */
const HIGH_WATER_BYTES = 32 * 1024 * 1024;

/** What happens to the mesh. */
export type MeshInput =
  /** A TCP connection came in; `id` is from {@link MeshCore.newId}. */
  | { readonly kind: "accepted"; readonly id: number; readonly remote: Endpoint }
  /** A dial succeeded. */
  | { readonly kind: "dialled"; readonly id: number }
  /** Bytes came. */
  | { readonly kind: "received"; readonly id: number; readonly bytes: Uint8Array }
  /** The socket took bytes of earlier sends. */
  | { readonly kind: "sent"; readonly id: number; readonly bytes: number }
  /** A dial failed, or a connection is closed by the remote; `reason` if it was not in good order. */
  | { readonly kind: "ended"; readonly id: number; readonly reason: string | undefined }
  /** A name was looked up: addresses of 16 bytes, or why there are none. */
  | {
    readonly kind: "resolved";
    readonly host: string;
    readonly answer: readonly Uint8Array[] | string;
  }
  /** Adds targets. */
  | { readonly kind: "connect"; readonly targets: readonly Target[]; readonly replace: boolean }
  /** Removes targets. */
  | { readonly kind: "forget"; readonly targets: readonly string[] }
  /** An overlay of ours speaks to the remote's. */
  | {
    readonly kind: "overlayControl";
    readonly id: number;
    readonly index: number;
    readonly tag: number;
    readonly body: Uint8Array;
  }
  /** An overlay of a connection works, or none does any more. */
  | { readonly kind: "overlayEstablished"; readonly id: number; readonly established: boolean }
  /** No overlay of a connection can work. */
  | { readonly kind: "overlayFailed"; readonly id: number; readonly reason: string }
  /** Close everything. */
  | { readonly kind: "stop" }
  /** Time has passed. */
  | { readonly kind: "tick" };

/** What the mesh wants. */
export type MeshOutput =
  /** Dial; answer with `dialled` or `ended`. */
  | { readonly kind: "dial"; readonly id: number; readonly remote: Endpoint }
  /** Write bytes; answer with `sent`. */
  | { readonly kind: "send"; readonly id: number; readonly bytes: Uint8Array }
  /** Close our half after what was written. */
  | { readonly kind: "finish"; readonly id: number }
  /** Close; nothing more is heard or said of it. */
  | { readonly kind: "close"; readonly id: number }
  /** Look a name up. */
  | { readonly kind: "resolve"; readonly host: string }
  /** Tell the router. */
  | { readonly kind: "event"; readonly event: MeshEvent }
  /** Write a line. */
  | {
    readonly kind: "log";
    readonly level: LogLevel;
    readonly message: string;
    readonly fields: LogFields;
  };

/** The core of the mesh. */
export class MeshCore implements Machine<MeshInput, MeshOutput> {
  /** The peer table. */
  readonly topology: Topology;
  #config: MeshConfig;
  #crypto: MeshCrypto;
  #trustedSubnets: ReturnType<typeof parseTrustedSubnet>[];
  #routes: Routes;
  #channel: TopologyChannel;
  #gossip: Gossip;
  #dialer: Dialer;
  #discovery: Discovery;
  #door = new Door();
  #live = new Map<number, Live>();
  #byPeer = new Map<PeerName, Live>();
  #out: MeshOutput[] = [];
  #lastId = 0;
  #announced = new Set<PeerName>();
  #announceAt: Millis | undefined;
  #sweepAt: Millis | undefined;
  #periodicAt: Millis;
  #dirty = true;
  #settleAt: Millis;
  #discovered: readonly Discovered[] = [];
  #discoveredRevision = -1;
  #discoverAt: Millis;

  /**
   * Sets everything up and takes the targets of the configuration.
   *
   * @throws {WireError} if a target or a trusted subnet does not parse
   */
  constructor(config: MeshConfig, crypto: MeshCrypto, now: Millis) {
    this.#config = config;
    this.#crypto = crypto;
    this.#trustedSubnets = config.trustedSubnets.map(parseTrustedSubnet);
    const random = (): number => randomFraction(crypto);
    const { name, nickname, port } = config;
    this.topology = new Topology({ name, nickname, uid: randomUint64(crypto), random });
    this.#routes = new Routes(this.topology);
    this.#channel = new TopologyChannel(this.topology);
    this.#gossip = new Gossip(
      { self: name, routes: this.#routes, random, sha256: crypto.sha256 },
      [this.#channel],
    );
    this.#dialer = new Dialer({ port, random });
    this.#discovery = new Discovery(this.topology, port);
    this.#periodicAt = now + PERIODIC_MS;
    this.#settleAt = now;
    this.#discoverAt = now;
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
    if (this.topology.takeAnnouncement()) this.#announce([this.topology.name], now);
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
      this.#periodicAt,
      this.#announceAt ?? Infinity,
      this.#sweepAt ?? Infinity,
      this.#needsSettling() ? this.#settleAt : Infinity,
      Math.max(this.#dialer.deadline() ?? Infinity, this.#settleAt),
    );
    if (this.#config.discovery && this.#discoveredRevision !== this.topology.revision) {
      first = Math.min(first, Math.max(this.#discoverAt, this.#settleAt));
    }
    for (const { due, connection } of this.#live.values()) {
      first = Math.min(first, due ?? connection?.deadline() ?? Infinity);
    }
    return first;
  }

  /** Returns routes for frames, as of the last change that was told. */
  forwarding(): ForwardingPeer[] {
    this.#routes.refresh();
    return this.#routes.forwarding();
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
    if (now >= (this.#sweepAt ?? Infinity)) this.#sweep();
    if (now >= (this.#announceAt ?? Infinity)) {
      this.#announceAt = undefined;
      this.#routes.refresh();
      this.#gossip.send(TOPOLOGY, new Set(this.#announced));
      this.#announced.clear();
    }
    if (now >= this.#periodicAt) {
      this.#periodicAt = now + PERIODIC_MS;
      this.#routes.refresh();
      this.#gossip.sendPeriodic();
    }
    if (now >= (this.#dialer.deadline() ?? Infinity)) this.#mark();
    if (this.#config.discovery && this.#discoveredRevision !== this.topology.revision) this.#mark();
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

  #newLive(
    id: number,
    remote: Endpoint,
    dialKey: string | undefined,
    password: number,
  ): Live {
    return {
      id,
      outbound: dialKey !== undefined,
      remote,
      dialKey,
      password,
      connId: randomUint64(this.#crypto),
      trusted: isTrusted(this.#trustedSubnets, remote.ip),
      connection: undefined,
      due: undefined,
      unsent: 0,
      stranger: false,
      never: false,
      link: undefined,
    };
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
    this.#routes.refresh();
    const reachable = this.#routes.nextHopEstablished(link.peer) !== undefined;
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
    this.#gossip.addNeighbour(link.peer);
    this.#event({ kind: "linkUp", link: linkOf(link) });
    if (!reachable || restarted) this.#gossip.sendFull(link.peer);
    this.#announce([link.peer, this.topology.name], now);
    this.#log("info", "connected", live);
    this.#mark();
  }

  #message(live: Live, bytes: Uint8Array, now: Millis): void {
    const { link } = live;
    // A refused connection may still have had messages behind its introduction.
    if (link === undefined) return;
    const { revision } = this.topology;
    try {
      const message = parseMessage(bytes);
      if (message.kind === "overlay") {
        if (message.index >= link.overlays.length) return;
        const { index, tag, body } = message;
        this.#event({ kind: "overlayControl", id: live.id, index, tag, body });
      } else this.#gossip.receive(message, link.peer, now);
    } catch (error) {
      if (!(error instanceof WireError || error instanceof ProtocolError)) throw error;
      this.#close(live, error.message, undefined, now);
    }
    if (revision !== this.topology.revision) this.#sweepAt ??= now + SWEEP_MS;
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
      this.#gossip.removeNeighbour(link.peer);
      this.topology.removeConnection(link.peer);
      this.topology.release(link.peer);
      // Before the announcement, else those who died circulate for ever.
      this.#sweep();
      this.#event({ kind: "linkDown", id: live.id, reason });
      this.#log("info", "disconnected", live, reason);
    }
    if (live.dialKey !== undefined) {
      const end = { reason, never: live.never, nextPassword };
      const news = this.#dialer.ended(live.dialKey, end, now);
      if (link === undefined && news) this.#log("warn", "cannot connect", live, reason);
    } else if (link === undefined) this.#refused(live.remote, reason, now);
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
      const message = this.#gossip.next(peer);
      if (message === undefined) return;
      this.#send(live, message, now);
    }
  }

  #announce(names: readonly PeerName[], now: Millis): void {
    for (const name of names) this.#announced.add(name);
    this.#announceAt ??= now + ANNOUNCE_MS;
  }

  #sweep(): void {
    this.#sweepAt = undefined;
    this.topology.sweep();
  }

  #mark(): void {
    this.#dirty = true;
  }

  #needsSettling(): boolean {
    return this.#dirty || this.#routes.stale || this.#channel.hasNews;
  }

  #settle(now: Millis): void {
    this.#settleAt = now + SETTLE_MS;
    this.#dirty = false;
    this.#routes.refresh();
    for (const [from, names] of this.#channel.takeNews()) this.#gossip.send(TOPOLOGY, names, from);
    this.#discover(now);
    const connections = [...this.#byPeer.values()].map(({ link, remote, outbound }) => ({
      peer: link?.peer ?? 0,
      remote,
      outbound,
    }));
    const view = { connections, discovered: this.#discovered };
    for (const action of this.#dialer.check(view, now)) {
      if (action.kind === "dial") this.#dial(action, now);
      else this.#out.push(action);
    }
    this.#event({ kind: "changed" });
  }

  #discover(now: Millis): void {
    const { revision } = this.topology;
    if (!this.#config.discovery || revision === this.#discoveredRevision) return;
    if (now < this.#discoverAt) return;
    this.#discoverAt = now + DISCOVER_MS;
    this.#discoveredRevision = revision;
    this.#discovered = this.#discovery.find(new Set(this.#byPeer.keys()));
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

function makeLink(
  live: Live,
  introduction: Introduction,
  overlays: LiveLink["overlays"],
  now: Millis,
): LiveLink {
  const { features, sessionKey, password } = introduction;
  const inClear = live.trusted && features.trusted;
  return {
    id: live.id,
    peer: features.name,
    nickname: features.nickname,
    connUid: connUidOf(live, features),
    outbound: live.outbound,
    remote: live.remote,
    sessionKey: inClear ? undefined : sessionKey,
    overlays,
    weft: features.weft,
    oldPassword: sessionKey !== undefined && password !== 0,
    encrypted: sessionKey === undefined ? undefined : !inClear,
    established: false,
    since: now,
  };
}

function connUidOf(live: Live, features: Features): bigint {
  return live.connId ^ features.connId;
}

function linkOf(link: LiveLink): Extract<MeshEvent, { kind: "linkUp" }>["link"] {
  const { id, peer, nickname, connUid, outbound, remote, sessionKey, overlays, weft } = link;
  return { id, peer, nickname, connUid, outbound, remote, sessionKey, overlays, weft };
}

function randomUint64(crypto: MeshCrypto): bigint {
  const bytes = crypto.randomBytes(8);
  const value = new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(0);
  return value === 0n ? 1n : value;
}

function randomFraction(crypto: MeshCrypto): number {
  const bytes = crypto.randomBytes(4);
  return new DataView(bytes.buffer, bytes.byteOffset).getUint32(0) / 2 ** 32;
}
