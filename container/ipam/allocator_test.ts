import { deepEqual, equal, match, notEqual, ok } from "node:assert/strict";
import { must } from "../../base/mod.ts";
import { type Host, hostName, IpamWorld } from "../../tests/helpers/ipam_world.ts";

/** Seeds of all rings, by host number; empty without a ring. */
function seeds(hosts: readonly Host[]): number[][] {
  return hosts.map((host) =>
    host.allocator.parts.territory.ring.seeds.map((name) => name - hostName(0))
  );
}

function kinds(host: Host): string[] {
  return host.outputs.map(({ kind }) => kind);
}

// The first ring

Deno.test("Allocator founds the ring at its first request when it was told of nobody", () => {
  const world = new IpamWorld();
  const host = world.start(1);
  world.run(60_000);
  deepEqual(seeds([host]), [[]]);
  const id = host.allocate("c1");
  world.run(100);
  equal(host.said(id), "10.32.0.1");
  deepEqual(seeds([host]), [[1]]);
});

Deno.test("Allocator founds the ring when a peer without one asks all, and not because of gossip", () => {
  const world = new IpamWorld();
  const [a, b] = [world.start(1), world.start(2, { targets: [1] })];
  world.run(60_000);
  deepEqual(seeds([a]), [[]]);
  const id = b.allocate("c1");
  world.run(1000);
  deepEqual(seeds([a, b]), [[1], [1]]);
  match(b.said(id) ?? "", /^10\.32\.0\./);
});

Deno.test("Allocator does not found alone any more after connect", () => {
  const world = new IpamWorld();
  const [a, b] = [world.start(1), world.start(2, { targets: [1] })];
  a.targets = [2];
  world.topology();
  b.allocate("c1");
  world.run(20_000);
  deepEqual(seeds([a, b]), [[1, 2], [1, 2]]);
});

Deno.test("Allocator agrees with all whom it was told of, whoever asks first", () => {
  const world = new IpamWorld();
  const hosts = world.startAll(5);
  world.run(100);
  const ids = hosts.map((host) => host.allocate("c1"));
  world.run(20_000);
  deepEqual(seeds(hosts), hosts.map(() => [1, 2, 3, 4, 5]));
  equal(new Set(hosts.map((host, i) => host.said(ids[i] ?? 0))).size, 5);
});

Deno.test("Allocator waits for a target that was never reached, says so, and goes on without it when told", () => {
  const world = new IpamWorld();
  const [a, b] = [1, 2].map((n) => world.start(n, { targets: [1, 2, 9] }));
  const host = must(a, "host");
  const id = host.allocate("c1", undefined, { waitMs: 5000 });
  world.run(5001);
  equal(host.said(id), "waiting");
  match(host.reason(id), /waited 5 s for 192\.0\.2\.9/);
  for (const each of [host, must(b, "host")]) each.ask({ kind: "prime", without: ["192.0.2.9"] });
  world.run(20_000);
  deepEqual(seeds([host]), [[1, 2]]);
});

Deno.test("Allocator makes no ring on either side of a cut, and one when it heals", () => {
  const world = new IpamWorld();
  const hosts = world.startAll(4);
  world.run(100);
  const [a, b, c, d] = hosts as [Host, Host, Host, Host];
  world.part([a, b], [c, d]);
  a.allocate("c1");
  d.allocate("c2");
  world.run(30_000);
  deepEqual(seeds(hosts), [[], [], [], []]);
  world.part([a, b], [c, d], false);
  world.run(20_000);
  deepEqual(seeds(hosts), hosts.map(() => [1, 2, 3, 4]));
});

Deno.test("Allocator agrees with real peers", () => {
  const world = new IpamWorld();
  const init = { kind: "consensus", peers: 3 } as const;
  const real = [2, 3].map((n) => world.start(n, { real: true, init }));
  const host = world.start(1, { targets: [2, 3] });
  const id = host.allocate("c1");
  world.run(20_000);
  match(host.said(id) ?? "", /^10\.32\.0\./);
  equal(new Set(seeds([host, ...real]).map(String)).size, 1);
});

Deno.test("Allocator needs a majority of the number it was given", () => {
  const world = new IpamWorld();
  const init = { kind: "consensus", peers: 3 } as const;
  const a = world.start(1, { init });
  a.allocate("c1");
  world.run(20_000);
  deepEqual(seeds([a]), [[]]);
  const b = world.start(2, { init });
  world.run(20_000);
  deepEqual(seeds([a, b]), [[1, 2], [1, 2]]);
});

Deno.test("Allocator seeds from a list at once", () => {
  const world = new IpamWorld();
  const init = { kind: "seed", names: [hostName(2), hostName(1)] } as const;
  deepEqual(seeds([world.start(1, { init })]), [[1, 2]]);
});

Deno.test("Allocator only asks as an observer, and gets the ring of others", () => {
  const world = new IpamWorld();
  const observer = world.start(1, { init: { kind: "observer" } });
  const id = observer.allocate("c1");
  world.run(20_000);
  equal(observer.said(id), undefined);
  world.start(2);
  world.run(20_000);
  match(observer.said(id) ?? "", /^10\.32\.0\./);
});

