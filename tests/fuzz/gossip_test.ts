/**
 * Gob, envelopes, the topology, and a whole core that hears anything from a neighbour.
 *
 * @module
 */

import assert from "node:assert/strict";
import {
  fromHex,
  gobArray,
  gobBool,
  gobBytes,
  GobDecoder,
  GobEncoder,
  gobInt64,
  gobList,
  gobMap,
  gobOptional,
  gobString,
  gobStruct,
  type GobType,
  gobUint64,
  type PeerName,
} from "../../base/mod.ts";
import { MeshCore } from "../../mesh/mesh.ts";
import { Topology } from "../../mesh/topology.ts";
import { decodeTopology, encodeTopology, type PeerEntry } from "../../mesh/topology_wire.ts";
import {
  broadcastMessage,
  gossipMessage,
  type Message,
  overlayMessage,
  parseMessage,
  unicastMessage,
  withLength,
} from "../../mesh/wire.ts";
import { seededCrypto, testConfig } from "../helpers/mesh_world.ts";
import envelopes from "../vectors/gossip-envelopes.json" with { type: "json" };
import basic from "../vectors/gob-basic.json" with { type: "json" };
import features from "../vectors/features-gob.json" with { type: "json" };
import handshakes from "../vectors/handshake.json" with { type: "json" };
import ipam from "../vectors/ipam-gossip.json" with { type: "json" };
import live from "../vectors/live-plain.decoded.json" with { type: "json" };
import names from "../vectors/nameserver-gossip.json" with { type: "json" };
import topologies from "../vectors/topology.json" with { type: "json" };
import merges from "../vectors/topology-merge.json" with { type: "json" };
import { fuzz, refused } from "./fuzzer.ts";

/** Returns all values of a key that are hex, at any depth. */
function hexOf(vectors: unknown, key: string): Uint8Array[] {
  if (vectors === null || typeof vectors !== "object") return [];
  return Object.entries(vectors).flatMap(([name, value]) =>
    name === key && typeof value === "string" ? [fromHex(value)] : hexOf(value, key)
  );
}

const TABLES = [...hexOf(topologies, "gob"), ...hexOf(merges, "update_gob")];
const GOBS = [basic, features, ipam, names].flatMap((vectors) => hexOf(vectors, "gob"));
const MESSAGES = [
  ...hexOf(envelopes, "message"),
  ...hexOf(live, "plaintext").slice(2),
  gossipMessage("elsewhere", 2, fromHex("0102")),
  broadcastMessage("elsewhere", 3, fromHex("03")),
  unicastMessage("elsewhere", 3, testConfig(1).name, fromHex("03")),
  overlayMessage(0, 1, fromHex("0586")),
];

const PAIR = gobStruct({ A: gobUint64, B: gobOptional(gobString) }, "pair");
const TYPES: readonly GobType<unknown>[] = [
  gobBool,
  gobString,
  gobBytes,
  gobUint64,
  gobInt64,
  gobMap(gobString, gobString),
  gobList(PAIR),
  gobArray(gobUint64, 2),
  gobStruct({ NameByte: gobBytes, NickName: gobString, UID: gobUint64, Version: gobUint64 }),
  gobStruct({
    Now: gobInt64,
    Nicknames: gobMap(gobUint64, gobString),
    Entries: gobList(gobStruct({ Origin: gobUint64, Hostname: gobString, Version: gobInt64 })),
  }),
];

const OWN_GOBS = [
  new GobEncoder().write(gobList(PAIR), [{ A: 1n, B: "x" }, { A: 2n ** 64n - 1n, B: undefined }]),
  new GobEncoder().write(gobArray(gobUint64, 2), [1n, 300n]),
  new GobEncoder().write(gobMap(gobString, gobString), [["a", "b"], ["", "c"]]),
].map((encoder) => encoder.bytes());

fuzz({
  name: "GobDecoder",
  share: 0.11,
  seeds: [...GOBS, ...OWN_GOBS, ...TABLES],
  run: (input, roll) => {
    const type = TYPES[Math.floor(roll() * TYPES.length)] ?? gobBool;
    refused(() => {
      const decoder = new GobDecoder(input, { maxValues: 10_000 });
      for (let i = 0; i < 50 && !decoder.done; i++) {
        const value = decoder.next(type);
        const again = new GobEncoder().write(type, value).bytes();
        const second = new GobDecoder(again).next(type);
        assert.deepEqual(second, value);
        assert.deepEqual(new GobEncoder().write(type, second).bytes(), again);
      }
    });
  },
});

