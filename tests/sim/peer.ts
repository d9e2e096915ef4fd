/**
 * One run of a router in the simulation: a real core, its sockets, its overlays.
 *
 * ```
 *   network --hear--> input --> MeshCore --> output --> network
 *   linkUp --a round trip later, while datagrams pass--> overlayEstablished
 * ```
 *
 * @module
 */

import { Bug, type Endpoint, type Millis, parseIp } from "../../base/mod.ts";
import { MeshCore } from "../../mesh/mesh.ts";
import type { MeshInput, MeshOutput } from "../../mesh/mesh_io.ts";
import type { MeshConfig, MeshCrypto, MeshEvent } from "../../mesh/types.ts";
import { TAG_HEARTBEAT, withLength } from "../../mesh/wire.ts";
import { Dice } from "./dice.ts";
import type { EventQueue } from "./event_queue.ts";
import type { End, Network, Process, SocketNews } from "./network.ts";

/** Where all routers listen. */
export const PORT = 6783;
/** Sends of an introduction that are no messages: header with flag, features. */
const INTRODUCTION_SENDS = 2;
/** A core that wants so many ticks at one instant will want them for ever. */
const MAX_TICKS_AT_ONCE = 100;
/** From a change of the path to the overlay's verdict, beside the round trip. */
const OVERLAY_MS = 2_000;

/** What all runs share. */
export interface Surroundings {
  /** What happens when. */
  readonly queue: EventQueue;
  /** The network. */
  readonly network: Network;
  /** Returns the time. */
  readonly now: () => Millis;
  /** Returns the latency of a direction. */
  readonly latency: (from: number, to: number) => Millis;
  /** Whether the overlay of `from` is kept from seeing `to`. */
  readonly withdrawn: (from: number, to: number) => boolean;
  /** Whether `from` has a link to `to`: overlays of others are not heard. */
  readonly linked: (from: number, to: number) => boolean;
  /** Takes each message as it leaves, heartbeats excepted. */
  readonly onMessage: (from: number, to: number, message: Uint8Array) => void;
}

/** What a run has sent and done; only grows. */
export interface Tally {
  /** Messages that are no heartbeats, by connection. */
  readonly messages: Map<number, number>;
  /** Heartbeats. */
  heartbeats: number;
  /** Ticks. */
  ticks: number;
  /** Links that came up or went down. */
  changes: number;
}

/** A router from its start to its end. */
export class Run implements Process {
  /** The core. */
  readonly core: MeshCore;
  /** Counts. */
  readonly tally: Tally = { messages: new Map(), heartbeats: 0, ticks: 0, changes: 0 };
  /** Connections in the topology: id to host of the neighbour. */
  readonly links = new Map<number, number>();
  /** It has ended. */
  dead = false;
  /** It is stopped for a while. */
  paused = false;
  #around: Surroundings;
  #dice: Dice;
  #ends = new Map<number, End>();
  #sends = new Map<number, number>();
  #waiting: MeshInput[] = [];
  #reported = new Map<number, boolean>();
  #injected = 0;
  #armed: Millis = -1;
  #tickedAt: Millis = -1;
  #ticksAtOnce = 0;

  /** Starts it; the first tick follows. */
  constructor(
    readonly host: number,
    readonly config: MeshConfig,
    crypto: MeshCrypto,
    around: Surroundings,
    dice: Dice,
  ) {
    this.#around = around;
    this.#dice = dice;
    this.core = new MeshCore(config, crypto, around.now());
    around.network.listen(host, this);
    this.feed({ kind: "tick" });
  }

