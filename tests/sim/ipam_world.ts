/**
 * Routers that share addresses, in memory: a clock that jumps, links that lose, repeat and reorder, disks and crashes.
 *
 * ```
 *   allocator --output--> behind a persist? held until the commit --> links --> channel of another --> allocator
 *                                            |
 *                                            +-- a trap: the process ends before or after the commit, or in the middle
 * ```
 *
 * The mesh is the least that could carry gossip: broadcasts go down a tree, each hop saying it in its own words; messages to
 * one peer arrive if there is a way; on a new link both tell all, and now and then each tells its neighbours.
 *
 * @module
 */

import { type Cidr, type Ipv4, type Millis, type PeerName } from "../../base/mod.ts";
import { rangeOf } from "../../container/ipam/range.ts";
import { nothingStored } from "../../container/ipam/stored.ts";
import type { InitMode, StoredIpam } from "../../container/ipam/allocator_io.ts";
import { Dice } from "./dice.ts";
import { EventQueue } from "./event_queue.ts";
import { Ledger } from "./ipam_ledger.ts";
import { IpamRun } from "./ipam_run.ts";
import type { HostPlan, IpamScenario } from "./ipam_scenario.ts";

/** Topology comes to a router within this time. */
const TOPOLOGY_MS = 1_500;
/** First address of the universe. */
const UNIVERSE = 0xc6336400;

/** A way of saying something. */
export type How = "gossip" | "broadcast" | "unicast";

/** One host: what outlives its router. */
export class SimHost {
  /** How often it lost its disk; it has another name each time. */
  life = 0;
  /** What is on its disk. */
  disk: StoredIpam;
  /** Its router, if it runs. */
  run: IpamRun | undefined;
  /** It never comes back. */
  gone = false;
  /** Whom it was told of. */
  targets: number[];
  /** What its containers have, since they were told so: address, ident, and if an engine knows it. */
  readonly held = new Map<Ipv4, { readonly ident: string; readonly isContainer: boolean }>();
  /** The process ends at a commit. */
  trap: { phase: "before" | "after" | "between"; skip: number; rests: number } | undefined;

  /** Has never run. */
  constructor(readonly world: IpamSimWorld, readonly plan: HostPlan) {
    this.disk = nothingStored(rangeOf(world.universe), this.name);
    this.targets = [...plan.targets];
  }

  /** Number of the host. */
  get number(): number {
    return this.plan.host;
  }

  /** Name of its router. */
  get name(): PeerName {
    return this.#nameIn(this.life);
  }

  /** Returns the names of it that nobody has any more. */
  deadNames(): PeerName[] {
    const lives = this.gone ? this.life + 1 : this.life;
    return Array.from({ length: lives }, (_, life) => this.#nameIn(life));
  }

  /** Loses its disk. */
  wipe(): void {
    this.life++;
    this.disk = nothingStored(rangeOf(this.world.universe), this.name);
  }

  #nameIn(life: number): PeerName {
    return 0x020000000000 + this.plan.host + 0x100 * life;
  }
}

/** The clock, the links and all hosts. */
export class IpamSimWorld {
  /** Time in ms. */
  now: Millis = 0;
  /** All addresses. */
  readonly universe: Cidr;
  /** What must hold, and what was seen. */
  readonly ledger: Ledger;
  /** All hosts by number. */
  readonly hosts = new Map<number, SimHost>();
  /** Faults of links; the end of a scenario takes them away. */
  faults: { loss: number; twice: number };
  readonly #dice: Dice;
  readonly #queue = new EventQueue();
  readonly #walls = new Set<string>();
  readonly #cuts = new Set<string>();
  #links = new Set<string>();

  /** Nothing runs yet. */
  constructor(readonly scenario: IpamScenario) {
    this.universe = { address: UNIVERSE, length: scenario.prefix };
    this.#dice = new Dice(scenario.seed, 0x1Fb);
    this.faults = { loss: scenario.loss, twice: scenario.twice };
    this.ledger = new Ledger(this);
    for (const [a, b] of scenario.walls) this.#walls.add(pairOf(a, b));
    for (const plan of scenario.hosts) this.hosts.set(plan.host, new SimHost(this, plan));
  }

  /** All routers that run. */
  get runs(): IpamRun[] {
    return [...this.hosts.values()].flatMap(({ run }) => run === undefined ? [] : [run]);
  }

  /** Returns how the first ring of a host is to come about. */
  get init(): InitMode {
    const { family, hosts } = this.scenario;
    const names = hosts.map(({ host }) => 0x020000000000 + host);
    if (family === "majority") return { kind: "consensus", peers: hosts.length };
    if (family === "seed") return { kind: "seed", names };
    return { kind: "founding" };
  }

  /** Returns 0 <= x < 1. */
  random(): number {
    return this.#dice.fraction();
  }

  /** Plans something. */
  after(ms: Millis, run: () => void): void {
    this.#queue.add(this.now + ms, run);
  }

