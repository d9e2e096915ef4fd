/**
 * Requests for addresses, from the first try to the answer (spec/ipam.md 9).
 *
 * ```
 *   allocate   held already? ──> answer          no ring ──> bootstrap        none free here ──> ask a peer
 *              free here ──> ARP probe ──> lease ──> answer                        all denied ──> refused
 *   claim      ours? ──> lease ──> answer        another's ──> ask it for this one address
 *   in use at the start: reserved at once, then claimed for its user; nobody waits for that
 * ```
 *
 * What cannot be finished waits, and is tried again whenever something happened that may help.
 *
 * @module
 */

import { formatCidr, formatIpv4, type Ipv4, type Millis } from "../../base/mod.ts";
import type { InUse } from "./allocator_io.ts";
import { heldText, judgeClaim } from "./claims.ts";
import { UNKNOWN_IDENT } from "./leases.ts";
import type { Parts } from "./parts.ts";
import { hostRangeOf, intersect, type Range, rangeContains, rangeOf, rangesMeet } from "./range.ts";
import { type Wait, type WaitingRequest, Waits } from "./waits.ts";

/** An ARP probe takes this long. */
export const PROBE_MS = 20;
/** While rings do not agree it takes this long: others may hand out the same addresses. */
export const CAREFUL_PROBE_MS = 250;
/** An address that this router held within this time is not probed; one that a stranger uses is let alone for it. */
export const MEMORY_MS = 600_000;

type Allocate = WaitingRequest & { readonly kind: "allocate" };
type Claim = WaitingRequest & { readonly kind: "claim" };

/** All requests for addresses of one router. */
export class Requests {
  readonly #parts: Parts;
  readonly #wantRing: (now: Millis) => void;
  readonly #waits = new Waits();
  /** Addresses that are being probed, each for one request. */
  #probes = new Map<Ipv4, number>();
  /** Addresses that were given back: until when they need no probe. */
  #held = new Map<Ipv4, Millis>();
  /** Addresses that somebody uses whom nobody knows: until when they are let alone. */
  #strangers = new Map<Ipv4, Millis>();
  #reservedKnown = false;
  #lastClaim = 0;

  /** @param wantRing starts bootstrap; there may be a ring when it returns */
  constructor(parts: Parts, wantRing: (now: Millis) => void) {
    this.#parts = parts;
    this.#wantRing = wantRing;
  }

  /** All that wait. */
  get waiting(): readonly Wait[] {
    return this.#waits.inOrder();
  }

  /** Something of the universe is awaited. */
  get awaitsAddress(): boolean {
    return this.#waits.inOrder().some(({ request }) => request.kind !== "prime");
  }

  /** Takes a request. */
  begin(request: WaitingRequest, now: Millis): void {
    this.#try(this.#waits.add(request, now), now);
  }

  /** The caller has gone. */
  cancel(id: number, reason = "Cancelled"): void {
    const wait = this.#waits.get(id);
    if (wait === undefined) return;
    this.#refuse(wait, "cancelled", reason);
  }

