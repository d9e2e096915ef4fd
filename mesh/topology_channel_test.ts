import assert from "node:assert/strict";
import { must, type PeerName } from "../base/mod.ts";
import { Topology } from "./topology.ts";
import { TopologyChannel } from "./topology_channel.ts";
import { encodeTopology, type PeerEntry } from "./topology_wire.ts";

function entry(name: PeerName, version: number, ...peers: PeerName[]): PeerEntry {
  const connections = peers.map((peer) => ({
    peer,
    address: `192.0.2.${peer}:6783`,
    outbound: true,
    established: true,
  }));
  return { name, nickname: "", uid: 1n, version: BigInt(version), shortId: undefined, connections };
}

function payload(...entries: PeerEntry[]): Uint8Array {
  return must(encodeTopology(entries)[0], "payload");
}

function channelOf(): { table: Topology; channel: TopologyChannel } {
  const table = new Topology({ name: 1, nickname: "", uid: 1n, random: () => 0.5 });
  return { table, channel: new TopologyChannel(table) };
}

function take(channel: TopologyChannel, ...reachable: PeerName[]): [PeerName, PeerName[]][] {
  return channel.takeNews((name) => reachable.includes(name), () => true).map(([from, names]) => [
    from,
    [...names],
  ]);
}

Deno.test("TopologyChannel.takeNews() keeps news of peers that cannot be reached until they can", () => {
  const { channel } = channelOf();
  channel.gossip(payload(entry(2, 1, 3), entry(7, 4)), 2);
  channel.gossip(payload(entry(8, 1)), 3);
  assert.equal(channel.hasNews, true);
  assert.deepEqual(take(channel, 2, 3), [[2, [2]]]);
  assert.equal(channel.hasNews, false);
  assert.deepEqual(take(channel, 2, 3), []);
  assert.deepEqual(take(channel, 2, 3, 7, 8), [[2, [7]], [3, [8]]]);
  assert.deepEqual(take(channel, 2, 3, 7, 8), []);
});

Deno.test("TopologyChannel.takeNews() drops news of peers that were swept", () => {
  const { table, channel } = channelOf();
  channel.gossip(payload(entry(7, 4)), 2);
  assert.deepEqual(take(channel), []);
  assert.deepEqual(table.sweep(), [7]);
  assert.deepEqual(take(channel, 7), []);
  // Told again it is news again.
  channel.gossip(payload(entry(7, 4)), 2);
  assert.deepEqual(take(channel, 7), [[2, [7]]]);
});
