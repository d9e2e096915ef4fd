/**
 * The allocator: one core that shares a range of addresses with all peers, without a server (spec/ipam.md).
 *
 * ```
 *   requests, containers ──> Requests ──┐                       ┌──> persist, then: answer, probe
 *   states of peers ──> Territory ──────┼── settle: report free ┼──> unicast, broadcast, announce, weft
 *            └─ conflict ──> Conflicts  │   space, what changed  └──> log
 *   no ring yet ──> Bootstrap ──────────┘
 *   rmpeer, reset ──> Leaving
 * ```
 *
 * Nothing is said to anybody before what it rests on is on the disk: outputs of one input begin with a `persist` if there
 * is anything to store, and {@link Allocator.announcement} shows no change of ours that is not stored.
 *
 * @module
 */

import {
  formatPeerName,
  type Machine,
  type Millis,
  type PeerName,
  unreachable,
} from "../../base/mod.ts";
import type {
  AllocatorConfig,
  AllocatorInput,
  AllocatorOutput,
  IpamChange,
} from "./allocator_io.ts";
import { Announcement } from "./announcement.ts";
import { RETRY_MS, type Step } from "./bootstrap.ts";
import { reasonToLeave } from "./conflicts.ts";
import { Leaving } from "./leaving.ts";
import { Parts } from "./parts.ts";
import { type Range, rangeContains, rangesMeet } from "./range.ts";
import { Repairs } from "./repairs.ts";
import { Requests } from "./requests.ts";
import { isEmpty, type Ring } from "./ring.ts";
import { Serving } from "./serving.ts";
import type { IpamState } from "./state_wire.ts";
import type { Told, WeftMessage } from "./weft_channel.ts";

/** Free counts are told at most this often. */
const REPORT_MS = 5000;
/** That something is free where nothing was is told at most this often. */
const URGENT_REPORT_MS = 1000;

/** The core of address allocation. */
export class Allocator implements Machine<AllocatorInput, AllocatorOutput> {
  /** What it knows; for status pages, not to be changed. */
  readonly parts: Parts;
  /** What waits; likewise. */
  readonly requests: Requests;
  readonly #serving: Serving;
  readonly #leaving: Leaving;
  readonly #repairs: Repairs;
  readonly #announcement: Announcement;
  #queue: AllocatorOutput[] = [];
  #news: readonly Told[] = [];
  #serial = 0;
  #hadPaxos: boolean;
  #now: Millis = 0;
  #reportedAt = -Infinity;
  #retryAt = Infinity;

  /** Goes on from what was stored; with `seed` there is a ring at once. */
  constructor(config: AllocatorConfig) {
    const parts = new Parts(config);
    this.parts = parts;
    this.requests = new Requests(parts, (now) => this.#step(parts.bootstrap.want(now), now));
    this.#serving = new Serving(parts);
    this.#leaving = new Leaving(parts, this.requests);
    this.#repairs = new Repairs(parts, this.requests);
    this.#hadPaxos = config.stored?.paxos !== undefined;
    this.#announcement = new Announcement(this.#content());
    const { init } = config;
    if (!parts.territory.exists && init.kind === "seed" && init.names.length > 0) {
      parts.territory.seed(init.names);
      this.#settle(0);
    }
  }

  /** Takes one input; what others send never makes it throw. */
  handle(input: AllocatorInput, now: Millis): void {
    this.#now = now;
    this.#news = [];
    const before = this.parts.territory.ring;
    this.#dispatch(input, now);
    if (this.parts.territory.ring !== before) this.#followRing(before, now);
    this.#settle(now);
  }

  /** Returns the next output. */
  poll(): AllocatorOutput | undefined {
    return this.#queue.shift();
  }

  /** Returns when it wants a tick. */
  deadline(): Millis | undefined {
    const { bootstrap, territory } = this.parts;
    const first = Math.min(
      this.requests.deadline(),
      bootstrap.deadline(),
      this.#leaving.deadline(),
      this.#retryAt,
      territory.exists && territory.reportPending ? this.#reportedAt + REPORT_MS : Infinity,
      territory.exists && territory.hasNewSpace ? this.#reportedAt + URGENT_REPORT_MS : Infinity,
    );
    return first === Infinity ? undefined : first;
  }

  /** What may be told of our state, as it is on the disk. @param wallSeconds seconds since 1970 */
  announcement(wallSeconds: number): IpamState {
    const { nicknames } = this.parts.peers;
    return { now: wallSeconds, nicknames, content: this.#announcement.content };
  }

  /** All that is known of who was told of whom; empty when there is a ring. */
  get told(): readonly Told[] {
    return this.parts.territory.exists ? [] : this.parts.bootstrap.founding.all;
  }

  /** What of the last message on channel `weft` is to go on. */
  get news(): readonly Told[] {
    return this.#news;
  }

  /** Tells whether the ring of a peer does not go with ours: what it says goes no further. */
  conflictsWith(peer: PeerName): boolean {
    return this.parts.conflicts.has(peer);
  }

  #dispatch(input: AllocatorInput, now: Millis): void {
    const { requests, parts } = this;
    switch (input.kind) {
      case "allocate":
      case "claim":
        return requests.begin(input, now);
      case "prime":
        if (parts.bootstrap.founding.giveUp(input.without)) this.#restated(now);
        return requests.begin(input, now);
      case "free":
      case "freeAll":
        return this.#free(input, now);
      case "takeOver":
        return this.#leaving.takeOver(input, now);
      case "handOver":
        return this.#leaving.handOver(input.id, now);
      case "repair":
        this.#repairs.repair(input.id, input.choice);
        return requests.retry(now);
      case "cancel":
        this.#leaving.cancel(input.id);
        return requests.cancel(input.id);
      case "died":
        return requests.died(input.ident, now);
      case "started":
        return parts.leases.lives(input.ident);
      case "destroyed":
        requests.freeAll(input.ident, now);
        return requests.retry(now);
      case "reserved":
        return requests.reserve(input.addresses, now);
      case "probed":
        return requests.probed(input.address, input.taken, now);
      case "state":
        return this.#hearState(input, now);
      case "asked":
        return this.#serving.serve(input.from, input.range, now);
      case "denied":
        return this.#denied(input.from, input.range, now);
      case "weft":
        return this.#hearWeft(input.from, input.message, now);
      case "topology":
        return this.#topology(input.peers, now);
      case "targets":
        if (parts.bootstrap.founding.setTargets(input.targets)) this.#restated(now);
        return;
      case "stored":
        return this.#announcement.stored(input.serial);
      case "tick":
        return this.#tick(now);
      default:
        return unreachable(input);
    }
  }

  #free(input: AllocatorInput & { kind: "free" | "freeAll" }, now: Millis): void {
    const { id, ident } = input;
    const held = input.kind === "free"
      ? this.requests.free(ident, input.address, now)
      : this.requests.freeAll(ident, now) > 0;
    if (held) this.parts.answer(id, { kind: "done" });
    else {this.parts.refuse(
        id,
        "not-held",
        `Cannot free addresses of "${ident}": it holds none there`,
      );}
    if (held) this.requests.retry(now);
  }

