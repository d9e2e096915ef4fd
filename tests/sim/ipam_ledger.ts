/**
 * What must hold at every step (spec/ipam.md 23), judged by one who sees all hosts.
 *
 * ```
 *   S1  no address on two hosts, as far as containers were told       S6  versions and tokens never go back
 *   S2  what is given out lies in a range of ours                     S7  seeds never change; one ring in all
 *   S3  given, free, reserved make our ranges                         S8  no promise is taken back
 *   S4  the ring is valid and covers all                              S9  only the owner gives a token away, or a takeover
 *   S11 what was answered is on the disk
 * ```
 *
 * @module
 */

import { formatIpv4, type Ipv4, type PeerName } from "../../base/mod.ts";
import type { AllocatorInput, Answer, StoredIpam } from "../../container/ipam/allocator_io.ts";
import { compareProposals } from "../../container/ipam/consensus.ts";
import { type Range, rangeContains, rangeOf, sizeOf } from "../../container/ipam/range.ts";
import { faultOf, ownerOf, rangesOf, type Ring, sizesOf } from "../../container/ipam/ring.ts";
import type { IpamRun, Wish } from "./ipam_run.ts";
import type { IpamSimWorld, SimHost } from "./ipam_world.ts";

/** Is thrown when something that must hold does not. */
export class Broken extends Error {
  /** Name of the class. */
  override name = "Broken";
}

/** Sees all. */
export class Ledger {
  /** Divisions of the universe that anybody made. */
  readonly foundings = new Set<string>();
  /** How requests ended. */
  readonly tally = { addresses: 0, done: 0, refused: 0, conflicts: 0, takeovers: 0 };
  /** Why the last request was refused. */
  lastReason = "";
  /** Names whose space was taken over, or asked for. */
  readonly takenOver = new Set<PeerName>();
  readonly #entries = new Set<string>();
  readonly #universe: Range;
  #ring: Ring | undefined;

  /** Watches a world. */
  constructor(readonly world: IpamSimWorld) {
    this.#universe = rangeOf(world.universe);
  }

  /** Two rings may be founded, and addresses given out by both. */
  get mayDivide(): boolean {
    return this.world.scenario.family === "two founders";
  }

  /** An input is about to be handed in. */
  before(run: IpamRun): void {
    this.#ring = run.allocator.parts.territory.ring;
  }