fuzz({
  name: "parseMessage()",
  share: 0.12,
  seeds: MESSAGES,
  run: (input) => {
    const message = refused(() => parseMessage(input));
    const written = message === undefined ? undefined : write(message);
    if (written !== undefined) assert.deepEqual(parseMessage(written), message);
  },
});

function write(message: Message): Uint8Array | undefined {
  switch (message.kind) {
    case "gossip":
      return gossipMessage(message.channel, message.source, message.payload);
    case "broadcast":
      return broadcastMessage(message.channel, message.source, message.payload);
    case "unicast": {
      const { channel, source, destination, payload } = message;
      return unicastMessage(channel, source, destination, payload);
    }
    case "overlay":
      return overlayMessage(message.index, message.tag, message.body);
    case "heartbeat":
    case "unknown":
      return undefined;
  }
}

let table = newTable();
let age = 0;

function newTable(): Topology {
  const topology = new Topology({ name: 0x020000000001, nickname: "us", uid: 5n, random: half });
  const connection = { peer: 0x020000000002, address: "192.0.2.2:6783" };
  topology.addConnection({ ...connection, outbound: true, established: true });
  return topology;
}

function half(): number {
  return 0.5;
}

fuzz({
  name: "Topology.apply()",
  share: 0.14,
  seeds: TABLES,
  run: (input) => {
    if (++age % 500 === 0) table = newTable();
    const { revision } = table;
    const entries = refused(() => decodeTopology(input));
    const news = refused(() => table.apply(input));
    if (news === undefined) return assert.equal(table.revision, revision, "half of it was taken");
    assert.ok(news.every((name) => table.get(name) !== undefined));
    assert.equal(table.self.uid, 5n);
    // Of one peer the last entry that was not refused counts; a second telling has nothing new.
    const peers = new Set((entries ?? []).map((entry) => entry.name));
    if (peers.size === entries?.length) assert.deepEqual(table.apply(input), [], "twice");
    for (const payload of encodeTopology(entries ?? [])) {
      assert.deepEqual(decodeTopology(payload), entries as PeerEntry[]);
    }
    if (age % 16 === 0) table.sweep();
  },
});

/** A core with a neighbour whose every word is fuzzed; another core when it hung up. */
class Listener {
  #core = new MeshCore(testConfig(1, { discovery: false }), seededCrypto(1), 0);
  #id = 0;
  #now = 0;
  #closed = true;

  hear(message: Uint8Array): void {
    if (this.#closed) this.#connect();
    this.#feed({ kind: "received", id: this.#id, bytes: withLength(message) });
    this.#now += 37;
    if ((this.#core.deadline() ?? Infinity) <= this.#now) this.#feed({ kind: "tick" });
    if (this.#now > 1e6) {
      this.#core = new MeshCore(testConfig(1, { discovery: false }), seededCrypto(1), 0);
      this.#now = 0;
      this.#closed = true;
    }
  }

  #connect(): void {
    this.#closed = false;
    this.#id = this.#core.newId();
    const remote = { ip: fromHex("00000000000000000000ffffc0000201"), port: 1 };
    this.#now += 1_000;
    this.#feed({ kind: "accepted", id: this.#id, remote });
    const introduction = handshakes.cases.find((each) => "a_to_b" in each);
    const stream = fromHex(introduction?.b_to_a ?? "");
    const bytes = stream.subarray(0, introduction?.b_intro_length ?? 0);
    this.#feed({ kind: "received", id: this.#id, bytes });
    assert.ok(!this.#closed, "the neighbour was refused");
  }

  #feed(input: Parameters<MeshCore["handle"]>[0]): void {
    this.#core.handle(input, this.#now);
    for (let out = this.#core.poll(); out !== undefined; out = this.#core.poll()) {
      if (out.kind === "close" && out.id === this.#id) this.#closed = true;
      if (out.kind !== "send") continue;
      checkSent(out.bytes, this.#core.topology.name);
      this.#core.handle({ kind: "sent", id: out.id, bytes: out.bytes.length }, this.#now);
    }
  }
}

/** What would end a real peer's process never leaves us, whatever we heard. */
function checkSent(bytes: Uint8Array, _self: PeerName): void {
  const tag = bytes[4];
  if (bytes.length < 5 || tag === undefined || bytes[0] !== 0) return;
  assert.ok(tag === 0 || tag > 3, `tag ${tag} was sent`);
  assert.notEqual(tag, 7, "an overlay control message was sent that nobody asked for");
}

let listener = new Listener();
let heard = 0;

fuzz({
  name: "MeshCore",
  share: 0.06,
  seeds: [...MESSAGES, ...TABLES.map((payload) => gossipMessage("topology", 2, payload))],
  run: (input) => {
    if (++heard % 1_000 === 0) listener = new Listener();
    listener.hear(input);
  },
});
