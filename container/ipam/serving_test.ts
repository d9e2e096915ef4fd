import { deepEqual, equal, ok } from "node:assert/strict";
import { type Host, hostName, IpamWorld } from "../../tests/helpers/ipam_world.ts";
import type { AllocatorOutput } from "./allocator_io.ts";
import type { Range } from "./range.ts";

const ALL: Range = { start: 0x0a200000, end: 0x0a200100 };

function pair(count = 2): { world: IpamWorld; a: Host; b: Host } {
  const world = new IpamWorld();
  world.gossipMs = 0;
  const names = Array.from({ length: count }, (_, i) => hostName(i + 1));
  const [a, b] = world.startAll(count, { init: { kind: "seed", names } }) as [Host, Host];
  world.run(6000);
  a.outputs.length = 0;
  return { world, a, b };
}

function ask(world: IpamWorld, host: Host, from: Host, range: Range): AllocatorOutput[] {
  host.outputs.length = 0;
  world.feed(host, { kind: "asked", from: from.name, range });
  return host.outputs.filter(({ kind }) => kind !== "log");
}

function words(outputs: readonly AllocatorOutput[]): string[] {
  return outputs.map((out) => out.kind === "unicast" ? out.message.kind : out.kind);
}

Deno.test("Serving gives half, stores it, and tells all and the asker", () => {
  const { world, a, b } = pair();
  deepEqual(words(ask(world, a, b, ALL)), ["persist", "state", "broadcast"]);
  world.run(100);
  equal(b.allocator.parts.territory.sizeOf(b.name), 192);
});

Deno.test("Serving denies what it does not have, with its state", () => {
  const { world, a, b } = pair();
  deepEqual(words(ask(world, a, b, { start: 0x0a200080, end: 0x0a200100 })), ["denial", "state"]);
});

Deno.test("Serving gives one address that is asked for by name", () => {
  const { world, a, b } = pair();
  ask(world, a, b, { start: 0x0a200005, end: 0x0a200006 });
  equal(a.allocator.parts.territory.ownerOf(0x0a200005), b.name);
  equal(a.allocator.parts.territory.ownerOf(0x0a200006), a.name);
});

Deno.test("Serving sends an asker to others first when it has hardly anything, and gives when it insists", () => {
  const { world, a, b } = pair(3);
  const small = { start: 0x0a200000, end: 0x0a200040 };
  // Of 128 addresses all but two are given out.
  for (let i = 0; i < 126; i++) a.allocate(`c${i}`);
  world.run(6000);
  equal(a.allocator.parts.territory.space.freeCount, 2);
  deepEqual(words(ask(world, a, b, ALL)).slice(-2), ["denial", "state"]);
  ok(words(ask(world, a, b, ALL)).includes("broadcast"));
  ok(words(ask(world, a, b, small)).includes("broadcast"));
});

Deno.test("Serving gives nothing while rings conflict", () => {
  const { world, a, b } = pair();
  const ring = { ...b.allocator.parts.territory.ring, seeds: [7], peer: 7 };
  a.allocate("c1");
  world.feed(a, {
    kind: "state",
    via: "gossip",
    from: 7,
    state: { now: 0, nicknames: [], content: { kind: "ring", ring } },
  });
  ok(words(ask(world, a, b, ALL)).includes("denial"));
});

Deno.test("Serving says nothing without a ring", () => {
  const world = new IpamWorld();
  const [a, b] = [world.start(1), world.start(2)];
  deepEqual(ask(world, a, b, ALL), []);
});
