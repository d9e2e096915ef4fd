import { deepEqual, equal, match, ok } from "node:assert/strict";
import { must, parseCidr, parseIpv4 } from "../../base/mod.ts";
import { type Host, hostName, IpamWorld } from "../../tests/helpers/ipam_world.ts";
import { MEMORY_MS } from "./requests.ts";

/** One host with a ring. */
function single(inUse?: Parameters<IpamWorld["start"]>[1]): { world: IpamWorld; host: Host } {
  const world = new IpamWorld();
  const host = world.start(1, inUse);
  host.ask({ kind: "prime", without: [] });
  world.run(100);
  return { world, host };
}

/** Two hosts with a ring of 16 addresses: the lower half is of the first. */
function pair(): { world: IpamWorld; a: Host; b: Host } {
  const world = new IpamWorld();
  const names = [hostName(1), hostName(2)];
  const [a, b] = world.startAll(2, { range: "10.32.0.0/28", init: { kind: "seed", names } });
  world.run(100);
  return { world, a: must(a, "host"), b: must(b, "host") };
}

const SMALL = "10.32.0.0/28";

function probes(host: Host): number {
  return host.outputs.filter(({ kind }) => kind === "probe").length;
}

/** Lets a host give out all that it can get for containers. */
function fill(world: IpamWorld, host: Host): void {
  for (let i = 0; i < 16; i++) host.allocate(`full${i}`, SMALL, { waitMs: 1000 });
  world.run(2000);
}

// Allocate

Deno.test("allocate gives the same address to the same ident, and another in another subnet", () => {
  const { world, host } = single();
  const ids = [
    host.allocate("c1"),
    host.allocate("c1"),
    host.allocate("c1", "10.32.0.64/26"),
    host.allocate("c2"),
  ];
  world.run(100);
  deepEqual(ids.map((id) => host.said(id)), ["10.32.0.1", "10.32.0.1", "10.32.0.65", "10.32.0.2"]);
});

Deno.test("allocate answers with the prefix that was asked for and keeps the first one", () => {
  const { world, host } = single();
  host.allocate("c1");
  world.run(100);
  const id = host.allocate("c1", "10.32.0.0/25");
  deepEqual(host.answers.get(id), { kind: "address", cidr: parseCidr("10.32.0.1/25") });
  deepEqual(host.allocator.parts.leases.of("c1").map(({ cidr }) => cidr), [
    parseCidr("10.32.0.1/24"),
  ]);
});

Deno.test("allocate gives a new address each time to those whom nobody knows", () => {
  const { world, host } = single();
  const ids = [host.allocate("_"), host.allocate("_")];
  world.run(100);
  deepEqual(ids.map((id) => host.said(id)), ["10.32.0.1", "10.32.0.2"]);
  deepEqual([...host.allocator.parts.leases.all().keys()], ["10.32.0.1", "10.32.0.2"]);
});

Deno.test("allocate refuses a subnet outside the range", () => {
  const { host } = single();
  equal(host.said(host.allocate("c1", "192.0.2.0/24")), "not-possible");
});

Deno.test("allocate gives nothing out before it knows what is in use", () => {
  const world = new IpamWorld();
  const host = world.start(1, { inUse: undefined });
  const id = host.allocate("c1");
  world.run(1000);
  equal(host.said(id), undefined);
  const addresses = [{ ident: "old", cidr: parseCidr("10.32.0.1/24"), isContainer: true }];
  world.feed(host, { kind: "reserved", addresses });
  world.run(1000);
  equal(host.said(id), "10.32.0.2");
  deepEqual(host.allocator.parts.leases.of("old").map(({ isContainer }) => isContainer), [true]);
});

Deno.test("allocate probes an address and takes another if somebody answers", () => {
  const { world, host } = single();
  world.stations.add(parseIpv4("10.32.0.1"));
  const id = host.allocate("c1");
  world.run(100);
  equal(host.said(id), "10.32.0.2");
  equal(probes(host), 2);
  ok(host.outputs.some((out) => out.kind === "log" && /in use by somebody/.test(out.message)));
});

