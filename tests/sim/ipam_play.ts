/**
 * One scenario of address allocation from its beginning to the verdict.
 *
 * ```
 *   events --> all is mended, who is not gone starts --> a ring, if somebody wants one --> dead owners are taken over
 *          --> all rings are equal (L1) --> everybody gets an address if there is one (L2) --> nothing is left open
 * ```
 *
 * @module
 */

import {
  type Cidr,
  formatIpv4,
  formatPeerName,
  type Ipv4,
  type Millis,
  type PeerName,
} from "../../base/mod.ts";
import { hostRangeOf, type Range } from "../../container/ipam/range.ts";
import { isEmpty } from "../../container/ipam/ring.ts";
import { DEAD_MS } from "../../container/ipam/leases.ts";
import type { IpamRun, Wish } from "./ipam_run.ts";
import type { IpamEvent, IpamScenario } from "./ipam_scenario.ts";
import { IpamSimWorld, type SimHost } from "./ipam_world.ts";

/** Longer than any request of the events may wait. */
const PATIENCE_MS = 75_000;
/** Two rounds of gossip, and what it brings about. */
const ROUNDS_MS = 70_000;
/** Longer than a ping and what it may start. */
const TAKEOVER_MS = 3_000;
/** An address that some peer has is given within this time, mostly. */
const ENOUGH_MS = 12_000;
/** A founding takes less. */
const FOUNDING_MS = 40_000;

/** How it went. */
export interface IpamOutcome {
  /** What is wrong; empty if all is well. */
  readonly problems: readonly string[];
  /** How requests ended. */
  readonly tally: Readonly<Record<string, number>>;
}

/** Plays a scenario; whatever is thrown is a problem. */
export function verdict(scenario: IpamScenario): IpamOutcome {
  const world = new IpamSimWorld(scenario);
  try {
    return { problems: play(world), tally: world.ledger.tally };
  } catch (error) {
    const text = error instanceof Error
      ? `${error.stack ?? error.message}${causeOf(error)}`
      : String(error);
    return { problems: [text], tally: world.ledger.tally };
  }
}

function causeOf(error: Error): string {
  return error.cause instanceof Error ? `\ncaused by ${error.cause.stack}` : "";
}

function play(world: IpamSimWorld): string[] {
  const { events } = world.scenario;
  for (const event of events) world.after(event.at, () => perform(world, event));
  world.pass(Math.max(0, ...events.map(({ at }) => at)));
  repair(world);
  world.pass(PATIENCE_MS);
  found(world);
  world.pass(ROUNDS_MS);
  bringHome(world);
  if (world.ledger.mayDivide && world.runs.some((run) => run.allocator.parts.conflicts.any)) {
    return openProblems(world);
  }
  const problems = agreementProblems(world);
  if (problems.length > 0) return problems;
  const unserved = plentyProblems(world);
  world.pass(ROUNDS_MS);
  return [...unserved, ...agreementProblems(world), ...openProblems(world)];
}

function perform(world: IpamSimWorld, event: IpamEvent): void {
  if (event.kind === "split") return split(world, event.group);
  if (event.kind === "join") return world.mendAll();
  const host = world.hosts.get(event.a);
  if (host === undefined) return;
  switch (event.kind) {
    case "start":
      return world.start(event.a);
    case "crash":
      return world.crash(event.a);
    case "trap":
      host.trap = { phase: event.phase, skip: event.skip, rests: event.rests ?? 0 };
      return;
    case "wipe":
      // With its disk a host loses its containers: it is installed anew.
      world.crash(event.a);
      if (host.gone) return;
      host.held.clear();
      host.wipe();
      return forgetLostRing(world);
    case "bury":
      return bury(world, host);
    case "reset":
      return reset(world, host);
    case "connect":
      if (!host.targets.includes(event.b)) host.targets.push(event.b);
      return host.run?.tellTargets();
    case "cut":
    case "heal":
      return world.setCut(event.a, event.b, event.kind === "cut");
    case "takeOver":
      return takeOver(world, host, world.hosts.get(event.b));
    default:
      return wish(world, host, event);
  }
}

