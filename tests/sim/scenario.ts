/**
 * Scenarios: who there is, who dials whom, what goes wrong and when. All of it follows from a seed.
 *
 * A scenario is plain data, so that it can be printed, kept in `found.ts` and made shorter. Any part of its events is a
 * scenario too: at the end all is repaired that can be, whether the repair is among the events or not.
 *
 * @module
 */

import type { Millis } from "../../base/mod.ts";
import { Dice } from "./dice.ts";
import type { Path } from "./network.ts";

/** Two peers. */
export type Pair = readonly [number, number];

/** Something that happens. */
export type Event =
  & { readonly at: Millis }
  & (
    /** Datagrams between two peers vanish or bounce; `mute`: only those from a to b vanish. */
    | { readonly kind: "cut" | "bar" | "mute" | "heal"; readonly a: number; readonly b: number }
    /** Connections between two peers are reset, or one loses its overlay for good. */
    | { readonly kind: "reset" | "failOverlay"; readonly a: number; readonly b: number }
    /** The overlay of a stops to see b, or sees it again. */
    | { readonly kind: "withdraw" | "restore"; readonly a: number; readonly b: number }
    /** a gets b as target, or forgets it. */
    | { readonly kind: "connect" | "forget"; readonly a: number; readonly b: number }
    /** A peer starts, crashes, loses power, stops for a while, goes on; buried ones never return. */
    | {
      readonly kind: "start" | "kill" | "powerOff" | "pause" | "resume" | "bury";
      readonly a: number;
    }
    /** a sends to b, or to all, on a channel that no core handles. */
    | { readonly kind: "speak"; readonly a: number; readonly b: number }
    /** Nothing passes between a group and the others, silently; all is joined again. */
    | { readonly kind: "split"; readonly group: readonly number[] }
    | { readonly kind: "join" }
  );

/** All that is needed to repeat a run. */
export interface Scenario {
  /** Chance of the network and of the peers. */
  readonly seed: number;
  /** Numbers of the peers. */
  readonly peers: readonly number[];
  /** Who has whom as target from the start. */
  readonly targets: readonly Pair[];
  /** Targets are given with a port. */
  readonly ports: boolean;
  /** Pairs between whom nothing ever passes. */
  readonly walls: readonly Pair[];
  /** What a wall is like. */
  readonly wall: Path;
  /** Peers connect to those that others tell of. */
  readonly discovery: boolean;
  /** Most connections of a peer, 0 for no limit. */
  readonly limit: number;
  /** Least and greatest latency of a direction. */
  readonly latency: readonly [Millis, Millis];
  /** Probability that a segment has to be repeated. */
  readonly loss: number;
  /** Probability that bytes arrive in two pieces. */
  readonly pieces: number;
  /** All peers begin with one of so many short ids, 0 for any. */
  readonly shortIds: number;
  /** What happens. */
  readonly events: readonly Event[];
  /** At the end all that run must be one mesh, be it that no target says so. */
  readonly whole?: boolean;
}

const LATENCIES: readonly (readonly [Millis, Millis])[] = [
  [1, 3],
  [1, 3],
  [5, 80],
  [20, 300],
  [100, 1_200],
  [500, 3_000],
  [1, 3_000],
];
/** Large meshes cost much and fail seldom otherwise than small ones do. */
const SIZES = [2, 2, 3, 3, 3, 4, 4, 4, 4, 5, 5, 5, 6, 6, 7];
const SHAPES = ["line", "ring", "star", "islands", "random", "full", "tree"] as const;

/** Makes the scenario of a seed. */
export function makeScenario(seed: number): Scenario {
  const dice = new Dice(seed);
  const count = size(dice);
  const peers = Array.from({ length: count }, (_, i) => i + 1);
  const targets = shape(dice, dice.shuffled(peers));
  const discovery = dice.chance(0.5);
  const duration = dice.between(5, 90) * 1_000;
  return {
    seed,
    peers,
    targets,
    ports: dice.chance(0.5),
    walls: walls(dice, peers, targets, count > 12),
    wall: dice.pick(["silent", "unreachable"]),
    discovery,
    limit: dice.chance(0.1) ? dice.between(2, 4) : 0,
    latency: dice.pick(LATENCIES),
    loss: dice.chance(0.3) ? 0.05 : 0,
    pieces: dice.chance(0.3) ? 0.3 : 0,
    shortIds: dice.chance(0.2) ? dice.between(1, 3) : 0,
    events: events(dice, peers, duration),
  };
}

