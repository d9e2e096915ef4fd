import { deepEqual, equal, match } from "node:assert/strict";
import { type Host, hostName, IpamWorld } from "../../tests/helpers/ipam_world.ts";
import { explainIpam, ipamStatus } from "./status.ts";

function state(host: Host): string {
  return ipamStatus(host.allocator).state;
}

Deno.test("ipamStatus() warns that this peer founds the ring", () => {
  const host = new IpamWorld().start(1);
  equal(state(host), "idle");
  match(ipamStatus(host.allocator).warnings.join(), /founds the ring of addresses/);
});

Deno.test("ipamStatus() says for whom a joiner waits", () => {
  const world = new IpamWorld();
  const host = world.start(1, { targets: [9] });
  host.allocate("c1");
  equal(state(host), "waiting for 192.0.2.9");
  const { pendingAllocates, paxos } = ipamStatus(host.allocator);
  deepEqual(pendingAllocates.map(({ ident, reason }) => [ident, reason]), [["c1", "192.0.2.9"]]);
  equal(paxos?.elector, false);
  match(
    explainIpam(host.allocator, world.now).lines.join("\n"),
    /joiner: told of 192\.0\.2\.9 \(never reached\)/,
  );
});

Deno.test("ipamStatus() shows a vote as real peers do", () => {
  const world = new IpamWorld();
  const host = world.start(1, { init: { kind: "consensus", peers: 3 } });
  host.allocate("c1");
  equal(state(host), "awaiting consensus (quorum: 2, known: 1)");
});

Deno.test("ipamStatus() shows an observer as real peers do", () => {
  const world = new IpamWorld();
  const host = world.start(1, { init: { kind: "observer" } });
  host.allocate("c1");
  equal(state(host), "priming");
});

Deno.test("ipamStatus() names the space of owners that are away and what to do", () => {
  const world = new IpamWorld();
  const init = { kind: "seed", names: [1, 2].map(hostName) } as const;
  const [a, b] = world.startAll(2, { init }) as [Host, Host];
  a.allocate("c1");
  world.run(100);
  world.kill(b);
  const status = ipamStatus(a.allocator);
  equal(status.state, "ready");
  equal(status.active, 1);
  deepEqual(status.locked, {
    peers: [{ name: b.name, label: "host2(02:00:00:00:00:02)" }],
    addresses: 128,
    percent: 50,
  });
  match(status.warnings.join(), /128 addresses \(50\.0% of the range\).*rmpeer/);
});

Deno.test("ipamStatus() says when all owners are away", () => {
  const world = new IpamWorld();
  const host = world.start(1, { init: { kind: "seed", names: [hostName(2)] } });
  match(state(host), /^all IP ranges owned by unreachable peers/);
});

Deno.test("ipamStatus() says that an allocation waits, and for whom", () => {
  const world = new IpamWorld();
  const host = world.start(1, {
    init: { kind: "seed", names: [1, 2].map(hostName) },
    range: "10.32.0.0/29",
  });
  for (let i = 0; i < 4; i++) host.allocate(`c${i}`, "10.32.0.0/29");
  world.run(100);
  equal(state(host), "waiting for IP(s) to become available");
  match(ipamStatus(host.allocator).pendingAllocates[0]?.reason ?? "", /cannot be reached/);
});
