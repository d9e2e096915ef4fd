/**
 * What must hold at every step, whatever happens: spec/ipam.md 23, S1 to S3 and S11.
 *
 * @module
 */

import assert from "node:assert/strict";
import { formatIpv4, type Ipv4 } from "../../base/mod.ts";
import { type Host, IpamWorld } from "../../tests/helpers/ipam_world.ts";
import { type Range, rangeContains, sizeOf } from "./range.ts";
import { faultOf, rangesOf } from "./ring.ts";

const ROUNDS = 15;
const STEPS = 80;
const SUBNETS = ["10.32.0.0/26", "10.32.0.0/27", "10.32.0.32/28"];

Deno.test("Allocator never gives an address out twice, and only its own, whatever happens", () => {
  for (let seed = 1; seed <= ROUNDS; seed++) {
    try {
      new Story(seed).play();
    } catch (error) {
      throw new Error(`seed ${seed}`, { cause: error });
    }
  }
});

/** A random life of a few hosts. */
class Story {
  readonly world: IpamWorld;
  readonly hosts: Host[];
  /** Hosts whose space was taken over: they never come back. */
  readonly buried = new Set<Host>();

  constructor(seed: number) {
    this.world = new IpamWorld(seed);
    this.world.commitMs = 1 + this.world.dice(30);
    this.world.check = (host) => this.check(host);
    const count = 2 + this.world.dice(4);
    const real = this.world.dice(3) === 0;
    const majority = { kind: "consensus", peers: count } as const;
    const init = this.world.dice(2) === 0 ? majority : { kind: "founding" } as const;
    this.hosts = this.world.startAll(count, { range: "10.32.0.0/26", init, real });
  }

  play(): void {
    for (let step = 0; step < STEPS; step++) {
      this.act();
      this.world.run(this.world.dice(4) === 0 ? this.world.dice(8000) : this.world.dice(60));
    }
  }

  act(): void {
    const { world, hosts } = this;
    const host = hosts[world.dice(hosts.length)];
    if (host === undefined || this.buried.has(host)) return;
    if (!host.alive) return this.wake(host);
    const ident = `c${world.dice(12)}`;
    switch (world.dice(14)) {
      case 0:
      case 1:
      case 2:
      case 3:
        host.allocate(ident, SUBNETS[world.dice(3)], { isContainer: world.dice(2) === 0 });
        return;
      case 4:
        host.claim(world.dice(5) === 0 ? "_" : ident, this.someCidr());
        return;
      case 5:
        host.ask({ kind: "freeAll", ident });
        return;
      case 6:
        return world.feed(host, { kind: "died", ident });
      case 7:
        return world.feed(host, { kind: "destroyed", ident });
      case 8:
        return world.kill(host);
      case 9:
        return this.cutOrJoin(host);
      case 10:
        return this.tryToTake(host);
      case 11:
        world.stations.add(this.someAddress());
        return;
      case 12:
        return world.feed(host, { kind: "cancel", id: world.dice(20) });
      default:
        return world.gossip(host);
    }
  }

  /** Brings a dead host back, or takes its space for good. */
  wake(host: Host): void {
    const { world } = this;
    const heir = this.hosts.find((other) => other.alive && other !== host);
    const parted = world.cut.size > 0;
    if (world.dice(6) === 0 && heir !== undefined && !parted) {
      this.buried.add(host);
      heir.ask({ kind: "takeOver", peer: `host${host.n}`, force: false });
    } else host.restart();
  }

  /** A takeover of a peer that lives is refused. */
  tryToTake(host: Host): void {
    const victim = this.hosts[this.world.dice(this.hosts.length)];
    if (victim === undefined || !this.world.reaches(host, victim)) return;
    const id = host.ask({ kind: "takeOver", peer: `host${victim.n}`, force: false });
    this.world.run(4000);
    assert.equal(host.said(id), "reachable");
  }

  cutOrJoin(host: Host): void {
    const others = this.hosts.filter((other) => other !== host);
    // Who is cut off and alive is not taken over: `rmpeer` is for the dead.
    this.world.part([host], others, this.world.cut.size === 0);
    if (this.world.cut.size > 0) return;
    this.world.run(100);
  }

  someAddress(): Ipv4 {
    return 0x0a200000 + this.world.dice(64);
  }

  someCidr(): string {
    return `${formatIpv4(this.someAddress())}/26`;
  }

  check(host: Host): void {
    const { parts } = host.allocator;
    const { territory: { ring, space, universe }, leases } = parts;
    assert.equal(faultOf(ring), undefined);
    const ours = rangesOf(ring, host.name);
    const owns = (address: Ipv4): boolean => ours.some((range) => rangeContains(range, address));
    const seen = new Set<Ipv4>();
    for (const { cidr: { address } } of leases.values()) {
      assert.ok(!seen.has(address), `S1: ${formatIpv4(address)} twice on host ${host.n}`);
      seen.add(address);
      if (!rangeContains(universe, address)) continue;
      assert.ok(owns(address), `S2: host ${host.n} gives out ${formatIpv4(address)}`);
      assert.ok(space.isGiven(address), `S3: ${formatIpv4(address)} is not given`);
      for (const other of this.hosts) {
        if (other === host || this.buried.has(other)) continue;
        const held = other.alive
          ? other.allocator.parts.leases.at(address) !== undefined
          : other.disk.leases.some(({ cidr }) => cidr.address === address);
        assert.ok(!held, `S1: ${formatIpv4(address)} on ${host.n} and ${other.n}`);
      }
    }
    const size = (ranges: readonly Range[]): number =>
      ranges.reduce((sum, range) => sum + sizeOf(range), 0);
    const reserved = space.reservedRanges().filter((range) => owns(range.start));
    assert.equal(size(ours), space.givenCount + space.freeCount + size(reserved), "S3");
    assert.equal(ring.entries.length === 0 || size(allOf(host)) === 64, true, "S4");
    // S11: what is answered is on the disk.
    const onDisk = new Set(host.disk.leases.map(({ cidr }) => cidr.address));
    for (const answer of host.answers.values()) {
      if (answer.kind !== "address" || !leases.at(answer.cidr.address)) continue;
      const pending = host.held.length > 0;
      assert.ok(pending || onDisk.has(answer.cidr.address), "S11");
    }
  }
}

function allOf(host: Host): Range[] {
  const { ring } = host.allocator.parts.territory;
  const owners = new Set(ring.entries.map(({ peer }) => peer));
  return [...owners].flatMap((peer) => rangesOf(ring, peer));
}
