import assert from "node:assert/strict";
import fc from "fast-check";
import { must, type PeerName, WireError } from "../base/mod.ts";
import { portableCrypto, seededCrypto, World } from "../tests/helpers/mesh_world.ts";
import { type DigestOutput, Digests } from "./digest.ts";
import { decodeDigest, encodeDigest } from "./digest_wire.ts";
import { Topology } from "./topology.ts";
import { encodeTopology, type PeerEntry } from "./topology_wire.ts";

const { sha256 } = portableCrypto;

/** One end of a comparison, with what it sent. */
class Side {
  readonly topology: Topology;
  readonly digests: Digests;
  /** Kinds of payloads sent, in order; `tell` for gossip. */
  readonly sent: string[] = [];
  /** Bytes of digests, and of gossip. */
  bytes = { digests: 0, gossip: 0 };

  constructor(readonly name: PeerName, uid: bigint, entries: readonly PeerEntry[] = []) {
    this.topology = new Topology({ name, nickname: "", uid, random: () => 0.5 });
    this.learn(entries);
    this.digests = new Digests({ topology: this.topology, sha256 });
  }

  learn(entries: readonly PeerEntry[]): void {
    for (const payload of encodeTopology(entries)) this.topology.apply(payload);
  }

  /** Takes all that it has to say. */
  take(): DigestOutput[] {
    const outputs: DigestOutput[] = [];
    for (let out = this.digests.poll(); out !== undefined; out = this.digests.poll()) {
      outputs.push(out);
    }
    return outputs;
  }

  /** Delivers all that it has to say. */
  speakTo(other: Side, now: number, outputs = this.take()): void {
    for (const out of outputs) {
      if (out.kind === "send") {
        this.sent.push(decodeDigest(out.payload).kind);
        this.bytes.digests += out.payload.length;
        other.digests.receive(out.payload, this.name, now);
      } else {
        this.sent.push("tell");
        for (const payload of this.topology.encode(out.names)) {
          this.bytes.gossip += payload.length;
          other.topology.apply(payload);
        }
      }
    }
  }
}

/** Lets two sides speak at the same time, until both are silent. */
function talk(a: Side, b: Side, now: number): void {
  for (let outputs = [a.take(), b.take()]; outputs.flat().length > 0;) {
    a.speakTo(b, now, outputs[0]);
    b.speakTo(a, now, outputs[1]);
    outputs = [a.take(), b.take()];
  }
}

function compare(a: Side, b: Side, now = 0): void {
  a.digests.begin(b.name);
  talk(a, b, now);
}

function pair(
  ours: readonly PeerEntry[],
  theirs: readonly PeerEntry[],
): [a: Side, b: Side] {
  const [a, b] = [new Side(A, 11n, ours), new Side(B, 12n, theirs)];
  a.learn([b.topology.self]);
  b.learn([a.topology.self]);
  a.digests.add(B, false, -2_000);
  b.digests.add(A, false, -2_000);
  return [a, b];
}

const [A, B] = [1, 2];

function entry(name: PeerName, version = 1, change: Partial<PeerEntry> = {}): PeerEntry {
  const connections = [{ peer: name - 1, address: "192.0.2.1:6783", outbound: true }]
    .map((connection) => ({ ...connection, established: version % 2 === 0 }));
  return {
    name,
    nickname: `host${name}`,
    uid: 9n,
    version: BigInt(version),
    shortId: name % 4096,
    connections,
    ...change,
  };
}

function entries(count: number, version = 1): PeerEntry[] {
  return Array.from({ length: count }, (_, i) => entry(i + 10, version));
}

function show(topology: Topology): PeerEntry[] {
  return [...topology.entries()].sort((x, y) => x.name - y.name);
}

Deno.test("Digests say nothing more when tables are equal", () => {
  const [a, b] = pair(entries(500), entries(500));
  b.learn([...a.topology.entries()]);
  a.learn([...b.topology.entries()]);
  compare(a, b);
  assert.deepEqual([a.sent, b.sent], [["sums"], []]);
  assert.deepEqual(a.bytes, { digests: 10, gossip: 0 });
});

