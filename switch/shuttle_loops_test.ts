import assert from "node:assert/strict";
import fc from "fast-check";
import { concat, must } from "../base/mod.ts";
import { buildFrame } from "../tests/helpers/frames.ts";
import { runSize } from "../tests/helpers/run_size.ts";
import { StageWorld } from "../tests/helpers/stage_world.ts";
import { SEND } from "./overlay/overlay.ts";
import { MAX_HOPS } from "./wire/shuttle_segment.ts";

const COUNT = 5;

/** Next hop to each peer, as each router sees it. */
type Views = readonly (readonly number[])[];

/** Routers with links between all of them, which have found each other. */
function meshed(mode: "sealed" | "clear"): StageWorld {
  const world = new StageWorld(COUNT, mode);
  see(world, Array.from({ length: COUNT }, () => Array.from({ length: COUNT }, (_, to) => to)));
  let run = 1;
  for (let a = 0; a < COUNT; a++) {
    for (let b = a + 1; b < COUNT; b++) world.agree(a, b, run++);
  }
  world.run(1_000);
  return world;
}

/** Tells each router its view. */
function see(world: StageWorld, views: Views): void {
  const encrypted = true;
  world.routers.forEach((router, i) => {
    router.peers = router.peers.map((peer, to) => {
      const nextHop = to === i ? -1 : views[i]?.[to] ?? -1;
      return { ...must(peer, "peer"), nextHop };
    });
    router.hops = router.peers.map((_, to) =>
      to === i ? undefined : { slot: to, upperBytes: 1_472, trainSegments: 64, encrypted }
    );
    router.stage.configure({ self: i, peers: router.peers }, world.now);
  });
}

/** Sends one frame from router 0 to all others, as a flood. @returns datagrams that were on any link, without probes */
function flood(world: StageWorld, serial: number): number {
  const { stage } = world.at(0);
  assert.deepEqual([...stage.pairs.floodPeers ?? []], [1, 2, 3, 4], "all are by shuttle");
  world.wire.length = 0;
  for (const peer of stage.pairs.floodPeers ?? []) {
    assert.equal(world.at(0).send(peer, read(serial), world.now), SEND.OK);
  }
  world.deliver();
  return world.wire.reduce((sum, { train, segment }) => sum + Math.ceil(train.length / segment), 0);
}

function read(serial: number): Uint8Array {
  return concat(new Uint8Array(10), buildFrame({ payload: new Uint8Array(40).fill(serial) }));
}

function total(world: StageWorld, name: string): number {
  return world.routers.reduce((sum, { counts }) => sum + (counts[name] ?? 0), 0);
}

Deno.test("a copy of a flood that goes round in a circle ends when its hops do", () => {
  for (const mode of ["sealed", "clear"] as const) {
    const world = meshed(mode);
    // 1 takes 2 for the way to 4, 2 takes 3, and 3 takes 1.
    see(world, [[0, 1, 1, 1, 1], [0, 0, 2, 3, 2], [0, 1, 0, 3, 3], [0, 1, 2, 0, 1], [
      0,
      1,
      2,
      3,
      0,
    ]]);
    const before = total(world, "dropHops");
    const datagrams = flood(world, 1);
    assert.deepEqual(world.routers.map(({ frames }) => frames.length), [0, 1, 1, 1, 0], mode);
    // One to 1, two each to 2 and 3, and one that is passed on until its last hop.
    assert.equal(datagrams, 1 + 2 + 2 + MAX_HOPS, mode);
    assert.equal(total(world, "dropHops") - before, 1, mode);
  }
});

Deno.test("floods neither multiply nor arrive twice, whatever each router believes of the ways", () => {
  let circles = 0;
  const view = fc.array(fc.integer({ min: -1, max: COUNT - 1 }), {
    minLength: COUNT,
    maxLength: COUNT,
  });
  const views = fc.array(view, { minLength: COUNT, maxLength: COUNT });
  fc.assert(
    fc.property(fc.constantFrom("sealed" as const, "clear" as const), views, (mode, random) => {
      const world = meshed(mode);
      // The origin itself has a way to everybody; a router is never its own next hop.
      see(
        world,
        random.map((row, i) =>
          row.map((hop, to) => i === 0 && (hop <= 0) ? to : hop === i ? to : hop)
        ),
      );
      const names = ["dropHops", "dropNoRoute"];
      const before = names.map((name) => total(world, name));
      const datagrams = flood(world, 2);
      const arrived = world.routers.map(({ frames }) => frames.length);
      assert.ok(arrived.every((frames, i) => frames <= (i === 0 ? 0 : 1)), `${arrived}`);
      assert.ok(datagrams <= (COUNT - 1) * MAX_HOPS, `${datagrams} datagrams`);
      const [hops = 0, noRoute = 0] = names.map((name, i) => total(world, name) - (before[i] ?? 0));
      const sum = arrived.reduce((a, b) => a + b);
      assert.equal(sum + hops + noRoute, COUNT - 1, "each copy arrives or is counted once");
      circles += hops;
    }),
    { numRuns: runSize("scenarios", 150, 20_000) },
  );
  assert.ok(circles > 0, "no circle was tried");
});

Deno.test("a flood goes straight again once views agree", () => {
  const world = meshed("sealed");
  see(world, [[0, 1, 1, 1, 1], [0, 0, 2, 3, 2], [0, 1, 0, 3, 1], [0, 1, 2, 0, 4], [0, 1, 2, 3, 0]]);
  flood(world, 3);
  see(world, Array.from({ length: COUNT }, () => [0, 1, 2, 3, 4]));
  for (const { frames } of world.routers) frames.length = 0;
  assert.equal(flood(world, 4), COUNT - 1);
  assert.deepEqual(world.routers.map(({ frames }) => frames.length), [0, 1, 1, 1, 1]);
});
