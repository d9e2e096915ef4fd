/**
 * Many mesh cores in one process: a clock that jumps, and a queue that costs the same however much waits in it.
 *
 * ```
 *   core -> send -> queue, 1 ms -> received -> core        everything takes 1 ms, so the queue is a list for each ms
 *   deadlines of cores -> heap -> tick                     asked for anew once a ms, after all that it brought
 * ```
 *
 * There are no passwords, hence no encryption: what is measured is the mesh, not the ciphers.
 *
 * @module
 */

import { cpuUsage } from "node:process";
import { type Endpoint, formatEndpoint, type Millis, must, parseIp, utf8 } from "../../base/mod.ts";
import { MeshCore } from "../../mesh/mesh.ts";
import type { MeshInput, MeshOutput } from "../../mesh/mesh_io.ts";
import { parseTarget } from "../../mesh/target.ts";
import { encodeTopology, type PeerEntry } from "../../mesh/topology_wire.ts";
import {
  TAG_BROADCAST,
  TAG_GOSSIP,
  TAG_HEARTBEAT,
  TAG_OVERLAY,
  TAG_UNICAST,
} from "../../mesh/wire.ts";
import { seededCrypto, testConfig } from "../helpers/mesh_world.ts";

/** From a TCP connection to an overlay that works. */
const OVERLAY_MS = 20;
/** Until all are connected, and again until they rest: the door of a peer lets 20 a second in. */
const CONNECT_MS = 8_000;

const LIVENESS = utf8("WeftLiveness");
const DIGEST = utf8("WeftDigest");

/** Bytes and messages that peers sent, by what they are for. */
export interface Traffic {
  /** Messages of the channel `topology` and of digests. */
  messages: number;
  /** Their bytes, lengths included. */
  bytes: number;
  /** Bytes of digests among them. */
  digestBytes: number;
}

/** One peer. */
export class ScalePeer {
  /** Connections: number at this end -> the other end. */
  readonly ends = new Map<number, { readonly peer: ScalePeer; readonly id: number }>();
  /** When it wants a tick, as last asked. */
  deadline: Millis = Infinity;
  /** Its table as last seen. */
  revision = -1;
  /** Runs. */
  alive = true;
  /** Bytes that it sent since the counters were cleared. */
  sentBytes = 0;

  /** Is made by {@link ScaleWorld.start}. */
  constructor(readonly n: number, readonly core: MeshCore) {}

  /** Its address as a target. */
  get address(): string {
    return `10.0.${this.n >> 8}.${this.n & 255}`;
  }
}

/** How a world is set up. */
export interface ScaleOptions {
  /** Peers find each other by what others tell. */
  readonly discovery: boolean;
  /** They know digests. */
  readonly digests: boolean;
}

/** The network and the clock. */
export class ScaleWorld {
  /** Time in ms. */
  now: Millis = 0;
  /** When any table changed last. */
  changedAt: Millis = 0;
  /** Updates with news that came to any peer. */
  updates = 0;
  /** What was sent. */
  traffic: Traffic = { messages: 0, bytes: 0, digestBytes: 0 };
  /** Time of the processor when the counters were cleared, ms. */
  #cpuMs = 0;
  /** Peers by number. */
  readonly peers = new Map<number, ScalePeer>();
  readonly #options: ScaleOptions;
  readonly #cut = new Set<string>();
  #queue = new Map<Millis, (() => void)[]>();
  #ticks = new TickHeap();
  #touched = new Set<ScalePeer>();
  #muted = false;
  #nextPort = 20_000;

  /** Is empty. */
  constructor(options: ScaleOptions) {
    this.#options = options;
  }

  /** Starts peer `n`, another run of it if it ran before. */
  start(n: number, targets: readonly string[], seed = n): ScalePeer {
    const config = testConfig(n, {
      host: `10.0.${n >> 8}.${n & 255}`,
      targets,
      discovery: this.#options.discovery,
    });
    const peer = new ScalePeer(n, new MeshCore(config, seededCrypto(seed), this.now));
    this.peers.set(n, peer);
    this.#feed(peer, { kind: "tick" });
    return peer;
  }

  /** Returns a peer that runs. */
  peer(n: number): ScalePeer {
    return must(this.peers.get(n), `peer ${n}`);
  }

  /** Time that the processor spent on all peers and on this world since the counters were cleared, ms. */
  get cpuMs(): number {
    return processorMs() - this.#cpuMs;
  }

  /** Begins to count anew. */
  clearCounters(): void {
    this.traffic = { messages: 0, bytes: 0, digestBytes: 0 };
    this.updates = 0;
    this.#cpuMs = processorMs();
    this.changedAt = this.now;
    for (const peer of this.peers.values()) peer.sentBytes = 0;
  }

  /** Ends a peer as a crash would. */
  kill(peer: ScalePeer): void {
    peer.alive = false;
    this.peers.delete(peer.n);
    for (const id of [...peer.ends.keys()]) this.#shut(peer, id);
  }

