/**
 * Several mesh cores in memory: a clock that jumps, a network of pipes.
 *
 * ```
 *   core -> output -> queue (1 ms) -> input -> core         deadlines of cores are ticks
 * ```
 *
 * @module
 */

import {
  type Endpoint,
  formatEndpoint,
  type Millis,
  must,
  parseIp,
  type PeerName,
  utf8,
} from "../../base/mod.ts";
import { meshCrypto } from "../../ffi/mod.ts";
import type { Channel } from "../../mesh/channel.ts";
import { MeshCore } from "../../mesh/mesh.ts";
import type { MeshInput, MeshOutput } from "../../mesh/mesh_io.ts";
import { parseTarget } from "../../mesh/target.ts";
import { withLength } from "../../mesh/wire.ts";
import type { MeshConfig, MeshCrypto, MeshEvent, MeshSnapshot } from "../../mesh/types.ts";

/** Cryptography in plain TypeScript: needs no permission. */
export const portableCrypto: MeshCrypto = meshCrypto({ libsodium: "never" });

/** Returns cryptography whose randomness follows from a seed. */
export function seededCrypto(seed: number): MeshCrypto {
  let state = seed >>> 0;
  const randomBytes = (length: number): Uint8Array =>
    Uint8Array.from({ length }, () => {
      // mulberry32
      state = (state + 0x6d2b79f5) >>> 0;
      let t = state;
      t = Math.imul(t ^ (t >>> 15), t | 1);
      t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
      return ((t ^ (t >>> 14)) >>> 24) & 255;
    });
  return { ...portableCrypto, randomBytes };
}

/** Returns the configuration of peer `n`, at 10.0.0.n. */
export function testConfig(n: number, change: Partial<MeshConfig> = {}): MeshConfig {
  return {
    name: 0x020000000000 + n,
    nickname: `host${n}`,
    host: `10.0.0.${n}`,
    port: 6783,
    passwords: [],
    overlays: ["sleeve"],
    discovery: true,
    connectionLimit: 200,
    trustedSubnets: [],
    targets: [],
    ...change,
  };
}

/** Returns passwords as configured. */
export function passwords(...texts: string[]): Uint8Array[] {
  return texts.map(utf8);
}

/** One router of the world. */
export class Node {
  /** All events so far. */
  readonly events: MeshEvent[] = [];
  /** All log lines so far: level, message, reason. */
  readonly lines: { level: string; message: string; reason: string | undefined }[] = [];
  /** Confirms overlays as soon as a link is up. */
  establishes = true;
  /** Takes no more bytes off its sockets' senders: they never see `sent`. */
  stalled = false;
  /** Whether it runs. */
  alive = true;

  /** Starts it. */
  constructor(readonly world: World, readonly config: MeshConfig, readonly core: MeshCore) {}

  /** Its name. */
  get name(): PeerName {
    return this.config.name;
  }

  /** What its status page would show. */
  snapshot(): MeshSnapshot {
    return this.core.snapshot(this.world.now, 0);
  }

  /** Its connections as text: arrow, address, state, reason. */
  connections(): string[] {
    return this.snapshot().connections.map((c) =>
      [c.outbound ? "->" : "<-", c.address, c.state, c.reason].filter((part) => part !== undefined)
        .join(" ")
    );
  }

  /** Names of peers that it has established routes to. */
  reachable(): PeerName[] {
    return this.core.forwarding().filter((peer) => peer.nextHop !== undefined)
      .map((peer) => peer.name).sort((a, b) => a - b);
  }

  /** Its neighbours over established connections. */
  neighbours(): PeerName[] {
    return this.snapshot().connections.filter((c) => c.state === "established")
      .map((c) => must(c.peer, "peer")).sort((a, b) => a - b);
  }

  /** Feeds an input now. */
  feed(input: MeshInput): void {
    this.world.feed(this, input);
  }

