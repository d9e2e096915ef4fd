/**
 * A scenario of address allocation, made from a seed.
 *
 * ```
 *   family      who was told of whom, and how the first ring is to come about
 *   links       latency, loss, repetition; walls between pairs that never link
 *   events      what happens when, on which host; made beforehand, so that a scenario can be made shorter
 * ```
 *
 * @module
 */

import type { Millis } from "../../base/mod.ts";
import { Dice } from "./dice.ts";

/** How the first ring is to come about. */
export type Family =
  /** One host was told of nobody, the others of it or of one another. */
  | "founder"
  /** Each was told of all. */
  | "everybody"
  /** Each was told of the next, the last of the first. */
  | "circle"
  /** Whom each was told of is chance, but what any two were told of, directly or not, meets. */
  | "chance"
  /** `--ipalloc-init consensus=N`. */
  | "majority"
  /** `--ipalloc-init seed=...`. */
  | "seed"
  /** Two hosts were told of nobody, the rest of both: two rings may be founded. */
  | "two founders";

/** One host. */
export interface HostPlan {
  /** Its number. */
  readonly host: number;
  /** Whom it was told of. */
  readonly targets: readonly number[];
  /** It speaks what real peers speak, and nothing more. */
  readonly real: boolean;
}

/** What happens, `a` being the host. */
export type IpamEvent =
  & { readonly at: Millis; readonly a: number }
  & (
    /** The router starts, if it does not run. */
    | { readonly kind: "start" }
    /** It ends like a process that is killed; its containers go on. */
    | { readonly kind: "crash" }
    /** It ends at a commit that comes: before it, after it, or after one of the things that rest on it, the first unless told. */
    | {
      readonly kind: "trap";
      readonly phase: "before" | "after" | "between";
      readonly skip: number;
      readonly rests?: number;
    }
    /** Its disk is lost, and with it its name. */
    | { readonly kind: "wipe" }
    /** The whole host is gone for good. */
    | { readonly kind: "bury" }
    /** It leaves for good, giving its space away. */
    | { readonly kind: "reset" }
    /** It is told of another one. */
    | { readonly kind: "connect"; readonly b: number }
    /** A container wants any address of a subnet. */
    | {
      readonly kind: "allocate";
      readonly ident: string;
      readonly subnet: number;
      readonly isContainer: boolean;
    }
    /** A container wants this address. */
    | { readonly kind: "claim"; readonly ident: string; readonly address: number }
    /** A container gives all back. */
    | { readonly kind: "free"; readonly ident: string }
    /** What an engine tells of a container. */
    | { readonly kind: "died" | "started" | "destroyed"; readonly ident: string }
    /** Somebody tries to take over a host: one that lives, or what a dead one had. */
    | { readonly kind: "takeOver"; readonly b: number }
    /** The link between two hosts fails, or comes back. */
    | { readonly kind: "cut" | "heal"; readonly b: number }
    /** Hosts fall into two parts, or all are joined again. */
    | { readonly kind: "split"; readonly group: readonly number[] }
    | { readonly kind: "join" }
  );

/** A scenario. */
export interface IpamScenario {
  /** Of all dice that are thrown while it is played. */
  readonly seed: number;
  /** How the first ring is to come about. */
  readonly family: Family;
  /** The hosts. */
  readonly hosts: readonly HostPlan[];
  /** Pairs that never link directly. */
  readonly walls: readonly (readonly [number, number])[];
  /** Prefix length of the universe. */
  readonly prefix: number;
  /** What a message takes at least and at most. */
  readonly latency: readonly [Millis, Millis];
  /** Share of messages that is lost. */
  readonly loss: number;
  /** Share that comes twice. */
  readonly twice: number;
  /** What a commit takes. */
  readonly commitMs: Millis;
  /** Every neighbour is told all this often; more often than real, what is not on the disk yet is more in danger of being told. */
  readonly gossipMs: Millis;
  /** What happens, by time. */
  readonly events: readonly IpamEvent[];
}

const FAMILIES: readonly Family[] = [
  "founder",
  "founder",
  "everybody",
  "everybody",
  "circle",
  "chance",
  "majority",
  "seed",
  "two founders",
];
/** Subnets as shares of the universe: all, its first half, its last quarter. */
export const SUBNETS = 3;