  /** Makes `a` dial `b`. */
  connect(a: ScalePeer, b: ScalePeer): void {
    const targets = [parseTarget(b.address)];
    this.#feed(a, { kind: "connect", targets, replace: false });
  }

  /** Ends the connection of two peers; dials between them are refused. */
  cut(a: ScalePeer, b: ScalePeer): void {
    this.#cut.add(pairOf(a, b));
    for (const [id, end] of a.ends) {
      if (end.peer !== b) continue;
      this.#feed(a, { kind: "ended", id, reason: "cut" });
      this.#feed(b, { kind: "ended", id: end.id, reason: "cut" });
    }
  }

  /** Lets two peers dial each other again, and `a` do so at once. */
  mend(a: ScalePeer, b: ScalePeer): void {
    this.#cut.delete(pairOf(a, b));
    this.connect(a, b);
  }

  /** Lets time pass. */
  run(ms: Millis): void {
    const end = this.now + ms;
    this.#askDeadlines();
    for (;;) {
      const at = Math.min(this.#queue.keys().next().value ?? Infinity, this.#ticks.first());
      if (at > end) break;
      this.now = Math.max(this.now, at);
      const events = this.#queue.get(this.now);
      this.#queue.delete(this.now);
      for (const run of events ?? []) run();
      for (let due = this.#ticks.take(this.now); due; due = this.#ticks.take(this.now)) {
        if (due.alive && due.deadline <= this.now) this.#feed(due, { kind: "tick" });
      }
      this.#askDeadlines();
    }
    this.now = end;
  }

  /**
   * Connects peers while nobody hears any gossip, and then gives each table the entries of all, as one payload.
   *
   * Telling a thousand tables of a thousand peers one by one is what starting them together would cost; that is not what
   * is measured.
   */
  begin(pairs: Iterable<readonly [ScalePeer, ScalePeer]>): void {
    this.#muted = true;
    for (const [a, b] of pairs) this.connect(a, b);
    this.run(CONNECT_MS);
    const payloads = encodeTopology(
      [...this.peers.values()].map((peer) => peer.core.topology.self),
    );
    for (const peer of this.peers.values()) {
      for (const payload of payloads) peer.core.topology.apply(payload);
      this.#feed(peer, { kind: "tick" });
    }
    this.run(CONNECT_MS);
    this.#muted = false;
  }

  /** Tells whether all peers hold the same table. */
  agree(): boolean {
    const [first, ...others] = [...this.peers.values()].map((peer) => peer.core.topology);
    if (first === undefined) return true;
    return others.every((topology) =>
      topology.size === first.size &&
      [...first.entries()].every((entry) => isSame(entry, topology.get(entry.name)))
    );
  }

  #askDeadlines(): void {
    for (const peer of this.#touched) {
      const deadline = peer.core.deadline() ?? Infinity;
      if (deadline === peer.deadline) continue;
      peer.deadline = deadline;
      this.#ticks.add(Math.max(deadline, this.now), peer);
    }
    this.#touched.clear();
  }

