import assert from "node:assert/strict";
import fc from "fast-check";
import {
  formatPeerName,
  fromHex,
  must,
  parsePeerName,
  type PeerName,
  WireError,
} from "../base/mod.ts";
import { fromEntry, toEntry, type VectorPeer } from "../tests/helpers/topology_vectors.ts";
import collisions from "../tests/vectors/shortid-collision.json" with { type: "json" };
import merges from "../tests/vectors/topology-merge.json" with { type: "json" };
import { ShortIds } from "./short_ids.ts";
import { Topology } from "./topology.ts";
import { type ConnectionEntry, encodeTopology, type PeerEntry } from "./topology_wire.ts";
import { ProtocolError } from "./wire.ts";

interface MergeCase {
  self: string;
  before: VectorPeer[];
  update_gob: string;
  names_to_relay?: string[];
  after?: VectorPeer[];
  gc_removed?: string[];
  after_gc?: VectorPeer[];
  error?: boolean;
  note: string;
}

Deno.test("Topology.apply() and sweep() agree with the vectors", () => {
  for (const c of merges.cases as MergeCase[]) {
    const table = tableOf(parsePeerName(c.self), c.before.map(toEntry));
    assert.deepEqual(show(table), sorted(c.before), `${c.note}: before`);
    const payload = fromHex(c.update_gob);
    if (c.error === true) {
      assert.throws(() => table.apply(payload), WireError, c.note);
      assert.deepEqual(show(table), sorted(c.before), c.note);
      continue;
    }
    const relay = table.apply(payload).map(formatPeerName).sort();
    assert.deepEqual(relay, c.names_to_relay, c.note);
    assert.deepEqual(show(table), sorted(c.after ?? []), c.note);
    assert.deepEqual(table.sweep().map(formatPeerName).sort(), c.gc_removed, c.note);
    assert.deepEqual(show(table), sorted(c.after_gc ?? []), c.note);
  }
});

Deno.test("Topology.apply() changes our short id as the vectors say when another has it", () => {
  for (const c of collisions.cases) {
    const self = toEntry(c.self_before as VectorPeer);
    const table = tableOf(self.name, [self]);
    table.apply(fromHex(c.update_gob));
    const { shortId, version } = table.self;
    assert.equal(shortId !== self.shortId, c.short_id_changed, c.note);
    assert.equal(Number(version), c.version_after);
    assert.equal(table.takeAnnouncement(), c.short_id_changed);
    assert.equal(table.takeAnnouncement(), false);
  }
});

Deno.test("Topology raises its version and announces itself with every change of its own", () => {
  const table = tableOf(1, []);
  const connection = connectionTo(2);
  table.introduce({ name: 2, nickname: "b", uid: 5n, shortId: 7 });
  assert.equal(table.takeAnnouncement(), false);
  const steps: [() => void, bigint][] = [
    [() => table.addConnection(connection), 1n],
    [() => table.setEstablished(2, true), 2n],
    [() => table.setEstablished(2, true), 2n],
    [() => table.setEstablished(2, false), 3n],
    [() => table.removeConnection(2), 4n],
  ];
  let before = 0n;
  for (const [change, version] of steps) {
    change();
    assert.equal(table.self.version, version);
    assert.equal(table.takeAnnouncement(), version !== before);
    before = version;
  }
});

Deno.test("Topology.sweep() keeps who is held and who is reachable over unestablished edges", () => {
  const table = tableOf(1, []);
  table.apply(payloadOf([entry(2, 1, [3]), entry(5, 1, [])]));
  table.hold(5);
  table.hold(5);
  table.addConnection(connectionTo(2));
  assert.deepEqual(table.sweep(), []);
  table.release(5);
  assert.deepEqual(table.sweep(), []);
  table.release(5);
  assert.deepEqual(table.sweep(), [5]);
  table.removeConnection(2);
  assert.deepEqual(table.sweep().sort(), [2, 3]);
  assert.equal(table.size, 1);
});

Deno.test("Topology.apply() ignores entries and connections of nobody", () => {
  const table = tableOf(1, []);
  assert.deepEqual(table.apply(payloadOf([entry(0, 1, []), entry(2, 1, [0])])), [2]);
  assert.equal(table.get(0), undefined);
  assert.deepEqual(table.apply(new Uint8Array()), []);
});

Deno.test("Topology.apply() throws ProtocolError when the table would become too large", () => {
  const table = tableOf(1, []);
  const many = Array.from({ length: 16_400 }, (_, i) => i + 2);
  assert.throws(() => table.apply(payloadOf([entry(2, 1, many)])), ProtocolError);
  assert.equal(table.size, 1);
});

Deno.test("Topology takes another short id after a sweep when none was free before", () => {
  const random = numbers(3);
  const table = new Topology({ name: 9_000, nickname: "", uid: 1n, random });
  const all = Array.from({ length: 4096 }, (_, id) => ({ ...entry(id + 1, 1, []), shortId: id }));
  table.apply(payloadOf(all));
  const { shortId } = table.self;
  assert.notEqual(shortId, undefined);
  assert.equal(table.takeAnnouncement(), false);
  const keep = Array.from({ length: 4000 }, (_, i) => i + 1);
  table.apply(payloadOf([{ ...entry(1, 2, keep), shortId: 0 }]));
  table.addConnection(connectionTo(1));
  table.sweep();
  const gone = (shortId ?? 0) >= 4000;
  assert.equal(gone || (table.self.shortId ?? 0) >= 4000, true);
});

