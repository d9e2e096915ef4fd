/**
 * All TCP connections of a router, each from its dial or accept to its close.
 *
 * ```
 *   accept, dial -> begin -> introduced -> registered: in the topology, linkUp -> messages -> close: linkDown
 *                                \-> refused, with the reason
 * ```
 *
 * What changes is told to topology, spreading and dialler here; when routes are computed and whom to dial next is decided
 * in `mesh.ts`.
 *
 * @module
 */

import {
  type Endpoint,
  formatEndpoint,
  formatPeerName,
  type LogFields,
  type LogLevel,
  type Millis,
  type PeerName,
  WireError,
} from "../base/mod.ts";
import type { Collisions } from "./collisions.ts";
import { Connection } from "./connection.ts";
import type { Dialer, DialerAction, DialerConnection } from "./dialer.ts";
import { Door, type Refusal } from "./door.ts";
import { encodeFeatures, isTrusted, parseTrustedSubnet } from "./features.ts";
import type { Introduction } from "./handshake.ts";
import { linkOf, type Live, type LiveLink, makeLink, newLive } from "./live.ts";
import type { MeshInput, MeshOutput } from "./mesh_io.ts";
import { randomUint64 } from "./random.ts";
import { connectionId, label, negotiateOverlays, objectionTo, tieBreak } from "./registration.ts";
import type { Spreading } from "./spreading.ts";
import type { Topology } from "./topology.ts";
import type { MeshConfig, MeshCrypto, MeshEvent } from "./types.ts";
import { overlayMessage, parseMessage, ProtocolError } from "./wire.ts";

/** A connection with more unwritten bytes gets no gossip. */
const LOW_WATER_BYTES = 256 * 1024;
/** A connection with more unwritten bytes is given up: the largest message, thrice. */
const HIGH_WATER_BYTES = 32 * 1024 * 1024;

/** What connections work with, and whom they tell. */
export interface ConnectionsParts {
  /** How the mesh is set up. */
  readonly config: MeshConfig;
  /** Cryptography. */
  readonly crypto: MeshCrypto;
  /** The peer table. */
  readonly topology: Topology;
  /** Gossip and routes. */
  readonly spreading: Spreading;
  /** The connection maker. */
  readonly dialer: Dialer;
  /** Names that two routers bear. */
  readonly collisions: Collisions;
  /** Takes what the mesh wants. */
  readonly emit: (output: MeshOutput) => void;
  /** Notes that something has to be settled. */
  readonly changed: () => void;
}

/** Inputs that are about one connection. */
export type ConnectionsInput = Extract<
  MeshInput,
  {
    readonly kind:
      | "dialled"
      | "received"
      | "sent"
      | "ended"
      | "overlayControl"
      | "overlayEstablished"
      | "overlayFailed";
  }
>;

/** Keeps the connections. */
export class Connections {
  readonly #parts: ConnectionsParts;
  readonly #trustedSubnets: ReturnType<typeof parseTrustedSubnet>[];
  readonly #door = new Door();
  readonly #live = new Map<number, Live>();
  readonly #byPeer = new Map<PeerName, Live>();
  #lastId = 0;

  /**
   * Has no connections yet.
   *
   * @throws {WireError} if a trusted subnet does not parse
   */
  constructor(parts: ConnectionsParts) {
    this.#parts = parts;
    this.#trustedSubnets = parts.config.trustedSubnets.map(parseTrustedSubnet);
  }

  /** All of them, in the topology or not yet. */
  get live(): Iterable<Live> {
    return this.#live.values();
  }

