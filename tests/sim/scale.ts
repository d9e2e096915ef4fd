/**
 * The scale run: what a mesh of 10 to 1000 peers costs at rest and when something changes.
 *
 * ```
 *   deno task scale                  all sizes, a process each, a markdown table
 *   deno task scale 100 1000         these sizes
 * ```
 *
 * @module
 */

import { parseArgs } from "node:util";
import { Routes } from "../../mesh/routes.ts";
import { encodeTopology } from "../../mesh/topology_wire.ts";
import { Forwarding } from "../../switch/forwarding.ts";
import {
  type ChangeCost,
  loseLink,
  measureRound,
  mendLink,
  restartPeer,
  settledWorld,
  startTogether,
} from "./scale_runs.ts";
import type { ScaleWorld } from "./scale_world.ts";

const SIZES = [10, 50, 100, 200, 500, 1000];
/** Up to so many peers the ordinary gossip is simulated, above it is computed. */
const MAX_PLAIN = 100;
/** Up to so many peers a start of all at once is simulated. */
const MAX_START = 50;
/** Heap of one run. */
const HEAP_MB = 1_536;
const MB = 1e6;

interface Result {
  readonly size: number;
  readonly connections: number;
  readonly rssBytes: number;
  readonly peakRssBytes: number;
  readonly start: ChangeCost | undefined;
  readonly round: { readonly bytes: number };
  readonly plainRound: number | undefined;
  readonly tableBytes: number;
  readonly fanOut: number;
  readonly lost: ChangeCost;
  readonly back: ChangeCost;
  readonly restart: ChangeCost;
  readonly times: Times;
}

interface Times {
  readonly firstMs: number;
  readonly changedMs: number;
  readonly floodMs: number;
  readonly floodAgainMs: number;
}

function say(text: string): void {
  Deno.stdout.writeSync(new TextEncoder().encode(`${text}\n`));
}

function measure(size: number): Result {
  const start = size <= MAX_START ? startTogether(size, true) : undefined;
  const plainRound = size <= MAX_PLAIN ? measureRound(settledWorld(size, false)).bytes : undefined;
  const world = settledWorld(size, true);
  const round = measureRound(world);
  const rssBytes = collected();
  const { topology } = world.peer(1).core;
  const routes = new Routes(topology);
  routes.refresh();
  const tableBytes = encodeTopology(topology.entries()).reduce((sum, part) => sum + part.length, 0);
  const [lost, back] = [loseLink(world), mendLink(world)];
  return {
    size,
    connections: topology.self.connections.length,
    rssBytes,
    start,
    round,
    plainRound,
    tableBytes,
    fanOut: routes.fanOut(routes.weights().size),
    lost,
    back,
    restart: restartPeer(world),
    times: measureRoutes(world),
    peakRssBytes: collected(),
  };
}

/** Memory of the process after a collection of garbage. */
function collected(): number {
  const collect: unknown = Reflect.get(globalThis, "gc");
  if (typeof collect === "function") collect();
  return Deno.memoryUsage().rss;
}

/** Times of the parts that a changed link makes a peer do, medians. */
function measureRoutes(world: ScaleWorld): Times {
  const peer = world.peer(Math.ceil(world.peers.size / 2));
  const other = world.peer(1).core.topology;
  const first = repeat(11, () => {
    const routes = new Routes(other);
    return timed(() => routes.refresh());
  });
  const routes = new Routes(other);
  routes.refresh();
  let version = 1_000_000n;
  const changed = repeat(21, () => {
    const self = peer.core.topology.self;
    const connections = self.connections.slice(version % 2n === 0n ? 0 : 1);
    const entry = { ...self, version: version++, connections };
    for (const payload of encodeTopology([entry])) other.apply(payload);
    return timed(() => {
      routes.refresh();
      routes.forwarding();
      routes.nextHop(peer.core.topology.name);
    });
  });
  return { firstMs: first, changedMs: changed, ...measureFloods(world) };
}

function measureFloods(world: ScaleWorld): Pick<Times, "floodMs" | "floodAgainMs"> {
  const peers = world.peer(1).core.forwarding();
  const indices = new Map(peers.map((peer, index) => [peer.name, index]));
  const index = (name: number | undefined): number => indices.get(name ?? -1) ?? -1;
  const forwarding = new Forwarding({ ownMacs: [], seed: 1 });
  forwarding.configure({
    self: index(world.peer(1).core.topology.name),
    peers: peers.map(({ name, nextHop, edges, shortId }) => ({
      name,
      nextHop: index(nextHop),
      edges: edges.map(index),
      shortId: shortId ?? -1,
    })),
  });
  let source = 0;
  const use = (): number => timed(() => forwarding.floodList(source++ % peers.length));
  const uses = Math.min(peers.length, 51);
  const floodMs = repeat(uses, use);
  source = 0;
  return { floodMs, floodAgainMs: repeat(uses, use) };
}

