/**
 * Several allocators in memory: a toy mesh in which all reach all unless cut, a clock that jumps, disks that crash.
 *
 * ```
 *   allocator -> output -> (commit, 1 ms) -> queue (1 ms) -> channel -> allocator        deadlines are ticks
 * ```
 *
 * @module
 */

import {
  type Cidr,
  type Ipv4,
  type Millis,
  must,
  parseCidr,
  type PeerName,
} from "../../base/mod.ts";
import { Allocator } from "../../container/ipam/allocator.ts";
import type {
  AllocatorInput,
  AllocatorOutput,
  Answer,
  InitMode,
  InUse,
  IpamChange,
  Request,
  StoredIpam,
} from "../../container/ipam/allocator_io.ts";
import type { Target } from "../../container/ipam/weft_channel.ts";
import { AllocationChannel, sendingOf, WeftChannel } from "../../container/ipam/channel.ts";
import { rangeOf } from "../../container/ipam/range.ts";
import { applyChange, nothingStored } from "../../container/ipam/stored.ts";
import type { Channel } from "../../mesh/mod.ts";

/** How a host differs from the others. */
export interface HostOptions {
  /** How the first ring comes to be; default founding. */
  readonly init?: InitMode;
  /** Numbers of the hosts that it was told of. */
  readonly targets?: readonly number[];
  /** The universe; default 10.32.0.0/24. */
  readonly range?: string;
  /** A real peer: knows nothing of channel `weft`. */
  readonly real?: boolean;
  /** What is in use on it; `undefined`: it does not say. */
  readonly inUse?: readonly InUse[] | undefined;
}

/** A request without its number. */
export type Wish = Request extends infer R ? R extends Request ? Omit<R, "id"> : never : never;

/** Returns the name of host `n`. */
export function hostName(n: number): PeerName {
  return 0x020000000000 + n;
}

/** One router of the world. */
export class Host {
  /** What its disk holds. */
  disk: StoredIpam;
  /** Rings that were set aside. */
  readonly aside: string[] = [];
  /** All answers so far. */
  readonly answers = new Map<number, Answer>();
  /** All outputs so far. */
  readonly outputs: AllocatorOutput[] = [];
  /** The running core. */
  allocator: Allocator;
  /** It runs. */
  alive = true;
  /** Channels of the running core. */
  channels: readonly [AllocationChannel, WeftChannel];
  /** Waits for a commit. */
  held: AllocatorOutput[] = [];
  /** What it was told of. */
  targets: readonly number[];
  /** Who of that was reached. */
  readonly reached = new Set<number>();
  #nextId = 1;

  /** Starts it. */
  constructor(readonly world: IpamWorld, readonly n: number, readonly options: HostOptions) {
    this.disk = nothingStored(rangeOf(this.range), this.name);
    this.targets = options.targets ?? [];
    this.allocator = this.#boot();
    this.channels = this.#channels();
  }

  /** Its name. */
  get name(): PeerName {
    return hostName(this.n);
  }

  /** The universe. */
  get range(): Cidr {
    return parseCidr(this.options.range ?? "10.32.0.0/24");
  }

  /** Hands in a request; returns its number. */
  ask(wish: Wish): number {
    const id = this.#nextId++;
    this.world.feed(this, { ...wish, id } as Request);
    return id;
  }

  /** Asks for any address of a subnet. */
  allocate(ident: string, subnet = "10.32.0.0/24", more: Partial<Wish> = {}): number {
    const wish = {
      kind: "allocate",
      ident,
      subnet: parseCidr(subnet),
      isContainer: false,
      ...more,
    };
    return this.ask(wish as Wish);
  }

  /** Asks for one address. */
  claim(ident: string, cidr: string, more: Partial<Wish> = {}): number {
    return this.ask(
      { kind: "claim", ident, cidr: parseCidr(cidr), isContainer: false, ...more } as Wish,
    );
  }

  /** Returns an answer in short: an address, "done", a refusal's code, ... */
  said(id: number): string | undefined {
    const answer = this.answers.get(id);
    switch (answer?.kind) {
      case "address":
        return [24, 16, 8, 0].map((shift) => (answer.cidr.address >>> shift) & 255).join(".");
      case "refused":
        return answer.code;
      case "tookOver":
        return String(answer.addresses);
      case "heir":
        if (answer.heir === undefined) return "nobody";
        return answer.confirmed ? answer.heir : `${answer.heir} perhaps`;
      case "text":
        return answer.text;
      default:
        return answer?.kind;
    }
  }

  /** Returns the reason of a refusal. */
  reason(id: number): string {
    const answer = this.answers.get(id);
    return answer?.kind === "refused" ? answer.reason : "";
  }

  /** Returns all addresses that it gave out. */
  get given(): Ipv4[] {
    return [...this.allocator.parts.leases.values()].map(({ cidr }) => cidr.address);
  }

