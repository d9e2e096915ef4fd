import assert from "node:assert/strict";
import type { KeySuite } from "./io.ts";
import {
  type KeyNode,
  KeyWorld,
  nameOf,
  portableKeyCrypto,
} from "../../tests/helpers/key_world.ts";

const HOUR = 3_600_000;

/** Both ends seal with what the other opens. */
function assertJoined(one: KeyNode, two: KeyNode): void {
  const [a, b] = [one.name - nameOf(0), two.name - nameOf(0)];
  const [ours, theirs] = [one.sendsWith(b) ?? "", two.sendsWith(a) ?? ""];
  assert.ok(two.opens(a).includes(ours), "the other opens what one seals");
  assert.ok(one.opens(b).includes(theirs), "one opens what the other seals");
  assert.notEqual(ours, theirs);
  assert.deepEqual([one.state(b), two.state(a)], ["ready", "ready"]);
}

function pair(world: KeyWorld): [KeyNode, KeyNode] {
  const nodes: [KeyNode, KeyNode] = [world.start(1), world.start(2)];
  world.meet();
  return nodes;
}

Deno.test("KeyAgreement gives two peers the same keys in three messages", () => {
  const world = new KeyWorld();
  const [one, two] = pair(world);
  world.run(60_000);
  assertJoined(one, two);
  assert.deepEqual([one.sent(2), two.sent(1)], [[1, 0, 1], [0, 1, 0]]);
  const [mine, theirs] = [one.of("install")[0]?.keys, two.of("install")[0]?.keys];
  assert.deepEqual([mine?.initiator, mine?.sendNow, mine?.uid], [true, false, two.uid]);
  assert.deepEqual([theirs?.initiator, theirs?.sendNow, theirs?.uid], [false, true, one.uid]);
  assert.deepEqual([mine?.receiveSalt, mine?.sendSalt], [theirs?.sendSalt, theirs?.receiveSalt]);
  assert.deepEqual([mine?.sendId, mine?.receiveId], [theirs?.receiveId, theirs?.sendId]);
});

Deno.test("KeyAgreement agrees with real cryptography", () => {
  const world = new KeyWorld();
  const one = world.start(1, { crypto: portableKeyCrypto });
  const two = world.start(2, { crypto: portableKeyCrypto });
  world.meet();
  world.run(1_000);
  assertJoined(one, two);
});

Deno.test("KeyAgreement takes the best suite that both have", () => {
  const sets: KeySuite[][] = [
    ["AES-256-OCB", "AES-256-GCM", "ChaCha20-Poly1305"],
    ["AES-256-GCM", "ChaCha20-Poly1305"],
    ["ChaCha20-Poly1305"],
  ];
  for (const [i, mine] of sets.entries()) {
    for (const [j, theirs] of sets.entries()) {
      const world = new KeyWorld();
      const one = world.start(1, { suites: mine });
      world.start(2, { suites: theirs });
      world.meet();
      world.run(1_000);
      assert.equal(one.of("install")[0]?.keys.suite, sets[Math.max(i, j)]?.[0]);
    }
  }
});

Deno.test("KeyAgreement lets the one who asked send only after a segment under the new key", () => {
  const world = new KeyWorld();
  world.data = false;
  const [one, two] = pair(world);
  world.run(9_000);
  assert.equal(one.of("use").length, 0);
  assert.equal(one.sendsWith(2), undefined);
  assert.notEqual(two.sendsWith(1), undefined);
  // Repeated M1s got the cached M2, and those M3 again.
  assert.deepEqual([one.sent(2), two.sent(1)], [[5, 0, 5], [0, 5, 0]]);
  assert.equal(one.of("install").length, 1);
  world.run(2_000);
  assert.equal(one.state(2), "failed: no data came under the new key");
  world.data = true;
  world.run(60_000);
  assertJoined(one, two);
});

Deno.test("KeyAgreement takes up a key whose first segment came after its run was given up", () => {
  const world = new KeyWorld();
  world.data = false;
  const [one] = pair(world);
  world.run(11_000);
  const receiveId = one.of("install")[0]?.keys.receiveId ?? 0;
  one.feed({ kind: "worked", peer: nameOf(2), receiveId });
  assert.equal(one.of("use").length, 1);
  assert.equal(one.state(2), "ready");
  world.run(60_000);
  assert.equal(one.of("install").length, 1);
});

for (const lost of [1, 2, 3]) {
  Deno.test(`KeyAgreement agrees when the first M${lost} is lost`, () => {
    const world = new KeyWorld();
    let left = 1;
    world.delays = (_from, _to, payload) => payload[0] === lost && left-- > 0 ? [] : [1];
    const [one, two] = pair(world);
    world.run(3_000);
    assertJoined(one, two);
    assert.equal(one.of("install").length + two.of("install").length, 2);
  });
}

