import assert from "node:assert/strict";
import { formatEndpoint, must, type PeerName } from "../base/mod.ts";
import { Discovery } from "./discovery.ts";
import { Topology } from "./topology.ts";
import { encodeTopology } from "./topology_wire.ts";

/** A table in which peer 2 tells of connections: target, address, whether it dialled. */
function tableWith(...claims: [PeerName, string, boolean][]): Topology {
  const topology = new Topology({ name: 1, nickname: "", uid: 1n, random: () => 0.5 });
  const connections = claims.map(([peer, address, outbound]) => ({
    peer,
    address,
    outbound,
    established: true,
  }));
  const two = { name: 2, nickname: "", uid: 1n, version: 1n, shortId: undefined, connections };
  topology.apply(must(encodeTopology([two])[0], "payload"));
  return topology;
}

function show(found: ReturnType<Discovery["find"]>): string[] {
  return found.map(({ peer, endpoint }) => `${peer} ${formatEndpoint(endpoint)}`);
}

Deno.test("Discovery.find() takes dialled addresses as they are and our port for the others", () => {
  const topology = tableWith(
    [3, "192.0.2.3:7000", true],
    [4, "192.0.2.4:51234", false],
    [5, "[2001:db8::5]:51234", false],
    [6, "192.0.2.6:7000", true], // connected
    [1, "192.0.2.1:6783", true], // ourselves
  );
  const found = new Discovery(topology, 6783).find(new Set([6]), 0);
  assert.deepEqual(show(found), ["3 192.0.2.3:7000", "4 192.0.2.4:6783", "5 [2001:db8::5]:6783"]);
});

Deno.test("Discovery.find() leaves out what cannot be dialled", () => {
  const bad = ["", "nonsense", "192.0.2.3", "192.0.2.3:0", "0.0.0.0:6783", "[::]:1", "[ff02::1]:1"];
  const topology = tableWith(
    ...bad.map((address): [PeerName, string, boolean] => [3, address, true]),
  );
  assert.deepEqual(new Discovery(topology, 6783).find(new Set(), 0), []);
});

Deno.test("Discovery.find() looks again a second later when the table changed", () => {
  const topology = tableWith([3, "192.0.2.3:7000", true]);
  const discovery = new Discovery(topology, 6783);
  assert.ok(discovery.deadline() <= 0);
  assert.equal(discovery.find(new Set(), 0).length, 1);
  assert.equal(discovery.deadline(), Infinity);
  topology.addConnection({ peer: 3, address: "", outbound: true, established: false });
  assert.equal(discovery.deadline(), 1_000);
  assert.equal(discovery.find(new Set([3]), 999).length, 1);
  assert.equal(discovery.find(new Set([3]), 1_000).length, 0);
});

Deno.test("Discovery.find() has a peer at once that is connected no more, though the table was looked through just now", () => {
  const topology = tableWith([3, "192.0.2.3:7000", true], [4, "192.0.2.4:7000", true]);
  const discovery = new Discovery(topology, 6783);
  assert.deepEqual(show(discovery.find(new Set([3]), 0)), ["4 192.0.2.4:7000"]);
  topology.addConnection({ peer: 3, address: "", outbound: true, established: false });
  const both = ["3 192.0.2.3:7000", "4 192.0.2.4:7000"];
  assert.deepEqual(show(discovery.find(new Set(), 1)), both);
  // Who came is left out a second later.
  assert.deepEqual(show(discovery.find(new Set([4]), 2)), both);
});
