import { deepEqual, equal, match, notEqual, ok, throws } from "node:assert/strict";
import { RefusedError } from "../refused.ts";
import {
  comeBackAfterTakeover,
  type Host,
  hostName,
  IpamWorld,
} from "../../tests/helpers/ipam_world.ts";
import { RangeSet } from "./range_set.ts";
import { parseRepairChoice } from "./repairs.ts";
import { rangesOf } from "./ring.ts";
import { explainIpam, ipamStatus } from "./status.ts";

/** Two hosts that founded rings of their own while they had not heard of each other. */
function twoRings(use: readonly number[]): { world: IpamWorld; a: Host; b: Host } {
  const world = new IpamWorld();
  world.cut.add("1 2");
  const [a, b] = [world.start(1), world.start(2)];
  for (const host of [a, b]) host.allocate("first");
  world.run(100);
  for (const host of [a, b]) {
    if (!use.includes(host.n)) host.ask({ kind: "freeAll", ident: "first" });
  }
  // Others have heard how much is free.
  world.run(10_000);
  world.part([a], [b], false);
  world.run(20_000);
  return { world, a, b };
}

function seeds(...hosts: Host[]): number[][] {
  return hosts.map((host) =>
    host.allocator.parts.territory.ring.seeds.map((name) => name - hostName(0))
  );
}

Deno.test("of two founded rings the one with the higher first seed is left when nothing is in use", () => {
  const { a, b } = twoRings([]);
  deepEqual(seeds(a, b), [[1], [1]]);
  equal(a.allocator.parts.conflicts.any || b.allocator.parts.conflicts.any, false);
  equal(b.aside.length, 1);
  equal(a.aside.length, 0);
});

Deno.test("of two founded rings the one in use stays, whoever founded it", () => {
  const { a, b } = twoRings([2]);
  deepEqual(seeds(a, b), [[2], [2]]);
  deepEqual([a, b].map((host) => host.allocator.parts.conflicts.any), [false, false]);
});

Deno.test("two founded rings in use both stay, with an alarm, long probes and no gifts", () => {
  const { world, a, b } = twoRings([1, 2]);
  deepEqual(seeds(a, b), [[1], [2]]);
  for (const host of [a, b]) {
    equal(host.allocator.parts.conflicts.any, true);
    const { warnings } = ipamStatus(host.allocator);
    ok(warnings.some((line) => /IP allocation was seeded by different peers/.test(line)));
  }
  a.outputs.length = 0;
  const id = a.allocate("c2");
  deepEqual(a.outputs.filter((out) => out.kind === "probe").map(({ withinMs }) => withinMs), [250]);
  world.run(300);
  equal(a.said(id), "10.32.0.2");
  const { lines, conflicts } = explainIpam(a.allocator, world.now);
  ok(lines.some((line) => /conflict with host2/.test(line)));
  match(conflicts[0]?.differences[0] ?? "", /10\.32\.0\.0: ours says host1.*theirs says host2/);
});

Deno.test("withholds() keeps our ring from a real neighbour with another one, and from no weft peer", () => {
  const world = new IpamWorld();
  world.cut.add("1 2");
  const [a, b] = [world.start(1), world.start(2, { real: true })];
  const c = world.start(3);
  for (const host of [a, b]) host.allocate("first");
  world.run(100);
  equal(a.channels[0].withholds(b.name), false);
  world.part([a], [b], false);
  world.run(1000);
  equal(a.allocator.conflictsWith(b.name), true);
  equal(a.channels[0].withholds(b.name), true);
  equal(a.channels[0].withholds(c.name), false);
  equal(b.channels[0].withholds(a.name), false);
});

Deno.test("a ring that is left by its only owner is left by all that have nothing in it", () => {
  const world = new IpamWorld();
  for (const pair of ["1 2", "1 3"]) world.cut.add(pair);
  const [a, b] = [world.start(1), world.start(2)];
  const c = world.start(3, { init: { kind: "observer" } });
  for (const host of [a, b]) host.allocate("first");
  world.run(100);
  b.ask({ kind: "freeAll", ident: "first" });
  world.run(40_000);
  deepEqual(seeds(a, b, c), [[1], [2], [2]]);
  world.part([a], [b, c], false);
  world.run(60_000);
  deepEqual(seeds(a, b, c), [[1], [1], [1]]);
});