Deno.test("allocate ends in time where somebody answers for every address", () => {
  const { world, host } = single();
  for (let n = 1; n < 255; n++) world.stations.add(parseIpv4(`10.32.0.${n}`));
  const id = host.allocate("c1", "10.32.0.0/24", { waitMs: 1000 });
  world.run(1100);
  equal(host.said(id), "no-space");
  match(host.reason(id), /waited 1 s for an address that nobody answers for/);
});

Deno.test("allocate tries an address again that a stranger used 10 min ago", () => {
  const { world, host } = single();
  world.stations.add(parseIpv4("10.32.0.1"));
  host.allocate("c1");
  world.run(100);
  world.stations.clear();
  world.run(MEMORY_MS);
  const id = host.allocate("c2");
  world.run(100);
  equal(host.said(id), "10.32.0.1");
});

Deno.test("allocate does not probe what this router held within 10 min", () => {
  const { world, host } = single();
  host.allocate("c1");
  world.run(100);
  host.ask({ kind: "freeAll", ident: "c1" });
  const id = host.allocate("c2");
  equal(probes(host), 1);
  world.run(10);
  equal(host.said(id), "10.32.0.1");
  host.ask({ kind: "freeAll", ident: "c2" });
  world.run(MEMORY_MS + 1);
  host.allocate("c3");
  equal(probes(host), 2);
});

Deno.test("allocate probes what this router held within 10 min if another owned it since", () => {
  const world = new IpamWorld();
  const names = [1, 2].map(hostName);
  const [a, b] = world.startAll(2, { init: { kind: "seed", names } }) as [Host, Host];
  world.run(100);
  a.claim("c1", "10.32.0.1/24");
  world.run(100);
  a.ask({ kind: "freeAll", ident: "c1" });
  b.claim("c2", "10.32.0.1/24");
  world.run(1000);
  equal(b.given.length, 1);
  world.part([a], [b]);
  a.ask({ kind: "takeOver", peer: "host2", force: true });
  world.run(100);
  const before = probes(a);
  a.allocate("c3");
  world.run(100);
  equal(probes(a), before + 1);
});

Deno.test("allocate gives the address back when the caller went during the probe", () => {
  const { world, host } = single();
  const gone = host.allocate("c1");
  world.feed(host, { kind: "cancel", id: gone });
  world.run(5);
  equal(host.said(gone), "cancelled");
  const id = host.allocate("c2");
  world.run(100);
  equal(host.said(id), "10.32.0.2");
  equal(host.allocator.parts.territory.space.givenCount, 1);
});

Deno.test("allocate asks a peer when nothing is left here", () => {
  const { world, a } = pair();
  const ids = Array.from({ length: 12 }, (_, i) => a.allocate(`c${i}`, SMALL));
  world.run(20_000);
  equal(new Set(ids.map((id) => a.said(id))).size, 12);
  ok(ids.every((id) => /^10\./.test(a.said(id) ?? "")));
});

Deno.test("allocate fails at once when all denied and nobody is away", () => {
  const { world, a, b } = pair();
  fill(world, b);
  const id = a.allocate("late", SMALL);
  world.run(1000);
  equal(a.said(id), "no-space");
  match(a.reason(id), /host2\(.*\) (denied|is full)/);
});

Deno.test("allocate waits for owners that are away, and then says for whom", () => {
  const { world, a, b } = pair();
  world.kill(b);
  fill(world, a);
  const id = a.allocate("late", SMALL);
  world.run(1000);
  const other = a.allocate("later", SMALL, { waitMs: 2000 });
  world.run(50_000);
  equal(a.said(id), undefined);
  equal(a.said(other), "no-space");
  match(a.reason(other), /waited 2 s for host2\(.*\), which cannot be reached/);
  world.run(10_000);
  equal(a.said(id), "no-space");
});

Deno.test("allocate ends when something becomes free here", () => {
  const { world, a, b } = pair();
  world.kill(b);
  fill(world, a);
  const id = a.allocate("late", SMALL);
  world.run(1000);
  a.ask({ kind: "freeAll", ident: "full0" });
  world.run(100);
  equal(a.said(id), "10.32.0.1");
});