function wish(
  world: IpamSimWorld,
  host: SimHost,
  event: IpamEvent & { kind: "allocate" | "claim" | "free" | "died" | "started" | "destroyed" },
): void {
  const { run } = host;
  const { ident } = event;
  if (run === undefined) return;
  switch (event.kind) {
    case "allocate": {
      const subnet = subnetOf(world.universe, event.subnet);
      run.ask({ kind: "allocate", ident, subnet, isContainer: event.isContainer });
      return;
    }
    case "claim": {
      const { address, length } = world.universe;
      const cidr = { address: address + event.address % 2 ** (32 - length), length };
      // Who has it already keeps what it was given for.
      const isContainer = host.held.get(cidr.address)?.isContainer ?? false;
      run.ask({ kind: "claim", ident, cidr, isContainer });
      return;
    }
    case "free":
      forget(host, ident, () => true);
      run.ask({ kind: "freeAll", ident });
      return;
    case "died":
      // It may start again within this time.
      world.after(DEAD_MS - 1, () => {
        const isDead = host.run === run && run.allocator.parts.leases.isDead(ident);
        if (isDead) forget(host, ident, () => true);
      });
      return run.feed({ kind: "died", ident });
    case "started":
      return run.feed({ kind: "started", ident });
    case "destroyed":
      forget(host, ident, () => true);
      return run.feed({ kind: "destroyed", ident });
  }
}

function forget(host: SimHost, ident: string, which: (address: Ipv4) => boolean): void {
  for (const [address, held] of host.held) {
    if (held.ident === ident && which(address)) host.held.delete(address);
  }
}

function subnetOf({ address, length }: Cidr, which: number): Cidr {
  if (which === 0) return { address, length };
  const longer = Math.min(30, length + which);
  return {
    address: address + (which - 1) * (2 ** (32 - length) - 2 ** (32 - longer)),
    length: longer,
  };
}

function bury(world: IpamSimWorld, host: SimHost): void {
  world.crash(host.number);
  host.gone = true;
  host.held.clear();
}

/** Leaves as `weft reset` does: gives all away, then forgets all. */
function reset(world: IpamSimWorld, host: SimHost): void {
  const { run } = host;
  if (run === undefined) return;
  host.held.clear();
  run.ask({ kind: "handOver" });
  world.after(12_000, () => {
    if (host.run === run) bury(world, host);
  });
}

function split(world: IpamSimWorld, group: readonly number[]): void {
  for (const a of world.hosts.keys()) {
    for (const b of world.hosts.keys()) {
      if (a < b) world.setCut(a, b, group.includes(a) !== group.includes(b));
    }
  }
}

/** Tries to take over a host, what it had when it died or lost its disk first. */
function takeOver(world: IpamSimWorld, host: SimHost, victim: SimHost | undefined): void {
  const { run } = host;
  if (run === undefined || victim === undefined) return;
  const { territory } = run.allocator.parts;
  const dead = victim.deadNames().find((name) => territory.sizeOf(name) > 0);
  if (dead === undefined) takeOverLiving(world, run, victim);
  else takeOverDead(world, run, dead);
}

/**
 * Takes over what nobody has any more. Who does that must be sure that nobody got a part of it whom he does not see: all
 * others that have a ring run, can be reached and know of the same, and none of them is at it too. What happens after that
 * does not matter: the dead give nothing away.
 */
function takeOverDead(world: IpamSimWorld, run: IpamRun, dead: PeerName): void {
  const { runs, ledger } = world;
  const entriesOf = (each: IpamRun): string => {
    const { entries } = each.allocator.parts.territory.ring;
    return JSON.stringify(entries.filter(({ peer }) => peer === dead));
  };
  const isAway = ({ gone, disk, run }: SimHost): boolean =>
    !gone && run === undefined && !isEmpty(disk.ring);
  const all = ![...world.hosts.values()].some(isAway) && world.reach(run).size === runs.length;
  const agreed = runs.every((each) => entriesOf(each) === entriesOf(run));
  const alone = !runs.some(({ open }) =>
    [...open.values()].some(({ wish }) => wish.kind === "takeOver")
  );
  if (!all || !agreed || !alone || ledger.mayDivide) return;
  ledger.takenOver.add(dead);
  ledger.tally.takeovers++;
  run.ask({ kind: "takeOver", peer: formatPeerName(dead), force: false });
}

/** Tries to take over a host that lives, which is refused if words come in time; the ledger sees if it is not (S9). */
function takeOverLiving(world: IpamSimWorld, run: IpamRun, victim: SimHost): void {
  const target = victim.run;
  if (target === undefined || target === run) return;
  const { loss, latency } = world.scenario;
  const mayBeLate = loss > 0 || latency[1] > 100 || isTroubled(world);
  const leaves = target.allocator.parts.leaving;
  const all = world.reach(run).size === world.runs.length;
  const isKnown = run.allocator.parts.peers.get(target.name)?.weft === true;
  // A real peer does not ping.
  if (mayBeLate || leaves || !all || !isKnown || run.host.plan.real) return;
  run.ask({ kind: "takeOver", peer: formatPeerName(target.name), force: false });
}

/** Somebody is going to end, or to be cut off, before a ping comes back. */
function isTroubled(world: IpamSimWorld): boolean {
  const harmless = new Set(["start", "connect", "allocate", "claim", "free", "takeOver", "heal"]);
  return [...world.hosts.values()].some(({ trap }) => trap !== undefined) ||
    world.scenario.events.some(({ at, kind }) =>
      at >= world.now && at < world.now + TAKEOVER_MS && !harmless.has(kind)
    );
}

