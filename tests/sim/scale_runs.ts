/**
 * What is measured of a mesh of a given size: start, one round of periodic gossip, three changes.
 *
 * ```
 *   0 s start    35 s at rest    35-65 s one round    65 s link lost    95 s link back    125 s peer restarts
 *                                                     each watched for 20 s, in which nobody's periodic gossip falls
 * ```
 *
 * @module
 */

import { must } from "../../base/mod.ts";
import { dice } from "../helpers/underlay.ts";
import { type ScalePeer, ScaleWorld } from "./scale_world.ts";

/** Connections of a peer where not all are joined to all. */
const DEGREE = 8;
/** Up to so many peers all are joined to all. */
const FULL_MESH = 100;
/** When a mesh has come to rest. */
const SETTLED_MS = 35_000;
/** Between two rounds of periodic gossip, and between two changes. */
const ROUND_MS = 30_000;
/** How long a change is watched. */
const WATCH_MS = 20_000;
/** How long a restarted peer is away. */
const AWAY_MS = 500;

/** What a change cost. */
export interface ChangeCost {
  /** From the change to the last change of any table, virtual ms. */
  readonly convergedMs: number;
  /** All tables are equal afterwards. */
  readonly agree: boolean;
  /** Messages, per peer. */
  readonly messages: number;
  /** Bytes, per peer. */
  readonly bytes: number;
  /** Most bytes that one peer sent. */
  readonly mostBytes: number;
  /** Updates with news, per peer. */
  readonly updates: number;
  /** Time of the processor per peer, ms; that of the simulation itself is in it. */
  readonly cpuMs: number;
}

/** Returns a mesh that has come to rest, without the work of getting there. */
export function settledWorld(size: number, digests: boolean): ScaleWorld {
  const world = new ScaleWorld({ discovery: size <= FULL_MESH, digests });
  for (let n = 1; n <= size; n++) world.start(n, []);
  world.begin(edges(size).map(([a, b]) => [world.peer(a), world.peer(b)]));
  world.run(SETTLED_MS - world.now);
  return world;
}

/** Starts peers that know one of them, and lets them find each other. @returns what that cost until they rest */
export function startTogether(size: number, digests: boolean): ChangeCost {
  const world = new ScaleWorld({ discovery: true, digests });
  for (let n = 1; n <= size; n++) world.start(n, n > 1 ? ["10.0.0.1"] : []);
  return measureChange(world, () => {});
}

function edges(size: number): readonly (readonly [number, number])[] {
  if (size > FULL_MESH) return circles(size);
  const names = Array.from({ length: size }, (_, i) => i + 1);
  return names.flatMap((a) => names.slice(a).map((b) => [a, b] as const));
}

/** Returns the pairs of a random connected graph: circles through all peers, each of which adds two to the degree. */
function circles(size: number): (readonly [number, number])[] {
  const roll = dice(size);
  const pairs = new Map<string, readonly [number, number]>();
  for (let circle = 0; circle < DEGREE / 2; circle++) {
    const order = Array.from({ length: size }, (_, i) => ({ n: i + 1, key: roll() }))
      .sort((a, b) => a.key - b.key).map(({ n }) => n);
    order.forEach((n, i) => {
      const next = must(order[(i + 1) % size], "peer");
      const pair = [Math.min(n, next), Math.max(n, next)] as const;
      pairs.set(pair.join(), pair);
    });
  }
  return [...pairs.values()];
}

/** Lets one round of periodic gossip pass. @returns bytes a peer sent, and those of digests among them */
export function measureRound(world: ScaleWorld): { bytes: number; digestBytes: number } {
  world.clearCounters();
  world.run(ROUND_MS);
  const { bytes, digestBytes } = world.traffic;
  const { size } = world.peers;
  return { bytes: bytes / size, digestBytes: digestBytes / size };
}

/** Takes a link away. */
export function loseLink(world: ScaleWorld): ChangeCost {
  return measureChange(world, () => world.cut(...somePair(world)));
}

/** Brings it back. */
export function mendLink(world: ScaleWorld): ChangeCost {
  return measureChange(world, () => world.mend(...somePair(world)));
}

/** Ends a peer and starts it again: another UID, an empty table. */
export function restartPeer(world: ScaleWorld): ChangeCost {
  return measureChange(world, () => {
    const n = Math.ceil(world.peers.size / 2);
    const peer = world.peer(n);
    const full = world.peers.size <= FULL_MESH;
    const targets = full ? ["10.0.0.1"] : neighbours(peer).map((each) => each.address);
    world.kill(peer);
    world.run(AWAY_MS);
    world.start(n, targets, n + 0x10000);
  });
}

/** The peer in the middle and the first of its neighbours, by number. */
let pair: [world: ScaleWorld, ScalePeer, ScalePeer] | undefined;
function somePair(world: ScaleWorld): [ScalePeer, ScalePeer] {
  if (pair?.[0] !== world) {
    const peer = world.peer(Math.ceil(world.peers.size / 2));
    pair = [world, peer, must(neighbours(peer)[0], "neighbour")];
  }
  return [pair[1], pair[2]];
}

function neighbours(peer: ScalePeer): ScalePeer[] {
  return [...peer.ends.values()].map((end) => end.peer).sort((a, b) => a.n - b.n);
}

function measureChange(world: ScaleWorld, change: () => void): ChangeCost {
  const begin = world.now;
  const size = world.peers.size;
  world.clearCounters();
  change();
  world.run(begin + WATCH_MS - world.now);
  const { traffic, updates, cpuMs, changedAt } = world;
  const cost = {
    convergedMs: changedAt - begin,
    agree: world.agree(),
    messages: traffic.messages / size,
    bytes: traffic.bytes / size,
    mostBytes: Math.max(...[...world.peers.values()].map((peer) => peer.sentBytes)),
    updates: updates / size,
    cpuMs: cpuMs / size,
  };
  world.run(begin + ROUND_MS - world.now);
  return cost;
}
