import { deepEqual, equal } from "node:assert/strict";
import { formatPeerName, parsePeerName } from "../../base/mod.ts";
import vectors from "../vectors/routing.json" with { type: "json" };
import { broadcastHops, distance, nextHops, type Table } from "./oracle.ts";

type Hops = Readonly<Record<string, string>>;
type Lists = Readonly<Record<string, readonly string[]>>;

function tableOf(c: typeof vectors.cases[number]): Table {
  return new Map(c.peers.map((peer) => [parsePeerName(peer), {
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
  }]));
}

Deno.test("nextHops() and broadcastHops() of the oracle agree with the vectors", () => {
  for (const c of vectors.cases) {
    const table = tableOf(c);
    for (const [self, expected] of Object.entries(c.tables)) {
      const name = parsePeerName(self);
      for (const kind of ["established", "all"] as const) {
        const hops: Hops = expected[`unicast_${kind}`];
        const floods: Lists = expected[`broadcast_${kind}`];
        const others = Object.entries(hops).filter(([peer]) => peer !== self);
        const mine = [...nextHops(table, kind, name)].map(([peer, hop]) => [
          formatPeerName(peer),
          formatPeerName(hop),
        ]);
        deepEqual(mine.sort(), others.sort(), `${c.note} at ${self}`);
        for (const source of c.peers) {
          const flood = broadcastHops(table, kind, name, parsePeerName(source));
          deepEqual(flood.map(formatPeerName), [...floods[source] ?? []].sort(), c.note);
        }
      }
    }
  }
});

Deno.test("distance() counts hops and knows what is out of reach", () => {
  const line = vectors.cases.find((c) => c.note.includes("line") || c.peers.length === 2);
  const table = tableOf(line ?? vectors.cases[0] as typeof vectors.cases[number]);
  const [first = 0, second = 0] = table.keys();
  equal(distance(table, "all", first, first), 0);
  equal(distance(table, "all", first, second), 1);
  equal(distance(table, "all", first, 99), undefined);
});
