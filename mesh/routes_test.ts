import assert from "node:assert/strict";
import fc from "fast-check";
import { formatPeerName, must, parsePeerName, type PeerName } from "../base/mod.ts";
import vectors from "../tests/vectors/routing.json" with { type: "json" };
import { Routes } from "./routes.ts";
import { Topology } from "./topology.ts";
import { encodeTopology, type PeerEntry } from "./topology_wire.ts";

interface Table {
  unicast_established: Record<string, string>;
  unicast_all: Record<string, string>;
  broadcast_established: Record<string, string[]>;
  broadcast_all: Record<string, string[]>;
  neighbour_weights: Record<string, number>;
  random_neighbour_count: number;
  random_neighbour_count_except: Record<string, number>;
}

interface RoutingCase {
  note: string;
  peers: string[];
  directed_edges: { from: string; to: string; established: boolean }[];
  tables: Record<string, Table>;
}

const CASES = vectors.cases as unknown as RoutingCase[];

function routesOf(c: RoutingCase, self: string): Routes {
  const name = parsePeerName(self);
  const table = new Topology({ name, nickname: "", uid: 1n, random: () => 0.5 });
  const entries: PeerEntry[] = c.peers.map((peer) => ({
    name: parsePeerName(peer),
    nickname: "",
    uid: 1n,
    version: 1n,
    shortId: undefined,
    connections: c.directed_edges.filter((edge) => edge.from === peer).map((edge) => ({
      peer: parsePeerName(edge.to),
      address: "",
      outbound: true,
      established: edge.established,
    })),
  }));
  const mine = must(entries.find((entry) => entry.name === name), "own entry");
  for (const connection of mine.connections) table.addConnection(connection);
  const others = entries.filter((entry) => entry.name !== name);
  if (others.length > 0) table.apply(must(encodeTopology(others)[0], "payload"));
  const routes = new Routes(table);
  routes.refresh();
  return routes;
}

function names(hops: readonly PeerName[]): string[] {
  return hops.map(formatPeerName).sort();
}

Deno.test("Routes agree with the vectors for every peer", () => {
  for (const c of CASES) {
    for (const [self, expected] of Object.entries(c.tables)) {
      const routes = routesOf(c, self);
      const label = `${c.note} at ${self}`;
      for (const peer of c.peers) {
        const name = parsePeerName(peer);
        const established = expected.unicast_established[peer];
        const all = expected.unicast_all[peer];
        const hop = (text: string | undefined): number | undefined =>
          text === undefined || peer === self ? undefined : parsePeerName(text);
        assert.equal(routes.nextHopEstablished(name), hop(established), label);
        assert.equal(routes.nextHop(name), hop(all), label);
        assert.deepEqual(names(routes.broadcast(name)), expected.broadcast_all[peer], label);
        assert.deepEqual(
          names(routes.broadcastEstablished(name)),
          expected.broadcast_established[peer],
          label,
        );
      }
      const weights = Object.fromEntries(
        [...routes.weights()].map(([n, w]) => [formatPeerName(n), w]),
      );
      assert.deepEqual(weights, expected.neighbour_weights, label);
      assert.equal(routes.fanOut(routes.weights().size), expected.random_neighbour_count, label);
      for (const [except, count] of Object.entries(expected.random_neighbour_count_except)) {
        const size = routes.weights(parsePeerName(except)).size;
        assert.equal(routes.fanOut(size), count, label);
      }
    }
  }
});

Deno.test("Routes.randomNeighbours() picks distinct neighbours and never the excepted one", () => {
  let state = 5;
  const random = (): number => (state = (state * 16807) % 2147483647) / 2147483647;
  for (const c of CASES) {
    for (const self of Object.keys(c.tables)) {
      const routes = routesOf(c, self);
      const candidates = [...routes.weights().keys()];
      for (const except of [undefined, ...candidates]) {
        const picked = routes.randomNeighbours(random, except);
        assert.equal(new Set(picked).size, picked.length);
        assert.ok(picked.every((name) => candidates.includes(name) && name !== except));
        assert.equal(picked.length, routes.fanOut(routes.weights(except).size));
      }
    }
  }
});

Deno.test("Routes.randomNeighbours() picks a neighbour that leads to more peers more often", () => {
  // Two neighbours, one of which leads to eight more peers, in a mesh large enough to leave one out.
  const peers = Array.from({ length: 30 }, (_, i) => formatPeerName(i + 1));
  const [self, ...others] = peers as [string, ...string[]];
  const edges = others.slice(0, 20).map((to) => ({ from: self, to, established: true }));
  const far = others.slice(20).map((to) => ({ from: others[0] ?? "", to, established: true }));
  const c = { note: "", peers, directed_edges: [...edges, ...far], tables: {} };
  const routes = routesOf(c, self);
  let state = 7;
  const random = (): number => (state = (state * 16807) % 2147483647) / 2147483647;
  const counts = new Map<number, number>();
  for (let i = 0; i < 300; i++) {
    for (const name of routes.randomNeighbours(random)) {
      counts.set(name, (counts.get(name) ?? 0) + 1);
    }
  }
  assert.equal(routes.fanOut(20), 9);
  assert.ok((counts.get(2) ?? 0) > 290);
  assert.ok((counts.get(3) ?? 300) < 250);
});

