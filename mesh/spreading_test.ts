import assert from "node:assert/strict";
import { must, type PeerName } from "../base/mod.ts";
import { portableCrypto } from "../tests/helpers/mesh_world.ts";
import { Spreading } from "./spreading.ts";
import { Topology } from "./topology.ts";
import { decodeTopology, encodeTopology, type PeerEntry } from "./topology_wire.ts";
import { parseMessage } from "./wire.ts";

function entry(name: PeerName, version: bigint, ...peers: PeerName[]): PeerEntry {
  const connections = peers.map((peer) => ({
    peer,
    address: `192.0.2.${peer}:6783`,
    outbound: true,
    established: true,
  }));
  return { name, nickname: "", uid: 1n, version, shortId: undefined, connections };
}

/** Peer 1 with neighbours 2 and 3, of which nothing waits to be told. */
function spreadingAtOne(): { table: Topology; spreading: Spreading } {
  const random = (): number => 0.5;
  const table = new Topology({ name: 1, nickname: "", uid: 1n, random });
  const spreading = new Spreading({ topology: table, random, sha256: portableCrypto.sha256 }, 0);
  for (const peer of [2, 3]) {
    table.introduce({ name: peer, nickname: "", uid: 1n, shortId: undefined });
    table.addConnection({ peer, address: "", outbound: true, established: false });
    spreading.addNeighbour(peer, { digest: false, full: false, restarted: false }, 0);
  }
  spreading.announce([], 0);
  spreading.tick(1_000);
  for (const peer of [2, 3]) while (spreading.next(peer) !== undefined);
  spreading.settle();
  return { table, spreading };
}

function hear(spreading: Spreading, from: PeerName, entries: PeerEntry[], now: number): void {
  const payload = must(encodeTopology(entries)[0], "payload");
  spreading.receive({ kind: "gossip", channel: "topology", source: from, payload }, from, now);
  spreading.settle();
}

/** Names of the entries in the next message for a neighbour. */
function told(spreading: Spreading, peer: PeerName): PeerName[] | undefined {
  const bytes = spreading.next(peer);
  const message = bytes === undefined ? undefined : parseMessage(bytes);
  if (message?.kind !== "gossip") return undefined;
  return decodeTopology(message.payload).map((each) => each.name).sort((a, b) => a - b);
}

Deno.test("Spreading.settle() passes news on as soon as its peer can be reached", () => {
  const { spreading } = spreadingAtOne();
  hear(spreading, 2, [entry(7, 4n)], 0);
  assert.equal(told(spreading, 3), undefined);
  hear(spreading, 2, [entry(2, 2n, 7)], 500);
  assert.deepEqual(told(spreading, 3), [2, 7]);
  assert.equal(spreading.unsettled, false);
});

Deno.test("Spreading.settle() never passes on news of a peer that is swept before it can be reached", () => {
  const { table, spreading } = spreadingAtOne();
  hear(spreading, 2, [entry(7, 4n)], 0);
  spreading.tick(1_000);
  assert.equal(table.get(7), undefined);
  spreading.settle();
  hear(spreading, 2, [entry(2, 2n, 7)], 1_100);
  // Of 7 nothing is known any more but its name.
  assert.deepEqual(told(spreading, 3), [2]);
  assert.equal(table.get(7)?.uid, 0n);
});

Deno.test("Spreading.settle() holds news of a new neighbour back until it is announced that it is ours", () => {
  const { spreading } = spreadingAtOne();
  spreading.removeNeighbour(2);
  spreading.addNeighbour(2, { digest: false, full: false, restarted: false }, 0);
  spreading.announce([2, 1], 0);
  hear(spreading, 2, [entry(2, 1n, 1, 7), entry(7, 1n)], 10);
  assert.equal(told(spreading, 3), undefined);
  spreading.tick(1_000);
  assert.deepEqual(told(spreading, 3), [1, 2]);
  assert.equal(spreading.unsettled, true);
  spreading.settle();
  assert.deepEqual(told(spreading, 3), [2, 7]);
  hear(spreading, 2, [entry(7, 2n)], 1_100);
  assert.deepEqual(told(spreading, 3), [7]);
});
