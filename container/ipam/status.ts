/**
 * What status pages show of address allocation (spec/ipam.md 19), and what a person needs who wants to know why.
 *
 * @module
 */

import {
  type Cidr,
  formatCidr,
  formatIpv4,
  formatPeerName,
  type Ipv4,
  type Millis,
  type PeerName,
} from "../../base/mod.ts";
import type { Allocator } from "./allocator.ts";
import { type Conflict, disagreements, formatDisagreement } from "./conflicts.ts";
import { sizeAt } from "./ring.ts";
import type { Wait } from "./waits.ts";

/** Owners that cannot be reached, and how much of the range is theirs. */
export interface LockedSpace {
  /** Who. */
  readonly peers: readonly { readonly name: PeerName; readonly label: string }[];
  /** How many addresses. */
  readonly addresses: number;
  /** How many of a hundred that are. */
  readonly percent: number;
}

/** One range of the ring. */
export interface IpamEntry {
  /** First address. */
  readonly token: Ipv4;
  /** How many there are. */
  readonly size: number;
  /** How many are free, as its owner told. */
  readonly free: number;
  /** Owner. */
  readonly peer: PeerName;
  /** Label of the owner; empty if unknown. */
  readonly nickname: string;
  /** It is a peer of the mesh now. */
  readonly reachable: boolean;
  /** Counts changes. */
  readonly version: number;
}

/** Address allocation as status pages show it. */
export interface IpamStatus {
  /** Words for "Status:", as "ready". */
  readonly state: string;
  /** The universe. */
  readonly range: Cidr;
  /** Where addresses come from by default. */
  readonly defaultSubnet: Cidr;
  /** How many addresses of the universe are given out here. */
  readonly active: number;
  /** Lines that an operator should read. */
  readonly warnings: readonly string[];
  /** The vote; only while there is no ring. */
  readonly paxos:
    | { readonly elector: boolean; readonly knownNodes: number; readonly quorum: number }
    | undefined;
  /** The ring. */
  readonly entries: readonly IpamEntry[];
  /** Claims that wait. */
  readonly pendingClaims: readonly {
    readonly ident: string;
    readonly cidr: Cidr;
    readonly reason: string;
  }[];
  /** Allocations that wait. */
  readonly pendingAllocates: readonly {
    readonly ident: string;
    readonly subnet: Cidr;
    readonly reason: string;
  }[];
  /** What cannot be used because its owners are away. */
  readonly locked: LockedSpace;
}

/** Why things are as they are, for people; plain data. */
export interface IpamExplanation {
  /** The text. */
  readonly lines: readonly string[];
  /** Rings that do not go with ours. */
  readonly conflicts: readonly {
    readonly peer: string;
    readonly code: string;
    readonly text: string;
    readonly forSeconds: number;
    readonly seeds: readonly string[];
    readonly differences: readonly string[];
  }[];
}

/** Returns the present state. */
export function ipamStatus(allocator: Allocator): IpamStatus {
  const { config: { range, defaultSubnet }, territory } = allocator.parts;
  const entries = entriesOf(allocator);
  const locked = lockedOf(allocator, entries);
  const pendingClaims = waitsOf(allocator, "claim").map(({ request, reason }) => ({
    ident: request.ident,
    cidr: request.cidr,
    reason,
  }));
  const pendingAllocates = waitsOf(allocator, "allocate").map(({ request, reason }) => ({
    ident: request.ident,
    subnet: request.subnet,
    reason,
  }));
  return {
    state: stateOf(allocator, entries),
    range,
    defaultSubnet,
    active: territory.space.givenCount,
    warnings: warningsOf(allocator, locked),
    paxos: voteOf(allocator),
    entries,
    pendingClaims,
    pendingAllocates,
    locked,
  };
}

/** Returns why things are as they are. @param now on the clock of the core */
export function explainIpam(allocator: Allocator, now: Millis): IpamExplanation {
  const status = ipamStatus(allocator);
  const { parts, requests } = allocator;
  const conflicts = parts.conflicts.all.map((conflict) => explained(allocator, conflict, now));
  const lines = [
    `range ${formatCidr(status.range)}: ${status.state}`,
    ...foundingLines(allocator),
    ...requests.waiting.map((wait) => waitLine(wait, now)),
    ...status.warnings,
  ];
  for (const { peer, forSeconds, text, differences } of conflicts) {
    lines.push(`conflict with ${peer} for ${forSeconds} s: ${text}`);
    lines.push(...differences.map((line) => `  ${line}`));
  }
  if (conflicts.length > 0) {
    lines.push("nothing is given to peers, and each address is probed, until this is repaired:");
    lines.push(
      '  "weft ipam repair theirs [PEER]" here takes the other ring, and keeps ours aside',
    );
    lines.push(
      '  "weft ipam repair ours" makes ours count where both were founded by the same peers',
    );
  }
  return { lines, conflicts };
}