  /** Starts it again, with its disk or without. */
  restart(keepDisk = true): void {
    if (!keepDisk) this.disk = nothingStored(rangeOf(this.range), this.name);
    this.held = [];
    this.allocator = this.#boot();
    this.channels = this.#channels();
    this.alive = true;
    this.world.settle(this);
  }

  #boot(): Allocator {
    const { world, name, range, options, disk } = this;
    return new Allocator({
      self: name,
      uid: BigInt(world.dice(2 ** 32)) * 0x1_0000_0000n + BigInt(this.n),
      nickname: `host${this.n}`,
      range,
      defaultSubnet: range,
      init: options.init ?? { kind: "founding" },
      stored: disk,
      random: () => world.dice(2 ** 32) / 2 ** 32,
    });
  }

  #channels(): [AllocationChannel, WeftChannel] {
    const feed = (input: AllocatorInput): void => this.world.feed(this, input);
    return [
      new AllocationChannel(this.allocator, feed, () => Math.floor(this.world.now / 1000)),
      new WeftChannel(this.allocator, feed),
    ];
  }
}

/** The network and the clock. */
export class IpamWorld {
  /** Time in ms. */
  now: Millis = 0;
  /** Addresses that some station answers ARP for, beside those given out. */
  readonly stations = new Set<Ipv4>();
  /** Pairs of hosts, "1 2" in this order, that do not reach each other. */
  readonly cut = new Set<string>();
  /** How long a commit takes. */
  commitMs: Millis = 1;
  /** Every neighbour gossips this often; 0 for never. */
  gossipMs: Millis = 30_000;
  /** Is called after each input. */
  check: (host: Host) => void = () => {};
  #hosts: Host[] = [];
  #queue: { at: Millis; seq: number; run: () => void }[] = [];
  #seq = 0;
  #state: number;

  /** @param seed of all dice */
  constructor(seed = 1) {
    this.#state = seed >>> 0;
  }

  /** All hosts. */
  get hosts(): readonly Host[] {
    return this.#hosts;
  }

  /** Returns an integer from 0 to below `sides`. */
  dice(sides: number): number {
    // mulberry32
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let t = this.#state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return Math.floor(((t ^ (t >>> 14)) >>> 0) / 2 ** 32 * sides);
  }

  /** Starts host `n` and lets all hear of it. */
  start(n: number, options: HostOptions = {}): Host {
    const host = new Host(this, n, options);
    this.#hosts.push(host);
    this.settle(host);
    return host;
  }

  /** Starts several hosts that were all told of each other. */
  startAll(count: number, options: HostOptions = {}): Host[] {
    const all = Array.from({ length: count }, (_, i) => i + 1);
    return all.map((n) =>
      this.start(n, { targets: all.filter((other) => other !== n), ...options })
    );
  }

  /** Tells a host what it must know at its start, and all of who is there now. */
  settle(host: Host): void {
    const { inUse = [] } = host.options;
    if (!("inUse" in host.options) || host.options.inUse !== undefined) {
      this.feed(host, { kind: "reserved", addresses: inUse });
    }
    this.topology();
  }

  /** Ends a host as a power failure would. */
  kill(host: Host): void {
    host.alive = false;
    host.held = [];
    this.topology();
  }

  /** Cuts hosts off from each other, or joins them again. */
  part(a: readonly Host[], b: readonly Host[], parted = true): void {
    for (const x of a) {
      for (const y of b) {
        const pair = [x.n, y.n].sort((m, n) => m - n).join(" ");
        if (parted) this.cut.add(pair);
        else this.cut.delete(pair);
      }
    }
    this.topology();
    if (!parted) { for (const host of [...a, ...b]) this.gossip(host); }
  }

