import assert from "node:assert/strict";
import { must, type PeerName } from "../base/mod.ts";
import { type Node, World } from "../tests/helpers/mesh_world.ts";

const NAME = [0, 1, 2, 3, 4].map((n) => 0x020000000000 + n);
const BETWEEN_1_AND_2 = "10.0.0.1 10.0.0.2";

/** Four routers in a ring, 1 dialled by 2 and so on, settled. */
function ring(world: World): Node[] {
  const nodes = [1, 2, 3, 4].map((n) =>
    world.start(n, { discovery: false, targets: [`10.0.0.${n === 1 ? 4 : n - 1}`] })
  );
  world.run(5_000);
  return nodes;
}

/** Says that the overlay of the newest link to a peer is heard or not. */
function hears(node: Node | undefined, peer: PeerName | undefined, established: boolean): void {
  const up = node?.events.filter((event) => event.kind === "linkUp" && event.link.peer === peer);
  const last = must(up?.at(-1), "linkUp");
  if (last.kind !== "linkUp") return;
  node?.feed({ kind: "overlayEstablished", id: last.link.id, established });
}

function nextHop(node: Node | undefined, peer: PeerName | undefined): PeerName | undefined {
  return node?.core.forwarding().find(({ name }) => name === peer)?.nextHop;
}

function downs(node: Node | undefined): string[] {
  return (node?.events ?? []).flatMap((event) => event.kind === "linkDown" ? [event.reason] : []);
}

/** Lets time pass until something holds. @returns how long that took */
function after(world: World, condition: () => boolean): number {
  const start = world.now;
  while (!condition() && world.now < start + 60_000) world.run(1);
  return world.now - start;
}

Deno.test("MeshCore goes round a link within some ms when one end no longer hears it", () => {
  const world = new World();
  const [one, two, three, four] = ring(world);
  assert.equal(nextHop(one, NAME[2]), NAME[2]);
  world.silent.add(BETWEEN_1_AND_2);
  hears(one, NAME[2], false);
  assert.equal(nextHop(one, NAME[2]), NAME[4]);
  const told = after(world, () => nextHop(two, NAME[1]) === NAME[3]);
  assert.ok(told <= 200, `${told} ms`);
  assert.equal(nextHop(four, NAME[2]), NAME[3]);
  assert.equal(nextHop(three, NAME[1]), NAME[4]);
});

Deno.test("MeshCore tells all in some ms when a router is killed", () => {
  const world = new World();
  const [one, two, three, four] = ring(world);
  world.kill(must(two, "two"));
  const rest = [one, three, four];
  const told = after(world, () => rest.every((node) => nextHop(node, NAME[2]) === undefined));
  assert.ok(told <= 200, `${told} ms`);
  assert.equal(nextHop(one, NAME[3]), NAME[4]);
});

Deno.test("MeshCore announces many losses together but the first", () => {
  const world = new World();
  const hub = world.start(1, { discovery: false });
  for (let n = 2; n <= 10; n++) world.start(n, { discovery: false, targets: ["10.0.0.1"] });
  world.run(5_000);
  const sent = world.bytesSent;
  hears(hub, 0x020000000002, false);
  const first = world.bytesSent - sent;
  assert.ok(first > 0);
  for (let n = 3; n <= 10; n++) hears(hub, 0x020000000000 + n, false);
  assert.equal(world.bytesSent - sent, first);
  world.run(100);
  assert.ok(world.bytesSent - sent > first);
});

Deno.test("MeshCore keeps TCP when only the overlay is silent", () => {
  const world = new World();
  const [one, two] = ring(world);
  hears(one, NAME[2], false);
  hears(two, NAME[1], false);
  world.run(50_000);
  assert.deepEqual([downs(one), downs(two)], [[], []]);
  assert.equal(nextHop(one, NAME[2]), NAME[4]);
  hears(one, NAME[2], true);
  hears(two, NAME[1], true);
  world.run(2_000);
  assert.equal(nextHop(one, NAME[2]), NAME[2]);
});

Deno.test("MeshCore closes after 5 s when overlay and TCP are silent, after 10 s when only TCP is", () => {
  for (const [overlay, seconds] of [[false, 5], [true, 10]] as const) {
    const world = new World();
    const [one, two] = ring(world);
    world.silent.add(BETWEEN_1_AND_2);
    hears(one, NAME[2], overlay);
    hears(two, NAME[1], overlay);
    world.run(seconds * 1_000 - 1_100);
    assert.deepEqual(downs(one), []);
    world.run(1_200);
    assert.deepEqual(downs(one), [`silent for ${seconds} s`]);
    assert.deepEqual(downs(two), [`silent for ${seconds} s`]);
  }
});

Deno.test("MeshCore is connected again within 20 s after a silence of minutes", () => {
  const world = new World();
  const [one, two] = ring(world);
  world.silent.add(BETWEEN_1_AND_2);
  hears(one, NAME[2], false);
  hears(two, NAME[1], false);
  world.run(300_000);
  const dials = new Set(two?.connections().map((line) => line.split(" ").slice(2).join(" ")));
  assert.ok(
    [...dials].some((line) => /no answer within (3|10) s/.test(line)),
    [...dials].join("; "),
  );
  world.heal();
  const took = after(world, () => nextHop(one, NAME[2]) === NAME[2]);
  assert.ok(took <= 20_000, `${took} ms`);
});

Deno.test("MeshCore settles at once what a neighbour says of the link to us", () => {
  const world = new World();
  const [one, two] = ring(world);
  hears(two, NAME[1], false);
  world.run(3_000);
  hears(two, NAME[1], true);
  world.run(1_000);
  // It settles now, so that the next time would be in 100 ms.
  one?.connect("10.0.0.9");
  const settled = (): number => one?.events.filter(({ kind }) => kind === "changed").length ?? 0;
  const before = settled();
  world.run(2);
  assert.equal(settled(), before + 1);
  assert.equal(nextHop(one, NAME[2]), NAME[2]);
});
