import assert from "node:assert/strict";
import fc from "fast-check";
import { must } from "../base/mod.ts";
import { type Node, passwords, seededCrypto, World } from "../tests/helpers/mesh_world.ts";
import type { MeshLink } from "./types.ts";

const NAME = [0, 1, 2, 3, 4, 5, 6, 7, 8].map((n) => 0x020000000000 + n);

function link(node: Node): MeshLink {
  const up = node.events.filter((event) => event.kind === "linkUp").at(-1);
  return must(up, "linkUp").link;
}

function count(node: Node, kind: string): number {
  return node.events.filter((event) => event.kind === kind).length;
}

function reasons(node: Node): (string | undefined)[] {
  return node.snapshot().connections.map((connection) => connection.reason);
}

Deno.test("MeshCore connects two peers and both report it when overlays work", () => {
  const world = new World();
  const one = world.start(1);
  const two = world.start(2, { targets: ["10.0.0.1"] });
  world.run(3_000);
  assert.deepEqual(one.reachable(), [NAME[1], NAME[2]]);
  assert.deepEqual(two.reachable(), [NAME[1], NAME[2]]);
  assert.deepEqual(two.connections(), ["-> 10.0.0.1:6783 established"]);
  assert.deepEqual(one.snapshot().peers.map((p) => [p.nickname, p.version]), [
    ["host1", "2"],
    ["host2", "2"],
  ]);
  assert.equal(link(one).sessionKey, undefined);
  assert.equal(two.snapshot().connections[0]?.encrypted, undefined);
});

Deno.test("MeshCore gives both ends the same key and connection UID when passwords agree", () => {
  const world = new World();
  world.chunkBytes = 7;
  const one = world.start(1, { passwords: passwords("wEaVe") });
  const two = world.start(2, { passwords: passwords("wEaVe"), targets: ["10.0.0.1"] });
  world.run(3_000);
  assert.deepEqual(one.neighbours(), [NAME[2]]);
  assert.equal(link(one).sessionKey?.length, 32);
  assert.deepEqual(link(one).sessionKey, link(two).sessionKey);
  assert.equal(link(one).connUid, link(two).connUid);
  assert.deepEqual([link(one).outbound, link(two).outbound], [false, true]);
  assert.equal(one.snapshot().connections[0]?.encrypted, true);
  assert.equal(link(one).weft, true);
});

const refusals: [string, string[], string[], string, string][] = [
  ["passwords differ", ["a"], ["b"], "no common password", "no common password"],
  ["the dialled side takes several", ["a", "c"], ["b"], "no common password", "no common password"],
  [
    "only the dialler has one",
    [],
    ["b"],
    "it has a password and we have none",
    "we have a password and it has none",
  ],
  [
    "only the dialled side has one",
    ["a"],
    [],
    "we have a password and it has none",
    "it has a password and we have none",
  ],
];
for (const [when, mine, theirs, reason, theirReason] of refusals) {
  Deno.test(`MeshCore tells both sides why and logs it once when ${when}`, () => {
    const world = new World();
    const one = world.start(1, { passwords: passwords(...mine) });
    const two = world.start(2, { passwords: passwords(...theirs), targets: ["10.0.0.1"] });
    world.run(50_000);
    assert.deepEqual(reasons(one), [reason]);
    assert.deepEqual(reasons(two), [theirReason]);
    assert.deepEqual(one.lines.map((line) => line.reason), [reason]);
    assert.deepEqual(two.lines.map((line) => line.reason), [theirReason]);
    const [row] = two.snapshot().connections;
    assert.equal(row?.state, "failed");
    assert.ok((row?.retryAt ?? 0) > world.now);
  });
}

Deno.test("MeshCore connects when a password is changed step by step", () => {
  const steps: [string[], string[], boolean][] = [
    [["old", "new"], ["old"], false],
    [["old", "new"], ["new", "old"], true],
    [["new", "old"], ["old", "new"], true],
    [["new"], ["new", "old"], false],
    [["old"], ["new", "old"], true], // the dialler's first fails, its second is taken
    [["new"], ["old", "new"], true],
  ];
  for (const [dialled, dialling, old] of steps) {
    const world = new World();
    const one = world.start(1, { passwords: passwords(...dialled) });
    const two = world.start(2, { passwords: passwords(...dialling), targets: ["10.0.0.1"] });
    world.run(15_000);
    const message = `${dialled} <- ${dialling}`;
    assert.deepEqual(one.neighbours(), [NAME[2]], message);
    const both = [one, two].map((node) => node.snapshot().connections[0]?.oldPassword);
    assert.equal(both.includes(true), old, message);
  }
});