Deno.test("Routes.forwarding() names ourselves as our own next hop and undefined for who is out of reach", () => {
  const edge = (from: string, to: string): { from: string; to: string; established: boolean } => ({
    from,
    to,
    established: true,
  });
  const [a, b, c] = ["00:00:00:00:00:01", "00:00:00:00:00:02", "00:00:00:00:00:03"];
  const directed_edges = [edge(a, b), edge(b, a), edge(b, c)];
  const routes = routesOf({ note: "", peers: [a, b, c], directed_edges, tables: {} }, a);
  const byName = routes.forwarding().toSorted((x, y) => x.name - y.name)
    .map(({ name, nextHop, edges }) => ({ name, nextHop, edges }));
  assert.deepEqual(byName, [
    { name: 1, nextHop: 1, edges: [2] },
    { name: 2, nextHop: 2, edges: [1] },
    { name: 3, nextHop: undefined, edges: [] },
  ]);
});

Deno.test("Routes.forwarding() has UIDs, and short ids as long as nobody else claims them", () => {
  const topology = new Topology({ name: 1, nickname: "", uid: 5n, random: () => 0 });
  const routes = new Routes(topology);
  const said = (): unknown[] => {
    routes.refresh();
    return routes.forwarding().map(({ uid, shortId }) => [uid, shortId]);
  };
  topology.introduce({ name: 2, nickname: "", uid: 6n, shortId: 9 });
  topology.introduce({ name: 3, nickname: "", uid: 7n, shortId: undefined });
  assert.deepEqual(said(), [[5n, 0], [6n, 9], [7n, undefined]]);
  topology.introduce({ name: 4, nickname: "", uid: 8n, shortId: 9 });
  assert.deepEqual(said(), [[5n, 0], [6n, undefined], [7n, undefined], [8n, undefined]]);
});

Deno.test("Routes.refresh() leads to the same routes as a new start when entries change, come and go", () => {
  const self = 1;
  const claim = fc.record({ to: fc.integer({ min: 1, max: 9 }), established: fc.boolean() });
  const change = fc.record({
    name: fc.integer({ min: 2, max: 9 }),
    // Several claims of one connection are none that a real peer makes, but nothing forbids them.
    claims: fc.array(claim, { maxLength: 7 }),
    sweeps: fc.boolean(),
    mine: fc.option(fc.integer({ min: 2, max: 9 }), { nil: undefined }),
  });
  fc.assert(
    fc.property(fc.array(change, { minLength: 1, maxLength: 12 }), (changes) => {
      const table = new Topology({ name: self, nickname: "", uid: 1n, random: () => 0.5 });
      const routes = new Routes(table);
      let version = 1n;
      for (const { name, claims, sweeps, mine } of changes) {
        const connections = claims.filter(({ to }) => to !== name)
          .map(({ to, established }) => ({ peer: to, address: "", outbound: true, established }));
        const entry = { name, nickname: "", uid: 1n, version: ++version, shortId: undefined };
        table.apply(must(encodeTopology([{ ...entry, connections }])[0], "payload"));
        if (mine !== undefined) {
          const known = table.self.connections.find((each) => each.peer === mine);
          const address = { address: "", outbound: true };
          if (known === undefined) {
            table.addConnection({ peer: mine, ...address, established: true });
          } else if (known.established) table.setEstablished(mine, false);
          else table.removeConnection(mine);
        }
        if (sweeps) table.sweep();
        routes.refresh();
        const fresh = new Routes(table);
        fresh.refresh();
        assert.deepEqual(describe(routes, table), describe(fresh, table));
      }
    }),
    { numRuns: 300 },
  );
});

function describe(routes: Routes, table: Topology): unknown[] {
  const peers = [...table.entries()].map((entry) => entry.name).sort((a, b) => a - b);
  const edges = new Map(routes.forwarding().map((peer) => [peer.name, peer.edges.toSorted()]));
  return peers.map((peer) => [
    peer,
    edges.get(peer),
    routes.nextHop(peer),
    routes.nextHopEstablished(peer),
    routes.broadcast(peer).toSorted(),
    routes.broadcastEstablished(peer).toSorted(),
  ]);
}