Deno.test("Digests tell only what differs when a large table differs in one entry", () => {
  for (const newer of ["a", "b"]) {
    const [a, b] = pair(entries(500), entries(500));
    b.learn([...a.topology.entries()]);
    a.learn([...b.topology.entries()]);
    (newer === "a" ? a : b).learn([entry(77, 2)]);
    compare(a, b);
    assert.deepEqual(show(a.topology), show(b.topology));
    assert.deepEqual(a.sent, ["sums", "list", ...(newer === "a" ? ["tell"] : [])]);
    assert.deepEqual(b.sent, ["sums", ...(newer === "b" ? ["tell"] : []), "want"]);
    assert.ok(a.bytes.digests + b.bytes.digests < 1_200);
    assert.ok(a.bytes.gossip + b.bytes.gossip < 300);
  }
});

Deno.test("Digests list a small table at once and tell a newcomer everything", () => {
  const [a, b] = pair([], entries(300));
  compare(b, a);
  assert.deepEqual(show(a.topology), show(b.topology));
  assert.deepEqual([b.sent, a.sent], [["sums", "tell", "want"], ["list"]]);
});

Deno.test("Digests let a restarted peer hear its old entry, whoever begins and whichever UID is higher", () => {
  for (const begins of ["a", "b"]) {
    for (const oldUid of [3n, 99n]) {
      for (const version of [0, 1, 40]) {
        const [a] = pair(entries(50), entries(50));
        const old = entry(A, version, { uid: oldUid, connections: [] });
        const fresh = new Side(B, 12n, [...entries(50), old]);
        fresh.digests.add(A, false, -2_000);
        assert.deepEqual(fresh.topology.get(A)?.uid, oldUid);
        for (let round = 0; round < 3; round++) {
          if (begins === "a") compare(a, fresh, round * 2_000);
          else compare(fresh, a, round * 2_000);
        }
        assert.equal(a.topology.self.uid, 11n);
        assert.equal(fresh.topology.get(A)?.uid, 11n, `${begins} begins, ${oldUid} ${version}`);
        assert.ok(a.topology.self.version >= BigInt(version));
      }
    }
  }
});

Deno.test("Digests make two tables equal when they differ in any way", () => {
  const claim = fc.record({
    name: fc.integer({ min: 3, max: 90 }),
    version: fc.integer({ min: 0, max: 3 }),
    uid: fc.integer({ min: 1, max: 2 }),
    hasShortId: fc.boolean(),
  });
  const claims = fc.uniqueArray(claim, { selector: (c) => c.name, maxLength: 90 });
  const toEntries = (list: readonly { name: number; version: number; uid: number }[]) =>
    list.map(({ name, version, uid, ...rest }) =>
      entry(name, version, {
        uid: BigInt(uid),
        ...("hasShortId" in rest && rest.hasShortId ? {} : { shortId: undefined }),
      })
    );
  fc.assert(
    fc.property(claims, claims, claims, fc.nat(2), (common, ours, theirs, begins) => {
      const [a, b] = pair(toEntries(common), toEntries(common));
      a.learn(toEntries(ours));
      b.learn(toEntries(theirs));
      // Our own entry changes when short ids collide; the next comparison tells of it.
      for (let round = 0; round < 3; round++) {
        const now = round * 3_000;
        for (const side of [a, b]) side.digests.tick(now);
        if (begins !== 0) a.digests.begin(B);
        if (begins !== 1) b.digests.begin(A);
        talk(a, b, now);
      }
      assert.deepEqual(show(a.topology), show(b.topology));
      const sums = b.sent.length;
      compare(a, b, 60_000);
      assert.equal(b.sent.length, sums, "something is left");
    }),
    { numRuns: 300 },
  );
});

Deno.test("Digests tell what differs once when both sides begin at the same time", () => {
  for (const [ours, theirs] of [[200, 200], [200, 300], [10, 300], [300, 10]] as const) {
    const [a, b] = pair(entries(ours), entries(theirs));
    a.learn([entry(11, 2)]);
    b.learn([entry(12, 2)]);
    a.digests.begin(B);
    b.digests.begin(A);
    talk(a, b, 0);
    assert.deepEqual(show(a.topology), show(b.topology), `${ours} ${theirs}`);
    assert.equal([...a.sent, ...b.sent].filter((kind) => kind === "tell").length, 2);
  }
});