  /** Names of our neighbours. */
  get neighbours(): Set<PeerName> {
    return new Set(this.#byPeer.keys());
  }

  /** Returns a number for an accepted connection. */
  newId(): number {
    return ++this.#lastId;
  }

  /** Returns connections that are in the topology, as the dialler sees them. */
  registered(): DialerConnection[] {
    return [...this.#byPeer].map(([peer, { remote, outbound }]) => ({ peer, remote, outbound }));
  }

  /** Returns who was refused lately. */
  refusals(now: Millis): Refusal[] {
    return this.#door.refusals(now);
  }

  /** Returns when it wants a tick. */
  deadline(): Millis {
    let first = Infinity;
    for (const { due, connection } of this.#live.values()) {
      first = Math.min(first, due ?? connection?.deadline() ?? Infinity);
    }
    return first;
  }

  /** Takes what happened to one connection; unknown ones have ended. */
  handle(input: ConnectionsInput, now: Millis): void {
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

  /** Does what is due. */
  tick(now: Millis): void {
    for (const live of [...this.#live.values()]) {
      if (live.due !== undefined) {
        if (now < live.due) continue;
        if (live.outbound) {
          this.#close(live, `no answer within ${live.dialMs / 1000} s`, undefined, now);
        } else this.#begin(live, now);
      } else if (now >= (live.connection?.deadline() ?? Infinity)) {
        live.connection?.handle({ kind: "tick" }, now);
        this.#pump(live, now);
      }
    }
  }

  /** Hands what waits for the neighbours to their connections, as far as these can take it. */
  flush(now: Millis): void {
    for (const live of [...this.#byPeer.values()]) this.#flush(live, now);
  }

  /** Closes everything. */
  closeAll(reason: string, now: Millis): void {
    for (const live of [...this.#live.values()]) this.#close(live, reason, undefined, now);
  }

  /** Takes a connection that came in; `id` is from {@link newId}. */
  accept(id: number, remote: Endpoint, now: Millis): void {
    const begin = this.#door.enter(now);
    if (begin === undefined) {
      this.#parts.emit({ kind: "close", id });
      return this.#refused(remote, "too many connections are being introduced", now);
    }
    const live = this.#newLive(id, remote);
    live.stranger = true;
    live.due = begin;
    live.connection = this.#newConnection(live);
    this.#live.set(id, live);
    if (begin <= now) this.#begin(live, now);
  }

  /** Dials; answers the dialler. */
  dial(action: DialerAction & { kind: "dial" }, now: Millis): void {
    if (this.#atLimit()) {
      const reason = this.#limitReason();
      this.#parts.dialer.ended(action.key, { reason, never: false, nextPassword: undefined }, now);
      return;
    }
    const live = this.#newLive(this.newId(), action.endpoint, action);
    live.due = now + live.dialMs;
    this.#live.set(live.id, live);
    this.#parts.emit({ kind: "dial", id: live.id, remote: action.endpoint });
  }

  #newLive(
    id: number,
    remote: Endpoint,
    dial?: { readonly key: string; readonly password: number; readonly limitMs: Millis },
  ): Live {
    const existing = dial === undefined ? undefined : this.#weftUids();
    return newLive({
      id,
      remote,
      dialKey: dial?.key,
      password: dial?.password ?? 0,
      dialMs: dial?.limitMs ?? 0,
      connId: connectionId(randomUint64(this.#parts.crypto), existing),
      trusted: isTrusted(this.#trustedSubnets, remote.ip),
    });
  }

  #weftUids(): bigint[] {
    return [...this.#byPeer.values()].flatMap(({ link }) => link?.weft ? [link.connUid] : []);
  }

  #newConnection(live: Live): Connection {
    const { name, nickname, uid, shortId } = this.#parts.topology.self;
    const features = encodeFeatures({
      name,
      nickname,
      uid,
      shortId,
      connId: live.connId,
      trusted: live.trusted,
      overlays: this.#parts.config.overlays,
      weft: true,
      liveness: true,
      digest: true,
    });
    const { outbound, password } = live;
    const { passwords } = this.#parts.config;
    return new Connection({ crypto: this.#parts.crypto, outbound, passwords, password, features });
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
          this.#parts.emit({ kind: "send", id: live.id, bytes: out.bytes });
          break;
        case "finish":
          this.#parts.emit({ kind: "finish", id: live.id });
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
    this.#parts.collisions.met(features, live.remote, this.#byPeer.get(features.name), now);
    if (live.dialKey !== undefined) this.#parts.dialer.connected(live.dialKey, features.name);
    const objection = objectionTo(features, this.#parts.topology.self);
    if (objection !== undefined) {
      live.never = objection.never;
      live.harmless = objection.ourself;
      return this.#refuse(live, objection.reason, now);
    }
    const overlays = negotiateOverlays(this.#parts.config.overlays, features.overlays);
    if (typeof overlays === "string") return this.#refuse(live, overlays, now);
    const known = this.#parts.topology.get(features.name);
    const welcome = live.dialKey === undefined ||
      this.#parts.dialer.mayBeUnknown(live.dialKey, features.name);
    if (known === undefined && !welcome) {
      const who = label(features.name, features.nickname);
      return this.#refuse(live, `Found unknown remote name: ${who}`, now);
    }
    const connUid = live.connId ^ features.connId;
    const rival = this.#byPeer.get(features.name);
    if (rival === undefined && this.#atLimit()) return this.#refuse(live, this.#limitReason(), now);
    // Held before the rival goes, else the sweep takes the peer with it.
    this.#parts.topology.introduce(features);
    this.#parts.topology.hold(features.name);
    if (rival?.link !== undefined) {
      // What is left of an earlier run of the remote has ended, whether we have noticed or not.
      const over = rival.link.uid !== features.uid;
      const verdict = over ? "keep_new" : tieBreak(connUid, rival.link.connUid);
      const reason = `Multiple connections to ${label(features.name, features.nickname)}`;
      live.harmless = true;
      if (verdict !== "keep_existing") this.#close(rival, reason, undefined, now);
      if (verdict !== "keep_new") {
        this.#parts.topology.release(features.name);
        return this.#refuse(live, reason, now);
      }
    }
    const restarted = known !== undefined && known.uid !== features.uid;
    this.#register(live, makeLink(live, introduction, overlays, now), restarted, now);
  }

  #register(live: Live, link: LiveLink, restarted: boolean, now: Millis): void {
    const { routes } = this.#parts.spreading;
    routes.refresh();
    const reachable = routes.nextHopEstablished(link.peer) !== undefined;
    live.link = link;
    this.#byPeer.set(link.peer, live);
    if (live.dialKey !== undefined) this.#parts.dialer.established(live.dialKey, now);
    else this.#door.forgive(live.remote);
    this.#parts.topology.addConnection({
      peer: link.peer,
      address: formatEndpoint(live.remote),
      outbound: live.outbound,
      established: false,
    });
    if (link.lively) live.connection?.handle({ kind: "lively", overlayWorks: false }, now);
    this.#event({ kind: "linkUp", link: linkOf(link) });
    const full = !reachable || restarted;
    this.#parts.spreading.addNeighbour(link.peer, { digest: link.digest, full, restarted }, now);
    this.#parts.spreading.announce([link.peer, this.#parts.topology.name], now);
    this.#log("info", "connected", live);
    this.#parts.changed();
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
      } else this.#parts.spreading.receive(message, link.peer, now);
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
    this.#parts.emit({ kind: "close", id: live.id });
    const { link } = live;
    if (link !== undefined) {
      this.#byPeer.delete(link.peer);
      this.#parts.topology.removeConnection(link.peer);
      this.#parts.spreading.hurry();
      if (link.lively && link.worked) this.#parts.dialer.lost(link.peer, now);
      this.#parts.topology.release(link.peer);
      this.#parts.spreading.removeNeighbour(link.peer);
      this.#event({ kind: "linkDown", id: live.id, reason });
      this.#log("info", "disconnected", live, reason);
    }
    if (live.dialKey !== undefined) {
      const end = { reason, never: live.never, nextPassword };
      const news = this.#parts.dialer.ended(live.dialKey, end, now);
      const level = live.harmless ? "debug" : "warn";
      if (link === undefined && news) this.#log(level, "cannot connect", live, reason);
    } else if (link === undefined && !live.harmless) this.#refused(live.remote, reason, now);
    this.#parts.changed();
  }

  #refused(remote: Endpoint, reason: string, now: Millis): void {
    if (!this.#door.refuse(remote, reason, now)) return;
    const fields = { remote: formatEndpoint(remote), reason };
    this.#parts.emit({ kind: "log", level: "warn", message: "refused connection", fields });
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
    live.link.worked ||= established;
    live.link.since = now;
    if (live.link.lively) {
      live.connection?.handle({ kind: "lively", overlayWorks: established }, now);
    }
    if (!established) this.#parts.spreading.hurry();
    if (live.dialKey !== undefined && established) this.#parts.dialer.forgetReason(live.dialKey);
    this.#parts.topology.setEstablished(live.link.peer, established);
    this.#parts.changed();
  }

  #send(live: Live, message: Uint8Array, now: Millis): void {
    live.connection?.handle({ kind: "send", message }, now);
    this.#pump(live, now);
  }

  #flush(live: Live, now: Millis): void {
    const peer = live.link?.peer;
    if (peer === undefined) return;
    while (live.unsent < LOW_WATER_BYTES && this.#live.has(live.id)) {
      const message = this.#parts.spreading.next(peer);
      if (message === undefined) return;
      this.#send(live, message, now);
    }
  }

  #atLimit(): boolean {
    const { connectionLimit } = this.#parts.config;
    return connectionLimit > 0 && this.#byPeer.size >= connectionLimit;
  }

  #limitReason(): string {
    return `connection limit reached (${this.#parts.config.connectionLimit})`;
  }

  #event(event: MeshEvent): void {
    this.#parts.emit({ kind: "event", event });
  }

  #log(level: LogLevel, message: string, live: Live, reason?: string): void {
    const fields: LogFields = { remote: formatEndpoint(live.remote), connection: live.id };
    if (live.link !== undefined) fields.peer = formatPeerName(live.link.peer);
    if (reason !== undefined) fields.reason = reason;
    this.#parts.emit({ kind: "log", level, message, fields });
  }
}
