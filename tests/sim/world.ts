/**
 * Routers on a network, and a clock that jumps from one event to the next.
 *
 * @module
 */

import type { Millis } from "../../base/mod.ts";
import { parseTarget } from "../../mesh/target.ts";
import { parseMessage } from "../../mesh/wire.ts";
import { Dice } from "./dice.ts";
import { EventQueue } from "./event_queue.ts";
import { Network, type Path } from "./network.ts";
import { addressOf, PORT, Run, toyCrypto } from "./peer.ts";
import type { Scenario } from "./scenario.ts";

/** Events without time passing that mean that it never will. */
const MAX_EVENTS_AT_ONCE = 100_000;
const NAMES = 0x020000000000;

/** A message of a channel that no core handles, on its way from one peer to the next. */
export interface Foreign {
  /** Number of the sender. */
  readonly from: number;
  /** Number of the receiver. */
  readonly to: number;
  /** How it spreads. */
  readonly kind: "gossip" | "unicast" | "broadcast";
}

/** All routers of a scenario. */
export class World {
  /** Time in ms. */
  now: Millis = 0;
  /** The network. */
  readonly network: Network;
  /** Messages of channels that no core handles, once {@link World.listens} is set. */
  readonly foreign: Foreign[] = [];
  /** Whether such messages are kept. */
  listens = false;
  #scenario: Scenario;
  #queue = new EventQueue();
  #runs = new Map<number, Run>();
  #starts = new Map<number, number>();
  #withdrawn = new Set<string>();
  #latencies = new Map<number, Millis>();

  /** Nobody runs yet. */
  constructor(scenario: Scenario) {
    this.#scenario = scenario;
    const { seed, loss, pieces, walls, wall } = scenario;
    this.network = new Network({
      queue: this.#queue,
      now: () => this.now,
      latency: (from, to) => this.latency(from, to),
      loss,
      pieces,
      dice: new Dice(seed, 1),
    });
    for (const [a, b] of walls) this.#path(a, b, wall);
  }

  /** Runs that have not ended, by number of the peer. */
  get runs(): Run[] {
    return [...this.#runs.values()].filter((run) => !run.dead);
  }

  /** Returns the run of a peer, if it runs. */
  run(peer: number): Run | undefined {
    const run = this.#runs.get(peer);
    return run?.dead === false ? run : undefined;
  }

  /** Returns the latency of a direction: the same at all times. */
  latency(from: number, to: number): Millis {
    const [low, high] = this.#scenario.latency;
    const known = this.#latencies.get(from * 256 + to);
    if (known !== undefined) return known;
    const latency = new Dice(this.#scenario.seed, 2, from, to).between(low, high);
    this.#latencies.set(from * 256 + to, latency);
    return latency;
  }

  /** Starts a peer, each time with another UID; one that runs goes on. */
  start(peer: number): void {
    if (this.run(peer) !== undefined) return;
    const { seed, discovery, limit, targets, ports, shortIds } = this.#scenario;
    const starts = (this.#starts.get(peer) ?? 0) + 1;
    this.#starts.set(peer, starts);
    this.network.setPower(peer, true);
    const config = {
      name: nameOf(peer),
      nickname: `host${peer}`,
      host: `192.0.2.${peer}`,
      port: PORT,
      passwords: [],
      overlays: ["sleeve"],
      discovery,
      connectionLimit: limit,
      trustedSubnets: [],
      targets: targets.filter(([from]) => from === peer).map(([, to]) => targetText(to, ports)),
    };
    const crypto = toyCrypto(new Dice(seed, 3, peer, starts), shortIds);
    const around = {
      queue: this.#queue,
      network: this.network,
      now: () => this.now,
      latency: (from: number, to: number) => this.latency(from, to),
      withdrawn: (from: number, to: number) => this.#withdrawn.has(`${from} ${to}`),
      linked: (from: number, to: number) => this.run(from)?.hasLinkTo(to) === true,
      onMessage: (from: number, to: number, bytes: Uint8Array) => this.#listen(from, to, bytes),
    };
    this.#runs.set(peer, new Run(peer, config, crypto, around, new Dice(seed, 4, peer, starts)));
  }

  /** Ends a peer as a crash does: its connections are reset. */
  kill(peer: number): void {
    this.run(peer)?.end(true);
  }

  /** Ends a peer as a power failure does: nobody is told. */
  powerOff(peer: number): void {
    this.network.setPower(peer, false);
    this.run(peer)?.end(false);
  }

  /** Stops a peer for a while, as a virtual machine that is moved. */
  pause(peer: number): void {
    const run = this.run(peer);
    if (run !== undefined) run.paused = true;
  }

  /** Lets a paused peer go on. */
  resume(peer: number): void {
    const run = this.run(peer);
    if (run === undefined || !run.paused) return;
    run.resume();
    this.network.wake(peer);
  }

  /** Changes whether datagrams pass from one peer to another, both ways unless `oneWay`; walls stay. */
  setPath(a: number, b: number, path: Path, oneWay = false): void {
    if (this.walled(a, b)) return;
    this.#path(a, b, path, oneWay);
  }

  /** Whether nothing ever passes between two peers. */
  walled(a: number, b: number): boolean {
    return this.#scenario.walls.some(([x, y]) => (x === a && y === b) || (x === b && y === a));
  }

  /** Keeps the overlay of `from` from seeing `to`, or no longer. */
  withdraw(from: number, to: number, withdrawn: boolean): void {
    if (withdrawn) this.#withdrawn.add(`${from} ${to}`);
    else this.#withdrawn.delete(`${from} ${to}`);
    this.run(from)?.lookAtPath(to);
  }

  /** Adds a target, or forgets it. */
  aim(kind: "connect" | "forget", from: number, to: number): void {
    const text = targetText(to, this.#scenario.ports);
    const run = this.run(from);
    if (kind === "forget") run?.feed({ kind, targets: [text] });
    else run?.feed({ kind, targets: [parseTarget(text)], replace: false });
  }

  /** Does something later. */
  at(time: Millis, what: () => void): void {
    this.#queue.add(time, what);
  }

  /** Lets time pass. */
  pass(ms: Millis): void {
    const end = this.now + ms;
    let atOnce = 0;
    while (this.#queue.next <= end) {
      atOnce = this.#queue.next > this.now ? 0 : atOnce + 1;
      if (atOnce > MAX_EVENTS_AT_ONCE) throw new Error(`Time stands still at ${this.now}`);
      this.now = Math.max(this.now, this.#queue.next);
      this.#queue.take()?.();
    }
    this.now = end;
  }

  #listen(from: number, to: number, bytes: Uint8Array): void {
    if (!this.listens) return;
    const message = parseMessage(bytes);
    if ("channel" in message && message.channel === FOREIGN) {
      this.foreign.push({ from, to, kind: message.kind });
    }
  }

  #path(a: number, b: number, path: Path, oneWay = false): void {
    this.network.setPath(a, b, path);
    if (!oneWay) this.network.setPath(b, a, path);
    this.run(a)?.lookAtPath(b);
    this.run(b)?.lookAtPath(a);
  }
}

/** Name of the channel that no core handles. */
export const FOREIGN = "simulated";

/** Returns the name of a peer. */
export function nameOf(peer: number): number {
  return NAMES + peer;
}

/** Returns the number of a peer. */
export function numberOf(name: number): number {
  return name - NAMES;
}

function targetText(peer: number, ports: boolean): string {
  const ip = addressOf(peer)[15] ?? 0;
  return ports ? `192.0.2.${ip}:${PORT}` : `192.0.2.${ip}`;
}
