/**
 * Requests that cannot be answered yet. They are values; who waits for them is the shell's business.
 *
 * @module
 */

import type { Ipv4, Millis } from "../../base/mod.ts";
import type { Request } from "./allocator_io.ts";

/** A request waits for so long unless it says otherwise. */
export const WAIT_MS = 60_000;

/** A request that may wait. */
export type WaitingRequest = Request & { readonly kind: "allocate" | "claim" | "prime" };

/** A request that waits. */
export interface Wait<R extends WaitingRequest = WaitingRequest> {
  /** The request. */
  readonly request: R;
  /** When it came. */
  readonly since: Millis;
  /** When it is refused. */
  readonly until: Millis;
  /** For whom or what it waits, in words. */
  reason: string;
  /** The address that is being probed for it. */
  probing: Ipv4 | undefined;
  /** It was answered, and goes on for nobody but itself. */
  answered: boolean;
}

/** All that waits, in the order in which it came. */
export class Waits {
  #waits = new Map<number, Wait>();

  /** How many there are. */
  get size(): number {
    return this.#waits.size;
  }

  /** Adds a request. */
  add(request: WaitingRequest, now: Millis): Wait {
    const most = request.kind === "prime" ? Infinity : WAIT_MS;
    const until = now + (request.waitMs ?? most);
    const wait = { request, since: now, until, reason: "", probing: undefined, answered: false };
    this.#waits.set(request.id, wait);
    return wait;
  }

  /** Returns one. */
  get(id: number): Wait | undefined {
    return this.#waits.get(id);
  }

  /** Ends one. */
  delete(id: number): void {
    this.#waits.delete(id);
  }

  /** Returns all in the order in which they are tried: primes, claims, allocates, each in the order in which they came. */
  inOrder(): Wait[] {
    const order = ["prime", "claim", "allocate"];
    return [...this.#waits.values()].sort((a, b) =>
      order.indexOf(a.request.kind) - order.indexOf(b.request.kind)
    );
  }

  /** Returns those of a kind. */
  of<K extends WaitingRequest["kind"]>(kind: K): Wait<WaitingRequest & { readonly kind: K }>[] {
    return [...this.#waits.values()].filter((wait) => wait.request.kind === kind) as Wait<
      WaitingRequest & { readonly kind: K }
    >[];
  }

  /** Returns those whose time is over. */
  overdue(now: Millis): Wait[] {
    return [...this.#waits.values()].filter(({ until, probing }) =>
      now >= until && probing === undefined
    );
  }

  /** Returns when the next one's is. */
  deadline(): Millis {
    let first = Infinity;
    for (const { until, probing } of this.#waits.values()) {
      if (probing === undefined) first = Math.min(first, until);
    }
    return first;
  }
}