Deno.test("repair theirs takes the other ring when it leaves us all that is in use", () => {
  const { world, a, b } = twoRings([1, 2]);
  const refused = b.ask({ kind: "repair", choice: { keep: "theirs", force: false } });
  equal(b.said(refused), "not-possible");
  match(b.reason(refused), /10\.32\.0\.1 of first/);
  b.ask({ kind: "freeAll", ident: "first" });
  world.run(10);
  const id = b.ask({ kind: "repair", choice: { keep: "theirs", force: false } });
  world.run(1000);
  match(b.said(id) ?? "", /took the ring of host1/);
  deepEqual(seeds(a, b), [[1], [1]]);
});

Deno.test("repair theirs by force ends our leases and keeps their addresses from being given out", () => {
  const { world, a, b } = twoRings([1, 2]);
  b.ask({ kind: "repair", choice: { keep: "theirs", peer: "host1", force: true } });
  world.run(1000);
  deepEqual(seeds(a, b), [[1], [1]]);
  equal(b.given.length, 0);
  equal(b.allocator.parts.territory.space.isReserved(0x0a200001), true);
});

Deno.test("repair theirs ends probes of addresses that are not ours any more", () => {
  const { world, a, b } = twoRings([1, 2]);
  b.ask({ kind: "freeAll", ident: "first" });
  world.run(10);
  const waiting = b.allocate("c2");
  b.ask({ kind: "repair", choice: { keep: "theirs", force: false } });
  world.run(1000);
  deepEqual(seeds(a, b), [[1], [1]]);
  const { space, ring } = b.allocator.parts.territory;
  const owners = b.given.map((address) => b.allocator.parts.territory.ownerOf(address));
  deepEqual([...new Set(owners)], [b.name]);
  notEqual(b.said(waiting), undefined);
  deepEqual(space.ranges(), new RangeSet(rangesOf(ring, b.name)).ranges());
});

Deno.test("a founded ring is not left while an address is probed that nobody waits for any more", () => {
  const world = new IpamWorld();
  world.cut.add("1 2");
  const [a, b] = [world.start(1), world.start(2)];
  for (const host of [a, b]) host.ask({ kind: "prime", without: [] });
  world.run(10_000);
  const gone = b.allocate("c1");
  world.feed(b, { kind: "cancel", id: gone });
  world.part([a], [b], false);
  world.run(40_000);
  deepEqual(seeds(a), seeds(b));
});

Deno.test("repair ours says where to repair a ring of other seeds", () => {
  const { a } = twoRings([1, 2]);
  const id = a.ask({ kind: "repair", choice: { keep: "ours", force: false } });
  match(a.said(id) ?? "", /repair with "theirs" on host2/);
});

Deno.test("repair ours makes an idle peer give in where both have the same seeds", () => {
  const world = new IpamWorld();
  const names = [1, 2, 3].map(hostName);
  const hosts = world.startAll(3, { init: { kind: "seed", names } });
  const [a, b, c] = hosts as [Host, Host, Host];
  comeBackAfterTakeover(world, a, b);
  equal(b.allocator.parts.conflicts.any, true);
  b.ask({ kind: "repair", choice: { keep: "ours", force: false } });
  world.run(70_000);
  deepEqual(hosts.map((host) => host.allocator.parts.conflicts.any), [false, false, false]);
  equal(c.allocator.parts.territory.ownerOf(b.given[0] ?? 0), b.name);
});

Deno.test("repair refuses when there is nothing to repair", () => {
  const world = new IpamWorld();
  const host = world.start(1);
  equal(
    host.said(host.ask({ kind: "repair", choice: { keep: "ours", force: false } })),
    "not-possible",
  );
});

Deno.test("parseRepairChoice() reads ours, theirs, a peer and force", () => {
  deepEqual(parseRepairChoice("ours"), { keep: "ours", force: false });
  deepEqual(parseRepairChoice("theirs host1 force"), {
    keep: "theirs",
    peer: "host1",
    force: true,
  });
  deepEqual(parseRepairChoice("theirs force"), { keep: "theirs", force: true });
  for (const wrong of ["", "mine", "theirs a b"]) {
    throws(() => parseRepairChoice(wrong), RefusedError);
  }
});