  /** Adds targets. */
  connect(...targets: string[]): void {
    this.feed({ kind: "connect", targets: targets.map(parseTarget), replace: false });
  }
}

interface End {
  readonly node: Node;
  readonly id: number;
  open: boolean;
  other: End | undefined;
  /** What TCP sends again until the path is there. */
  readonly held: (() => void)[];
}

/** The network and the clock. */
export class World {
  /** Time in ms. */
  now: Millis = 0;
  /** Bytes that every send is cut into; 0 for whole. */
  chunkBytes = 0;
  /** Answers of the name service: addresses, or why there are none. */
  readonly names = new Map<string, string[] | string>();
  /** Pairs of addresses between which nothing passes. */
  readonly cut = new Set<string>();
  /** Pairs of hosts, "10.0.0.1 10.0.0.2" in this order, between which nothing passes and nobody is told. */
  readonly silent = new Set<string>();
  /** Plaintext-free counter of all bytes sent. */
  bytesSent = 0;
  /** Changes what a node sends to another. */
  onSend = (_from: Node, _to: Node, bytes: Uint8Array): Uint8Array => bytes;
  #nodes: Node[] = [];
  #queue: { at: Millis; seq: number; run: () => void }[] = [];
  #ends = new Map<Node, Map<number, End>>();
  #seq = 0;
  #nextPort = 40_000;

  /** All nodes that run. */
  get nodes(): readonly Node[] {
    return this.#nodes;
  }

  /** Starts peer `n`; another run of the same peer replaces the first. */
  start(
    n: number,
    change: Partial<MeshConfig> = {},
    crypto: MeshCrypto = portableCrypto,
    channels: readonly Channel[] = [],
  ): Node {
    const config = testConfig(n, change);
    const node = new Node(this, config, new MeshCore(config, crypto, this.now, channels));
    this.#nodes.push(node);
    this.#ends.set(node, new Map());
    this.feed(node, { kind: "tick" });
    return node;
  }

  /** Ends a peer as a crash would: its connections are reset. */
  kill(node: Node): void {
    this.freeze(node);
    for (const end of this.#ends.get(node)?.values() ?? []) {
      this.#shut(end, "connection reset by peer");
    }
  }

  /** Ends a peer as a power failure would: its neighbours hear nothing. */
  freeze(node: Node): void {
    node.alive = false;
    this.#nodes = this.#nodes.filter((each) => each !== node);
  }

  /** Ends all silence: what was sent meanwhile on connections that still live arrives. */
  heal(): void {
    this.silent.clear();
    for (const ends of this.#ends.values()) {
      for (const end of ends.values()) for (const run of end.held.splice(0)) this.#later(run);
    }
  }

  /** Lets time pass. */
  run(ms: Millis): void {
    const end = this.now + ms;
    for (;;) {
      this.#queue.sort((a, b) => a.at - b.at || a.seq - b.seq);
      const next = this.#queue[0];
      const tick = this.#nodes.map((node) => ({ node, at: node.core.deadline() ?? Infinity }))
        .reduce((a, b) => b.at < a.at ? b : a, {
          node: undefined as Node | undefined,
          at: Infinity,
        });
      const at = Math.min(next?.at ?? Infinity, tick.at);
      if (at > end) break;
      this.now = Math.max(this.now, at);
      if (next !== undefined && next.at <= tick.at) {
        this.#queue.shift();
        next.run();
      } else if (tick.node !== undefined) this.feed(tick.node, { kind: "tick" });
    }
    this.now = end;
  }

  /** Hands an input to a node and performs what comes out. */
  feed(node: Node, input: MeshInput): void {
    if (!node.alive) return;
    node.core.handle(input, this.now);
    for (let out = node.core.poll(); out !== undefined; out = node.core.poll()) {
      this.#perform(node, out);
    }
  }

  /** Sends a message on a connection of a node, behind the back of its core; there must be no password. */
  inject(node: Node, id: number, message: Uint8Array): void {
    this.#send(node, id, withLength(message));
  }

