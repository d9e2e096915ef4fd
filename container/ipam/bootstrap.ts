/**
 * From no ring to the first one (spec/ipam.md 7).
 *
 * ```
 *   wanted ──> founder: seeds {itself}
 *         ├──> voter: proposes, tells all, again every 5 s ──> consensus ──> seeds whom it names
 *         └──> waiting: tells all that it has nothing, again every 5 s ──> whoever has a ring tells it
 * ```
 *
 * What we promised and accepted is stored before anybody hears of it, and so is the UID under which we did.
 *
 * @module
 */

import type { Millis, PeerName } from "../../base/mod.ts";
import type { InitMode, PaxosState } from "./allocator_io.ts";
import { type Claims, Consensus, type NodeClaims } from "./consensus.ts";
import { Founding, type Standing } from "./founding.ts";
import type { IpamState } from "./state_wire.ts";

/** While a ring is wanted it is asked for this often. */
export const RETRY_MS = 5000;

/**
 * Between two proposals of ours there is this time at most: it doubles from RETRY_MS on. A round that is begun anew before
 * slow disks and links let it end never ends; what was lost is told again every RETRY_MS anyway.
 */
export const MAX_PROPOSE_MS = 20_000;

/**
 * So long after it proposed first a real peer gets no vote of ours: the ring that it does not know may be a few links away,
 * and each real router on the way tells of new peers a second late.
 */
export const REAL_VOTE_DELAY_MS = RETRY_MS;

/** A real peer that says nothing for so long after it came has no ring: one that has tells it at once. */
export const REAL_SILENCE_MS = 2000;

/** How bootstrap is set up. */
export interface BootstrapOptions {
  /** Our name. */
  readonly self: PeerName;
  /** UID of this run. */
  readonly uid: bigint;
  /** As configured. */
  readonly init: InitMode;
  /** What a former run promised. */
  readonly stored: PaxosState | undefined;
}

/** What to do next. */
export interface Step {
  /** Tell all peers our state. */
  readonly broadcast: boolean;
  /** Make the ring of these. */
  readonly seed?: readonly PeerName[];
}

const NOTHING: Step = { broadcast: false };

/** Bootstrap of one router; of no use once there is a ring. */
export class Bootstrap {
  /** Who was told of whom. */
  readonly founding: Founding;
  readonly #self: PeerName;
  readonly #consensus: Consensus;
  #stored: NodeClaims;
  #waiting = false;
  #nextAt = Infinity;
  #proposeAt: Millis = -Infinity;
  /** When a ring is wanted for the sake of real peers. */
  #wantAt: Millis = Infinity;
  #pause: Millis = RETRY_MS;
  #now: Millis = 0;
  /** When each peer said first that it votes. */
  #votedAt = new Map<PeerName, Millis>();

