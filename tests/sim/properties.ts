/**
 * What must hold once a mesh is left alone.
 *
 * ```
 *   links    targets and discovered peers are connected, each pair once, and both ends know it
 *   tables   who is linked, directly or not, has the same table; nobody else is in it; short ids are unique
 *   routes   as the oracle says, shortest, ending where they should; each broadcast comes once
 * ```
 *
 * Each check returns what is wrong, in words.
 *
 * @module
 */

import { broadcastHops as floodHops, formatPeerName, type PeerName } from "../../base/mod.ts";
import { Routes } from "../../mesh/routes.ts";
import type { PeerEntry } from "../../mesh/topology_wire.ts";
import * as oracle from "./oracle.ts";
import type { Run } from "./peer.ts";
import type { Scenario } from "./scenario.ts";
import { nameOf, numberOf, type World } from "./world.ts";

/** Returns all that is wrong; the later checks make sense only if the earlier find nothing. */
export function problemsOf(world: World, scenario: Scenario): string[] {
  const groups = componentsOf(world);
  const links = linkProblems(world, scenario, groups);
  if (links.length > 0) return links;
  const tables = groups.flatMap(tableProblems);
  return tables.length > 0 ? tables : groups.flatMap(routeProblems);
}

/** Returns the runs, grouped by who is linked to whom, directly or over others. */
export function componentsOf(world: World): Run[][] {
  const left = new Map(world.runs.map((run) => [run.host, run]));
  const groups: Run[][] = [];
  for (const first of world.runs) {
    if (!left.delete(first.host)) continue;
    const group = [first];
    for (const run of group) {
      for (const host of run.links.values()) {
        const other = left.get(host);
        if (other !== undefined && left.delete(host)) group.push(other);
      }
    }
    groups.push(group);
  }
  return groups;
}

function linkProblems(world: World, scenario: Scenario, groups: readonly Run[][]): string[] {
  const problems: string[] = [];
  for (const run of world.runs) {
    const hosts = [...run.links.values()];
    for (const host of new Set(hosts)) {
      const count = hosts.filter((each) => each === host).length;
      if (count > 1) problems.push(`${run.host} has ${count} links to ${host}`);
      const back = [...world.run(host)?.links.values() ?? []].includes(run.host);
      if (!back) problems.push(`${run.host} has a link to ${host}, which has none back`);
    }
    if (scenario.limit > 0 && hosts.length > scenario.limit) {
      problems.push(`${run.host} has ${hosts.length} links, more than its limit`);
    }
  }
  if (scenario.whole === true && groups.length > 1) problems.push("the mesh is in pieces");
  if (scenario.limit > 0) return problems;
  for (const [a, b] of wantedPairs(world, scenario, groups)) {
    const linked = [...world.run(a)?.links.values() ?? []].includes(b);
    if (!linked) problems.push(`${a} is not connected to ${b}`);
  }
  return problems;
}

/** Returns who must be connected: targets, and with discovery all that know each other. */
function wantedPairs(
  world: World,
  scenario: Scenario,
  groups: readonly Run[][],
): [number, number][] {
  const pairs: [number, number][] = world.runs.flatMap((run) =>
    run.core.snapshot(world.now, 0).targets.map((text): [number, number] => {
      const host = text.replace(/:\d+$/, "").split(".").at(-1);
      return [run.host, Number(host)];
    })
  );
  if (scenario.discovery) {
    for (const group of groups) {
      for (const a of group) for (const b of group) pairs.push([a.host, b.host]);
    }
  }
  return pairs.filter(([a, b]) =>
    a !== b && world.run(b) !== undefined && world.run(a) !== undefined && !world.walled(a, b)
  );
}

function tableProblems(group: readonly Run[]): string[] {
  const problems: string[] = [];
  const own = new Map(group.map((run) => [nameOf(run.host), run.core.topology.self]));
  const texts = new Map([...own].map(([name, entry]) => [name, describe(entry)]));
  for (const run of group) {
    const at = `the table of ${run.host}`;
    const seen = new Set<PeerName>();
    for (const entry of run.core.topology.entries()) {
      const expected = texts.get(entry.name);
      seen.add(entry.name);
      if (expected === undefined) problems.push(`${at} has ${numberOf(entry.name)}`);
      else if (describe(entry) !== expected) {
        problems.push(`${at} has ${describe(entry)} instead of ${expected}`);
      }
    }
    for (const name of own.keys()) {
      if (!seen.has(name)) problems.push(`${at} lacks ${numberOf(name)}`);
    }
    const reported = run.core.topology.self.connections;
    const linked = [...run.links.values()].sort((a, b) => a - b).join();
    if (reported.map((c) => numberOf(c.peer)).sort((a, b) => a - b).join() !== linked) {
      problems.push(`${run.host} reports other connections than it has`);
    }
    for (const { peer, established } of reported) {
      if (!established) problems.push(`${run.host} has no overlay to ${numberOf(peer)}`);
    }
  }
  const ids = [...own.values()].map((entry) => entry.shortId);
  if (new Set(ids).size < ids.length) problems.push(`short ids are ${ids.join()}`);
  return problems;
}