  #perform(node: Node, output: MeshOutput): void {
    switch (output.kind) {
      case "dial":
        return this.#later(() => this.#dial(node, output.id, output.remote));
      case "send":
        return this.#send(node, output.id, output.bytes);
      case "finish": {
        const end = this.#end(node, output.id);
        if (end?.other !== undefined) this.#ended(end.other, undefined);
        return;
      }
      case "close": {
        const end = this.#end(node, output.id);
        if (end !== undefined) this.#shut(end, undefined);
        return;
      }
      case "resolve": {
        const answer = this.names.get(output.host) ?? "no such name";
        const ips = typeof answer === "string" ? answer : answer.map(parseIp);
        return this.#later(() =>
          this.feed(node, { kind: "resolved", host: output.host, answer: ips })
        );
      }
      case "event":
        node.events.push(output.event);
        if (output.event.kind === "linkUp" && node.establishes) {
          const { id } = output.event.link;
          this.#later(() => this.feed(node, { kind: "overlayEstablished", id, established: true }));
        }
        return;
      case "log":
        node.lines.push({
          level: output.level,
          message: output.message,
          reason: output.fields.reason?.toString(),
        });
    }
  }

  #dial(node: Node, id: number, remote: Endpoint): void {
    const address = formatEndpoint(remote);
    const server = this.#nodes.find((each) =>
      each.alive && address === `${each.config.host}:${each.config.port}`
    );
    if (this.cut.has(`${node.config.host} ${address}`)) return;
    if (this.#isSilent(node.config.host, address.split(":")[0])) return;
    if (server === undefined) {
      return this.feed(node, { kind: "ended", id, reason: "connection refused" });
    }
    const mine: End = { node, id, open: true, other: undefined, held: [] };
    const serverId = server.core.newId();
    const theirs: End = { node: server, id: serverId, open: true, other: mine, held: [] };
    mine.other = theirs;
    this.#ends.get(node)?.set(id, mine);
    this.#ends.get(server)?.set(theirs.id, theirs);
    const from = { ip: parseIp(node.config.host ?? ""), port: this.#nextPort++ };
    this.feed(server, { kind: "accepted", id: theirs.id, remote: from });
    this.feed(node, { kind: "dialled", id });
  }

  #send(node: Node, id: number, bytes: Uint8Array): void {
    const end = this.#end(node, id);
    this.bytesSent += bytes.length;
    const size = this.chunkBytes || bytes.length;
    for (let at = 0; at < bytes.length; at += size) {
      const chunk = bytes.slice(at, at + size);
      this.#transmit(end, () => {
        const other = end?.other;
        if (other === undefined || !other.open) return;
        if (!other.node.stalled) {
          this.feed(node, { kind: "sent", id, bytes: chunk.length });
        }
        const bytes = this.onSend(node, other.node, chunk);
        this.feed(other.node, { kind: "received", id: other.id, bytes });
      });
    }
  }

  #ended(end: End, reason: string | undefined): void {
    this.#transmit(end.other, () => {
      if (end.open) this.feed(end.node, { kind: "ended", id: end.id, reason });
    });
  }

  #shut(end: End, reason: string | undefined): void {
    end.open = false;
    if (end.other !== undefined) this.#ended(end.other, reason);
  }

  #end(node: Node, id: number): End | undefined {
    return this.#ends.get(node)?.get(id);
  }

  /** Does what an end wants done at the other one, if anything passes. */
  #transmit(end: End | undefined, run: () => void): void {
    const hosts = [end?.node.config.host, end?.other?.node.config.host];
    if (end !== undefined && this.#isSilent(...hosts)) end.held.push(run);
    else this.#later(run);
  }

  #isSilent(...hosts: (string | undefined)[]): boolean {
    return this.silent.has(hosts.sort().join(" "));
  }

  #later(run: () => void): void {
    this.#queue.push({ at: this.now + 1, seq: this.#seq++, run });
  }
}