Deno.test("MeshCore believes a peer again when it was restarted", () => {
  const world = new World();
  const one = world.start(1);
  const two = world.start(2, { targets: ["10.0.0.1"] });
  const three = world.start(3, { targets: ["10.0.0.1"] });
  world.run(30_000);
  const before = must(one.snapshot().peers.find((peer) => peer.name === NAME[2]), "peer");
  world.kill(two);
  world.run(100);
  const again = world.start(2, { targets: ["10.0.0.1"] });
  world.run(10_000);
  const after = must(three.snapshot().peers.find((peer) => peer.name === NAME[2]), "peer");
  assert.notEqual(after.uid, before.uid);
  assert.ok(BigInt(after.version) > BigInt(before.version));
  assert.deepEqual(again.reachable(), [NAME[1], NAME[2], NAME[3]]);
  assert.deepEqual(three.reachable(), [NAME[1], NAME[2], NAME[3]]);
});

Deno.test("MeshCore jumps over its old version when others still remember its last run", () => {
  const world = new World();
  const [one] = [world.start(1), world.start(2, { targets: ["10.0.0.1"] })];
  const three = world.start(3, { targets: ["10.0.0.2:6783"], discovery: false });
  world.run(30_000);
  // The link to 1 is new to 3 all the time, whatever becomes of the old entry.
  world.kill(one);
  const again = world.start(1, { targets: ["10.0.0.3:6783"] });
  world.run(10_000);
  assert.deepEqual(three.reachable(), [NAME[1], NAME[2], NAME[3]]);
  assert.deepEqual(again.reachable(), [NAME[1], NAME[2], NAME[3]]);
});

Deno.test("MeshCore keeps one connection and leaves it alone when both sides dial", () => {
  for (let seed = 0; seed < 10; seed++) {
    const world = new World();
    const one = world.start(1, { targets: ["10.0.0.2:6783"] }, seededCrypto(seed));
    const two = world.start(2, { targets: ["10.0.0.1:6783"] }, seededCrypto(seed + 100));
    world.run(20_000);
    assert.deepEqual(one.neighbours(), [NAME[2]]);
    assert.deepEqual(two.neighbours(), [NAME[1]]);
    assert.equal(link(one).connUid, link(two).connUid);
    const ups = count(one, "linkUp");
    world.run(600_000);
    assert.equal(count(one, "linkUp"), ups, "a working connection was replaced");
    assert.equal(one.connections().length, 1);
    assert.equal(world.bytesSent > 0, true);
  }
});

Deno.test("MeshCore leaves a connection alone when it is told to connect to who has dialled it", () => {
  for (let seed = 0; seed < 10; seed++) {
    const world = new World();
    const one = world.start(1, {}, seededCrypto(seed));
    const change = { targets: ["10.0.0.1"], discovery: false };
    const two = world.start(2, change, seededCrypto(seed + 100));
    world.start(3, change, seededCrypto(seed + 200));
    world.run(10_000);
    one.connect("10.0.0.2:6783", "10.0.0.3:6783");
    world.run(60_000);
    two.connect("10.0.0.3");
    world.run(10_000);
    two.connect("10.0.0.1:6783");
    world.run(60_000);
    assert.equal(count(one, "linkDown"), 0, `seed ${seed}`);
    assert.equal(count(two, "linkDown"), 0, `seed ${seed}`);
  }
});

Deno.test("MeshCore takes a peer that starts again at once when its last run ended in silence", () => {
  for (let seed = 0; seed < 10; seed++) {
    const world = new World();
    world.start(1, {}, seededCrypto(seed));
    const two = world.start(2, { targets: ["10.0.0.1"] }, seededCrypto(seed + 100));
    world.run(10_000);
    world.freeze(two);
    const again = world.start(2, { targets: ["10.0.0.1"] }, seededCrypto(seed + 200));
    world.run(1_000);
    assert.deepEqual(again.neighbours(), [NAME[1]], `seed ${seed}`);
  }
});