/** Returns an entry as text; the order of connections means nothing. */
function describe(entry: PeerEntry): string {
  const { name, nickname, uid, version, shortId } = entry;
  const connections = entry.connections.map((c) =>
    `${c.outbound ? "->" : "<-"}${formatPeerName(c.peer)}@${c.address}${c.established ? "" : "?"}`
  );
  return `${formatPeerName(name)}(${nickname}) ${uid} v${version} #${shortId} ${
    connections.sort().join(" ")
  }`;
}

function routeProblems(group: readonly Run[]): string[] {
  const problems: string[] = [];
  const first = group[0];
  if (first === undefined) return [];
  // The tables are equal.
  const table = new Map([...first.core.topology.entries()].map((entry) => [entry.name, entry]));
  const names = group.map((run) => nameOf(run.host));
  const routes = new Map(group.map((run) => [nameOf(run.host), routesOf(run)]));
  for (const [name, mine] of routes) {
    const at = `the route of ${numberOf(name)}`;
    const all = oracle.nextHops(table, "all", name);
    const works = oracle.nextHops(table, "established", name);
    for (const to of names) {
      if (to === name) continue;
      const differs = mine.nextHop(to) !== all.get(to) ||
        mine.nextHopEstablished(to) !== works.get(to);
      if (differs) problems.push(`${at} to ${numberOf(to)} is not the oracle's`);
      const length = follow(routes, name, to, names.length);
      if (length !== oracle.distance(table, "established", name, to)) {
        problems.push(`${at} to ${numberOf(to)} takes ${length} hops`);
      }
    }
    for (const source of names) {
      for (const kind of ["all", "established"] as const) {
        const hops = kind === "all" ? mine.broadcast(source) : mine.broadcastEstablished(source);
        const expected = oracle.broadcastHops(table, kind, name, source);
        if (hops.toSorted((a, b) => a - b).join() !== expected.join()) {
          problems.push(`${at} for broadcasts of ${numberOf(source)} is not the oracle's`);
        }
      }
    }
  }
  for (const run of group) problems.push(...floodProblems(group, run));
  return problems;
}

function routesOf(run: Run): Routes {
  const routes = new Routes(run.core.topology);
  routes.refresh();
  return routes;
}

/** Returns after how many hops a frame arrives, `undefined` if it does not. */
function follow(
  routes: ReadonlyMap<PeerName, Routes>,
  from: PeerName,
  to: PeerName,
  most: number,
): number | undefined {
  let at: PeerName | undefined = from;
  for (let hops = 0; at !== undefined && hops <= most; hops++) {
    if (at === to) return hops;
    at = routes.get(at)?.nextHopEstablished(to);
  }
  return undefined;
}

/** Floods a frame as the switch does, each peer from what its own core tells it. */
function floodProblems(group: readonly Run[], source: Run): string[] {
  const views = new Map(group.map((run) => [nameOf(run.host), run.core.forwarding()]));
  const count = new Map<PeerName, number>([[nameOf(source.host), 1]]);
  const frames = [nameOf(source.host)];
  for (const at of frames) {
    const view = views.get(at) ?? [];
    const index = new Map(view.map((peer, i) => [peer.name, i]));
    const graph = {
      names: view.map((peer) => peer.name),
      edges: view.map((peer) => peer.edges.map((name) => index.get(name) ?? -1)),
    };
    const origin = index.get(nameOf(source.host)) ?? -1;
    for (const hop of floodHops(graph, index.get(at) ?? -1, origin)) {
      const name = graph.names[hop] ?? 0;
      count.set(name, (count.get(name) ?? 0) + 1);
      if (frames.length > group.length * group.length) break;
      frames.push(name);
    }
  }
  return group.flatMap((run) => {
    const copies = count.get(nameOf(run.host)) ?? 0;
    return copies === 1
      ? []
      : [`${run.host} gets ${copies} copies of a frame that ${source.host} floods`];
  });
}