Deno.test("Digests fetch from one neighbour at a time and need little of the others", () => {
  const us = new Side(A, 11n);
  const others = [2, 3, 4, 5].map((name) => new Side(name, 12n, entries(200)));
  for (const other of others) {
    us.digests.add(other.name, false, -2_000);
    other.digests.add(A, false, -2_000);
    other.digests.begin(A);
    other.speakTo(us, 0);
  }
  for (let round = 0; round < 20; round++) {
    for (const other of others) {
      for (let out = us.digests.poll(); out !== undefined; out = us.digests.poll()) {
        const to = must(others.find((each) => each.name === out?.peer), "neighbour");
        if (out.kind === "send") to.digests.receive(out.payload, A, 0);
      }
      other.speakTo(us, 0);
    }
  }
  assert.ok(us.topology.size > 200);
  const told = others.map((other) => other.bytes.gossip);
  assert.ok((told[0] ?? 0) > 10_000);
  assert.ok(told.slice(1).every((bytes) => bytes < 500), told.join());
});

Deno.test("Digests go on to the next neighbour when the first does not answer or leaves", () => {
  for (const leaves of [false, true]) {
    const us = new Side(A, 11n);
    const others = [2, 3].map((name) => new Side(name, 12n, entries(100)));
    for (const other of others) {
      us.digests.add(other.name, false, -2_000);
      other.digests.add(A, false, -2_000);
      other.digests.begin(A);
      other.speakTo(us, 0);
    }
    assert.equal(us.digests.poll()?.peer, 2);
    assert.equal(us.digests.poll(), undefined);
    if (leaves) us.digests.remove(2);
    const due = us.digests.deadline();
    assert.equal(due, leaves ? -Infinity : 2_000);
    us.digests.tick(1_000);
    assert.equal(us.digests.poll()?.peer, leaves ? 3 : undefined);
    us.digests.tick(2_000);
    assert.equal(us.digests.poll()?.peer, leaves ? undefined : 3);
    assert.equal(us.digests.deadline(), Infinity);
  }
});

Deno.test("Digests do not answer what was not asked, nor the same question twice in a second", () => {
  const [a] = pair(entries(100), []);
  const hear = (payload: Uint8Array, now: number): string[] => {
    a.digests.receive(payload, B, now);
    const kinds: string[] = [];
    for (let out = a.digests.poll(); out !== undefined; out = a.digests.poll()) {
      kinds.push(out.kind === "send" ? decodeDigest(out.payload).kind : "tell");
    }
    return kinds;
  };
  const sums = (bits: number): Uint8Array =>
    encodeDigest({ kind: "sums", bits, sums: new Array<bigint>(1 << bits).fill(1n) });
  const list = encodeDigest({ kind: "list", bits: 0, buckets: [0], rows: [] });
  const fine = encodeDigest({ kind: "list", bits: 3, buckets: [0, 1], rows: [] });
  assert.deepEqual(hear(list, 0), [], "a list that nobody asked for");
  assert.deepEqual(hear(sums(5), 0), [], "fine sums that nobody asked for");
  assert.deepEqual(hear(encodeDigest({ kind: "want", names: [10] }), 0), [], "a wish");
  assert.deepEqual(hear(sums(0), 0), ["sums"]);
  assert.deepEqual(hear(sums(0), 999), [], "too soon");
  assert.deepEqual(hear(fine, 0), ["tell", "want"]);
  assert.deepEqual(hear(fine, 0), [], "an answer twice");
  assert.deepEqual(hear(sums(0), 1_000), ["sums"]);
  assert.deepEqual(hear(sums(3), 1_000), ["list"]);
  assert.deepEqual(hear(encodeDigest({ kind: "want", names: [10] }), 1_000), ["tell"]);
  assert.deepEqual(hear(encodeDigest({ kind: "want", names: [10] }), 1_000), [], "a wish twice");
});