function size(dice: Dice): number {
  if (dice.chance(0.001)) return 30;
  return dice.chance(0.025) ? dice.between(8, 12) : dice.pick(SIZES);
}

/** Who dials whom: an edge is dialled from one end, sometimes from both. */
function shape(dice: Dice, peers: readonly number[]): Pair[] {
  const edges: Pair[] = [];
  const at = (i: number): number => peers[i] ?? 0;
  const kind = dice.pick(SHAPES);
  const middle = peers.length >> 1;
  for (let i = 0; i < peers.length; i++) {
    if (kind === "star" && i > 0) edges.push([at(0), at(i)]);
    if (kind === "tree" && i > 0) edges.push([at((i - 1) >> 1), at(i)]);
    if ((kind === "line" || kind === "ring") && i > 0) edges.push([at(i - 1), at(i)]);
    for (let j = 0; j < i; j++) {
      if (kind === "full") edges.push([at(j), at(i)]);
      if (kind === "random" && dice.chance(0.3)) edges.push([at(j), at(i)]);
      const sameIsland = (i < middle) === (j < middle);
      if (kind === "islands" && sameIsland) edges.push([at(j), at(i)]);
    }
  }
  const last = peers.length - 1;
  if (kind === "ring" && last > 1) edges.push([at(last), at(0)]);
  if (kind === "islands" && middle > 0) edges.push([at(0), at(middle)]);
  return edges.flatMap(([a, b]): Pair[] => {
    if (dice.chance(0.2)) return [[a, b], [b, a]];
    return dice.chance(0.5) ? [[a, b]] : [[b, a]];
  });
}

/** Often some pairs, sometimes all that are not targets, never see each other. */
function walls(
  dice: Dice,
  peers: readonly number[],
  targets: readonly Pair[],
  many: boolean,
): Pair[] {
  const share = many ? 0.9 : dice.pick([0, 0, 0, 0.3, 1]);
  return peers.flatMap((a, i) =>
    peers.slice(i + 1).flatMap((b): Pair[] => {
      const wanted = targets.some(([x, y]) => (x === a && y === b) || (x === b && y === a));
      return !wanted && dice.chance(share) ? [[a, b]] : [];
    })
  );
}

/** What goes wrong; most of it ends again after a while. */
function events(dice: Dice, peers: readonly number[], duration: Millis): Event[] {
  const list: Event[] = peers.map((a) => ({ at: dice.between(0, 3_000), kind: "start", a }));
  const troubles = dice.between(0, 8);
  for (let i = 0; i < troubles; i++) {
    const at = dice.between(1_000, duration);
    const until = at + (dice.chance(0.5) ? dice.between(50, 5_000) : dice.between(5_000, 80_000));
    const [a = 1, b = 2] = dice.shuffled(peers);
    list.push(...trouble(dice, peers, a, b, at, until));
  }
  return list.sort((x, y) => x.at - y.at);
}

function trouble(
  dice: Dice,
  peers: readonly number[],
  a: number,
  b: number,
  at: Millis,
  until: Millis,
): Event[] {
  const what = dice.between(0, 16);
  switch (what) {
    case 0:
    case 1:
      return [{ at, kind: "cut", a, b }, { at: until, kind: "heal", a, b }];
    case 2:
      return [{ at, kind: "bar", a, b }, { at: until, kind: "heal", a, b }];
    case 3:
      return [{ at, kind: "mute", a, b }, { at: until, kind: "heal", a, b }];
    case 4:
    case 5:
      return [{ at, kind: "kill", a }, { at: until, kind: "start", a }];
    case 6:
      return [{ at, kind: "powerOff", a }, { at: until, kind: "start", a }];
    case 7:
      return [{ at, kind: "pause", a }, { at: until, kind: "resume", a }];
    case 8:
    case 9: {
      const group = dice.shuffled(peers).slice(0, dice.between(1, peers.length - 1));
      return [{ at, kind: "split", group }, { at: until, kind: "join" }];
    }
    case 10:
      return [{ at, kind: "reset", a, b }];
    case 11:
      return [{ at, kind: "withdraw", a, b }, { at: until, kind: "restore", a, b }];
    case 12:
      return [{ at, kind: "failOverlay", a, b }];
    case 13:
      return [{ at, kind: "connect", a, b }];
    case 14:
      return [{ at, kind: "forget", a, b }];
    case 15:
      return [{ at, kind: "speak", a, b }];
    default:
      return peers.length > 2 ? [{ at, kind: "bury", a }] : [{ at, kind: "reset", a, b }];
  }
}
