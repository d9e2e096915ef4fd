import { deepEqual, equal, match, ok } from "node:assert/strict";
import { type Node, seededCrypto, World } from "../tests/helpers/mesh_world.ts";

const TWIN = { name: 0x02_00_00_00_00_77 };
const MINUTE = 60_000;

/** Nicknames and addresses of each collision that a router shows. */
function collisions(node: Node): string[] {
  return node.snapshot().collisions.map(({ holders }) =>
    holders.map(({ nickname, address, ourself }) =>
      `${nickname} ${ourself ? "here" : address ?? "somewhere"}`
    ).sort().join(", ")
  );
}

function warnings(node: Node): string[] {
  return node.lines.filter(({ message }) => message === "name collision")
    .map(({ level, reason }) => `${level} ${reason}`);
}

/** Two with one name, and a pair between them: 1 - 2 - 3 - 4. */
function line(world: World, discovery: boolean): [Node, Node, Node, Node] {
  return [
    world.start(1, { ...TWIN, discovery, targets: ["10.0.0.2"] }, seededCrypto(1)),
    world.start(2, { discovery, targets: ["10.0.0.3"] }, seededCrypto(2)),
    world.start(3, { discovery }, seededCrypto(3)),
    world.start(4, { ...TWIN, discovery, targets: ["10.0.0.3"] }, seededCrypto(4)),
  ];
}

for (const discovery of [false, true]) {
  Deno.test(`MeshCore names both holders of a name, at the holders and between them (discovery ${discovery})`, () => {
    const world = new World();
    const [first, left, right, last] = line(world, discovery);
    world.run(MINUTE);
    deepEqual(collisions(left), ["host1 10.0.0.1, host4 10.0.0.4"]);
    deepEqual(collisions(right), ["host1 10.0.0.1, host4 10.0.0.4"]);
    // With discovery both holders come to each neighbour in turn, so that a report may mean either.
    match(collisions(first).join(), /^host1 here, host4 (10\.0\.0\.4|somewhere)$/);
    match(collisions(last).join(), /^host1 (10\.0\.0\.1|somewhere), host4 here$/);
    for (const node of [first, left, right, last]) {
      equal(warnings(node).length, 1, `host ${node.name}`);
      match(warnings(node)[0] ?? "", /^warn 2 routers have the name 02:00:00:00:00:77: "host/);
    }
  });
}

Deno.test("MeshCore tells of a collision once, and forgets it when one holder is gone", () => {
  const world = new World();
  const [first, left, right, last] = line(world, false);
  world.run(5 * MINUTE);
  world.kill(last);
  world.run(12 * MINUTE);
  for (const node of [first, left, right]) {
    deepEqual(collisions(node), []);
    equal(warnings(node).length, 1);
  }
  deepEqual(left.reachable(), [left, right, first].map(({ name }) => name));
});

Deno.test("MeshCore jumps over another with its name at most once a second", () => {
  const world = new World();
  const [first, left, , last] = line(world, false);
  world.run(MINUTE / 2);
  const before = [first, last].map(({ core }) => Number(core.topology.self.version));
  const bytes = world.bytesSent;
  const changes = (node: Node): number => node.events.filter((e) => e.kind === "changed").length;
  const changed = changes(left);
  world.run(MINUTE);
  const after = [first, last].map(({ core }) => Number(core.topology.self.version));
  for (const [i, version] of after.entries()) {
    const jumps = version - (before[i] ?? 0);
    ok(jumps > 10 && jumps <= 62, `${jumps} jumps in a minute`);
  }
  // Four routers, two small messages a second that each passes on.
  ok(world.bytesSent - bytes < 200_000, `${world.bytesSent - bytes} bytes in a minute`);
  ok(changes(left) - changed <= 4 * 60, `${changes(left) - changed} changes in a minute`);
});

Deno.test("MeshCore names both when they take turns at the one router between them", () => {
  for (let seed = 1; seed <= 10; seed++) {
    const world = new World();
    const middle = world.start(3, {}, seededCrypto(seed));
    world.start(1, { ...TWIN, targets: ["10.0.0.3"] }, seededCrypto(100 + seed));
    world.start(2, { ...TWIN, targets: ["10.0.0.3"] }, seededCrypto(200 + seed));
    world.run(2 * MINUTE);
    deepEqual(collisions(middle), ["host1 10.0.0.1, host2 10.0.0.2"]);
    // The one that is kept out comes back every few minutes at most.
    world.run(60 * MINUTE);
    deepEqual(collisions(middle), ["host1 10.0.0.1, host2 10.0.0.2"]);
    equal(warnings(middle).length, 1);
  }
});

Deno.test("MeshCore names both when they meet", () => {
  const world = new World();
  const third = world.start(3);
  const first = world.start(1, { ...TWIN, targets: ["10.0.0.3"] });
  const last = world.start(2, { ...TWIN, targets: ["10.0.0.1", "10.0.0.3"] });
  world.run(2 * MINUTE);
  deepEqual(collisions(third), ["host1 10.0.0.1, host2 10.0.0.2"]);
  deepEqual(collisions(first), ["host1 here, host2 10.0.0.2"]);
  deepEqual(collisions(last), ["host1 10.0.0.1, host2 here"]);
  match(first.connections().join("\n"), /^<- 10\.0\.0\.2:\d+ failed .*host1.*host2.*collision/m);
  match(last.connections().join("\n"), /^-> 10\.0\.0\.1:6783 failed .*host2.*host1.*collision/m);
});

for (const seed of [1, 2, 3, 4, 5]) {
  Deno.test(`MeshCore never takes restarts for a collision (seed ${seed})`, () => {
    const world = new World();
    const targets = ["10.0.0.1", "10.0.0.2", "10.0.0.3", "10.0.0.4"];
    const nodes = [1, 2, 3, 4, 5].map((n) =>
      world.start(n, { targets }, seededCrypto(100 * seed + n))
    );
    world.run(10_000);
    for (let round = 1; round <= 12; round++) {
      const i = (round * seed) % nodes.length;
      const old = nodes[i];
      if (old === undefined) continue;
      if (round % 3 === 0) world.freeze(old);
      else world.kill(old);
      world.run((round % 4) * 700);
      nodes[i] = world.start(i + 1, { targets }, seededCrypto(1_000 * seed + 10 * round + i));
      world.run((round % 5) * 2_000);
    }
    world.run(MINUTE);
    for (const node of nodes) deepEqual([collisions(node), warnings(node)], [[], []]);
  });
}