  /** Lets time pass. */
  pass(ms: Millis): void {
    const end = this.now + ms;
    while (this.#queue.next <= end) {
      this.now = Math.max(this.now, this.#queue.next);
      this.#queue.take()?.();
    }
    this.now = end;
  }

  /** Starts a router. */
  start(number: number): void {
    const host = this.hosts.get(number);
    if (host === undefined || host.gone || host.run !== undefined) return;
    const run = new IpamRun(this, host);
    host.run = run;
    run.begin();
    this.after(Math.floor(this.random() * this.scenario.gossipMs), () => this.#gossipForEver(run));
    this.#relink();
  }

  /** Ends a router at once. */
  crash(number: number): void {
    const host = this.hosts.get(number);
    if (host?.run === undefined) return;
    host.run = undefined;
    host.trap = undefined;
    this.#relink();
  }

  /** Breaks or mends a direct way. */
  setCut(a: number, b: number, cut: boolean): void {
    if (cut) this.#cuts.add(pairOf(a, b));
    else this.#cuts.delete(pairOf(a, b));
    this.#relink();
  }

  /** Mends all; in the end even pairs that could never link do. */
  mendAll(walls = false): void {
    this.#cuts.clear();
    if (walls) this.#walls.clear();
    this.#relink();
  }

  /** Returns who is linked with a router. */
  neighbours(run: IpamRun): IpamRun[] {
    return this.runs.filter((other) => this.#links.has(pairOf(run.host.number, other.host.number)));
  }

  /** Returns all whom a router has a way to, itself first, and for each the one before it on the way. */
  reach(run: IpamRun): Map<IpamRun, IpamRun> {
    const ways = new Map([[run, run]]);
    for (const [each] of ways) {
      for (const next of this.neighbours(each)) if (!ways.has(next)) ways.set(next, each);
    }
    return ways;
  }

  /** Sends to a peer by name. */
  unicast(from: IpamRun, to: PeerName, channel: string, payload: Uint8Array): void {
    const target = [...this.reach(from).keys()].find((run) => run.name === to);
    if (target !== undefined) this.#deliver(from, target, "unicast", channel, payload, from.name);
  }

  /** Tells all neighbours. */
  gossip(from: IpamRun, channel: string, payloads: readonly Uint8Array[]): void {
    for (const to of this.neighbours(from)) {
      for (const payload of payloads) {
        this.#deliver(from, to, "gossip", channel, payload, from.name);
      }
    }
  }

  /** Sends a broadcast of some source on to those whose way from there leads over `via`. */
  relay(source: PeerName, via: IpamRun, channel: string, payloads: readonly Uint8Array[]): void {
    const origin = this.runs.find(({ name }) => name === source);
    if (origin === undefined) return;
    for (const [to, before] of this.reach(origin)) {
      if (before !== via || to === via) continue;
      for (const payload of payloads) this.#deliver(via, to, "broadcast", channel, payload, source);
    }
  }

  #deliver(
    from: IpamRun,
    to: IpamRun,
    how: How,
    channel: string,
    payload: Uint8Array,
    source: PeerName,
  ): void {
    if (channel === "weft" && (to.host.plan.real || from.host.plan.real)) return;
    const [low, high] = this.scenario.latency;
    for (let copies = this.random() < this.faults.twice ? 2 : 1; copies > 0; copies--) {
      if (this.random() < this.faults.loss) continue;
      this.after(low + this.random() * (high - low), () => {
        if (to.isLive && this.reach(to).has(from)) to.receive(how, channel, payload, source);
      });
    }
  }

  #gossipForEver(run: IpamRun): void {
    if (!run.isLive) return;
    run.gossip();
    this.after(this.scenario.gossipMs, () => this.#gossipForEver(run));
  }

  /** Looks who is linked now, and lets everybody know in time. */
  #relink(): void {
    const before = this.#links;
    this.#links = new Set();
    const { runs } = this;
    const fresh: [IpamRun, IpamRun][] = [];
    runs.forEach((a, i) =>
      runs.slice(i + 1).forEach((b) => {
        const pair = pairOf(a.host.number, b.host.number);
        if (this.#walls.has(pair) || this.#cuts.has(pair)) return;
        this.#links.add(pair);
        const isNew = !before.has(pair) || a.isNew || b.isNew;
        if (isNew) fresh.push([a, b]);
      })
    );
    for (const run of runs) run.isNew = false;
    for (const [a, b] of fresh) {
      a.met.set(b.host.number, b.name);
      b.met.set(a.host.number, a.name);
      this.after(this.random() * 100, () => this.#introduce(a, b));
    }
    for (const run of runs) {
      this.after(this.random() * TOPOLOGY_MS, () => {
        if (run.isLive) run.topology();
      });
    }
  }

  #introduce(a: IpamRun, b: IpamRun): void {
    for (const [from, to] of [[a, b], [b, a]] as const) {
      if (!from.isLive || !to.isLive) continue;
      for (const { channel, payloads } of from.full()) {
        for (const payload of payloads) {
          this.#deliver(from, to, "gossip", channel, payload, from.name);
        }
      }
    }
  }
}

function pairOf(a: number, b: number): string {
  return a < b ? `${a} ${b}` : `${b} ${a}`;
}
