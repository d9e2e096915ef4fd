/**
 * Taking the space of dead peers, and giving ours away when we leave for good (spec/ipam.md 12).
 *
 * ```
 *   takeover   weft peer: ping ──pong──> alive, refused       ──silence for 1 s and no route──> dead, taken
 *              with a route but silent (a slow disk, a busy host), or a real peer: a route after 3 s? refused : taken
 *   handover   ping all ──first pong──> heir: transfer, bequest every 1 s ──confirmed──> done
 *                 └─1 s silence──> a real peer that can be reached; asked for its state, it confirms
 * ```
 *
 * @module
 */

import type { Millis, PeerName } from "../../base/mod.ts";

/** A weft peer answers a ping within this time; one without a route that did not is dead. */
export const PING_MS = 1000;
/** A peer that has a route after this time is alive, whatever it says. */
export const ROUTE_MS = 3000;
/** A bequest is repeated this often. */
export const BEQUEST_MS = 1000;
/** After this time without a confirmation the heir is left alone with it. */
export const CONFIRM_MS = 8000;

interface Takeover {
  readonly id: number;
  readonly peer: PeerName;
  /** The ping; `undefined` for a real peer. */
  readonly nonce: number | undefined;
  readonly since: Millis;
  readonly until: Millis;
}

/** Takeovers that wait for a sign of life. */
export class Takeovers {
  #pending: Takeover[] = [];

  /** Waits for an answer to a ping, or without one for a route. */
  begin(id: number, peer: PeerName, nonce: number | undefined, now: Millis): void {
    const until = now + (nonce === undefined ? ROUTE_MS : PING_MS);
    this.#pending.push({ id, peer, nonce, since: now, until });
  }

  /** Takes an answer; returns the requests that it ends: the peer is alive. */
  pong(from: PeerName, nonce: number): number[] {
    const alive = this.#pending.filter((each) => each.peer === from && each.nonce === nonce);
    this.#pending = this.#pending.filter((each) => !alive.includes(each));
    return alive.map(({ id }) => id);
  }

  /**
   * Returns those whose time is over.
   *
   * @param hasRoute tells whether a peer has an established route: who has one and is silent gets the longer time
   */
  takeDue(
    now: Millis,
    hasRoute: (peer: PeerName) => boolean,
  ): { id: number; peer: PeerName; alive: boolean }[] {
    const due: { id: number; peer: PeerName; alive: boolean }[] = [];
    const pending: Takeover[] = [];
    for (const each of this.#pending) {
      const { id, peer, since, until } = each;
      const longest = since + ROUTE_MS;
      if (now < until) pending.push(each);
      else if (!hasRoute(peer)) due.push({ id, peer, alive: false });
      else if (now < longest) pending.push({ ...each, until: longest });
      else due.push({ id, peer, alive: true });
    }
    this.#pending = pending;
    return due;
  }

  /** Forgets one. */
  cancel(id: number): void {
    this.#pending = this.#pending.filter((each) => each.id !== id);
  }

  /** Returns when the next time is over. */
  deadline(): Millis {
    return Math.min(Infinity, ...this.#pending.map(({ until }) => until));
  }
}

/** What a handover wants done. */
export type HandoverStep =
  | { readonly kind: "bequeath"; readonly heir: PeerName }
  | { readonly kind: "remind"; readonly heir: PeerName }
  | { readonly kind: "over"; readonly heir: PeerName | undefined; readonly confirmed: boolean };

/** One handover, from the first ping to the confirmation. */
export class Handover {
  /** The number in pings and bequests. */
  readonly nonce: number;
  #fallback: PeerName | undefined;
  #heir: PeerName | undefined;
  #next: Millis;
  #until: Millis;
  #over = false;
  #confirmed = false;

  /** @param fallback a real peer that takes it if no weft peer answers */
  constructor(nonce: number, fallback: PeerName | undefined, now: Millis) {
    this.nonce = nonce;
    this.#fallback = fallback;
    this.#next = now + PING_MS;
    this.#until = this.#next + CONFIRM_MS;
  }

  /** Who got our space. */
  get heir(): PeerName | undefined {
    return this.#heir;
  }

  /** Nothing comes of it any more. */
  get isOver(): boolean {
    return this.#over;
  }

  /** The heir has said that it has our space. */
  get isConfirmed(): boolean {
    return this.#confirmed;
  }

  /** A peer answered the ping. */
  pong(from: PeerName, nonce: number, now: Millis): HandoverStep | undefined {
    if (nonce !== this.nonce || this.#heir !== undefined || this.#over) return undefined;
    return this.#bequeath(from, now);
  }

  /** The heir has our space. */
  confirmed(from: PeerName): HandoverStep | undefined {
    if (from !== this.#heir) return undefined;
    this.#confirmed = true;
    if (this.#over) return undefined;
    this.#over = true;
    return { kind: "over", heir: from, confirmed: true };
  }

  /** Time has passed. */
  tick(now: Millis): HandoverStep | undefined {
    if (this.#over || now < this.#next) return undefined;
    if (this.#heir === undefined && this.#fallback !== undefined) {
      return this.#bequeath(this.#fallback, now);
    }
    if (this.#heir === undefined || now >= this.#until) {
      this.#over = true;
      return { kind: "over", heir: this.#heir, confirmed: false };
    }
    this.#next = now + BEQUEST_MS;
    return { kind: "remind", heir: this.#heir };
  }

  /** Returns when it wants a tick. */
  deadline(): Millis {
    return this.#over ? Infinity : this.#next;
  }

  #bequeath(heir: PeerName, now: Millis): HandoverStep {
    this.#heir = heir;
    this.#next = now + BEQUEST_MS;
    this.#until = now + CONFIRM_MS;
    return { kind: "bequeath", heir };
  }
}