Deno.test("KeyAgreement goes on with the lower name's run when both ask at once", () => {
  const world = new KeyWorld();
  const [one, two] = [world.start(1), world.start(2)];
  world.delays = () => [50];
  world.meet();
  two.feed({ kind: "wanted", peer: one.name });
  world.run(10_000);
  assertJoined(one, two);
  assert.deepEqual([one.sent(2)[0], two.sent(1)[0]], [1, 1]);
  assert.deepEqual([one, two].map((node) => node.of("install").map((out) => out.keys.initiator)), [
    [true],
    [false],
  ]);
});

Deno.test("KeyAgreement lets the higher name ask when the lower does not", () => {
  const world = new KeyWorld();
  world.delays = (from, _to, payload) => from === nameOf(1) && payload[0] === 1 ? [] : [1];
  const [one, two] = pair(world);
  world.run(60_000);
  assertJoined(one, two);
  assert.equal(two.of("install")[0]?.keys.initiator, true);
});

const passwords: [string[], string[], boolean][] = [
  [["a"], ["b"], false],
  [["old", "new"], ["old"], true],
  [["old", "new"], ["new", "old"], true],
  [["new", "old"], ["old", "new"], true],
  [["new"], ["new", "old"], true],
  [["old"], ["new", "old"], true],
  [["a", "b"], ["c", "d"], false],
  [["1", "2", "3", "4", "5", "6", "7", "8", "9"], ["8"], true],
  [["8"], ["1", "2", "3", "4", "5", "6", "7", "8", "9"], true],
];
for (const [mine, theirs, agree] of passwords) {
  const verb = agree ? "agrees" : "does not agree";
  Deno.test(`KeyAgreement ${verb} when one has ${mine} and the other ${theirs}`, () => {
    const world = new KeyWorld();
    const one = world.start(1, { passwords: mine });
    const two = world.start(2, { passwords: theirs });
    world.meet();
    world.run(60_000);
    if (agree) return assertJoined(one, two);
    assert.equal(one.of("install").length + two.of("install").length, 0);
    world.run(120_000);
    assert.equal(one.state(2), "failed: no common password");
    assert.equal(two.state(1), "failed: no common password");
  });
}

Deno.test("KeyAgreement does nothing without a password", () => {
  const world = new KeyWorld();
  const [one, two] = [world.start(1, { passwords: [] }), world.start(2)];
  world.meet();
  one.feed({ kind: "wanted", peer: two.name });
  world.run(60_000);
  assert.deepEqual(one.outputs, []);
  assert.equal(one.core.deadline(), undefined);
  assert.equal(two.state(1), "failed: no answer");
});

for (const restarted of [1, 2]) {
  Deno.test(`KeyAgreement agrees anew when peer ${restarted} is restarted, and keeps old keys till then`, () => {
    const world = new KeyWorld();
    const [one, two] = pair(world);
    world.run(5_000);
    const other = restarted === 1 ? two : one;
    const before = other.opens(restarted);
    const again = world.start(restarted);
    world.meet();
    assert.deepEqual(other.opens(restarted), before);
    world.run(5_000);
    assertJoined(again, other);
    world.run(20_000);
    assert.equal(other.opens(restarted).length, 1);
    assert.notDeepEqual(other.opens(restarted), before);
  });
}

Deno.test("KeyAgreement takes a new key after an hour and opens the old one 10 s longer", () => {
  const world = new KeyWorld();
  const [one, two] = pair(world);
  world.run(HOUR - 1_000);
  const before = one.sendsWith(2);
  assert.equal(one.of("install").length, 1);
  world.run(5_000);
  assertJoined(one, two);
  assert.notEqual(one.sendsWith(2), before);
  assert.deepEqual([one.opens(2).length, two.opens(1).length], [2, 2]);
  world.run(10_000);
  assert.deepEqual([one.opens(2).length, two.opens(1).length], [1, 1]);
  world.run(9 * HOUR);
  assertJoined(one, two);
  assert.equal(one.of("install").length, 11);
  assert.equal(one.of("stop").length, 0);
});

Deno.test("KeyAgreement takes new keys as often as it is told to", () => {
  const world = new KeyWorld();
  const nodes = [1, 2].map((n) => world.start(n, { rekeyMs: 3_000 }));
  world.meet();
  world.run(60_000);
  const [one, two] = nodes as [KeyNode, KeyNode];
  assertJoined(one, two);
  const installed = one.of("install").length;
  assert.ok(installed >= 15 && installed <= 21, `${installed} keys in a minute`);
  // Those before are still opened for 10 s, and no longer.
  assert.ok(one.opens(2).length <= 5, `${one.opens(2).length} keys at once`);
});