  /** It was. */
  after(run: IpamRun, input: AllocatorInput): void {
    const { territory, leases, leaving, conflicts } = run.allocator.parts;
    const { ring, space } = territory;
    this.#checkLeases(run, leaving);
    if (conflicts.any && !this.mayDivide) {
      const texts = conflicts.all.map(({ text }) => text).join("; ");
      fail(run, `a conflict where there can be none: ${texts}`);
    }
    if (conflicts.any) this.tally.conflicts++;
    if (ring === this.#ring) return;
    const fault = faultOf(ring);
    if (fault !== undefined) fail(run, `S4: ${fault}`);
    const sum = [...sizesOf(ring).values()].reduce((a, b) => a + b, 0);
    if (sum !== sizeOf(this.#universe)) fail(run, `S4: the ring has ${sum} addresses`);
    const ours = rangesOf(ring, run.name);
    const size = ours.reduce((total, range) => total + sizeOf(range), 0);
    const reserved = ours.reduce((total, range) => {
      return total + space.reservedRanges().reduce((n, each) => n + overlap(each, range), 0);
    }, 0);
    if (size !== space.givenCount + space.freeCount + reserved) fail(run, "S3");
    if (leases.size < space.givenCount && !leaving) this.#checkProbes(run);
    this.#checkHistory(run, ring, input);
  }

  /** Something was written. */
  stored(run: IpamRun, before: StoredIpam): void {
    this.#checkFounding(run);
    const [old, now] = [before.paxos, run.host.disk.paxos];
    if (old === undefined || now === undefined) return;
    if (old.uid !== now.uid) fail(run, "S8: it votes as another node");
    if (compareProposals(now.own.promise, old.own.promise) < 0) {
      fail(run, "S8: a promise is broken");
    }
  }

  /** A request was answered. */
  answered(run: IpamRun, wish: Wish, answer: Answer): void {
    switch (answer.kind) {
      case "refused":
        this.tally.refused++;
        this.lastReason = answer.reason;
        if (answer.reason.length < 10) fail(run, `refused without a reason: "${answer.reason}"`);
        return;
      case "address":
        this.tally.addresses++;
        if (wish.kind === "allocate") {
          this.#hold(run, answer.cidr.address, wish.ident, wish.isContainer);
        }
        return;
      case "done":
        this.tally.done++;
        if (wish.kind === "claim") this.#hold(run, wish.cidr.address, wish.ident, wish.isContainer);
    }
  }

  /** Returns who has an address by what was answered, another host excepted. */
  holder(address: Ipv4, but: SimHost): SimHost | undefined {
    return [...this.world.hosts.values()].find((host) => host !== but && host.held.has(address));
  }

  #hold(run: IpamRun, address: Ipv4, ident: string, isContainer: boolean): void {
    const { host } = run;
    const other = this.holder(address, host);
    if (other !== undefined && !this.mayDivide) {
      fail(run, `S1: ${formatIpv4(address)} is held on host ${other.number}`);
    }
    const held = host.held.get(address);
    if (held !== undefined && held.ident !== ident) {
      fail(run, `S1: ${formatIpv4(address)} is held by ${held.ident}, and given to ${ident}`);
    }
    // Who resets a host detaches its containers, whatever they are told.
    if (run.allocator.parts.leaving) return;
    // What was given back while the answer was on its way is nobody's.
    if (run.allocator.parts.leases.at(address)?.ident !== ident) return;
    host.held.set(address, { ident, isContainer });
    const written = host.disk.leases.some((each) => {
      return each.cidr.address === address && each.ident === ident;
    });
    if (!written) fail(run, `S11: ${formatIpv4(address)} is not on the disk`);
  }

  /** A ring exists when it is on a disk: nobody is told of it before, and a crash undoes it. */
  #checkFounding(run: IpamRun): void {
    const seeds = run.host.disk.ring.seeds.join();
    if (seeds !== "") this.foundings.add(seeds);
    if (this.foundings.size > 1 && !this.mayDivide) {
      fail(run, `S7: several rings: ${[...this.foundings].join(" and ")}`);
    }
  }

  #checkLeases(run: IpamRun, leaving: boolean): void {
    if (leaving) return;
    const { territory: { ring, space }, leases } = run.allocator.parts;
    const seen = new Set<Ipv4>();
    for (const { cidr: { address } } of leases.values()) {
      if (seen.has(address)) fail(run, `S1: ${formatIpv4(address)} twice`);
      seen.add(address);
      if (!rangeContains(this.#universe, address)) continue;
      if (ownerOf(ring, address) !== run.name) fail(run, `S2: ${formatIpv4(address)} is not ours`);
      if (!space.isGiven(address)) fail(run, `S3: ${formatIpv4(address)} is not given`);
    }
  }

  /** What is given and not leased is being probed. */
  #checkProbes(run: IpamRun): void {
    const { territory: { space }, leases } = run.allocator.parts;
    const known = leases.size + run.probes;
    if (space.givenCount > known) fail(run, `S3: ${space.givenCount} given, ${known} known`);
  }

  #checkHistory(run: IpamRun, ring: Ring, input: AllocatorInput): void {
    const before = this.#ring;
    const seeds = ring.seeds.join();
    const adopted = before !== undefined && before.seeds.length > 0 &&
      before.seeds.join() !== seeds;
    if (adopted && !this.mayDivide) fail(run, "S7: seeds changed");
    const old = new Map((adopted ? [] : before?.entries ?? []).map((each) => [each.token, each]));
    for (const entry of ring.entries) {
      const earlier = old.get(entry.token);
      old.delete(entry.token);
      if (earlier === entry) continue;
      if (earlier !== undefined && entry.version < earlier.version) {
        fail(run, "S6: a version went back");
      }
      const key = `${seeds} ${entry.token} ${entry.peer} ${entry.version}`;
      if (this.#entries.has(key)) continue;
      this.#entries.add(key);
      const owner = before === undefined ? undefined : ownerOf(before, entry.token);
      const takes = input.kind === "takeOver" || input.kind === "tick" || input.kind === "weft";
      // It got the range and told what is free there in one go.
      const given = entry.peer === run.name &&
        this.#entries.has(`${seeds} ${entry.token} ${run.name}`);
      const may = owner === undefined || owner === run.name || adopted || given ||
        (takes && this.takenOver.has(owner));
      this.#entries.add(`${seeds} ${entry.token} ${entry.peer}`);
      if (!may) fail(run, `S9: changed the entry at ${formatIpv4(entry.token)} of another`);
    }
    if (old.size > 0) fail(run, "S6: a token is gone");
  }
}

function overlap(a: Range, b: Range): number {
  return Math.max(0, Math.min(a.end, b.end) - Math.max(a.start, b.start));
}

function fail(run: IpamRun, what: string): never {
  const { world: { now }, host } = run;
  throw new Broken(`host ${host.number} at ${Math.round(now)} ms: ${what}`);
}