function stateOf(allocator: Allocator, entries: readonly IpamEntry[]): string {
  const { territory, bootstrap } = allocator.parts;
  if (territory.exists) {
    if (!entries.some(({ size, reachable }) => size > 0 && reachable)) {
      return "all IP ranges owned by unreachable peers - use 'rmpeer' if they are dead";
    }
    const waits = waitsOf(allocator, "allocate").length > 0;
    return waits ? "waiting for IP(s) to become available" : "ready";
  }
  if (!bootstrap.waiting && !bootstrap.founding.waitsInVain) return "idle";
  const vote = voteOf(allocator);
  if (vote?.elector === true) {
    return `awaiting consensus (quorum: ${vote.quorum}, known: ${vote.knownNodes})`;
  }
  const isObserver = bootstrap.founding.mine.role === "observer";
  return isObserver ? "priming" : `waiting for ${bootstrap.waitsFor()}`;
}

function voteOf(allocator: Allocator): IpamStatus["paxos"] {
  const { territory, bootstrap } = allocator.parts;
  if (territory.exists) return undefined;
  const standing = bootstrap.standing();
  const knownNodes = bootstrap.known;
  if (standing.kind !== "votes") return { elector: false, knownNodes, quorum: 0 };
  const { quorum } = standing;
  const count = quorum?.kind === "names" ? quorum.names.length : quorum?.count ?? 0;
  return { elector: true, knownNodes, quorum: count };
}

function entriesOf(allocator: Allocator): IpamEntry[] {
  const { territory: { ring }, peers, config: { self } } = allocator.parts;
  return ring.entries.map(({ token, peer, version, free }, i) => ({
    token,
    size: sizeAt(ring, i),
    free,
    peer,
    nickname: peers.nicknameOf(peer) ?? "",
    reachable: peer === self || peers.get(peer) !== undefined,
    version,
  }));
}

function lockedOf(allocator: Allocator, entries: readonly IpamEntry[]): LockedSpace {
  const away = entries.filter(({ size, reachable }) => size > 0 && !reachable);
  const names = [...new Set(away.map(({ peer }) => peer))].sort((a, b) => a - b);
  const addresses = away.reduce((sum, { size }) => sum + size, 0);
  const { start, end } = allocator.parts.territory.universe;
  return {
    peers: names.map((name) => ({ name, label: allocator.parts.peers.labelOf(name) })),
    addresses,
    percent: 100 * addresses / (end - start),
  };
}

function warningsOf(allocator: Allocator, locked: LockedSpace): string[] {
  const { territory, bootstrap, conflicts, peers } = allocator.parts;
  const warnings: string[] = [];
  if (!territory.exists && bootstrap.standing().kind === "founds") {
    warnings.push(
      "no peers were given: this peer founds the ring of addresses at the first request; to join others, connect first",
    );
  }
  if (locked.addresses > 0) {
    const names = locked.peers.map(({ label }) => label).join(", ");
    warnings.push(
      `${locked.addresses} addresses (${
        locked.percent.toFixed(1)
      }% of the range) belong to peers that are not there: ` +
        `${names}; if they are dead for good use 'rmpeer', on one host only`,
    );
  }
  for (const { peer, text } of conflicts.all) {
    warnings.push(
      `addresses of ${peers.labelOf(peer)} do not go with ours: ${text}; see 'weft ipam explain'`,
    );
  }
  return warnings;
}

function foundingLines(allocator: Allocator): string[] {
  const { territory, bootstrap } = allocator.parts;
  if (territory.exists) return [];
  const told = bootstrap.founding.all.map(({ name, role, targets }) => {
    const list = targets.map(({ text, peer }) =>
      peer === undefined ? `${text} (never reached)` : text
    );
    const whom = list.length === 0 ? "nobody" : list.join(", ");
    return `${bootstrap.founding.labelOf(name)}, ${role}: told of ${whom}`;
  });
  return ["there is no ring yet", ...told, `waiting for ${bootstrap.waitsFor()}`];
}

function waitLine({ request, since, reason }: Wait, now: Millis): string {
  const seconds = Math.round((now - since) / 1000);
  const what = request.kind === "prime"
    ? "prime"
    : request.kind === "claim"
    ? `claim of ${formatIpv4(request.cidr.address)} for ${request.ident}`
    : `allocation in ${formatCidr(request.subnet)} for ${request.ident}`;
  return `${what} waits for ${seconds} s: ${reason}`;
}

function explained(
  allocator: Allocator,
  conflict: Conflict,
  now: Millis,
): IpamExplanation["conflicts"][number] {
  const { territory, peers } = allocator.parts;
  const label = (peer: PeerName): string => peers.labelOf(peer);
  return {
    peer: label(conflict.peer),
    code: conflict.code,
    text: conflict.text,
    forSeconds: Math.round((now - conflict.since) / 1000),
    seeds: conflict.theirs.seeds.map(formatPeerName),
    differences: disagreements(territory.ring, conflict.theirs)
      .map((each) => formatDisagreement(each, label)),
  };
}

function waitsOf<K extends "claim" | "allocate">(
  allocator: Allocator,
  kind: K,
): Wait<Wait["request"] & { readonly kind: K }>[] {
  return allocator.requests.waiting
    .filter(({ request, probing }) => request.kind === kind && probing === undefined) as Wait<
      Wait["request"] & { readonly kind: K }
    >[];
}