function repair(world: IpamSimWorld): void {
  world.faults = { loss: 0, twice: 0 };
  for (const host of world.hosts.values()) {
    host.trap = undefined;
    world.start(host.number);
  }
  world.mendAll(true);
}

/** Makes sure that there is a ring: somebody wants one, and gives up for dead who never comes. */
function found(world: IpamSimWorld): void {
  const first = world.runs[0];
  if (first === undefined) return;
  first.ask({ kind: "prime", without: [] });
  world.pass(FOUNDING_MS);
  const gone = [...world.hosts.values()].filter((host) => host.gone)
    .map(({ number }) => `192.0.2.${number}`);
  for (const run of world.runs) {
    if (!isEmpty(run.allocator.parts.territory.ring)) continue;
    forgetLostRing(world);
    run.ask({ kind: "prime", without: gone });
    world.pass(FOUNDING_MS);
  }
}

/** If whoever had a ring took it along there may be another one. */
function forgetLostRing(world: IpamSimWorld): void {
  const known = [...world.hosts.values()].some(({ gone, disk }) => !gone && !isEmpty(disk.ring));
  if (!known) world.ledger.foundings.clear();
}

/** Takes over all that belongs to nobody alive, on one host. */
function bringHome(world: IpamSimWorld): void {
  const [first] = world.runs;
  if (first === undefined) return;
  const alive = new Set(world.runs.map(({ name }) => name));
  const owners = new Set(first.allocator.parts.territory.ring.entries.map(({ peer }) => peer));
  for (const owner of owners) {
    if (alive.has(owner)) continue;
    world.ledger.takenOver.add(owner);
    first.ask({ kind: "takeOver", peer: formatPeerName(owner), force: false });
    world.pass(ROUNDS_MS);
  }
}

/** L1: all have the same ring. */
function agreementProblems(world: IpamSimWorld): string[] {
  const rings = world.runs.map((run) => {
    const { entries } = run.allocator.parts.territory.ring;
    return entries.map(({ token, peer, version }) => `${formatIpv4(token)} ${peer} v${version}`)
      .join();
  });
  const problems = world.runs.flatMap((run, i) => {
    if (rings[i] === "" && !hasMajority(world)) return [];
    if (rings[i] === "") return [`L3: host ${run.host.number} has no ring: ${waitsFor(run)}`];
    return rings[i] === rings[0]
      ? []
      : [`L1: host ${run.host.number}: ${rings[i]} but ${rings[0]}`];
  });
  return problems;
}

/** Where a majority has to agree one must be alive. */
function hasMajority(world: IpamSimWorld): boolean {
  const { family, hosts } = world.scenario;
  return family !== "majority" || 2 * world.runs.length > hosts.length;
}

function waitsFor(run: IpamRun): string {
  return run.allocator.parts.bootstrap.waitsFor();
}

/** L2: a request ends in an address while any host has a free one, and in a refusal with its reason when none has. */
function plentyProblems(world: IpamSimWorld): string[] {
  const problems: string[] = [];
  for (const run of world.runs) {
    if (isEmpty(run.allocator.parts.territory.ring)) continue;
    const free = freeHosts(world);
    const { addresses } = world.ledger.tally;
    const id = run.ask(
      { kind: "allocate", ident: "last", subnet: world.universe, isContainer: false } as Wish,
    );
    world.pass(ENOUGH_MS);
    if (run.open.has(id)) world.pass(PATIENCE_MS);
    if (run.open.has(id)) problems.push(`L2: host ${run.host.number} waits for ever`);
    const held = run.allocator.parts.leases.of("last").length > 0;
    if (!held && free > 0) {
      {
        problems.push(
          `L2: host ${run.host.number} got none of ${free} addresses: ${world.ledger.lastReason}`,
        );
      }
    }
    if (held && world.ledger.tally.addresses === addresses) problems.push("L2: it was not told");
  }
  return problems;
}

function freeHosts(world: IpamSimWorld): number {
  const hosts: Range = hostRangeOf(world.universe);
  return world.runs.reduce((sum, run) => {
    return sum + run.allocator.parts.territory.space.freeIn(hosts);
  }, 0);
}

/** Every request ends. */
function openProblems(world: IpamSimWorld): string[] {
  const over = (since: Millis): boolean => world.now - since > PATIENCE_MS;
  return world.runs.flatMap((run) =>
    [...run.open.values()].filter(({ wish, since }) => wish.kind !== "prime" && over(since))
      .map(({ wish, since }) => `host ${run.host.number}: ${wish.kind} of ${since} ms never ends`)
  );
}