  /** Ends all requests. */
  cancelAll(reason: string): void {
    for (const { request } of this.#waits.inOrder()) this.cancel(request.id, reason);
  }

  /** Takes what is in use on this host; from now on addresses are given out. */
  reserve(addresses: readonly InUse[], now: Millis): void {
    const { space, universe } = this.#parts.territory;
    this.#reservedKnown = true;
    for (const { cidr } of addresses) {
      const { address } = cidr;
      if (rangeContains(universe, address)) space.reserve(address);
    }
    for (const { ident, cidr, isContainer } of addresses) {
      const id = --this.#lastClaim;
      const request = { kind: "claim", id, ident, cidr, isContainer, waitMs: Infinity } as const;
      const wait = this.#waits.add(request, now);
      wait.answered = true;
      this.#try(wait, now);
    }
    this.retry(now);
  }

  /** Takes the answer of a probe. */
  probed(address: Ipv4, taken: boolean, now: Millis): void {
    const { territory: { space }, leases } = this.#parts;
    const id = this.#probes.get(address);
    if (id === undefined) return;
    this.#probes.delete(address);
    const wait = this.#waits.get(id) as Wait<Allocate> | undefined;
    if (taken || wait === undefined) space.free(address);
    if (taken) this.#avoid(address, now);
    if (wait === undefined) return this.retry(now);
    wait.probing = undefined;
    if (taken && now >= wait.until) {
      // Where one station answers for all there is always another address to try.
      this.#await(wait, "an address that nobody answers for");
      return this.#expire(wait, now);
    }
    if (taken) return this.#try(wait, now);
    this.#give(wait, address);
    const { ident } = wait.request;
    if (leases.of(ident).length > 0) this.#retryOf(ident, now);
  }

  /** Takes addresses back that are being probed: the ring is about to be another. Who waits for them is tried again. */
  endProbes(): void {
    for (const [address, id] of this.#probes) {
      this.#parts.territory.space.free(address);
      const wait = this.#waits.get(id);
      if (wait !== undefined) wait.probing = undefined;
    }
    this.#probes.clear();
  }

  /** The ring has changed: what another owned meanwhile may be in use when it comes back. */
  ringChanged(): void {
    const { space } = this.#parts.territory;
    for (const address of this.#held.keys()) {
      if (!space.isOurs(address)) this.#held.delete(address);
    }
  }

  /** Tries all again. */
  retry(now: Millis): void {
    for (const wait of this.#waits.inOrder()) {
      if (this.#waits.get(wait.request.id) === wait) this.#try(wait, now);
    }
  }

  /** Takes a denial. */
  denied(range: Range): void {
    const { asking, peers, territory } = this.#parts;
    if (range.end !== range.start + 1) return;
    asking.forget(range);
    const owner = territory.ownerOf(range.start);
    for (const wait of this.#waits.of("claim")) {
      const { address } = wait.request.cidr;
      if (address !== range.start) continue;
      const label = owner === undefined ? "another" : peers.labelOf(owner);
      this.#refuse(
        wait,
        "address-in-use",
        `Cannot claim ${formatIpv4(address)}: already owned by peer ${label}`,
      );
    }
  }

  /** Takes one address of an ident back; returns whether it held it. */
  free(ident: string, address: Ipv4, now: Millis): boolean {
    const { leases, territory: { space } } = this.#parts;
    const unclaimed = this.#unclaimed(ident).filter((wait) =>
      wait.request.cidr.address === address
    );
    for (const wait of unclaimed) this.#forgetUse(wait);
    if (!leases.free(ident, address)) return unclaimed.length > 0;
    if (space.free(address)) this.#held.set(address, now + MEMORY_MS);
    return true;
  }

  /** Takes all addresses of an ident back; returns how many. */
  freeAll(ident: string, now: Millis): number {
    const leases = this.#parts.leases.of(ident);
    const unclaimed = this.#unclaimed(ident);
    for (const wait of unclaimed) this.#forgetUse(wait);
    for (const { cidr } of leases) this.free(ident, cidr.address, now);
    return leases.length + unclaimed.length;
  }

  /** A container died: what it waits for is of no use. */
  died(ident: string, now: Millis): void {
    this.#parts.leases.died(ident, now);
    for (const { request } of this.#waits.inOrder()) {
      const isIts = request.kind !== "prime" && request.ident === ident && request.id > 0;
      if (isIts) this.cancel(request.id, `Cancelled: ${ident} died`);
    }
  }

