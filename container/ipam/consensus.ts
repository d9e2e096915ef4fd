/**
 * Agreement on whom the first ring is divided among: Paxos for one value, over gossip (spec/ipam.md 7).
 *
 * ```
 *   propose      our promise := (next round, us)              everybody tells all that it knows of everybody
 *   update       learn later promises and acceptances of others
 *   think        follow the highest promise; once a quorum follows ours: accept a value; accept what its proposer accepted
 *   consensus    a quorum accepted one value
 * ```
 *
 * A quorum is a number of peers, or a set of them of whom each must agree. Votes count by name: a router that lost its
 * disk may be known as several nodes and is still one peer. What {@link Consensus.own} says must be on disk before it is
 * sent, since a node that forgets a promise may help two values to a quorum.
 *
 * @module
 */

import type { PeerName } from "../../base/mod.ts";

/** A node: a router's name, and the UID under which it votes, which outlives its process until there is a ring. */
export interface NodeId {
  /** Name of the router. */
  readonly name: PeerName;
  /** 64 random bits. */
  readonly uid: bigint;
}

/** A proposal. They are ordered by round, then name, then UID. */
export interface ProposalId {
  /** 1 or more; 0 stands for no proposal. */
  readonly round: number;
  /** Who proposed. */
  readonly proposer: NodeId;
}

/** A value that a node accepted. */
export interface AcceptedValue {
  /** Whom the universe is to be divided among. */
  readonly names: readonly PeerName[];
  /** The proposal that chose the value; a later one may carry it on. */
  readonly origin: ProposalId;
}

/** What one node says about itself. Never changed, but replaced. */
export interface NodeClaims {
  /** It accepts nothing older than this. */
  readonly promise: ProposalId;
  /** The proposal that it accepted last; round 0 if none. */
  readonly accepted: ProposalId;
  /** The value that it accepted; empty if none. */
  readonly value: AcceptedValue;
}

/** What is known of all nodes. */
export type Claims = readonly (readonly [NodeId, NodeClaims])[];

/** How many must agree, or who; `undefined` means that it is not known yet, so that nothing is ever agreed on. */
export type Quorum =
  | { readonly kind: "count"; readonly count: number }
  | { readonly kind: "names"; readonly names: readonly PeerName[] }
  | undefined;

/** No proposal. */
export const NO_PROPOSAL: ProposalId = { round: 0, proposer: { name: 0, uid: 0n } };
/** What a node says that has not heard anything yet. */
export const NO_CLAIMS: NodeClaims = {
  promise: NO_PROPOSAL,
  accepted: NO_PROPOSAL,
  value: { names: [], origin: NO_PROPOSAL },
};
/** Most nodes that are remembered: peers without a ring, and their earlier lives. Far above any mesh, far below memory. */
export const MAX_NODES = 10_000;

/** Rounds are exact up to here. */
const MAX_ROUND = Number.MAX_SAFE_INTEGER;

/** One elector: an acceptor that may also propose. */
export class Consensus {
  #claims = new Map<string, readonly [NodeId, NodeClaims]>();

  /**
   * Begins, or goes on after a restart.
   *
   * @param node who votes
   * @param own what it promised and accepted before, as stored
   */
  constructor(readonly node: NodeId, own: NodeClaims = NO_CLAIMS) {
    if (own.promise.round > 0) this.#set(node, own);
  }

