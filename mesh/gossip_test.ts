import assert from "node:assert/strict";
import { fromUtf8, must, type PeerName, utf8 } from "../base/mod.ts";
import { portableCrypto } from "../tests/helpers/mesh_world.ts";
import type { Channel } from "./channel.ts";
import { Gossip } from "./gossip.ts";
import { Routes } from "./routes.ts";
import { Surrogate } from "./surrogate.ts";
import { Topology } from "./topology.ts";
import { TopologyChannel } from "./topology_channel.ts";
import { encodeTopology } from "./topology_wire.ts";
import { type Message, parseMessage, ProtocolError } from "./wire.ts";

const SELF = 1;

/** A star: we are in the middle of 2, 3 and 4; 5 is behind 4. */
function star(channels: Channel[] = []): { gossip: Gossip; topology: Topology } {
  const topology = new Topology({ name: SELF, nickname: "", uid: 1n, random: () => 0.3 });
  const link = (peer: PeerName) => ({ peer, address: "", outbound: true, established: true });
  for (const peer of [2, 3, 4]) topology.addConnection(link(peer));
  const entry = (name: PeerName, to: PeerName[]) => ({
    name,
    nickname: "",
    uid: 1n,
    version: 1n,
    shortId: undefined,
    connections: to.map(link),
  });
  const entries = [entry(2, [1]), entry(3, [1]), entry(4, [1, 5]), entry(5, [4])];
  topology.apply(must(encodeTopology(entries)[0], "payload"));
  const routes = new Routes(topology);
  routes.refresh();
  const { sha256 } = portableCrypto;
  const gossip = new Gossip({ self: SELF, routes, random: () => 0.3, sha256 }, channels);
  for (const peer of [2, 3, 4]) gossip.addNeighbour(peer, false, 0);
  return { gossip, topology };
}

/** Takes all that waits for a neighbour. */
function take(gossip: Gossip, peer: PeerName): Message[] {
  const messages: Message[] = [];
  for (let next = gossip.next(peer); next !== undefined; next = gossip.next(peer)) {
    messages.push(parseMessage(next));
  }
  return messages;
}

function counts(gossip: Gossip): number[] {
  return [2, 3, 4].map((peer) => take(gossip, peer).length);
}

Deno.test("Gossip.receive() passes unknown gossip on once and not back", () => {
  const { gossip } = star();
  const message = { kind: "gossip", channel: "x", source: 2, payload: utf8("news") } as const;
  gossip.receive(message, 2, 0);
  assert.deepEqual(take(gossip, 2), []);
  assert.deepEqual(take(gossip, 3), [{ ...message, source: SELF }]);
  assert.equal(take(gossip, 4).length, 1);
  gossip.receive(message, 3, 20_000);
  assert.deepEqual(counts(gossip), [0, 0, 0]);
  gossip.receive(message, 3, 31_000);
  assert.deepEqual(counts(gossip), [1, 0, 1]);
});

Deno.test("Gossip.receive() passes broadcasts along the tree with their source", () => {
  const { gossip } = star();
  const message = { kind: "broadcast", channel: "x", source: 5, payload: utf8("news") } as const;
  gossip.receive(message, 4, 0);
  assert.deepEqual(take(gossip, 4), []);
  assert.deepEqual(take(gossip, 2), [message]);
  assert.deepEqual(take(gossip, 3), [message]);
});

Deno.test("Gossip.receive() ends broadcasts that come back or come from nobody", () => {
  const { gossip } = star();
  for (const source of [SELF, 99]) {
    gossip.receive({ kind: "broadcast", channel: "x", source, payload: utf8("p") }, 2, 0);
  }
  assert.deepEqual(counts(gossip), [0, 0, 0]);
});

Deno.test("Gossip.receive() forwards unicasts towards their destination and drops the rest", () => {
  const { gossip } = star();
  const payload = utf8("question");
  const message = { kind: "unicast", channel: "x", source: 2, destination: 5, payload } as const;
  gossip.receive(message, 2, 0);
  assert.deepEqual(take(gossip, 4), [message]);
  gossip.receive(message, 4, 0); // from where it should go
  gossip.receive({ ...message, destination: 77 }, 2, 0); // no route
  gossip.receive({ ...message, destination: SELF }, 2, 0); // for us, swallowed
  assert.deepEqual(counts(gossip), [0, 0, 0]);
});

Deno.test("Gossip.receive() drops unicasts when too many wait for a neighbour", () => {
  const { gossip } = star();
  const payload = new Uint8Array(400_000);
  for (let i = 0; i < 10; i++) {
    gossip.receive({ kind: "unicast", channel: "x", source: 2, destination: 5, payload }, 2, 0);
  }
  assert.equal(take(gossip, 4).length, 3);
});