  #feed(peer: ScalePeer, input: MeshInput): void {
    if (!peer.alive) return;
    this.#touched.add(peer);
    if (input.kind === "tick") peer.deadline = NaN;
    const outputs: MeshOutput[] = [];
    peer.core.handle(input, this.now);
    for (let out = peer.core.poll(); out !== undefined; out = peer.core.poll()) outputs.push(out);
    const { revision } = peer.core.topology;
    if (revision !== peer.revision) {
      peer.revision = revision;
      this.changedAt = this.now;
      if (input.kind === "received") this.updates++;
    }
    for (const out of outputs) this.#perform(peer, out);
  }

  #perform(peer: ScalePeer, out: MeshOutput): void {
    switch (out.kind) {
      case "dial":
        return this.#later(1, () => this.#dial(peer, out.id, out.remote));
      case "send":
        return this.#send(peer, out.id, out.bytes);
      case "finish":
      case "close":
        return this.#shut(peer, out.id);
      case "event": {
        if (out.event.kind !== "linkUp") return;
        const { id } = out.event.link;
        return this.#later(OVERLAY_MS, () => {
          if (!peer.ends.has(id)) return;
          this.#feed(peer, { kind: "overlayEstablished", id, established: true });
        });
      }
    }
  }

  #dial(peer: ScalePeer, id: number, remote: Endpoint): void {
    const n = ((remote.ip[14] ?? 0) << 8) | (remote.ip[15] ?? 0);
    const server = this.peers.get(n);
    if (server === undefined || this.#cut.has(pairOf(peer, server))) {
      return this.#feed(peer, {
        kind: "ended",
        id,
        reason: `refused by ${formatEndpoint(remote)}`,
      });
    }
    const theirs = server.core.newId();
    peer.ends.set(id, { peer: server, id: theirs });
    server.ends.set(theirs, { peer, id });
    const from = { ip: parseIp(peer.address), port: this.#nextPort++ % 65_536 };
    this.#feed(server, { kind: "accepted", id: theirs, remote: from });
    this.#feed(peer, { kind: "dialled", id });
  }

  #send(peer: ScalePeer, id: number, bytes: Uint8Array): void {
    const end = peer.ends.get(id);
    if (end === undefined) return;
    // Heartbeats of lively links are no cost of gossip, and a thousand peers send eight thousand a second.
    const quiet = without(bytes, LIVENESS);
    const sent = this.#options.digests ? quiet : without(quiet, DIGEST);
    this.#count(peer, sent);
    this.#later(1, () => {
      this.#feed(peer, { kind: "sent", id, bytes: bytes.length });
      if ((this.#muted && isGossip(sent)) || !end.peer.ends.has(end.id)) return;
      this.#feed(end.peer, { kind: "received", id: end.id, bytes: sent });
    });
  }

  #count(peer: ScalePeer, bytes: Uint8Array): void {
    if (this.#muted || !isGossip(bytes)) return;
    this.traffic.messages++;
    this.traffic.bytes += bytes.length;
    peer.sentBytes += bytes.length;
    if (bytes[4] === TAG_UNICAST) this.traffic.digestBytes += bytes.length;
  }

  #shut(peer: ScalePeer, id: number): void {
    const end = peer.ends.get(id);
    if (end === undefined) return;
    peer.ends.delete(id);
    this.#later(1, () => {
      if (!end.peer.ends.delete(end.id)) return;
      this.#feed(end.peer, { kind: "ended", id: end.id, reason: "connection reset by peer" });
    });
  }

  #later(ms: Millis, run: () => void): void {
    const at = this.now + ms;
    const events = this.#queue.get(at);
    if (events !== undefined) return void events.push(run);
    // There are never more times than the longest delay has ms.
    const queue: [Millis, (() => void)[]][] = [...this.#queue, [at, [run]]];
    this.#queue = new Map(queue.sort(([a], [b]) => a - b));
  }
}

function processorMs(): number {
  const { user, system } = cpuUsage();
  return (user + system) / 1000;
}

function pairOf(a: ScalePeer, b: ScalePeer): string {
  return [a.n, b.n].sort((x, y) => x - y).join();
}

function isSame(a: PeerEntry, b: PeerEntry | undefined): boolean {
  return b !== undefined && a.uid === b.uid && a.version === b.version;
}

/** The tag comes after 4 bytes of length; an introduction has none of these there. */
function isGossip(bytes: Uint8Array): boolean {
  const tag = bytes[4] ?? 0;
  return tag >= TAG_GOSSIP && tag <= TAG_BROADCAST;
}

/** Returns what a peer would send that lacks a feature: features go first, and there are no messages with their tag. */
function without(bytes: Uint8Array, feature: Uint8Array): Uint8Array {
  const tag = bytes[4] ?? 0;
  if (tag === TAG_HEARTBEAT || (tag >= TAG_GOSSIP && tag <= TAG_OVERLAY)) return bytes;
  const at = bytes.findIndex((_, i) => feature.every((byte, j) => bytes[i + j] === byte));
  if (at === -1) return bytes;
  const hidden = bytes.slice();
  // The key begins with "Weft": with another letter nobody knows it.
  hidden[at] = (hidden[at] ?? 0) ^ 1;
  return hidden;
}

/** A binary heap of times; those that are out of date are told apart by who takes them. */
class TickHeap {
  #times: Millis[] = [];
  #peers: ScalePeer[] = [];

  first(): Millis {
    return this.#times[0] ?? Infinity;
  }

  add(at: Millis, peer: ScalePeer): void {
    if (at === Infinity) return;
    let i = this.#times.length;
    for (let up = (i - 1) >> 1; i > 0 && at < (this.#times[up] ?? 0); up = (i - 1) >> 1) {
      this.#put(i, up);
      i = up;
    }
    this.#times[i] = at;
    this.#peers[i] = peer;
  }

  take(now: Millis): ScalePeer | undefined {
    if (this.first() > now) return undefined;
    const [taken] = this.#peers;
    const at = must(this.#times.pop(), "time");
    const peer = must(this.#peers.pop(), "peer");
    const { length } = this.#times;
    if (length === 0) return taken;
    let i = 0;
    for (let down = 1; down < length; down = 2 * i + 1) {
      if ((this.#times[down + 1] ?? Infinity) < (this.#times[down] ?? 0)) down++;
      if ((this.#times[down] ?? Infinity) >= at) break;
      this.#put(i, down);
      i = down;
    }
    this.#times[i] = at;
    this.#peers[i] = peer;
    return taken;
  }

  #put(to: number, from: number): void {
    this.#times[to] = this.#times[from] ?? 0;
    this.#peers[to] = must(this.#peers[from], "peer");
  }
}