Deno.test("allocate serves 200 at once, each with its own address", () => {
  const { world, host } = single();
  const ids = Array.from({ length: 200 }, (_, i) => host.allocate(`c${i}`));
  world.run(1000);
  equal(new Set(ids.map((id) => host.said(id))).size, 200);
});

// Claim

Deno.test("claim takes an address of ours, and another ident cannot have it then", () => {
  const { world, host } = single();
  const ids = [
    host.claim("c1", "10.32.0.9/24"),
    host.claim("c1", "10.32.0.9/24"),
    host.claim("_", "10.32.0.9/24"),
    host.claim("c2", "10.32.0.9/24"),
  ];
  world.run(100);
  deepEqual(ids.map((id) => host.said(id)), ["done", "done", "done", "address-in-use"]);
  equal(host.reason(ids[3] ?? 0), 'Cannot claim 10.32.0.9: already owned by "c1"');
});

Deno.test("claim needs no ring outside the range", () => {
  const world = new IpamWorld();
  const host = world.start(1, { targets: [9] });
  const id = host.claim("c1", "192.0.2.7/24");
  world.run(10);
  equal(host.said(id), "done");
});

Deno.test("claim moves an address outside the range from a container that died", () => {
  const { world, host } = single();
  host.claim("c1", "192.0.2.7/24", { isContainer: true });
  world.feed(host, { kind: "died", ident: "c1" });
  const id = host.claim("c2", "192.0.2.7/24");
  world.run(10);
  equal(host.said(id), "done");
  deepEqual([...host.allocator.parts.leases.all().keys()], ["c2"]);
});

Deno.test("claim gets an address of another peer", () => {
  const { world, a, b } = pair();
  const id = a.claim("c1", "10.32.0.12/28");
  world.run(1000);
  equal(a.said(id), "done");
  equal(b.allocator.parts.territory.ownerOf(parseIpv4("10.32.0.12")), a.name);
});

Deno.test("claim is refused with the owner's name when the owner uses the address", () => {
  const { world, a, b } = pair();
  b.claim("c1", "10.32.0.12/28");
  world.run(100);
  const id = a.claim("c2", "10.32.0.12/28");
  world.run(1000);
  equal(a.said(id), "address-in-use");
  match(a.reason(id), /already owned by peer host2\(02:00:00:00:00:02\)/);
});

Deno.test("claim ends only those of the very address when a peer denies", () => {
  const { world, a, b } = pair();
  b.claim("c1", "10.32.0.12/28");
  world.run(100);
  world.part([a], [b]);
  const [taken, other] = [a.claim("c2", "10.32.0.12/28"), a.claim("c3", "10.32.0.13/28")];
  world.feed(a, { kind: "denied", from: b.name, range: { start: 0x0a200000, end: 0x0a200010 } });
  equal(a.said(other), undefined);
  world.part([a], [b], false);
  world.run(10_000);
  deepEqual([a.said(taken), a.said(other)], ["address-in-use", "done"]);
});

Deno.test("claim is refused after its time when the owner is away", () => {
  const { world, a, b } = pair();
  world.kill(b);
  const id = a.claim("c1", "10.32.0.12/28", { waitMs: 3000 });
  world.run(4000);
  equal(a.said(id), "waiting");
  match(a.reason(id), /waited 3 s for host2\(.*\), which cannot be reached/);
});

Deno.test("claim that may be detached is answered at once and granted later", () => {
  const { world, a, b } = pair();
  world.part([a], [b]);
  const id = a.claim("c1", "10.32.0.12/28", { detached: true });
  world.run(10);
  equal(a.said(id), "done");
  world.feed(a, { kind: "cancel", id });
  world.part([a], [b], false);
  world.run(10_000);
  equal(a.allocator.parts.leases.at(parseIpv4("10.32.0.12"))?.ident, "c1");
});

Deno.test("claim that may be detached goes on once, however often it is made", () => {
  const { world, a, b } = pair();
  world.part([a], [b]);
  const ids = Array.from({ length: 5 }, () => a.claim("c1", "10.32.0.12/28", { detached: true }));
  world.run(10_000);
  deepEqual(ids.map((id) => a.said(id)), ids.map(() => "done"));
  equal(a.allocator.requests.waiting.length, 1);
});