Deno.test("MeshCore finds all peers when it knows one and discovery is on", () => {
  const world = new World();
  const nodes = [1, 2, 3, 4, 5].map((n) =>
    world.start(n, n === 1 ? {} : { targets: ["10.0.0.1"] })
  );
  world.run(20_000);
  for (const node of nodes) {
    assert.deepEqual(
      node.neighbours(),
      [1, 2, 3, 4, 5].map((n) => NAME[n]).filter((n) => n !== node.name),
    );
  }
});

Deno.test("MeshCore routes over others and forgets who left when discovery is off", () => {
  const world = new World();
  const chain = [1, 2, 3, 4].map((n) =>
    world.start(n, { discovery: false, targets: n === 1 ? [] : [`10.0.0.${n - 1}`] })
  );
  world.run(10_000);
  const [one, , three, four] = chain as [Node, Node, Node, Node];
  assert.deepEqual(one.reachable(), [1, 2, 3, 4].map((n) => NAME[n]));
  const hop = one.core.forwarding().find((peer) => peer.name === NAME[4])?.nextHop;
  assert.equal(hop, NAME[2]);
  assert.deepEqual(one.neighbours(), [NAME[2]]);
  world.kill(three);
  world.run(5_000);
  assert.deepEqual(one.snapshot().peers.map((peer) => peer.name), [NAME[1], NAME[2]]);
  assert.deepEqual(four.snapshot().peers.map((peer) => peer.name), [NAME[4]]);
});

Deno.test("MeshCore takes an edge out of the routes when its overlay stops working", () => {
  const world = new World();
  const one = world.start(1);
  const two = world.start(2, { targets: ["10.0.0.1"] });
  world.run(3_000);
  one.feed({ kind: "overlayEstablished", id: link(one).id, established: false });
  assert.deepEqual(one.reachable(), [NAME[1]]);
  assert.equal(one.connections()[0]?.endsWith("pending"), true);
  world.run(1_500);
  assert.deepEqual(two.reachable(), [NAME[2]]);
  one.feed({ kind: "overlayEstablished", id: link(one).id, established: true });
  world.run(1_500);
  assert.deepEqual(two.reachable(), [NAME[1], NAME[2]]);
});

Deno.test("MeshCore closes and dials again when no overlay of a link can work", () => {
  const world = new World();
  const one = world.start(1);
  const two = world.start(2, { targets: ["10.0.0.1"] });
  world.run(3_000);
  const { id } = link(two);
  two.feed({ kind: "overlayFailed", id, reason: "no heartbeat for 60 s" });
  assert.deepEqual(two.events.filter((event) => event.kind === "linkDown"), [
    { kind: "linkDown", id, reason: "no heartbeat for 60 s" },
  ]);
  assert.deepEqual(two.connections(), ["-> 10.0.0.1:6783 failed no heartbeat for 60 s"]);
  world.run(10_000);
  assert.deepEqual(one.neighbours(), [NAME[2]]);
});

Deno.test("MeshCore passes overlay control messages and drops those without an overlay", () => {
  const world = new World();
  const one = world.start(1, { overlays: ["kite", "sleeve"] });
  const two = world.start(2, { targets: ["10.0.0.1"], overlays: ["kite", "sleeve"] });
  world.run(3_000);
  const { id } = link(two);
  const body = Uint8Array.of(5, 0x86);
  two.feed({ kind: "overlayControl", id, index: 1, tag: 3, body });
  const sent = world.bytesSent;
  two.feed({ kind: "overlayControl", id, index: 2, tag: 3, body });
  two.feed({ kind: "overlayControl", id, index: -1, tag: 3, body });
  two.feed({ kind: "overlayControl", id, index: 0, tag: 256, body });
  two.feed({ kind: "overlayControl", id: 99, index: 0, tag: 1, body });
  assert.equal(world.bytesSent, sent);
  world.run(10);
  assert.deepEqual(one.events.filter((event) => event.kind === "overlayControl"), [
    { kind: "overlayControl", id: link(one).id, index: 1, tag: 3, body },
  ]);
});

Deno.test("MeshCore refuses a peer when there is no overlay or the order differs", () => {
  const cases: [string[], string[], RegExp][] = [
    [["sleeve"], ["kite"], /^no common overlay: it has "kite", we have "sleeve"$/],
    [["a", "b"], ["b", "a"], /^it orders overlays differently/],
  ];
  for (const [mine, theirs, expected] of cases) {
    const world = new World();
    const one = world.start(1, { overlays: mine });
    const two = world.start(2, { targets: ["10.0.0.1"], overlays: theirs });
    world.run(1_500);
    assert.match(reasons(one)[0] ?? "", expected);
    assert.match(reasons(two)[0] ?? "", /overlay/);
    assert.equal(count(one, "linkUp"), 0);
  }
});