  #tick(now: Millis): void {
    this.#step(this.parts.bootstrap.tick(now), now);
    this.requests.tick(now);
    this.#leaving.tick(now);
    if (now < this.#retryAt) return;
    this.#retryAt = Infinity;
    this.requests.retry(now);
    this.parts.asking.prune(this.parts.territory.ring, now);
  }

  // What peers say

  #hearState(input: AllocatorInput & { kind: "state" }, now: Millis): void {
    const { parts } = this;
    const { from, via, state: { nicknames, content } } = input;
    parts.peers.hear(nicknames);
    if (content.kind === "ring") return this.#hearRing(from, content.ring, now);
    if (!parts.territory.exists) {
      return this.#step(parts.bootstrap.hear(from, content, via !== "gossip", now), now);
    }
    // Whoever has no ring cannot be in conflict with ours any more.
    parts.conflicts.end(from);
    if (via !== "gossip") parts.out.push({ kind: "unicast", to: from, message: { kind: "state" } });
  }

  #hearRing(from: PeerName, theirs: Ring, now: Millis): void {
    const { territory, conflicts, peers } = this.parts;
    if (isEmpty(theirs)) return;
    const teller = peers.tellerOf(theirs, from);
    const result = territory.merge(theirs, (peer) => peers.nicknameOf(peer));
    if (result.kind === "merged") {
      if (conflicts.end(teller) && !conflicts.any) {
        this.parts.log("info", "address allocation agrees again", { peer: formatPeerName(teller) });
      }
      return this.#leaving.heardRing(theirs);
    }
    const { code, text } = result;
    if (code === "different-seeds" && this.#leaveFor(theirs)) return;
    if (!conflicts.note({ peer: teller, theirs, code, text, since: now })) return;
    const fields = { peer: peers.labelOf(teller), reason: text };
    this.parts.log("warn", "address allocation of a peer does not go with ours", fields);
  }

  /** Leaves our ring for another one, if nothing is lost by that. */
  #leaveFor(theirs: Ring): boolean {
    const { territory, conflicts, leases } = this.parts;
    const { universe, space } = territory;
    if (theirs.start !== universe.start || theirs.end !== universe.end) return false;
    const holds = [...leases.values()].some(({ cidr }) => rangeContains(universe, cidr.address));
    const used = space.reservedRanges().some((range) => rangesMeet(range, universe));
    // An address that is being probed is in use, also if nobody waits for it any more.
    const busy = holds || used || space.givenCount > 0 || this.requests.awaitsAddress;
    const reason = reasonToLeave(territory.ring, theirs, { busy, donated: territory.donated });
    if (reason === undefined) return false;
    territory.adopt(theirs, reason);
    conflicts.clear();
    this.parts.broadcast = true;
    this.parts.log("warn", "left our ring of addresses for another", { reason });
    return true;
  }

  #denied(from: PeerName, range: Range, now: Millis): void {
    const { asking, territory } = this.parts;
    if (!asking.denied(from, range, territory.ring, now)) return;
    this.requests.denied(range);
    this.requests.retry(now);
  }

  #hearWeft(from: PeerName, message: WeftMessage, now: Millis): void {
    const { bootstrap, territory } = this.parts;
    if (message.kind === "absent") return bootstrap.founding.hearAbsent(from);
    if (message.kind !== "told") return this.#leaving.hear(from, message, now);
    if (territory.exists) return;
    const news = bootstrap.founding.hear(message.told);
    const ours = news.find(({ name }) => name === this.parts.config.self);
    this.#news = news;
    if (ours !== undefined) this.parts.out.push({ kind: "announce" });
    if (news.length > 0) this.#review(now);
  }

  #topology(peers: (AllocatorInput & { kind: "topology" })["peers"], now: Millis): void {
    const { bootstrap, conflicts } = this.parts;
    this.parts.peers.update(peers, this.#owners());
    conflicts.retain((peer) => this.parts.peers.get(peer) !== undefined);
    bootstrap.founding.setPeers(peers);
    this.#review(now);
    this.requests.retry(now);
  }

  // The ring

  /** What we were told of has changed. */
  #restated(now: Millis): void {
    if (this.parts.territory.exists) return;
    this.parts.out.push({ kind: "announce" });
    this.#review(now);
  }

  #review(now: Millis): void {
    if (!this.parts.territory.exists) this.#step(this.parts.bootstrap.review(now), now);
  }

  #step(step: Step, now: Millis): void {
    const { territory, bootstrap } = this.parts;
    if (territory.exists) return;
    if (step.broadcast) this.parts.broadcast = true;
    if (step.seed === undefined) return;
    const before = territory.ring;
    territory.seed(step.seed);
    bootstrap.end();
    const names = territory.ring.seeds.map((name) => this.parts.peers.labelOf(name)).join(", ");
    this.parts.log("info", "the range of addresses is divided", { peer: names });
    this.#followRing(before, now);
  }

  #followRing(before: Ring, now: Millis): void {
    const { territory, bootstrap, asking, peers } = this.parts;
    if (!territory.exists || territory.ring === before) return;
    bootstrap.end();
    this.requests.ringChanged();
    asking.gained((range) => territory.space.freeIn(range) > 0);
    if (before.entries.length !== territory.ring.entries.length) peers.prune(this.#owners());
    this.requests.retry(now);
  }

  #owners(): Set<PeerName> {
    return new Set(this.parts.territory.ring.entries.map(({ peer }) => peer));
  }

  // The end of each input

  #settle(now: Millis): void {
    const { parts } = this;
    this.#report(now);
    if (parts.broadcast) parts.out.push({ kind: "broadcast" });
    parts.broadcast = false;
    const { change, needsDisk } = this.#changes();
    if (Object.keys(change).length > 0) {
      this.#queue.push({ kind: "persist", serial: ++this.#serial, change });
    }
    this.#announcement.set(this.#content(), needsDisk ? this.#serial : undefined);
    this.#queue.push(...parts.out);
    parts.out = [];
    const waits = this.requests.waiting.some(({ probing }) => probing === undefined);
    if (!waits) this.#retryAt = Infinity;
    else if (this.#retryAt === Infinity) this.#retryAt = now + RETRY_MS;
  }

  /** Tells the ring what is free, seldom, since each time every entry of it gets a new version. */
  #report(now: Millis): void {
    const { territory } = this.parts;
    if (!territory.exists || !territory.reportPending) return;
    const urgent = territory.hasNewSpace;
    const wait = urgent ? URGENT_REPORT_MS : REPORT_MS;
    if (now < this.#reportedAt + wait && !this.parts.conflicts.any) return;
    if (!territory.report()) return;
    this.#reportedAt = now;
    if (urgent) this.parts.broadcast = true;
  }

  #changes(): { change: IpamChange; needsDisk: boolean } {
    const { territory, leases, bootstrap } = this.parts;
    const { change, needsDisk } = territory.takeChanges();
    const { given, freed } = leases.takeChanges();
    const paxos = bootstrap.takeChange();
    const over = territory.exists && (this.#hadPaxos || paxos !== undefined);
    this.#hadPaxos = !territory.exists && (this.#hadPaxos || paxos !== undefined);
    return {
      change: {
        ...change,
        ...given.length > 0 ? { given } : {},
        ...freed.length > 0 ? { freed } : {},
        ...over ? { paxos: null } : paxos === undefined ? {} : { paxos },
      },
      needsDisk: needsDisk || paxos !== undefined,
    };
  }

  #content(): IpamState["content"] {
    const { territory, bootstrap } = this.parts;
    if (territory.exists) return { kind: "ring", ring: territory.ring };
    return bootstrap.content();
  }
}
