import assert from "node:assert/strict";
import { IpamWorld } from "../../tests/helpers/ipam_world.ts";

Deno.test("Allocator.handle() founds the ring at the first request when it was told of nobody", () => {
  const world = new IpamWorld();
  const host = world.start(1);
  const id = host.allocate("c1");
  world.run(100);
  assert.equal(host.said(id), "10.32.0.1");
});

Deno.test("Allocator.handle() agrees with all whom it was told of", () => {
  const world = new IpamWorld();
  const [a, b, c] = world.startAll(3);
  world.run(100);
  const id = a?.allocate("c1") ?? 0;
  world.run(10_000);
  assert.equal(a?.said(id), "10.32.0.1");
  for (const host of [a, b, c]) assert.equal(host?.allocator.parts.territory.ring.seeds.length, 3);
});