  /** Time has passed. */
  tick(now: Millis): void {
    for (const ident of this.#parts.leases.overdue(now)) this.freeAll(ident, now);
    for (const [address, until] of this.#held) if (now >= until) this.#held.delete(address);
    for (const [address, until] of this.#strangers) {
      if (now < until) continue;
      this.#strangers.delete(address);
      this.#parts.territory.space.unreserve(address);
    }
    for (const wait of this.#waits.overdue(now)) this.#expire(wait, now);
  }

  /** Returns when it wants a tick. */
  deadline(): Millis {
    // The first was noted first.
    const [stranger = Infinity] = this.#strangers.values();
    return Math.min(this.#waits.deadline(), this.#parts.leases.deadline(), stranger);
  }

  // One try

  #try(wait: Wait, now: Millis): void {
    if (wait.probing !== undefined) return;
    const { request } = wait;
    switch (request.kind) {
      case "allocate":
        return this.#tryAllocate(wait as Wait<Allocate>, now);
      case "claim":
        return this.#tryClaim(wait as Wait<Claim>, now);
      case "prime":
        return this.#hasRing(wait, now) ? this.#finish(wait) : undefined;
    }
  }

  #tryAllocate(wait: Wait<Allocate>, now: Millis): void {
    const { territory, leases, config, leaving } = this.#parts;
    const { id, ident, subnet } = wait.request;
    if (leaving) return this.#refuse(wait, "cancelled", "Cannot allocate: this peer is leaving");
    const [held] = ident === UNKNOWN_IDENT ? [] : leases.of(ident, rangeOf(subnet));
    if (held !== undefined) {
      leases.lives(ident);
      return this.#answerAddress(wait, held.cidr.address);
    }
    if (!rangesMeet(rangeOf(subnet), territory.universe)) {
      const all = formatCidr(config.range);
      return this.#refuse(
        wait,
        "not-possible",
        `${cannot(wait)}: out of bounds: it is outside the range ${all}`,
      );
    }
    if (!this.#reservedKnown) return this.#await(wait, "what is in use on this host");
    if (!this.#hasRing(wait, now)) return;
    if (this.#isProbedFor(ident, rangeOf(subnet))) {
      return this.#await(wait, "another request of the same container");
    }
    const address = territory.space.allocate(intersect(hostRangeOf(subnet), territory.universe));
    if (address === undefined) return this.#ask(wait, now);
    if (this.#isTrusted(address, now)) return this.#give(wait, address);
    wait.probing = address;
    this.#probes.set(address, id);
    this.#await(wait, `an ARP probe of ${formatIpv4(address)}`);
    const withinMs = this.#parts.conflicts.any ? CAREFUL_PROBE_MS : PROBE_MS;
    this.#parts.out.push({ kind: "probe", address, withinMs });
  }

  #tryClaim(wait: Wait<Claim>, now: Millis): void {
    const { territory, leases, config, leaving } = this.#parts;
    const { ident, cidr: { address } } = wait.request;
    const inside = rangeContains(territory.universe, address);
    if (leaving) return this.#refuse(wait, "cancelled", "Cannot claim: this peer is leaving");
    if (inside && !this.#reservedKnown) return this.#await(wait, "what is in use on this host");
    const lease = leases.at(address);
    const verdict = judgeClaim({
      ident,
      address,
      lease,
      holderIsDead: lease !== undefined && leases.isDead(lease.ident),
      inside,
      owner: territory.ownerOf(address),
      self: config.self,
    });
    switch (verdict.kind) {
      case "holds":
        leases.lives(ident);
        return this.#finish(wait);
      case "record":
        if (verdict.from !== undefined) leases.free(verdict.from, address);
        return this.#record(wait, inside);
      case "held":
        return this.#refuse(wait, "address-in-use", heldText(address, verdict.by));
      case "needsRing":
        if (this.#hasRing(wait, now)) return this.#tryClaim(wait, now);
        return this.#detach(wait);
      case "ask":
        return this.#askFor(wait, verdict.owner, now);
    }
  }

  #record(wait: Wait<Claim>, inside: boolean): void {
    const { territory: { space }, leases } = this.#parts;
    const { ident, cidr, isContainer } = wait.request;
    if (inside && !space.claim(cidr.address)) {
      // It is promised to an allocation whose probe is not back yet.
      return this.#await(wait, `an ARP probe of ${formatIpv4(cidr.address)}`);
    }
    this.#strangers.delete(cidr.address);
    leases.give(ident, cidr, isContainer);
    leases.lives(ident);
    this.#finish(wait);
  }

  #give(wait: Wait<Allocate>, address: Ipv4): void {
    const { ident, subnet, isContainer } = wait.request;
    this.#held.delete(address);
    this.#parts.leases.give(ident, { address, length: subnet.length }, isContainer);
    this.#parts.leases.lives(ident);
    this.#answerAddress(wait, address);
  }

  // Others

  #hasRing(wait: Wait, now: Millis): boolean {
    const { territory, bootstrap } = this.#parts;
    if (!territory.exists) this.#wantRing(now);
    if (territory.exists) return true;
    this.#await(wait, bootstrap.waitsFor());
    return false;
  }

  #ask(wait: Wait<Allocate>, now: Millis): void {
    const { asking, askFacts, peers, out } = this.#parts;
    const range = intersect(rangeOf(wait.request.subnet), this.#parts.territory.universe);
    const next = asking.next(range, askFacts, now);
    switch (next.kind) {
      case "ask":
        out.push({ kind: "unicast", to: next.peer, message: { kind: "request", range } });
        return this.#await(wait, `an answer of ${peers.labelOf(next.peer)}`);
      case "wait":
        return this.#await(wait, next.for);
      case "exhausted":
        return this.#refuse(wait, "no-space", `${cannot(wait)}: ${next.reason}`);
    }
  }

  #askFor(wait: Wait<Claim>, owner: number, now: Millis): void {
    const { asking, askFacts, peers, out } = this.#parts;
    const { address } = wait.request.cidr;
    const range = { start: address, end: address + 1 };
    const next = asking.nextOf(range, owner, askFacts, now);
    if (next.kind === "ask") {
      out.push({ kind: "unicast", to: owner, message: { kind: "request", range } });
    }
    this.#await(wait, next.kind === "wait" ? next.for : `an answer of ${peers.labelOf(owner)}`);
    if (!peers.isReachable(owner)) this.#detach(wait);
  }

  /** Answers one who does not want to wait for those that cannot be asked, and goes on without him. */
  #detach(wait: Wait<Claim>): void {
    if (wait.request.detached !== true || wait.answered) return;
    this.#parts.answer(wait.request.id, { kind: "done" });
    this.#waits.delete(wait.request.id);
    const { ident, cidr } = wait.request;
    // Who asks again and again waits once.
    if (this.#unclaimed(ident).some(({ request }) => request.cidr.address === cidr.address)) return;
    const id = --this.#lastClaim;
    const request = { ...wait.request, id, waitMs: Infinity };
    Object.assign(this.#waits.add(request, wait.since), { answered: true, reason: wait.reason });
  }

  /** An address that somebody uses whom the ring does not know. */
  #avoid(address: Ipv4, now: Millis): void {
    this.#parts.territory.space.reserve(address);
    this.#strangers.set(address, now + MEMORY_MS);
    const fields = { address: formatIpv4(address) };
    this.#parts.log("warn", "an address that is free is in use by somebody", fields);
  }

  #isTrusted(address: Ipv4, now: Millis): boolean {
    return !this.#parts.conflicts.any && now < (this.#held.get(address) ?? -Infinity);
  }

