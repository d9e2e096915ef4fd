/**
 * Whom we ask for space, and what they said (spec/ipam.md 5.8, 9).
 *
 * ```
 *   range 10.32.0.0/12:  ask the best ──> granted: the ring says so
 *                            |       └─> denied: ask the next; the denial holds until that peer's entries change, or a minute
 *                            └─5 s silence─> ask the next
 *   nobody left: exhausted, or waiting for owners that cannot be reached
 * ```
 *
 * Requests for one range share one question, however many wait. A peer counts as empty after its second denial only: one
 * with little left denies once, so that others with more are asked first.
 *
 * @module
 */

import type { Millis, PeerName } from "../../base/mod.ts";
import { formatRange, type Range, rangesMeet } from "./range.ts";
import { askOrder, partsAt, type Ring } from "./ring.ts";

/** A peer that says nothing for this long is asked again, if no better one is there. */
export const SILENCE_MS = 5000;
/** So often a peer denies before it counts as empty. */
const DENIALS = 2;
/** A denial is believed for this long at most: a donor also denies while rings conflict, and its entries tell nothing of that. */
export const DENIAL_MS = 60_000;
/** Most ranges that are remembered. */
const MAX_QUESTIONS = 4096;

/** What to do about a range. */
export type Next =
  /** Send a request. */
  | { readonly kind: "ask"; readonly peer: PeerName }
  /** Wait, for whom or what in words. */
  | { readonly kind: "wait"; readonly for: string }
  /** There is nothing anywhere, and nobody who could have some is away. */
  | { readonly kind: "exhausted"; readonly reason: string };

/** What is asked of the rest. */
export interface AskFacts {
  readonly ring: Ring;
  readonly isReachable: (peer: PeerName) => boolean;
  readonly labelOf: (peer: PeerName) => string;
  readonly random: () => number;
}

interface Question {
  readonly range: Range;
  /** Who was asked last and has not answered. */
  open: { readonly peer: PeerName; readonly at: Millis } | undefined;
  /** Who was asked when. */
  readonly asked: Map<PeerName, Millis>;
  /** How often each denied, with what it owned then. */
  readonly denials: Map<PeerName, { times: number; owned: string; at: Millis }>;
}

/** All open questions and remembered answers. */
export class Asking {
  #questions = new Map<string, Question>();

  /** Returns what to do about a range of which we need a part. */
  next(range: Range, facts: AskFacts, now: Millis): Next {
    const question = this.#question(range);
    const { open } = question;
    if (open !== undefined && facts.isReachable(open.peer) && now < open.at + SILENCE_MS) {
      return { kind: "wait", for: `an answer of ${facts.labelOf(open.peer)}` };
    }
    const peer = this.#best(question, facts, now);
    if (peer === undefined) return this.#nobody(question, facts);
    question.open = { peer, at: now };
    question.asked.set(peer, now);
    return { kind: "ask", peer };
  }

  /** Returns what to do about one address, which only its owner can give; never `exhausted`. */
  nextOf(range: Range, owner: PeerName, facts: AskFacts, now: Millis): Next {
    const question = this.#question(range);
    const label = facts.labelOf(owner);
    if (!facts.isReachable(owner)) {
      return { kind: "wait", for: `${label}, which cannot be reached` };
    }
    const { open } = question;
    if (open?.peer === owner && now < open.at + SILENCE_MS) {
      return { kind: "wait", for: `an answer of ${label}` };
    }
    question.open = { peer: owner, at: now };
    question.asked.set(owner, now);
    return { kind: "ask", peer: owner };
  }

  /** Takes a denial; returns whether it counts: not one that nobody asked for, or of another range. */
  denied(from: PeerName, range: Range, ring: Ring, now: Millis): boolean {
    const question = this.#questions.get(formatRange(range));
    if (question === undefined || !question.asked.has(from)) return false;
    if (question.open?.peer === from) question.open = undefined;
    const times = this.#denials(question, from, ring, now) + 1;
    question.denials.set(from, { times, owned: ownedBy(ring, from), at: now });
    return true;
  }

  /** Forgets what was said of a range: who asks for one address again may be luckier. */
  forget(range: Range): void {
    this.#questions.delete(formatRange(range));
  }

  /** We own more now: whoever was asked for some of it has answered. */
  gained(owns: (range: Range) => boolean): void {
    for (const question of this.#questions.values()) {
      if (owns(question.range)) question.open = undefined;
    }
  }

  /** Forgets questions that nobody waits for and that hold no answers worth keeping. */
  prune(ring: Ring, now: Millis): void {
    for (const [key, question] of this.#questions) {
      const kept = [...question.denials.keys()].some((peer) =>
        this.#denials(question, peer, ring, now) > 0
      );
      if (question.open === undefined && !kept) this.#questions.delete(key);
    }
    for (const key of this.#questions.keys()) {
      if (this.#questions.size <= MAX_QUESTIONS) break;
      this.#questions.delete(key);
    }
  }

  #best(question: Question, facts: AskFacts, now: Millis): PeerName | undefined {
    const order = askOrder(facts.ring, question.range, facts.random)
      .filter((peer) => facts.isReachable(peer))
      .map((peer) => ({
        peer,
        denials: this.#denials(question, peer, facts.ring, now),
        // Who did not answer last time comes after those who did or were not asked.
        silent: question.open?.peer === peer,
      }))
      .filter(({ denials }) => denials < DENIALS);
    order.sort((a, b) => a.denials - b.denials || Number(a.silent) - Number(b.silent));
    return order[0]?.peer;
  }

  #nobody(question: Question, facts: AskFacts): Next {
    const { ring, isReachable, labelOf } = facts;
    const owners = new Set<PeerName>();
    ring.entries.forEach(({ peer }, i) => {
      if (peer === ring.peer) return;
      if (partsAt(ring, i).some((part) => rangesMeet(part, question.range))) owners.add(peer);
    });
    const away = [...owners].filter((peer) => !isReachable(peer)).map(labelOf);
    const empty = [...owners].filter(isReachable)
      .map((peer) => `${labelOf(peer)} ${question.denials.has(peer) ? "denied" : "is full"}`);
    const said = ["no address is free here", ...empty].join(", ");
    if (away.length === 0) return { kind: "exhausted", reason: said };
    return { kind: "wait", for: `${away.join(", ")}, which cannot be reached (${said})` };
  }

  #denials(question: Question, peer: PeerName, ring: Ring, now: Millis): number {
    const denial = question.denials.get(peer);
    if (denial === undefined) return 0;
    const isFresh = now < denial.at + DENIAL_MS;
    if (isFresh && denial.owned === ownedBy(ring, peer)) return denial.times;
    question.denials.delete(peer);
    return 0;
  }

  #question(range: Range): Question {
    const key = formatRange(range);
    const found = this.#questions.get(key);
    if (found !== undefined) return found;
    const question = { range, open: undefined, asked: new Map(), denials: new Map() };
    this.#questions.set(key, question);
    return question;
  }
}

/** What a peer owns, in a form that changes with any of its entries. */
function ownedBy(ring: Ring, peer: PeerName): string {
  return ring.entries.filter((entry) => entry.peer === peer)
    .map(({ token, version }) => `${token}.${version}`).join(" ");
}