Deno.test("Topology.apply() leads to the same table when updates come in another order", () => {
  const version = fc.integer({ min: 1, max: 4 });
  const update = fc.record({
    name: fc.integer({ min: 2, max: 6 }),
    version,
    uid: fc.integer({ min: 1, max: 2 }),
    // What a peer says is a function of its version and UID: it is the only one that changes it.
    salt: fc.constant(0),
  });
  const payload = fc.array(update, { minLength: 1, maxLength: 4 });
  fc.assert(
    fc.property(fc.array(payload, { maxLength: 6 }), fc.nat(), (updates, seed) => {
      const payloads = updates.map((entries) => {
        const unique = new Map(entries.map((e) => [e.name, e]));
        return payloadOf([...unique.values()].map((e) => claimOf(e.name, e.version, e.uid)));
      });
      const shuffled = payloads.map((p, i) => ({ p, key: Math.sin(seed + i) }))
        .sort((a, b) => a.key - b.key).map(({ p }) => p);
      const [one, two, twice] = [tableOf(1, []), tableOf(1, []), tableOf(1, [])];
      for (const each of payloads) one.apply(each);
      for (const each of shuffled) two.apply(each);
      for (const each of [...shuffled, ...payloads]) twice.apply(each);
      assert.deepEqual(show(two), show(one));
      assert.deepEqual(show(twice), show(one));
      // The whole table as one payload says nothing new.
      for (const each of one.encode()) assert.deepEqual(two.apply(each), []);
    }),
    { numRuns: 200 },
  );
});

Deno.test("ShortIds.owner() is the lowest name that claims an id", () => {
  const ids = new ShortIds();
  ids.claim(7, 30);
  ids.claim(7, 10);
  ids.claim(7, 20);
  assert.equal(ids.owner(7), 10);
  ids.release(7, 10);
  assert.equal(ids.owner(7), 20);
  ids.release(7, 20);
  ids.release(7, 30);
  assert.equal(ids.owner(7), undefined);
});

Deno.test("ShortIds.pickFree() finds the last free id and gives up when all are taken", () => {
  const ids = new ShortIds();
  for (let id = 0; id < 4096; id++) if (id !== 1234) ids.claim(id, 1);
  assert.equal(ids.pickFree(numbers(1)), 1234);
  ids.claim(1234, 1);
  assert.equal(ids.pickFree(numbers(1)), undefined);
});

function numbers(seed: number): () => number {
  let state = seed;
  return () => (state = (state * 16807) % 2147483647) / 2147483647;
}

/** Makes a table whose own entry is that of the list, by way of what anybody may do to it. */
function tableOf(name: PeerName, entries: readonly PeerEntry[]): Topology {
  const self = entries.find((each) => each.name === name);
  const shortId = self?.shortId ?? 0;
  const random = numbers(1);
  let first = true;
  const firstShortId = (): number => {
    const value = first ? (shortId + 0.5) / 4096 : random();
    first = false;
    return value;
  };
  const uid = self?.uid ?? 1n;
  const table = new Topology({ name, nickname: self?.nickname ?? "", uid, random: firstShortId });
  for (const connection of self?.connections ?? []) table.addConnection(connection);
  if (self !== undefined && self.version > table.self.version) {
    // Somebody tells of an older run, which makes us jump to the version we want.
    const old = { ...self, uid: uid + 1n, version: self.version - 1n, connections: [] };
    table.apply(payloadOf([old]));
  }
  const others = entries.filter((each) => each.name !== name);
  if (others.length > 0) table.apply(payloadOf(others));
  table.takeAnnouncement();
  return table;
}

function payloadOf(entries: readonly PeerEntry[]): Uint8Array {
  return must(encodeTopology(entries)[0], "payload");
}

function connectionTo(peer: PeerName): ConnectionEntry {
  return { peer, address: "192.0.2.1:6783", outbound: true, established: false };
}

function entry(name: PeerName, version: number, to: readonly PeerName[]): PeerEntry {
  return {
    name,
    nickname: `n${name}`,
    uid: 1n,
    version: BigInt(version),
    shortId: undefined,
    connections: to.map(connectionTo),
  };
}

function claimOf(name: PeerName, version: number, uid: number): PeerEntry {
  const targets = [2, 3, 4, 5, 6, 7].filter((peer) => (peer * version * uid + name) % 3 === 0);
  return { ...entry(name, version, targets), uid: BigInt(uid), shortId: (name * version) % 5 };
}

function show(table: Topology): VectorPeer[] {
  return sorted([...table.entries()].map(fromEntry));
}

function sorted(peers: readonly VectorPeer[]): VectorPeer[] {
  return peers.map((peer) => ({
    ...peer,
    connections: peer.connections.toSorted((a, b) => a.to < b.to ? -1 : 1),
  })).sort((a, b) => a.name < b.name ? -1 : 1);
}