  #isProbedFor(ident: string, range: Range): boolean {
    if (ident === UNKNOWN_IDENT) return false;
    return this.#waits.of("allocate").some(({ request, probing }) =>
      probing !== undefined && request.ident === ident && rangeContains(range, probing)
    );
  }

  #retryOf(ident: string, now: Millis): void {
    for (const wait of this.#waits.of("allocate")) {
      if (wait.request.ident === ident) this.#try(wait, now);
    }
  }

  /** Claims of an ident for what it used at the start that nobody granted yet. */
  #unclaimed(ident: string): Wait<Claim>[] {
    return this.#waits.of("claim").filter((wait) => wait.answered && wait.request.ident === ident);
  }

  #forgetUse(wait: Wait<Claim>): void {
    this.#waits.delete(wait.request.id);
    this.#parts.territory.space.unreserve(wait.request.cidr.address);
  }

  // Ends

  #await(wait: Wait, reason: string): void {
    wait.reason = reason;
  }

  #expire(wait: Wait, now: Millis): void {
    const code = this.#parts.territory.exists && wait.request.kind === "allocate"
      ? "no-space"
      : "waiting";
    const seconds = Math.round((now - wait.since) / 1000);
    this.#refuse(wait, code, `${cannot(wait)}: waited ${seconds} s for ${wait.reason}`);
  }

  #answerAddress(wait: Wait<Allocate>, address: Ipv4): void {
    this.#waits.delete(wait.request.id);
    const cidr = { address, length: wait.request.subnet.length };
    this.#parts.answer(wait.request.id, { kind: "address", cidr });
  }

  #finish(wait: Wait): void {
    this.#waits.delete(wait.request.id);
    if (!wait.answered) this.#parts.answer(wait.request.id, { kind: "done" });
  }

  #refuse(wait: Wait, code: Parameters<Parts["refuse"]>[1], reason: string): void {
    this.#waits.delete(wait.request.id);
    if (wait.answered) this.#parts.log("warn", "cannot claim what is in use here", { reason });
    else this.#parts.refuse(wait.request.id, code, reason);
  }
}

function cannot({ request }: Wait): string {
  switch (request.kind) {
    case "allocate":
      return `Cannot allocate in ${formatCidr(request.subnet)}`;
    case "claim":
      return `Cannot claim ${formatIpv4(request.cidr.address)}`;
    case "prime":
      return "Cannot wait any longer for a ring";
  }
}