/** Makes the scenario of a seed. */
export function makeIpamScenario(seed: number): IpamScenario {
  const dice = new Dice(seed, 0x1Fa);
  const family = dice.pick(FAMILIES);
  const count = dice.between(1, dice.chance(0.15) ? 9 : 5) + (family === "two founders" ? 2 : 0);
  const numbers = Array.from({ length: count }, (_, i) => i + 1);
  const told = tell(dice, family, numbers);
  const real = family === "majority" || family === "seed" ? dice.pick([0, 0, 0.5, 1]) : 0;
  const hosts = numbers.map((host, i): HostPlan => {
    return { host, targets: told[i] ?? [], real: dice.chance(real) };
  });
  const latency = dice.pick([[1, 3], [1, 60], [20, 700]] as const);
  const rough = dice.chance(0.5);
  return {
    seed,
    family,
    hosts,
    walls: dice.chance(0.3) ? walls(dice, hosts) : [],
    prefix: dice.pick([29, 28, 27, 26, 24]),
    latency,
    loss: rough ? dice.pick([0.02, 0.2]) : 0,
    twice: rough ? 0.1 : 0,
    commitMs: dice.pick([1, 10, 80, 1_500]),
    gossipMs: dice.pick([30_000, 30_000, 1_000]),
    events: [...makeEvents(dice, hosts, family), ...makeDeaths(new Dice(seed, 0x1Fc), hosts)]
      .sort((a, b) => a.at - b.at),
  };
}

/** A host dies for good and is taken over while life goes on; one ends in the middle of what rests on a commit. */
function makeDeaths(dice: Dice, hosts: readonly HostPlan[]): IpamEvent[] {
  const events: IpamEvent[] = [];
  const at = dice.between(5_000, dice.pick([20_000, 60_000, 180_000]));
  const [a, b] = dice.shuffled(hosts).map(({ host }) => host);
  if (a === undefined || b === undefined) return events;
  if (hosts.length > 2 && dice.chance(0.3)) {
    events.push({ at, a, kind: "bury" });
    // Somebody else may have to ask again: not everybody is there each time.
    for (let tries = dice.between(1, 4); tries > 0; tries--) {
      const asker = dice.pick(hosts.filter(({ host }) => host !== a)).host;
      events.push({ at: at + dice.between(500, 60_000), a: asker, b: a, kind: "takeOver" });
    }
  }
  if (dice.chance(0.25)) {
    const [skip, rests] = [dice.between(0, 4), dice.between(1, 5)];
    const up = at + dice.between(10, 30_000);
    events.push({ at, a: b, kind: "trap", phase: "between", skip, rests });
    events.push({ at: up, a: b, kind: "start" });
  }
  return events;
}

function tell(dice: Dice, family: Family, numbers: readonly number[]): number[][] {
  const others = (host: number): number[] => numbers.filter((each) => each !== host);
  switch (family) {
    case "founder":
      return numbers.map((host) => {
        if (host === 1) return [];
        return dice.chance(0.5) ? [1] : some(dice, numbers.filter((each) => each < host));
      });
    case "circle":
      return numbers.map((host) => numbers.length === 1 ? [] : [host % numbers.length + 1]);
    case "chance":
      for (;;) {
        const told = numbers.map((host) =>
          host === 1 || dice.chance(0.8) ? some(dice, others(host)) : []
        );
        if (told.filter((each) => each.length === 0).length <= 1 && meet(told)) return told;
      }
    case "two founders":
      return numbers.map((host) => host <= 2 ? [] : [1, 2]);
    case "everybody":
      // Some lists hold the host itself: all hosts are launched with the same words.
      return dice.chance(0.5) ? numbers.map(() => [...numbers]) : numbers.map(others);
    default:
      return numbers.map((host) => dice.chance(0.8) ? others(host) : some(dice, others(host)));
  }
}

function some(dice: Dice, numbers: readonly number[]): number[] {
  return dice.shuffled(numbers).slice(0, dice.between(Math.min(1, numbers.length), 2));
}

/** Tells whether all that any two hosts were told of, directly or not, has a host in common. */
function meet(told: readonly (readonly number[])[]): boolean {
  const closures = told.map((_, i) => {
    const set = [i + 1];
    for (const host of set) {
      for (const other of told[host - 1] ?? []) if (!set.includes(other)) set.push(other);
    }
    return set;
  });
  return closures.every((a) => closures.every((b) => a.some((host) => b.includes(host))));
}

/** Walls that leave all hosts linked over others, and no host without those it was told of. */
function walls(dice: Dice, hosts: readonly HostPlan[]): (readonly [number, number])[] {
  const pairs = hosts.flatMap((a) =>
    hosts.filter((b) => b.host > a.host).map((b) => [a, b] as const)
  );
  const built: (readonly [number, number])[] = [];
  for (const [a, b] of dice.shuffled(pairs)) {
    if (a.targets.includes(b.host) || b.targets.includes(a.host) || dice.chance(0.4)) continue;
    const candidate = [...built, [a.host, b.host] as const];
    if (isWhole(hosts, candidate)) built.push([a.host, b.host]);
  }
  return built;
}

function isWhole(
  hosts: readonly HostPlan[],
  built: readonly (readonly [number, number])[],
): boolean {
  const reached = hosts.slice(0, 1).map(({ host }) => host);
  for (const a of reached) {
    for (const { host: b } of hosts) {
      const walled = built.some(([x, y]) => (x === a && y === b) || (x === b && y === a));
      if (!walled && !reached.includes(b)) reached.push(b);
    }
  }
  return reached.length === hosts.length;
}