Deno.test("MeshCore leaves frames in clear when both sides trust the network", () => {
  const trusted = { passwords: passwords("p"), trustedSubnets: ["10.0.0.0/8"] };
  for (const both of [true, false]) {
    const world = new World();
    const one = world.start(1, trusted);
    const two = world.start(2, {
      ...trusted,
      ...(both ? {} : { trustedSubnets: [] }),
      targets: ["10.0.0.1"],
    });
    world.run(2_000);
    for (const node of [one, two]) {
      assert.equal(link(node).sessionKey === undefined, both);
      assert.equal(node.snapshot().connections[0]?.encrypted, !both);
    }
  }
});

Deno.test("MeshCore refuses itself and others with its name and does not try again", () => {
  const world = new World();
  const one = world.start(1, { targets: ["10.0.0.1"] });
  const twin = world.start(2, { name: 0x020000000001, targets: ["10.0.0.1"] });
  world.run(60_000);
  assert.deepEqual(reasons(one), [
    "cannot connect to ourself",
    'local "02:00:00:00:00:01(host1)" and remote "02:00:00:00:00:01(host2)" peer names collision',
  ]);
  const [row] = twin.snapshot().connections;
  assert.match(row?.reason ?? "", /collision/);
  assert.equal(row?.retryAt, undefined);
  assert.equal(count(one, "linkUp"), 0);
});

Deno.test("MeshCore stops at the connection limit on both sides", () => {
  const world = new World();
  const one = world.start(1, { connectionLimit: 2, discovery: false });
  const others = [2, 3, 4].map((n) => world.start(n, { targets: ["10.0.0.1"], discovery: false }));
  world.run(20_000);
  assert.equal(one.neighbours().length, 2);
  assert.equal(others.filter((node) => node.neighbours().length === 1).length, 2);
  one.connect("10.0.0.9");
  world.run(1_000);
  assert.ok(reasons(one).includes("connection limit reached (2)"));
});

Deno.test("MeshCore dials every address of a name and looks it up anew on every dial", () => {
  const world = new World();
  world.names.set("peers.example.org", ["10.0.0.1", "10.0.0.2"]);
  const [one, two] = [world.start(1), world.start(2)];
  const three = world.start(3, {
    targets: ["peers.example.org", "later.example.org"],
    discovery: false,
  });
  world.run(2_500);
  assert.deepEqual(three.neighbours(), [NAME[1], NAME[2]]);
  assert.deepEqual(three.snapshot().targets, ["peers.example.org", "later.example.org"]);
  assert.ok(three.connections().includes("-> later.example.org failed no such name"));
  // 1 moves to another address.
  world.kill(one);
  world.names.set("peers.example.org", ["10.0.0.2", "10.0.0.4"]);
  world.names.set("later.example.org", ["10.0.0.5"]);
  const moved = world.start(4, { name: NAME[1], nickname: "host1" });
  const five = world.start(5);
  world.run(60_000);
  assert.deepEqual(three.neighbours(), [NAME[1], NAME[2], NAME[5]]);
  assert.deepEqual([moved, two, five].map((node) => node.neighbours().includes(NAME[3] ?? 0)), [
    true,
    true,
    true,
  ]);
});

Deno.test("MeshCore leaves a connection up and dials no more when its target is forgotten", () => {
  const world = new World();
  const one = world.start(1);
  const two = world.start(2, { targets: ["10.0.0.1"] });
  world.run(2_000);
  two.feed({ kind: "forget", targets: ["10.0.0.1"] });
  world.run(60_000);
  assert.deepEqual(two.neighbours(), [NAME[1]]);
  world.kill(one);
  world.run(600_000);
  assert.deepEqual(two.connections(), []);
});