Deno.test("Allocator stores what it promised before it tells, and keeps UID and promise over a restart", () => {
  const world = new IpamWorld();
  const [a] = [1, 2].map((n) => world.start(n, { targets: [1, 2] }));
  const host = must(a, "host");
  world.run(100);
  world.part(world.hosts.slice(0, 1), world.hosts.slice(1));
  host.outputs.length = 0;
  host.allocate("c1");
  equal(kinds(host)[0], "persist");
  deepEqual(host.allocator.announcement(0).content, { kind: "claims", claims: [] });
  world.run(10);
  const before = must(host.disk.paxos, "promise");
  world.kill(host);
  host.restart();
  const { content } = host.allocator.announcement(0);
  ok(content.kind === "claims");
  equal(content.claims[0]?.[0].uid, before.uid);
  equal(content.claims[0]?.[1].promise.round, before.own.promise.round);
});

Deno.test("Allocator forgets what it promised when there is a ring", () => {
  const world = new IpamWorld();
  const hosts = world.startAll(2);
  world.run(100);
  hosts[0]?.allocate("c1");
  world.run(10_000);
  deepEqual(hosts.map(({ disk }) => disk.paxos), [undefined, undefined]);
});

// Disk before words

Deno.test("Allocator begins with what is to be stored, then answers", () => {
  const world = new IpamWorld();
  world.commitMs = 500;
  const host = world.start(1);
  const id = host.allocate("c1");
  world.run(100);
  equal(host.said(id), undefined);
  deepEqual(host.disk.leases, []);
  world.run(1000);
  equal(host.said(id), "10.32.0.1");
  equal(host.disk.leases.length, 1);
});

Deno.test("Allocator tells nobody of a grant that is not stored", () => {
  const world = new IpamWorld();
  world.gossipMs = 0;
  const hosts = world.startAll(2);
  const [a, b] = hosts as [Host, Host];
  a.allocate("c1");
  world.run(20_000);
  world.commitMs = 5000;
  const before = a.allocator.announcement(0).content;
  world.feed(a, { kind: "asked", from: b.name, range: { start: 0x0a200000, end: 0x0a200100 } });
  deepEqual(a.allocator.announcement(0).content, before);
  world.run(6000);
  notEqual(a.allocator.announcement(0).content, before);
});

Deno.test("Allocator keeps all after a restart, and gives nothing out twice", () => {
  const world = new IpamWorld();
  const host = world.start(1);
  const ids = ["c1", "c2", "c3"].map((ident) => host.allocate(ident));
  world.run(100);
  const said = ids.map((id) => host.said(id));
  world.kill(host);
  host.restart();
  const again = ["c1", "c2", "c3", "c4"].map((ident) => host.allocate(ident));
  world.run(100);
  deepEqual(again.map((id) => host.said(id)), [...said, "10.32.0.4"]);
});

Deno.test("Allocator writes one lease for an allocation, and no ring", () => {
  const world = new IpamWorld();
  const hosts = world.startAll(3);
  const host = must(hosts[0], "host");
  host.allocate("c1");
  world.run(20_000);
  host.allocate("c2");
  world.run(1000);
  host.outputs.length = 0;
  host.allocate("c3");
  world.run(1000);
  const changes = host.outputs.filter((out) => out.kind === "persist").map(({ change }) => change);
  deepEqual(changes.map((change) => Object.keys(change)), [["given"]]);
});

// Free space

Deno.test("Allocator tells free counts seldom, and at once to all that something is free where nothing was", () => {
  const world = new IpamWorld();
  const names = [hostName(1), hostName(2)];
  const init = { kind: "seed", names } as const;
  const hosts = world.startAll(2, { range: "10.32.0.0/28", init });
  const [a, b] = hosts as [Host, Host];
  for (let i = 0; i < 14; i++) a.allocate(`x${i}`, "10.32.0.0/28");
  world.run(70_000);
  world.gossipMs = 0;
  const free = (): number =>
    b.allocator.parts.territory.ring.entries.reduce((sum, entry) => sum + entry.free, 0);
  // The first and the last address of the range are left; they are not for containers.
  equal(free(), 2);
  const { ring } = a.allocator.parts.territory;
  const full = must(
    ring.entries.find((entry) => entry.peer === a.name && entry.free === 0),
    "entry",
  );
  a.ask({ kind: "freeAll", ident: must(a.allocator.parts.leases.at(full.token), "lease").ident });
  world.run(1100);
  equal(free(), 3);
  const id = b.allocate("c9", "10.32.0.0/28");
  world.run(1000);
  match(b.said(id) ?? "", /^10\.32\.0\./);
});

Deno.test("Allocator puts up with any message", () => {
  const world = new IpamWorld();
  const host = world.start(1, { targets: [2] });
  const other = world.start(2, { targets: [1] });
  host.allocate("c1");
  world.run(20_000);
  for (const range of [{ start: 5, end: 5 }, { start: 9, end: 3 }, { start: 0, end: 2 ** 32 }]) {
    world.feed(host, { kind: "asked", from: other.name, range });
    world.feed(host, { kind: "denied", from: other.name, range });
  }
  for (const kind of ["ping", "pong", "bequest", "confirmed"] as const) {
    world.feed(host, { kind: "weft", from: other.name, message: { kind, nonce: 1 } });
  }
  world.feed(host, { kind: "probed", address: 7, taken: true });
  world.feed(host, { kind: "cancel", id: 4711 });
  equal(host.allocate("c2") > 0, true);
});