// What is in use at the start

Deno.test("reserved addresses are never given out, and claimed for who uses them", () => {
  const inUse = ["c1", "_"].map((ident, i) => ({
    ident,
    cidr: parseCidr(`10.32.0.${i + 1}/24`),
    isContainer: ident !== "_",
  }));
  const { world, host } = single({ inUse });
  const id = host.allocate("new");
  world.run(100);
  equal(host.said(id), "10.32.0.3");
  deepEqual([...host.allocator.parts.leases.all().keys()], ["c1", "10.32.0.2", "new"]);
});

Deno.test("reserved addresses of another peer block nobody, and are not given out when they come to us", () => {
  const world = new IpamWorld();
  const names = [hostName(1), hostName(2)];
  const init = { kind: "seed", names } as const;
  const inUse = [{ ident: "old", cidr: parseCidr("10.32.0.12/28"), isContainer: true }];
  const a = world.start(1, { range: SMALL, init, inUse });
  const id = a.allocate("c1", SMALL);
  world.run(100);
  equal(a.said(id), "10.32.0.1");
  a.ask({ kind: "takeOver", peer: "02:00:00:00:00:02", force: true });
  fill(world, a);
  equal(a.allocator.parts.leases.at(parseIpv4("10.32.0.12"))?.ident, "old");
});

Deno.test("reserved addresses are free again when their container is destroyed before they were claimed", () => {
  const world = new IpamWorld();
  const inUse = [{ ident: "old", cidr: parseCidr("10.32.0.1/24"), isContainer: true }];
  const host = world.start(1, { targets: [9], inUse });
  world.run(100);
  world.feed(host, { kind: "destroyed", ident: "old" });
  host.ask({ kind: "prime", without: ["192.0.2.9"] });
  const id = host.allocate("c1");
  world.run(20_000);
  equal(host.said(id), "10.32.0.1");
});

// Containers

Deno.test("addresses of a dead container go back after 30 s, unless it is started", () => {
  const { world, host } = single();
  for (const ident of ["c1", "c2"]) host.allocate(ident, undefined, { isContainer: true });
  world.run(100);
  for (const ident of ["c1", "c2"]) world.feed(host, { kind: "died", ident });
  world.run(29_000);
  world.feed(host, { kind: "started", ident: "c2" });
  equal(host.given.length, 2);
  world.run(1001);
  deepEqual([...host.allocator.parts.leases.all().keys()], ["c2"]);
});

Deno.test("addresses of a destroyed container go back at once", () => {
  const { world, host } = single();
  host.allocate("c1");
  world.run(100);
  world.feed(host, { kind: "destroyed", ident: "c1" });
  equal(host.given.length, 0);
});

Deno.test("a dead container that asks again lives and keeps its address", () => {
  const { world, host } = single();
  host.allocate("c1", undefined, { isContainer: true });
  world.run(100);
  world.feed(host, { kind: "died", ident: "c1" });
  const id = host.allocate("c1");
  world.run(60_000);
  equal(host.said(id), "10.32.0.1");
  equal(host.given.length, 1);
});

Deno.test("requests of a container that died are cancelled", () => {
  const world = new IpamWorld();
  const host = world.start(1, { targets: [9] });
  const ids = [host.allocate("c1"), host.claim("c1", "10.32.0.7/24"), host.allocate("c2")];
  world.feed(host, { kind: "died", ident: "c1" });
  deepEqual(ids.map((id) => host.said(id)), ["cancelled", "cancelled", undefined]);
});

Deno.test("free refuses what is not held", () => {
  const { world, host } = single();
  host.allocate("c1");
  world.run(100);
  const address = parseIpv4("10.32.0.1");
  equal(host.said(host.ask({ kind: "free", ident: "c2", address })), "not-held");
  const id = host.ask({ kind: "free", ident: "c1", address });
  world.run(10);
  equal(host.said(id), "done");
  equal(host.said(host.ask({ kind: "freeAll", ident: "c1" })), "not-held");
});