  /** Tells all who is there, and gossips on what are new links. */
  topology(): void {
    for (const host of this.#hosts) this.tell(host);
    for (const host of this.#hosts) this.gossip(host);
  }

  /** Tells one host who is there. */
  tell(host: Host): void {
    if (!host.alive) return;
    const there = this.#hosts.filter((other) => this.reaches(host, other) || other === host);
    this.feed(host, {
      kind: "topology",
      peers: there.map((other) => ({
        name: other.name,
        nickname: `host${other.n}`,
        reachable: true,
        weft: other.options.real !== true,
      })),
    });
    for (const { n } of there) host.reached.add(n);
    this.feed(host, {
      kind: "targets",
      targets: host.targets.map((n): Target => ({
        text: `192.0.2.${n}`,
        peer: host.reached.has(n) ? hostName(n) : undefined,
      })),
    });
  }

  /** Tells whether what one says comes to the other. */
  reaches(a: Host, b: Host): boolean {
    const pair = [a.n, b.n].sort((m, n) => m - n).join(" ");
    return a !== b && a.alive && b.alive && !this.cut.has(pair);
  }

  /** Lets a host tell all others its state, as on a new link or every now and then. */
  gossip(host: Host): void {
    if (!host.alive) return;
    for (const channel of host.channels as readonly Channel[]) {
      const item = channel.full();
      if (item === undefined || (channel.name === "weft" && host.options.real === true)) continue;
      this.#spread(host, channel, item, "gossip");
    }
  }

  /** Lets time pass. */
  run(ms: Millis): void {
    const end = this.now + ms;
    for (;;) {
      this.#queue.sort((a, b) => a.at - b.at || a.seq - b.seq);
      const next = this.#queue[0];
      let at = next?.at ?? Infinity;
      let ticking: Host | undefined;
      for (const host of this.#hosts) {
        const deadline = host.alive ? host.allocator.deadline() ?? Infinity : Infinity;
        if (deadline < at) [at, ticking] = [deadline, host];
      }
      const round = this.gossipMs > 0
        ? (Math.floor(this.now / this.gossipMs) + 1) * this.gossipMs
        : Infinity;
      if (Math.min(at, round) > end) break;
      if (round < at) {
        this.now = round;
        for (const host of this.#hosts) this.gossip(host);
        continue;
      }
      this.now = Math.max(this.now, at);
      if (ticking !== undefined) this.feed(ticking, { kind: "tick" });
      else this.#queue.shift()?.run();
    }
    this.now = end;
  }

  /** Hands an input to a host and performs what comes out. */
  feed(host: Host, input: AllocatorInput): void {
    if (!host.alive) return;
    const { allocator } = host;
    allocator.handle(input, this.now);
    for (let out = allocator.poll(); out !== undefined; out = allocator.poll()) {
      host.outputs.push(out);
      if (out.kind === "persist" && host.held.length === 0) {
        this.later(this.commitMs, () => host.allocator === allocator && this.#commit(host));
      }
      if (out.kind === "persist" || host.held.length > 0) host.held.push(out);
      else this.#perform(host, out);
    }
    this.check(host);
  }

  /** Does something later. */
  later(ms: Millis, run: () => void): void {
    this.#queue.push({ at: this.now + ms, seq: this.#seq++, run });
  }

  #commit(host: Host): void {
    if (!host.alive) return;
    const outputs = host.held;
    host.held = [];
    for (const out of outputs) if (out.kind === "persist") this.#store(host, out.change);
    for (const out of outputs) {
      if (out.kind === "persist") this.feed(host, { kind: "stored", serial: out.serial });
      else this.#perform(host, out);
    }
  }

  #store(host: Host, change: IpamChange): void {
    host.disk = applyChange(host.disk, change);
    if (change.setAside !== undefined) host.aside.push(change.setAside.reason);
  }

  #perform(host: Host, output: AllocatorOutput): void {
    switch (output.kind) {
      case "answer":
        host.answers.set(output.id, output.answer);
        return;
      case "probe": {
        const { address, withinMs } = output;
        const taken = this.stations.has(address);
        const { allocator } = host;
        return this.later(withinMs, () => {
          if (host.allocator === allocator) this.feed(host, { kind: "probed", address, taken });
        });
      }
      case "persist":
      case "log":
        return;
    }
    const sending = sendingOf(output, host.channels[0], host.allocator);
    if (sending === undefined) return;
    const channel = must(host.channels.find(({ name }) => name === sending.channel), "channel");
    if (sending.channel === "weft" && host.options.real === true) return;
    if (sending.kind === "broadcast") {
      return this.#spread(host, channel as Channel, sending.item, "broadcast");
    }
    const to = this.#hosts.find(({ name }) => name === sending.to);
    if (to !== undefined) this.#deliver(host, to, channel.name, "unicast", sending.payload);
  }

  #spread(host: Host, channel: Channel, item: unknown, how: "gossip" | "broadcast"): void {
    for (const payload of channel.encode(item)) {
      for (const other of this.#hosts) this.#deliver(host, other, channel.name, how, payload);
    }
  }

  #deliver(
    from: Host,
    to: Host,
    channel: string,
    how: "gossip" | "broadcast" | "unicast",
    payload: Uint8Array,
  ): void {
    if (!this.reaches(from, to)) return;
    this.later(1, () => {
      if (!this.reaches(from, to) || (channel === "weft" && to.options.real === true)) return;
      const target = must(to.channels.find(({ name }) => name === channel), "channel") as Channel;
      const news = target[how](payload, from.name, this.now);
      // In a mesh in which all reach all only gossip has to go on.
      if (how === "gossip" && news !== undefined) this.#spread(to, target, news, "gossip");
    });
  }
}

/** Lets `holder` give out an address and die, `other` take its space, and `holder` come back with its disk. */
export function comeBackAfterTakeover(world: IpamWorld, other: Host, holder: Host): void {
  holder.allocate("c1");
  world.run(100);
  world.kill(holder);
  other.ask({ kind: "takeOver", peer: `host${holder.n}`, force: false });
  world.run(100);
  holder.restart();
  world.run(1000);
}