  /** Hands an input to the core, now or once it is not paused any more. */
  feed(input: MeshInput): void {
    if (this.dead) return;
    if (this.paused) {
      this.#waiting.push(input);
      return;
    }
    this.core.handle(input, this.#around.now());
    for (let out = this.core.poll(); out !== undefined; out = this.core.poll()) this.#perform(out);
    this.#arm();
  }

  /** Takes news of a socket. */
  hear(end: End, news: SocketNews): void {
    if (this.dead) return;
    if (news.kind === "accepted") {
      end.id = this.core.newId();
      this.#ends.set(end.id, end);
      const port = 32_768 + this.#dice.between(0, 28_000);
      const remote: Endpoint = { ip: addressOf(end.other.host), port };
      return this.feed({ kind: "accepted", id: end.id, remote });
    }
    if (news.kind !== "sent") return this.feed({ ...news, id: end.id });
    const foreign = Math.min(this.#injected, news.bytes);
    this.#injected -= foreign;
    if (news.bytes > foreign) this.feed({ ...news, bytes: news.bytes - foreign, id: end.id });
  }

  /** Goes on after a pause, with all that happened meanwhile. */
  resume(): void {
    this.paused = false;
    for (const input of this.#waiting.splice(0)) this.feed(input);
    this.feed({ kind: "tick" });
  }

  /** Ends it. */
  end(resets: boolean): void {
    this.dead = true;
    this.#around.network.listen(this.host, undefined);
    this.#around.network.abandon(this, resets);
  }

  /** Sends a message of a channel that the core does not handle, to the neighbour at a host. */
  inject(host: number, message: Uint8Array): void {
    const link = [...this.links].find(([, neighbour]) => neighbour === host)?.[0];
    const end = this.#ends.get(link ?? 0);
    if (end === undefined || this.dead || this.paused) return;
    const bytes = withLength(message);
    this.#injected += bytes.length;
    this.#around.network.send(end, bytes);
    this.#around.onMessage(this.host, host, message);
  }

  /** Whether it has a link to the peer at a host. */
  hasLinkTo(host: number): boolean {
    return [...this.links.values()].includes(host);
  }

  /** Lets overlays towards a host look anew whether datagrams pass. */
  lookAtPath(host: number): void {
    for (const [id, neighbour] of this.links) {
      if (neighbour === host) this.#planLook(id, OVERLAY_MS);
    }
  }

  /** Says that no overlay of the link to a host can work. */
  failOverlay(host: number): void {
    for (const [id, neighbour] of [...this.links]) {
      if (neighbour === host) this.feed({ kind: "overlayFailed", id, reason: "no heartbeat" });
    }
  }

  /** Sockets that the core has and that are in no topology. */
  strays(): End[] {
    return [...this.#ends].filter(([id]) => !this.links.has(id)).map(([, end]) => end);
  }

  #perform(out: MeshOutput): void {
    const { network } = this.#around;
    switch (out.kind) {
      case "dial":
        return this.#dial(out.id, out.remote);
      case "send": {
        const end = this.#ends.get(out.id);
        if (end === undefined) return;
        this.#count(end, out.bytes);
        return network.send(end, out.bytes);
      }
      case "finish":
      case "close": {
        const end = this.#ends.get(out.id);
        if (end === undefined) return;
        network[out.kind](end);
        if (out.kind === "close") this.#ends.delete(out.id);
        return;
      }
      case "event":
        return this.#event(out.event);
      case "resolve":
        throw new Bug("Nobody uses names here");
      case "log":
    }
  }

  #dial(id: number, remote: Endpoint): void {
    const host = remote.ip[15] ?? 0;
    if (remote.port !== PORT) {
      this.#after(1, () => this.feed({ kind: "ended", id, reason: "connection refused" }));
      return;
    }
    this.#ends.set(id, this.#around.network.dial(this, id, host));
  }

  #event(event: MeshEvent): void {
    if (event.kind === "linkUp") {
      this.tally.changes++;
      const { id, remote } = event.link;
      this.links.set(id, remote.ip[15] ?? 0);
      this.#planLook(id, 0);
    } else if (event.kind === "linkDown") {
      this.tally.changes++;
      this.links.delete(event.id);
      this.#reported.delete(event.id);
    }
  }

  #planLook(id: number, ms: Millis): void {
    const host = this.links.get(id);
    if (host === undefined) return;
    const { latency } = this.#around;
    const roundTrip = latency(this.host, host) + latency(host, this.host);
    this.#after(ms + roundTrip + this.#dice.between(1, 50), () => this.#look(id, host));
  }

  #look(id: number, host: number): void {
    const { network, withdrawn, linked } = this.#around;
    if (!this.links.has(id)) return;
    const answers = linked(host, this.host);
    if (!answers) this.#planLook(id, OVERLAY_MS);
    const works = answers && network.path(this.host, host) === "open" &&
      network.path(host, this.host) === "open" && !withdrawn(this.host, host);
    if ((this.#reported.get(id) ?? false) === works) return;
    this.#reported.set(id, works);
    this.feed({ kind: "overlayEstablished", id, established: works });
  }

  #count(end: End, bytes: Uint8Array): void {
    const sends = (this.#sends.get(end.id) ?? 0) + 1;
    this.#sends.set(end.id, sends);
    if (sends <= INTRODUCTION_SENDS) return;
    const tag = bytes[4] ?? TAG_HEARTBEAT;
    if (tag === TAG_HEARTBEAT) {
      this.tally.heartbeats++;
      return;
    }
    const { messages } = this.tally;
    messages.set(end.id, (messages.get(end.id) ?? 0) + 1);
    this.#around.onMessage(this.host, end.other.host, bytes.subarray(4));
  }

  #arm(): void {
    const at = this.core.deadline() ?? Infinity;
    if (Number.isNaN(at)) throw new Bug("A deadline is no number");
    if (at === this.#armed) return;
    this.#armed = at;
    if (at === Infinity) return;
    this.#around.queue.add(Math.max(at, this.#around.now()), () => {
      if (this.#armed !== at || this.dead || this.paused) return;
      this.#armed = -1;
      this.#tick();
    });
  }

  #tick(): void {
    const now = this.#around.now();
    this.tally.ticks++;
    this.#ticksAtOnce = now === this.#tickedAt ? this.#ticksAtOnce + 1 : 0;
    this.#tickedAt = now;
    if (this.#ticksAtOnce > MAX_TICKS_AT_ONCE) {
      throw new Bug(`Peer ${this.host} wants ticks for ever at ${now}`);
    }
    this.feed({ kind: "tick" });
  }

  #after(ms: Millis, run: () => void): void {
    this.#around.queue.add(this.#around.now() + ms, run);
  }
}

/** Returns the address of a host. */
export function addressOf(host: number): Uint8Array {
  return parseIp(`192.0.2.${host}`);
}

/** Returns cryptography for meshes without a password: only chance, and a hash that is not one. */
export function toyCrypto(dice: Dice, shortIds: number): MeshCrypto {
  let forced = shortIds > 0 ? 3 : 0;
  const unused = (): never => {
    throw new Bug("Without a password there is no cryptography");
  };
  return {
    generateKeyPair: unused,
    sharedKey: unused,
    seal: unused,
    open: unused,
    sha256: (bytes) => toyHash(bytes),
    randomBytes: (length) => {
      const bytes = new Uint8Array(length);
      const view = new DataView(bytes.buffer);
      for (let at = 0; at + 4 <= length; at += 4) view.setUint32(at, dice.bits());
      // The first fractions that a core asks for become its short id.
      if (length === 4 && forced-- > 0) view.setUint32(0, dice.between(0, shortIds - 1) << 20);
      return bytes;
    },
  };
}

function toyHash(bytes: Uint8Array): Uint8Array {
  const hash = new Dice(bytes.length, ...bytes);
  return Uint8Array.from({ length: 32 }, () => hash.bits() & 0xff);
}