function timed(run: () => void): number {
  const begin = performance.now();
  run();
  return performance.now() - begin;
}

function repeat(times: number, run: () => number): number {
  const values = Array.from({ length: times }, run).sort((a, b) => a - b);
  return values[times >> 1] ?? 0;
}

function table(results: readonly Result[]): string {
  const rows: (readonly [string, (r: Result) => string])[] = [
    ["peers", (r) => String(r.size)],
    ["connections of peer 1", (r) => String(r.connections)],
    ["table as gossip", (r) => kilobytes(r.tableBytes)],
    ["memory of the process at rest", (r) => `${Math.round(r.rssBytes / MB)} MB`],
    ["memory at the end", (r) => `${Math.round(r.peakRssBytes / MB)} MB`],
    ["**periodic gossip, a peer in 30 s**", () => ""],
    ["with digests", (r) => kilobytes(r.round.bytes)],
    ["without, simulated", (r) => r.plainRound === undefined ? "-" : kilobytes(r.plainRound)],
    ["without, computed", (r) => kilobytes(r.tableBytes * r.fanOut)],
    ...changeRows("link lost", (r) => r.lost),
    ...changeRows("link back", (r) => r.back),
    ...changeRows("peer restarts", (r) => r.restart),
    ...changeRows("all start at once", (r) => r.start),
    ["**routes of a peer**", () => ""],
    ["a changed link: edges, next hops, forwarding", (r) => milliseconds(r.times.changedMs)],
    ["all edges anew", (r) => milliseconds(r.times.firstMs)],
    ["flood list, first use", (r) => milliseconds(r.times.floodMs)],
    ["flood list, later", (r) => milliseconds(r.times.floodAgainMs)],
    [
      "model: link lost, all anew with each update",
      (r) => milliseconds(r.lost.updates * r.times.firstMs),
    ],
  ];
  const [head, ...body] = rows.map(([name, cell]) =>
    `| ${[name, ...results.map(cell)].join(" | ")} |`
  );
  return [head, `|---${"|---:".repeat(results.length)}|`, ...body].join("\n");
}

function changeRows(
  name: string,
  of: (result: Result) => ChangeCost | undefined,
): (readonly [string, (r: Result) => string])[] {
  const cell = (show: (cost: ChangeCost) => string) => (r: Result): string => {
    const cost = of(r);
    return cost === undefined ? "-" : show(cost);
  };
  return [
    [`**${name}**`, () => ""],
    ["converged after", cell((c) => `${(c.convergedMs / 1000).toFixed(1)} s`)],
    ["all tables equal", cell((c) => c.agree ? "yes" : "no")],
    ["messages a peer", cell((c) => c.messages.toFixed(1))],
    ["bytes a peer", cell((c) => kilobytes(c.bytes))],
    ["most bytes of one peer", cell((c) => kilobytes(c.mostBytes))],
    ["updates with news a peer", cell((c) => c.updates.toFixed(1))],
    ["processor time a peer", cell((c) => milliseconds(c.cpuMs))],
  ];
}

function kilobytes(bytes: number): string {
  return bytes < MB ? `${(bytes / 1000).toFixed(1)} kB` : `${(bytes / MB).toFixed(2)} MB`;
}

function milliseconds(ms: number): string {
  return `${ms < 1 ? ms.toFixed(3) : ms.toFixed(1)} ms`;
}

/** Runs one size in a process of its own, so that its memory is its own. */
function runApart(size: number): Result {
  const flags = `--v8-flags=--expose-gc,--max-old-space-size=${HEAP_MB}`;
  const { code, stdout } = new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", flags, import.meta.url, "--json", String(size)],
    stdout: "piped",
    stderr: "inherit",
  }).outputSync();
  if (code !== 0) throw new Error(`Cannot run ${size} peers: exit code ${code}`);
  return JSON.parse(new TextDecoder().decode(stdout));
}

if (import.meta.main) {
  const { values, positionals } = parseArgs({
    options: { json: { type: "boolean" } },
    allowPositionals: true,
  });
  const sizes = positionals.length > 0 ? positionals.map(Number) : SIZES;
  if (values.json) sizes.forEach((size) => say(JSON.stringify(measure(size))));
  else say(table(sizes.map(runApart)));
}