Deno.test("Gossip keeps one merged item a channel and encodes it when it is taken", () => {
  let encoded = 0;
  const set: Channel<Set<string>> = {
    name: "set",
    gossip: (payload) => new Set([new TextDecoder().decode(payload)]),
    broadcast: (payload) => new Set([new TextDecoder().decode(payload)]),
    unicast: () => {},
    full: () => new Set(["all"]),
    merge: (a, b) => a.union(b),
    encode: (item) => (encoded++, [utf8([...item].join())]),
  };
  const { gossip } = star([set as Channel]);
  for (const text of ["a", "b", "a"]) gossip.send("set", new Set([text]));
  gossip.receive({ kind: "broadcast", channel: "set", source: 5, payload: utf8("c") }, 4, 0);
  gossip.receive({ kind: "broadcast", channel: "set", source: 5, payload: utf8("d") }, 4, 0);
  assert.equal(encoded, 0);
  assert.deepEqual(take(gossip, 2), [
    { kind: "gossip", channel: "set", source: SELF, payload: utf8("a,b") },
    { kind: "broadcast", channel: "set", source: 5, payload: utf8("c,d") },
  ]);
  assert.equal(encoded, 2);
  gossip.sendFull(3);
  assert.equal(take(gossip, 3).length, 2);
  gossip.removeNeighbour(4);
  gossip.sendPeriodic();
  assert.deepEqual(counts(gossip), [1, 1, 0]);
});

Deno.test("Gossip stands in for 256 unknown channels and drops data of more", () => {
  const { gossip } = star();
  for (let i = 0; i < 300; i++) {
    gossip.receive({ kind: "gossip", channel: `c${i}`, source: 2, payload: utf8("p") }, 2, 0);
  }
  assert.deepEqual(counts(gossip), [0, 256, 256]);
});

Deno.test("Surrogate forgets old payloads and bounds what waits", () => {
  const surrogate = new Surrogate("x", portableCrypto.sha256);
  for (let i = 0; i < 5_000; i++) surrogate.gossip(utf8(`p${i}`), 2, i / 1000);
  assert.equal(surrogate.gossip(utf8("p4999"), 2, 10), undefined);
  assert.notEqual(surrogate.gossip(utf8("p0"), 2, 10), undefined);
  const big = new Uint8Array(1_500_000);
  assert.equal(surrogate.merge([big], [big]).length, 1);
  assert.equal(surrogate.merge([utf8("a")], [utf8("b")]).length, 2);
  assert.equal(surrogate.full(), undefined);
});

Deno.test("TopologyChannel collects news by neighbour and refuses unicasts", () => {
  const { topology } = star();
  const channel = new TopologyChannel(topology);
  const entry = { nickname: "", uid: 2n, shortId: undefined, connections: [] };
  const update = (name: PeerName, version: bigint) =>
    must(encodeTopology([{ ...entry, name, version }])[0], "payload");
  assert.equal(channel.gossip(update(2, 5n), 2), undefined);
  channel.gossip(update(5, 5n), 2);
  channel.gossip(update(5, 5n), 3); // nothing new
  channel.gossip(update(3, 5n), 3);
  assert.equal(channel.hasNews, true);
  assert.deepEqual(channel.takeNews(() => true, () => true), [[2, new Set([2, 5])], [
    3,
    new Set([3]),
  ]]);
  assert.equal(channel.hasNews, false);
  assert.deepEqual(channel.broadcast(update(2, 6n)), new Set([2]));
  assert.throws(() => channel.unicast(), ProtocolError);
  assert.equal(channel.merge(new Set([1]), "all"), "all");
  assert.deepEqual(channel.merge(new Set([1]), new Set([2])), new Set([1, 2]));
  assert.equal(channel.encode("all"), channel.encode("all"));
});

/** A channel on which a new neighbour is heard first, and which tells some of them nothing. */
function careful(withheld: readonly PeerName[] = []): Channel<string> {
  return {
    name: "careful",
    hearsFirst: true,
    withholds: (neighbour) => withheld.includes(neighbour),
    gossip: () => undefined,
    broadcast: (payload) => fromUtf8(payload),
    unicast: () => {},
    full: () => "state",
    merge: (_, b) => b,
    encode: (item) => [utf8(item)],
  };
}

Deno.test("Gossip tells a new neighbour that may cut the connection only after it was heard", () => {
  const { gossip } = star([careful()]);
  gossip.addNeighbour(2, true, 0);
  gossip.sendFull(2);
  assert.deepEqual(take(gossip, 2), []);
  gossip.receive({ kind: "gossip", channel: "careful", source: 2, payload: utf8("x") }, 2, 100);
  assert.equal(take(gossip, 2).length, 1);
  assert.equal(gossip.deadline(), Infinity);
});

Deno.test("Gossip tells a new neighbour that says nothing after two seconds", () => {
  const { gossip } = star([careful()]);
  gossip.addNeighbour(2, true, 500);
  gossip.sendFull(2);
  assert.equal(gossip.deadline(), 2_500);
  gossip.tick(2_499);
  assert.deepEqual(take(gossip, 2), []);
  gossip.tick(2_500);
  assert.equal(take(gossip, 2).length, 1);
});

Deno.test("Gossip tells a weft neighbour at once", () => {
  const { gossip } = star([careful()]);
  gossip.addNeighbour(2, false, 0);
  gossip.sendFull(2);
  assert.equal(take(gossip, 2).length, 1);
});

Deno.test("Gossip tells a neighbour nothing that a channel withholds, not from others either", () => {
  const { gossip } = star([careful([3])]);
  for (const peer of [2, 3, 4]) gossip.sendFull(peer);
  assert.deepEqual(counts(gossip), [1, 0, 1]);
  const message = { kind: "broadcast", channel: "careful", source: 2, payload: utf8("x") } as const;
  gossip.receive(message, 2, 0);
  assert.deepEqual(counts(gossip), [0, 0, 1]);
});