  /** Nothing is wanted yet. */
  constructor({ self, uid, init, stored }: BootstrapOptions) {
    this.#self = self;
    this.#consensus = new Consensus({ name: self, uid: stored?.uid ?? uid }, stored?.own);
    this.#stored = this.#consensus.own;
    this.founding = new Founding(self, init, this.#hasVoted);
  }

  /** A ring is wanted. */
  get waiting(): boolean {
    return this.#waiting;
  }

  /** How many peers are known to vote. */
  get known(): number {
    return Math.max(1, this.#consensus.known);
  }

  /**
   * Returns what we do about the missing ring. We wait for real peers that we were told of until they vote, and a little
   * longer: one of them may be founding alone meanwhile, and others, who guess how many votes are enough, would take ours as
   * enough for another ring.
   */
  standing(): Standing {
    const { silent, fresh } = this.#realVoters();
    if (silent.length > 0) {
      const votes = silent.map((name) => `the vote of ${this.founding.labelOf(name)}`);
      return { kind: "waits", for: votes };
    }
    if (fresh) return { kind: "waits", for: ["a ring that others may have already"] };
    return this.founding.standing();
  }

  /** What we say on the wire while there is no ring. */
  content(): IpamState["content"] {
    const tells = this.#hasVoted || this.standing().kind === "votes";
    return tells ? { kind: "claims", claims: this.#consensus.claims } : { kind: "nothing" };
  }

  /** Returns for whom we wait, in words. */
  waitsFor(): string {
    const standing = this.standing();
    if (standing.kind === "waits") return standing.for.join(", ");
    if (standing.kind === "founds") return "nobody";
    const { quorum } = standing;
    if (quorum?.kind === "count") return `votes: ${this.known} of ${quorum.count} are known`;
    const voters = new Set(this.#consensus.names());
    const missing = (quorum?.names ?? []).filter((name) =>
      name !== this.#self && !voters.has(name)
    );
    const names = missing.map((name) => this.founding.labelOf(name)).join(", ");
    return names === "" ? "the others to agree" : `the vote of ${names}`;
  }

  /** Somebody wants a ring. */
  want(now: Millis): Step {
    if (this.#waiting) return NOTHING;
    this.#waiting = true;
    return this.#ask(now);
  }

  /**
   * A peer told that it has no ring. A real one needs not ask for it: it may vote with others of its kind at any time, and
   * those that it was told of, the founder among them, are not asked.
   *
   * @param asks it told us or all, and not only by way of gossip
   */
  hear(from: PeerName, content: IpamState["content"], asks: boolean, now: Millis): Step {
    this.#now = now;
    const learned = content.kind === "claims" && this.#learn(content.claims);
    const standing = this.standing();
    const isReal = this.founding.isReal(from);
    if (standing.kind === "founds") {
      return asks || isReal ? { broadcast: true, seed: [this.#self] } : NOTHING;
    }
    if (standing.kind === "waits") {
      const hurries = this.#realVoters().fresh || (isReal && this.founding.waitsForFounder);
      return hurries ? this.want(now) : NOTHING;
    }
    if (content.kind === "nothing") return asks ? this.want(now) : NOTHING;
    return learned ? this.#think(false) : NOTHING;
  }

  /** Who was told of whom, or who can be reached, has changed. */
  review(now: Millis): Step {
    this.#now = now;
    const standing = this.standing();
    const hurries = this.founding.seesReal &&
      (standing.kind === "founds" || this.founding.waitsForFounder);
    this.#wantAt = hurries ? Math.min(this.#wantAt, now + REAL_SILENCE_MS) : Infinity;
    if (standing.kind === "waits") return NOTHING;
    if (this.#waiting && (standing.kind === "founds" || !this.#hasVoted)) return this.#ask(now);
    return this.#consensus.known > 0 ? this.#think(false) : NOTHING;
  }

  /** Time has passed. */
  tick(now: Millis): Step {
    if (now >= this.#wantAt) {
      this.#wantAt = Infinity;
      if (!this.#waiting) return this.want(now);
    }
    return this.#waiting && now >= this.#nextAt ? this.#ask(now) : NOTHING;
  }

  /** Returns when it wants a tick. */
  deadline(): Millis {
    return Math.min(this.#nextAt, this.#wantAt);
  }

  /** There is a ring. */
  end(): void {
    this.#waiting = false;
    this.#nextAt = Infinity;
    this.#wantAt = Infinity;
  }

  /** Returns what is to be stored before anybody hears of it, if it changed since the last call. */
  takeChange(): PaxosState | undefined {
    const { own, node } = this.#consensus;
    if (own === this.#stored) return undefined;
    this.#stored = own;
    return { uid: node.uid, own };
  }

  get #hasVoted(): boolean {
    return this.#consensus.own.promise.round > 0;
  }

  #learn(claims: Claims): boolean {
    const learned = this.#consensus.update(claims);
    for (const name of this.#consensus.names()) {
      if (!this.#votedAt.has(name)) this.#votedAt.set(name, this.#now);
    }
    return learned;
  }

  /** Returns the real peers that have to agree with us and do not vote yet, and whether one of the others does so since now. */
  #realVoters(): { silent: readonly PeerName[]; fresh: boolean } {
    const standing = this.founding.standing();
    const names = standing.kind === "votes" && standing.quorum?.kind === "names"
      ? standing.quorum.names.filter((name) => this.founding.isReal(name))
      : [];
    const since = names.map((name) => this.#votedAt.get(name));
    return {
      silent: names.filter((_, i) => since[i] === undefined),
      fresh: since.some((at) => at !== undefined && this.#now < at + REAL_VOTE_DELAY_MS),
    };
  }

  #ask(now: Millis): Step {
    this.#now = now;
    this.#nextAt = now + RETRY_MS;
    const standing = this.standing();
    if (standing.kind === "founds") return { broadcast: true, seed: [this.#self] };
    if (standing.kind === "waits") return { broadcast: true };
    if (now >= this.#proposeAt) {
      this.#consensus.propose(standing.quorum);
      this.#proposeAt = now + this.#pause;
      this.#pause = Math.min(2 * this.#pause, MAX_PROPOSE_MS);
    }
    this.founding.voted();
    return this.#think(true);
  }

  /** @param proposed our claims changed already */
  #think(proposed: boolean): Step {
    const standing = this.standing();
    if (standing.kind !== "votes") return { broadcast: proposed };
    const changed = this.#consensus.think(standing.quorum);
    if (this.#hasVoted) this.founding.voted();
    const seed = this.#consensus.consensus(standing.quorum);
    const broadcast = changed || proposed || seed !== undefined;
    return seed === undefined ? { broadcast } : { broadcast, seed };
  }
}