  /** What is known of all nodes, for the wire; empty before anything was proposed. */
  get claims(): Claims {
    return [...this.#claims.values()];
  }

  /** How many peers are known to vote. */
  get known(): number {
    return this.names().length;
  }

  /** What we promised and accepted: to be stored before it is sent. */
  get own(): NodeClaims {
    return this.#claims.get(keyOf(this.node))?.[1] ?? NO_CLAIMS;
  }

  /** Returns the names of all nodes that are known, ascending. */
  names(): PeerName[] {
    const names = [...this.#claims.values()].map(([{ name }]) => name);
    return [...new Set(names)].sort((a, b) => a - b);
  }

  /** Begins a round of our own, above all that we heard of. */
  propose(quorum: Quorum): void {
    let round = 0;
    for (const [, { promise, accepted }] of this.#claims.values()) {
      round = Math.max(round, promise.round, accepted.round);
    }
    // A round that is no longer exact on the wire was made up; whoever leads it may finish it.
    if (round >= MAX_ROUND) return;
    this.#set(this.node, { ...this.own, promise: { round: round + 1, proposer: this.node } });
    // A quorum of ourselves is complete.
    this.think(quorum);
  }

  /** Learns what another knows; returns whether anything of it was new. */
  update(received: Claims): boolean {
    let learned = false;
    for (const [node, theirs] of received) {
      // Nobody knows better than we what we promised.
      if (sameNode(node, this.node)) continue;
      const known = this.#claims.get(keyOf(node))?.[1];
      if (known === undefined) {
        if (this.#claims.size >= MAX_NODES) continue;
        this.#set(node, theirs);
        learned = true;
        continue;
      }
      const laterPromise = compareProposals(theirs.promise, known.promise) > 0;
      const laterAccepted = compareProposals(theirs.accepted, known.accepted) > 0;
      if (!laterPromise && !laterAccepted) continue;
      this.#set(node, {
        promise: laterPromise ? theirs.promise : known.promise,
        accepted: laterAccepted ? theirs.accepted : known.accepted,
        value: laterAccepted ? theirs.value : known.value,
      });
      learned = true;
    }
    return learned;
  }

  /** Draws conclusions; returns whether our own claims changed, which are then to be stored and told. */
  think(quorum: Quorum): boolean {
    const before = this.own;
    let own = before;
    for (const [, { promise }] of this.#claims.values()) {
      if (compareProposals(promise, own.promise) > 0) own = { ...own, promise };
    }
    if (own !== before) this.#set(this.node, own);
    if (this.#isOurs(own.promise)) own = this.#conclude(own, quorum);
    own = this.#follow(own);
    if (own === before) return false;
    this.#set(this.node, own);
    return true;
  }

  /** Returns the value on which a quorum agrees, `undefined` if there is none yet. */
  consensus(quorum: Quorum): readonly PeerName[] | undefined {
    const votes = new Map<string, { value: AcceptedValue; voters: Set<PeerName> }>();
    for (const [{ name }, { accepted, value }] of this.#claims.values()) {
      if (accepted.round === 0) continue;
      const key = `${value.origin.round} ${keyOf(value.origin.proposer)}`;
      const entry = votes.get(key) ?? { value, voters: new Set() };
      entry.voters.add(name);
      votes.set(key, entry);
    }
    for (const { value, voters } of votes.values()) {
      if (isQuorum(quorum, voters)) return value.names;
    }
    return undefined;
  }

  #isOurs(proposal: ProposalId): boolean {
    return proposal.round > 0 && sameNode(proposal.proposer, this.node);
  }

  /** Accepts a value for our own proposal once a quorum promised to follow it: the newest that anyone of it accepted. */
  #conclude(own: NodeClaims, quorum: Quorum): NodeClaims {
    const voters = new Set<PeerName>();
    let newest = NO_CLAIMS;
    for (const [{ name }, claims] of this.#claims.values()) {
      if (compareProposals(claims.promise, own.promise) !== 0) continue;
      voters.add(name);
      if (compareProposals(claims.accepted, newest.accepted) > 0) newest = claims;
    }
    if (!isQuorum(quorum, voters) || compareProposals(own.accepted, own.promise) === 0) return own;
    const value = newest.accepted.round > 0
      ? newest.value
      : { names: this.names(), origin: own.promise };
    return { ...own, accepted: own.promise, value };
  }

  /** Accepts what anyone accepted for the proposal that we promised to follow. */
  #follow(own: NodeClaims): NodeClaims {
    if (own.promise.round === 0 || compareProposals(own.accepted, own.promise) === 0) return own;
    for (const [, { accepted, value }] of this.#claims.values()) {
      if (compareProposals(accepted, own.promise) === 0) return { ...own, accepted, value };
    }
    return own;
  }

  #set(node: NodeId, claims: NodeClaims): void {
    this.#claims.set(keyOf(node), [node, claims]);
  }
}

/** Returns a negative number if `a` is older than `b`, 0 if they are one proposal. */
export function compareProposals(a: ProposalId, b: ProposalId): number {
  const [{ name, uid }, other] = [a.proposer, b.proposer];
  if (a.round !== b.round) return a.round - b.round;
  if (name !== other.name) return name - other.name;
  return uid === other.uid ? 0 : uid < other.uid ? -1 : 1;
}

/** Tells whether these voters are enough. */
export function isQuorum(quorum: Quorum, voters: ReadonlySet<PeerName>): boolean {
  if (quorum === undefined) return false;
  if (quorum.kind === "count") return quorum.count > 0 && voters.size >= quorum.count;
  return quorum.names.length > 0 && quorum.names.every((name) => voters.has(name));
}

function sameNode(a: NodeId, b: NodeId): boolean {
  return a.name === b.name && a.uid === b.uid;
}

function keyOf(node: NodeId): string {
  return `${node.name} ${node.uid}`;
}