Deno.test("KeyAgreement takes a new key when one is used up, once", () => {
  const world = new KeyWorld();
  const [one, two] = pair(world);
  world.run(5_000);
  for (const node of [two, one, one]) {
    node.feed({ kind: "exhausted", peer: node === one ? two.name : one.name });
  }
  world.run(5_000);
  assertJoined(one, two);
  assert.deepEqual([one.of("install").length, two.of("install").length], [2, 2]);
});

Deno.test("KeyAgreement stops to send with a key that is three hours old", () => {
  const world = new KeyWorld();
  const [one, two] = pair(world);
  world.run(HOUR / 2);
  world.delays = () => [];
  world.run(2 * HOUR);
  assert.deepEqual([one.state(2), two.state(1)], ["ready: no answer", "ready: no answer"]);
  world.run(HOUR / 2 + 1_000);
  assert.deepEqual([one.sendsWith(2), two.sendsWith(1)], [undefined, undefined]);
  assert.equal(one.state(2), "failed: no answer");
  assert.equal(one.opens(2).length, 1);
  world.run(121_000);
  assert.deepEqual([one.opens(2), two.opens(1)], [[], []]);
  world.delays = () => [1];
  world.run(120_000);
  assertJoined(one, two);
});

Deno.test("KeyAgreement opens an old key for two minutes when no segment comes under the new one", () => {
  const world = new KeyWorld();
  const [one, two] = pair(world);
  world.run(5_000);
  world.data = false;
  const old = two.opens(1);
  one.feed({ kind: "exhausted", peer: two.name });
  world.run(119_000);
  assert.ok(two.opens(1).includes(old[0] ?? ""));
  assert.notEqual(one.sendsWith(2), undefined);
  world.run(2_000);
  assert.ok(!two.opens(1).includes(old[0] ?? ""));
  // What the other does not open any more is not sent any more.
  assert.equal(one.sendsWith(2), undefined);
  assert.equal(one.state(2), "failed: no data came under the new key");
  world.data = true;
  world.run(61_000);
  assertJoined(one, two);
});

Deno.test("KeyAgreement asks peers that never answer once a minute at most", () => {
  const world = new KeyWorld();
  const one = world.start(1);
  world.meet(7);
  for (let i = 0; i < 600; i++) {
    world.run(1_000);
    one.feed({ kind: "wanted", peer: nameOf(7) });
  }
  assert.equal(one.state(7), "failed: no answer");
  const before = one.sent(7)[0] ?? 0;
  assert.ok(before < 25, `${before} in ten minutes`);
  world.run(HOUR);
  assert.equal((one.sent(7)[0] ?? 0) - before, 60);
});

Deno.test("KeyAgreement asks 200 peers one after the other", () => {
  const world = new KeyWorld();
  const one = world.start(1);
  world.meet(...Array.from({ length: 200 }, (_, i) => i + 10));
  assert.equal(one.of("send").length, 16);
  world.run(5_000);
  assert.ok(one.of("send").length <= 16 + 100);
  world.run(30_000);
  assert.equal(new Set(one.of("send").map((out) => out.to)).size, 200);
});

Deno.test("KeyAgreement asks 256 peers by itself and others when there is traffic, those first", () => {
  const world = new KeyWorld();
  const one = world.start(1);
  world.meet(...Array.from({ length: 300 }, (_, i) => i + 10));
  world.run(1_000);
  one.feed({ kind: "wanted", peer: nameOf(305) });
  one.feed({ kind: "wanted", peer: nameOf(999) }); // not in the topology
  world.run(100);
  assert.equal(one.sent(305)[0], 1);
  world.run(60_000);
  assert.equal(new Set(one.of("send").map((out) => out.to)).size, 257);
});

Deno.test("KeyAgreement keeps keys of a peer that is away for less than two minutes", () => {
  const world = new KeyWorld();
  const [one, two] = pair(world);
  world.run(5_000);
  const self = { name: one.name, uid: one.uid };
  const away = { kind: "peers", peers: [self] } as const;
  one.feed(away);
  world.run(119_000);
  world.meet();
  assertJoined(one, two);
  one.feed(away);
  world.run(121_000);
  assert.deepEqual([one.opens(2), one.state(2)], [[], "none"]);
  world.meet();
  world.run(5_000);
  assertJoined(one, two);
  assert.equal(one.of("install").length, 2);
});

Deno.test("KeyAgreement joins three peers", () => {
  const world = new KeyWorld();
  const nodes = [1, 2, 3].map((n) => world.start(n));
  world.meet();
  world.run(5_000);
  for (const one of nodes) {
    for (const two of nodes) if (one.name < two.name) assertJoined(one, two);
  }
});