function makeEvents(dice: Dice, hosts: readonly HostPlan[], family: Family): IpamEvent[] {
  const numbers = hosts.map(({ host }) => host);
  const spread = dice.pick([500, 20_000, 60_000]);
  const events: IpamEvent[] = numbers.map((a) => ({
    at: dice.between(0, spread),
    kind: "start",
    a,
  }));
  const end = dice.pick([20_000, 60_000, 180_000]);
  // One host may be late for hours, as far as the others know.
  if (numbers.length > 1 && dice.chance(0.3)) {
    const a = dice.pick(numbers);
    const late: IpamEvent = { at: end, kind: "start", a };
    events.splice(events.findIndex((event) => event.a === a), 1, late);
  }
  const calm = dice.chance(0.2);
  if (dice.chance(0.4)) events.push(...storm(dice, dice.between(0, end), numbers));
  for (let left = dice.between(5, dice.chance(0.2) ? 150 : 50); left > 0; left--) {
    const at = dice.between(0, end);
    const happens = dice.chance(calm ? 0 : 0.25) ? trouble : wish;
    events.push(...happens(dice, at, hosts, family));
  }
  return events;
}

/** Everybody wants an address at about one time, while routers crash at their first commits and links come and go. */
function storm(dice: Dice, begin: Millis, numbers: readonly number[]): IpamEvent[] {
  const lengthMs = dice.pick([300, 3_000, 15_000]);
  const soon = (): Millis => begin + dice.between(0, lengthMs);
  const calls = numbers.map((a): IpamEvent => {
    return { at: soon(), a, kind: "allocate", ident: "c1", subnet: 0, isContainer: false };
  });
  const traps = numbers.filter(() => dice.chance(0.6)).flatMap((a): IpamEvent[] => {
    const phase = dice.pick(["before", "after", "between"] as const);
    const up = soon() + lengthMs;
    return [
      { at: begin, a, kind: "trap", phase, skip: dice.between(0, 3) },
      { at: up, a, kind: "start" },
      {
        at: up + dice.between(0, lengthMs),
        a,
        kind: "allocate",
        ident: "c2",
        subnet: 0,
        isContainer: false,
      },
    ];
  });
  const splits = Array.from({ length: dice.between(0, 4) }, (): IpamEvent => {
    const at = begin + dice.between(0, 3 * lengthMs);
    const group = numbers.filter(() => dice.chance(0.5));
    return { at, a: 0, kind: "split", group };
  });
  return [...calls, ...traps, ...splits, { at: begin + 4 * lengthMs, a: 0, kind: "join" }];
}

function wish(dice: Dice, at: Millis, hosts: readonly HostPlan[]): IpamEvent[] {
  const a = dice.pick(hosts).host;
  const ident = `c${dice.between(1, 6)}`;
  switch (dice.between(0, 9)) {
    case 0:
      return [{ at, a, kind: "free", ident }];
    case 1:
      return [{ at, a, kind: dice.pick(["died", "started", "destroyed"] as const), ident }];
    case 2:
    case 3:
      return [{ at, a, kind: "claim", ident, address: dice.between(0, 300) }];
    default: {
      const subnet = dice.between(0, SUBNETS - 1);
      return [{ at, a, kind: "allocate", ident, subnet, isContainer: dice.chance(0.3) }];
    }
  }
}

function trouble(
  dice: Dice,
  at: Millis,
  hosts: readonly HostPlan[],
  family: Family,
): IpamEvent[] {
  const plan = dice.pick(hosts);
  const a = plan.host;
  const b = dice.pick(hosts).host;
  const later = at + dice.between(10, dice.pick([1_000, 90_000]));
  switch (dice.between(0, 11)) {
    case 0:
      return [{ at, a, kind: "crash" }, { at: later, a, kind: "start" }];
    case 1:
    case 2:
    case 3: {
      const phase = dice.pick(["before", "after", "between"] as const);
      const trap: IpamEvent = { at, a, kind: "trap", phase, skip: dice.between(0, 4) };
      return [trap, { at: later, a, kind: "start" }];
    }
    case 4:
      // A founder that forgets all founds again, by design; and a majority is one of all that ever vote.
      if (plan.targets.length === 0 || family === "seed" || family === "majority") return [];
      return [{ at, a, kind: "wipe" }, { at: later, a, kind: "start" }];
    case 5:
      return [dice.chance(0.3) ? { at, a, kind: "bury" } : { at, a, b, kind: "takeOver" }];
    case 6:
      return dice.chance(0.3) ? [{ at, a, kind: "reset" }] : [];
    case 7:
    case 8:
      return a === b ? [] : [{ at, a, b, kind: "cut" }, { at: later, a, b, kind: "heal" }];
    case 9: {
      const group = hosts.map(({ host }) => host).filter(() => dice.chance(0.5));
      return [{ at, a, kind: "split", group }, { at: later, a, kind: "join" }];
    }
    case 10:
      return family === "seed" || a === b ? [] : [{ at, a, b, kind: "connect" }];
    default:
      return [{ at, a, kind: "crash" }, { at: at + 1, a, kind: "start" }];
  }
}