Deno.test("Digests compare at once on a new connection if both sides see reason, one of them beginning", () => {
  for (
    const [oneDiffers, twoDiffers] of [[true, true], [true, false], [false, true], [false, false]]
  ) {
    const [a, b] = [new Side(A, 11n), new Side(B, 12n, entries(10))];
    a.digests.add(B, oneDiffers ?? false, 0);
    b.digests.add(A, twoDiffers ?? false, 0);
    talk(a, b, 0);
    const equal = oneDiffers === true && twoDiffers === true;
    assert.equal(a.topology.get(15) !== undefined, equal);
    assert.equal(a.sent.includes("sums"), oneDiffers);
    assert.equal(b.sent.includes("sums"), false);
    const later = oneDiffers === true && twoDiffers === false;
    assert.deepEqual([a.digests.deadline(), b.digests.deadline()], [
      Infinity,
      later ? 2_000 : Infinity,
    ]);
    b.digests.tick(2_000);
    talk(a, b, 2_000);
    assert.equal(a.topology.get(15) !== undefined, equal || later);
  }
});

Deno.test("Digests.receive() throws WireError when a neighbour's payload is malformed and ignores others'", () => {
  const [a] = pair([], []);
  assert.throws(() => a.digests.receive(Uint8Array.of(9), B, 0), WireError);
  a.digests.receive(Uint8Array.of(9), 77, 0);
  assert.equal(a.digests.begin(77), false);
  assert.equal(a.digests.poll(), undefined);
});

/** Makes the given peers ones that know no digests, to themselves and to others. */
function hideDigests(world: World, plain: ReadonlySet<number>): void {
  const key = new TextEncoder().encode("WeftDigest");
  world.onSend = (from, to, bytes) => {
    if (!plain.has(from.name) && !plain.has(to.name)) return bytes;
    const at = bytes.findIndex((_, i) => key.every((byte, j) => bytes[i + j] === byte));
    if (at === -1) return bytes;
    const changed = bytes.slice();
    changed[at] = "S".charCodeAt(0);
    return changed;
  };
}

function tables(world: World): string[] {
  return world.nodes.map((node) =>
    JSON.stringify(node.snapshot().peers.toSorted((x, y) => x.name - y.name))
  );
}

Deno.test("MeshCore converges when only some peers know digests, and sends those alone the channel", () => {
  const world = new World();
  const plain = new Set([2, 5, 6].map((n) => 0x020000000000 + n));
  hideDigests(world, plain);
  const told = new Set<PeerName>();
  const channel = new TextEncoder().encode("weft-topology");
  const rewrite = world.onSend;
  world.onSend = (from, to, bytes) => {
    const has = bytes.some((_, i) => channel.every((byte, j) => bytes[i + j] === byte));
    if (has) told.add(to.name);
    return rewrite(from, to, bytes);
  };
  for (let n = 1; n <= 8; n++) {
    const targets = n === 1 ? [] : [`10.0.0.${n - 1}`];
    world.start(n, { discovery: false, targets }, seededCrypto(n));
  }
  world.run(10_000);
  assert.equal(new Set(tables(world)).size, 1);
  world.kill(must(world.nodes[3], "node"));
  world.run(1_500);
  const targets = ["10.0.0.3", "10.0.0.5"];
  world.start(4, { discovery: false, targets }, seededCrypto(9));
  world.run(60_000);
  assert.equal(world.nodes.length, 8);
  assert.equal(new Set(tables(world)).size, 1);
  assert.ok(told.size > 0);
  assert.deepEqual([...told].filter((name) => plain.has(name)), []);
});

Deno.test("MeshCore brings a neighbour up to date by digest when an announcement was lost", () => {
  const world = new World();
  const one = world.start(1);
  const two = world.start(2, { targets: ["10.0.0.1"] });
  world.run(5_000);
  let muted = true;
  world.onSend = (_from, _to, bytes) => muted ? new Uint8Array() : bytes;
  const { id } = must(one.events.find((event) => event.kind === "linkUp"), "linkUp").link;
  one.feed({ kind: "overlayEstablished", id, established: false });
  world.run(3_000);
  assert.notEqual(two.snapshot().peers[1]?.version, one.snapshot().peers[0]?.version);
  muted = false;
  world.run(31_000);
  assert.equal(two.snapshot().peers[1]?.version, one.snapshot().peers[0]?.version);
});