Deno.test("MeshCore says why and dials again with growing pauses when nobody answers", () => {
  const world = new World();
  const two = world.start(2, { targets: ["10.0.0.1", "10.0.0.3:7"] });
  world.cut.add("10.0.0.2 10.0.0.1:6783");
  world.start(1);
  world.run(9_000);
  assert.equal(two.connections()[0], "-> 10.0.0.1:6783 connecting");
  world.run(2_000);
  assert.equal(two.connections()[0], "-> 10.0.0.1:6783 failed no answer within 10 s");
  world.run(600_000);
  assert.deepEqual(two.lines.map((line) => line.reason), [
    "connection refused",
    "no answer within 10 s",
  ]);
  world.cut.clear();
  // A dial may be under way; the next follows soon instead of after minutes.
  two.connect("10.0.0.1");
  world.run(15_000);
  assert.deepEqual(two.neighbours(), [NAME[1]]);
});

Deno.test("MeshCore keeps idle connections up with heartbeats and drops silent ones", () => {
  const world = new World();
  const one = world.start(1);
  const two = world.start(2, { targets: ["10.0.0.1"] });
  world.run(600_000);
  assert.equal(count(one, "linkUp"), 1);
  assert.equal(count(one, "linkDown"), 0);
  // The other side stops without a word.
  world.freeze(two);
  world.run(11_000);
  const down = one.events.find((event) => event.kind === "linkDown");
  assert.equal(down?.kind === "linkDown" && down.reason, "silent for 10 s");
  assert.deepEqual(one.reachable(), [NAME[1]]);
});

Deno.test("MeshCore merges what waits when a neighbour does not read", () => {
  const world = new World();
  const one = world.start(1, { discovery: false });
  const two = world.start(2, { targets: ["10.0.0.1"], discovery: false });
  world.run(2_000);
  two.stalled = true;
  const { id } = link(one);
  // Fill what may be unwritten, then change the topology again and again.
  const body = new Uint8Array(300_000);
  one.feed({ kind: "overlayControl", id, index: 0, tag: 9, body });
  const sent = world.bytesSent;
  for (let i = 0; i < 50; i++) {
    one.feed({ kind: "overlayEstablished", id, established: i % 2 === 0 });
    world.run(1_100);
  }
  assert.ok(world.bytesSent - sent < 5_000, `${world.bytesSent - sent} bytes were sent`);
  two.stalled = false;
  one.feed({ kind: "sent", id, bytes: 300_000 });
  world.run(100);
  const entry = (node: Node) => node.snapshot().peers.find((peer) => peer.name === NAME[1]);
  assert.equal(entry(two)?.version, entry(one)?.version);
});

Deno.test("MeshCore gives a connection up when its remote never reads", () => {
  const world = new World();
  const one = world.start(1);
  const two = world.start(2, { targets: ["10.0.0.1"] });
  world.run(2_000);
  two.stalled = true;
  const body = new Uint8Array(9_000_000);
  for (let i = 0; i < 4; i++) {
    one.feed({ kind: "overlayControl", id: link(one).id, index: 0, tag: 9, body });
  }
  const down = one.events.find((event) => event.kind === "linkDown");
  assert.equal(down?.kind === "linkDown" && down.reason, "it does not read");
});

Deno.test("MeshCore converges to equal tables when peers come, go and dial at random", () => {
  const script = fc.array(
    fc.record({ peer: fc.integer({ min: 1, max: 6 }), at: fc.nat(4_000), dies: fc.boolean() }),
    { minLength: 3, maxLength: 12 },
  );
  fc.assert(
    fc.property(script, fc.nat(), (steps, seed) => {
      const world = new World();
      const alive = new Map<number, Node>();
      // Each run of a peer is another one: with the UID of an earlier run nobody would believe it.
      let runs = 0;
      const crypto = () => seededCrypto(seed + 1_000_003 * ++runs);
      world.start(8, {}, crypto());
      for (const { peer, at, dies } of steps) {
        world.run(at);
        const node = alive.get(peer);
        if (dies && node !== undefined) {
          world.kill(node);
          alive.delete(peer);
        } else if (node === undefined) {
          const targets = ["10.0.0.8", `10.0.0.${(peer % 6) + 1}:6783`];
          alive.set(peer, world.start(peer, { targets }, crypto()));
        }
      }
      world.run(120_000);
      const names = [...alive.values()].map((node) => node.name).concat(NAME[8] ?? 0);
      for (const node of alive.values()) {
        assert.deepEqual(node.reachable(), names.toSorted((a, b) => a - b));
        const others = names.filter((name) => name !== node.name).toSorted((a, b) => a - b);
        assert.deepEqual(node.neighbours(), others);
        assert.equal(node.snapshot().peers.length, names.length);
      }
    }),
    { numRuns: 15 },
  );
});
