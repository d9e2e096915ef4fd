import { deepEqual, equal, match } from "node:assert/strict";
import { must } from "../../base/mod.ts";
import {
  comeBackAfterTakeover,
  type Host,
  hostName,
  IpamWorld,
} from "../../tests/helpers/ipam_world.ts";

function three(options: { real?: boolean } = {}): { world: IpamWorld; hosts: [Host, Host, Host] } {
  const world = new IpamWorld();
  const names = [1, 2, 3].map(hostName);
  const hosts = world.startAll(3, { init: { kind: "seed", names }, ...options });
  world.run(100);
  return { world, hosts: hosts as [Host, Host, Host] };
}

function owned(host: Host, of: Host): number {
  return host.allocator.parts.territory.sizeOf(of.name);
}

// Takeover

Deno.test("takeOver refuses a weft peer that answers, within a second", () => {
  const { world, hosts: [a, b] } = three();
  const id = a.ask({ kind: "takeOver", peer: "host2", force: false });
  world.run(1000);
  equal(a.said(id), "reachable");
  match(a.reason(id), /host2\(02:00:00:00:00:02\): it is alive/);
  equal(owned(a, b), 64);
});

Deno.test("takeOver refuses a real peer that has a route after three seconds", () => {
  const world = new IpamWorld();
  const names = [1, 2].map(hostName);
  const a = world.start(1, { init: { kind: "seed", names } });
  world.start(2, { init: { kind: "seed", names }, real: true });
  const id = a.ask({ kind: "takeOver", peer: "host2", force: false });
  world.run(2900);
  equal(a.said(id), undefined);
  world.run(200);
  equal(a.said(id), "reachable");
});

Deno.test("takeOver refuses a silent weft peer that still has a route after three seconds", () => {
  const { world, hosts: [a, b] } = three();
  b.alive = false;
  const id = a.ask({ kind: "takeOver", peer: "host2", force: false });
  world.run(2900);
  equal(a.said(id), undefined);
  world.run(200);
  equal(a.said(id), "reachable");
  equal(owned(a, b), 64);
});

Deno.test("takeOver takes a silent weft peer whose route goes meanwhile", () => {
  const { world, hosts: [a, b] } = three();
  b.alive = false;
  const id = a.ask({ kind: "takeOver", peer: "host2", force: false });
  world.run(1100);
  world.kill(b);
  world.run(2000);
  equal(a.said(id), "64");
  equal(owned(a, b), 0);
});

Deno.test("takeOver takes a peer that is gone, and all hear of it", () => {
  const { world, hosts: [a, b, c] } = three();
  world.kill(b);
  const id = a.ask({ kind: "takeOver", peer: "02:00:00:00:00:02", force: false });
  world.run(100);
  equal(a.said(id), "64");
  equal(owned(c, a), 192);
});

Deno.test("takeOver takes a living peer by force, and an idle one gives in", () => {
  const { world, hosts: [a, b] } = three();
  const id = a.ask({ kind: "takeOver", peer: "host2", force: true });
  world.run(100);
  equal(a.said(id), "64");
  equal(owned(b, b), 0);
});

Deno.test("takeOver of ourselves or of nobody brings nothing", () => {
  const { hosts: [a] } = three();
  const ids = ["host1", "nobody", "02:00:00:00:00:77"].map((peer) =>
    a.ask({ kind: "takeOver", peer, force: false })
  );
  deepEqual(ids.map((id) => a.said(id)), ["0", "0", "0"]);
});

Deno.test("takeOver refuses a nickname that several peers bear, and names them", () => {
  const { world, hosts: [a] } = three();
  const peers = [1, 2, 3].map((n) => ({
    name: hostName(n),
    nickname: "same",
    reachable: true,
    weft: true,
  }));
  world.feed(a, { kind: "topology", peers });
  const id = a.ask({ kind: "takeOver", peer: "same", force: false });
  equal(a.said(id), "no-such-peer");
  match(a.reason(id), /same\(02:00:00:00:00:02\), same\(02:00:00:00:00:03\)/);
});

Deno.test("a peer that comes back after a takeover is set aside while it holds addresses, and nobody is cut off", () => {
  const { world, hosts: [a, b, c] } = three();
  comeBackAfterTakeover(world, a, b);
  equal(b.allocator.parts.conflicts.any, true);
  match(
    must(b.allocator.parts.conflicts.all[0], "conflict").text,
    /Received update for IP range I own/,
  );
  const ids = [a.allocate("c2"), c.allocate("c3")];
  world.run(1000);
  deepEqual(ids.map((id) => a.said(id) === undefined && c.said(id) === undefined), [false, false]);
  b.ask({ kind: "freeAll", ident: "c1" });
  world.run(40_000);
  equal(b.allocator.parts.conflicts.any, false);
  equal(owned(b, b), 0);
});

// Handover

Deno.test("handOver gives all to a peer that confirms, and nothing out any more", () => {
  const { world, hosts: [a, b, c] } = three();
  a.allocate("c1");
  world.run(100);
  const id = a.ask({ kind: "handOver" });
  world.run(100);
  match(a.said(id) ?? "", /^host[23]\(/);
  const heir = a.said(id)?.startsWith("host2") ? b : c;
  equal(owned(heir, a), 0);
  equal(owned(heir, heir), 192);
  equal(heir.disk.ring.entries.some(({ peer }) => peer === a.name), false);
  equal(a.said(a.allocate("c2")), "cancelled");
});

Deno.test("handOver keeps all when nobody is there", () => {
  const { world, hosts: [a, b, c] } = three();
  world.kill(b);
  world.kill(c);
  const id = a.ask({ kind: "handOver" });
  world.run(2000);
  equal(a.said(id), "nobody");
  equal(owned(a, a), 128);
});

Deno.test("handOver tells of an heir that never confirmed", () => {
  const { world, hosts: [a, b, c] } = three();
  world.kill(c);
  world.commitMs = 20_000;
  const id = a.ask({ kind: "handOver" });
  world.run(2);
  world.kill(b);
  world.run(60_000);
  match(a.said(id) ?? "", /^host2\(.* perhaps$/);
});

Deno.test("handOver gives all to a real peer when there is no other, and asks it whether it has them", () => {
  const world = new IpamWorld();
  world.gossipMs = 3_600_000;
  const names = [1, 2].map(hostName);
  const a = world.start(1, { init: { kind: "seed", names } });
  const b = world.start(2, { init: { kind: "seed", names }, real: true });
  world.run(100);
  const id = a.ask({ kind: "handOver" });
  world.run(1200);
  match(a.said(id) ?? "", /^host2\([^)]*\)$/);
  equal(owned(b, b), 256);
});

Deno.test("handOver cancels what waits", () => {
  const world = new IpamWorld();
  const host = world.start(1, { targets: [9] });
  const waiting = host.allocate("c1");
  const id = host.ask({ kind: "handOver" });
  deepEqual([host.said(waiting), host.said(id)], ["cancelled", "nobody"]);
});

Deno.test("handOver answers at once when all was given away before", () => {
  const { world, hosts: [a] } = three();
  const first = a.ask({ kind: "handOver" });
  world.run(100);
  const again = a.ask({ kind: "handOver" });
  equal(a.said(again), a.said(first));
});

Deno.test("handOver looks for an heir again when there was none before", () => {
  const { world, hosts: [a, b, c] } = three();
  world.part([a], [b, c]);
  a.ask({ kind: "handOver" });
  world.run(2000);
  world.part([a], [b, c], false);
  const again = a.ask({ kind: "handOver" });
  world.run(100);
  match(a.said(again) ?? "", /^host[23]\(/);
});
