import assert from "node:assert/strict";
import { concat } from "../../base/mod.ts";
import { buildFrame } from "../../tests/helpers/frames.ts";
import { StageWorld } from "../../tests/helpers/stage_world.ts";

const READ = concat(new Uint8Array(10), buildFrame({ payload: Uint8Array.of(1, 2, 3) }));

/** Two neighbours with a key, on shuttle. */
function joined(upperBytes?: number): StageWorld {
  const world = new StageWorld(2, "sealed", upperBytes);
  world.agree(0, 1);
  world.run(500);
  return world;
}

Deno.test("Pairs tells once which keys worked, and the one who asked then seals by itself", () => {
  const world = joined();
  world.at(0).send(1, READ, world.now);
  world.run(2_000);
  const worked = [0, 1].map((i) =>
    world.at(i).events.flatMap((event) =>
      event.kind === "pairNews" ? [[event.news, event.receiveId]] : []
    )
  );
  assert.deepEqual(worked, [[["worked", 2]], [["worked", 3]]]);
});

Deno.test("Pairs asks for a key at most once a second", () => {
  const world = new StageWorld(2, "sealed");
  const { pairs } = world.at(0).stage;
  for (let ms = 0; ms <= 2_000; ms += 100) pairs.wants(1, 10_000 + ms);
  world.deliver();
  const wanted = world.at(0).events.filter((event) => event.kind === "pairNews");
  assert.equal(wanted.length, 3);
});

Deno.test("Pairs says once that a key has sealed enough", () => {
  const world = joined();
  const counter = world.at(0).stage.pairs.outgoing(1, world.now)?.counter ?? new Int32Array(2);
  counter[1] = 1 << 28;
  world.run(3_000);
  const news = world.at(0).events.filter((e) => e.kind === "pairNews" && e.news === "exhausted");
  assert.equal(news.length, 1);
  assert.equal(world.at(0).pair(1)?.shuttle, true);
});

Deno.test("Pairs takes sleeve when a key is used up", () => {
  const world = joined();
  const counter = world.at(0).stage.pairs.outgoing(1, world.now)?.counter ?? new Int32Array(2);
  counter[0] = 1;
  world.run(1_000);
  assert.equal(world.at(0).pair(1)?.reason, "its key is used up");
});

Deno.test("Pairs changes keys without a gap and frees what is retired", () => {
  const world = joined();
  world.agree(0, 1, 2);
  world.run(500);
  assert.deepEqual(world.routers.map(({ contexts }) => contexts), [4, 4]);
  world.say(0, 1, "use", 5);
  for (const [from, to] of [[0, 1], [1, 0]] as const) {
    assert.equal(world.at(from).send(to, READ, world.now), 0);
    world.deliver();
    assert.equal(world.at(to).frames.length, 1);
  }
  world.say(0, 1, "retire", 2);
  world.say(1, 0, "retire", 3);
  assert.deepEqual(world.routers.map(({ contexts }) => contexts), [2, 2]);
  world.at(0).send(1, READ, world.now);
  world.deliver();
  assert.equal(world.at(1).frames.length, 2);
  for (const { stage } of world.routers) stage.pairs.closeAll();
  assert.deepEqual(world.routers.map(({ contexts }) => contexts), [0, 0]);
});

Deno.test("Pairs grows to what the first hop carries and shrinks when it is refused", () => {
  const world = joined(8_972);
  assert.equal(world.at(0).pair(1)?.mtuBytes, 8_972 - 32 - 26);
  world.at(0).stage.pairs.refused(1, 1_372, world.now);
  world.run(1_000);
  assert.equal(world.at(0).pair(1)?.mtuBytes, 1_372 - 32 - 26);
});

Deno.test("Pairs takes shuttle only when the size of the path was found", () => {
  const world = new StageWorld(2, "sealed");
  world.lost = (_from, _to, train) => train.length > 1_400;
  world.agree(0, 1);
  world.run(300);
  assert.equal(world.at(0).pair(1)?.reason, "its path is being measured");
  world.run(6_000);
  const { shuttle, mtuBytes = 0 } = world.at(0).pair(1) ?? {};
  assert.equal(shuttle, true);
  assert.ok(mtuBytes <= 1_400 - 58 && mtuBytes > 1_400 - 58 - 9, `${mtuBytes} bytes`);
});

Deno.test("Pairs floods by shuttle only if all reachable peers take it", () => {
  const world = new StageWorld(3, "sealed");
  const { pairs } = world.at(0).stage;
  world.agree(0, 1);
  world.run(500);
  assert.equal(pairs.floodPeers, undefined);
  world.agree(0, 2, 2);
  world.run(500);
  assert.deepEqual(pairs.floodPeers, Int32Array.of(1, 2));
  const peers = world.at(0).peers.map((peer, i) =>
    i === 2 && peer !== null ? { ...peer, nextHop: -1 } : peer
  );
  world.at(0).stage.configure({ self: 0, peers }, world.now);
  assert.deepEqual(pairs.floodPeers, Int32Array.of(1));
});

Deno.test("Pairs goes in clear with a password only over a link of neighbours that trust the network", () => {
  const world = new StageWorld(3, "sealed");
  for (const router of world.routers) {
    router.hops = router.hops.map((hop) => hop === undefined ? hop : { ...hop, encrypted: false });
    router.stage.pairs.reroute(0);
  }
  world.run(500);
  assert.equal(world.at(0).pair(1)?.cipher, "plain");
  assert.equal(world.at(0).pair(2)?.shuttle, false);
  const { pairs } = world.at(0).stage;
  assert.equal(pairs.inClear(1, 0x102)?.peer, 1);
  assert.equal(pairs.inClear(1, 0x103), undefined);
  assert.equal(pairs.inClear(2, 0x102), undefined);
  assert.equal(pairs.inClear(-1, 0x102), undefined);
});

Deno.test("Pairs gives pieces in clear of two sources and of two origins different slots", () => {
  const world = new StageWorld(3, "clear");
  const { pairs } = world.at(0).stage;
  const slots = [[1, 0x102], [2, 0x102], [1, 0x103]].map(([source = 0, origin = 0]) =>
    pairs.inClear(source, origin)?.slot
  );
  assert.equal(new Set(slots).size, 3);
});

Deno.test("Pairs keeps the keys of a peer that leaves until they are retired", () => {
  const world = joined();
  const router = world.at(0);
  const { stage, peers } = router;
  const [self = null, peer = null] = peers;
  stage.configure({ self: 0, peers: [self, null, null] }, world.now);
  assert.equal(stage.pairs.told(1), undefined);
  assert.equal(stage.pairs.status(1), 0);
  assert.equal(router.contexts, 2);
  const back = peer === null ? null : { ...peer, nextHop: 2 };
  stage.configure({ self: 0, peers: [self, null, back] }, world.now);
  assert.equal(stage.pairs.told(2)?.reason, "its link does not carry shuttle");
  assert.equal(stage.pairs.told(2)?.cipher, "AES-256-GCM");
  stage.configure({ self: 0, peers: [self] }, world.now);
  world.say(0, 1, "retire", 2);
  assert.equal(router.contexts, 0);
});
