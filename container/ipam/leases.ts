/**
 * Which ident holds which addresses, and which idents are dead (spec/ipam.md 9, 11).
 *
 * ```
 *   "c0ffee…"      10.32.0.1/12, 10.40.0.5/16      container, died at 17:00:03 -> given back at 17:00:33
 *   weave:expose   10.32.0.2/12
 *   10.32.0.9      10.32.0.9/12                    asked for by "_": nobody knows who holds it
 * ```
 *
 * @module
 */

import type { Cidr, Ipv4, Millis } from "../../base/mod.ts";
import { formatIpv4 } from "../../base/mod.ts";
import type { Lease } from "./allocator_io.ts";
import { type Range, rangeContains } from "./range.ts";

/** Ident of those whom nobody knows. */
export const UNKNOWN_IDENT = "_";
/** A container that died keeps its addresses for this long: it may be started again. */
export const DEAD_MS = 30_000;

/** All leases of this router. */
export class Leases {
  #byIdent = new Map<string, Lease[]>();
  #byAddress = new Map<Ipv4, Lease>();
  #diedAt = new Map<string, Millis>();
  #given: Lease[] = [];
  #freed: { ident: string; address: Ipv4 }[] = [];

  /** Begins with what was stored. */
  constructor(stored: readonly Lease[] = []) {
    for (const lease of stored) this.#add(lease);
  }

  /** How many there are. */
  get size(): number {
    return this.#byAddress.size;
  }

  /** Returns all, by ident. */
  all(): ReadonlyMap<string, readonly Lease[]> {
    return this.#byIdent;
  }

  /** Returns every lease. */
  values(): IterableIterator<Lease> {
    return this.#byAddress.values();
  }

  /** Returns those of an ident in the order in which they were given, all or those in a range. */
  of(ident: string, within?: Range): readonly Lease[] {
    const leases = this.#byIdent.get(ident) ?? [];
    if (within === undefined) return leases;
    return leases.filter(({ cidr }) => rangeContains(within, cidr.address));
  }

  /** Returns who holds an address. */
  at(address: Ipv4): Lease | undefined {
    return this.#byAddress.get(address);
  }

  /** Notes a lease; of `_` under the address itself. */
  give(ident: string, cidr: Cidr, isContainer: boolean): Lease {
    const holder = ident === UNKNOWN_IDENT ? formatIpv4(cidr.address) : ident;
    const lease = { ident: holder, cidr, isContainer };
    this.#add(lease);
    this.#given.push(lease);
    return lease;
  }

  /** Forgets the lease of an ident on an address; returns whether it had one. */
  free(ident: string, address: Ipv4): boolean {
    const lease = this.#byAddress.get(address);
    if (lease?.ident !== ident) return false;
    this.#byAddress.delete(address);
    const rest = (this.#byIdent.get(ident) ?? []).filter((each) => each !== lease);
    if (rest.length > 0) this.#byIdent.set(ident, rest);
    else {
      this.#byIdent.delete(ident);
      this.#diedAt.delete(ident);
    }
    this.#freed.push({ ident, address });
    return true;
  }

  /** Starts the time after which the addresses of a container go back. */
  died(ident: string, now: Millis): void {
    if (this.of(ident).some(({ isContainer }) => isContainer)) this.#diedAt.set(ident, now);
  }

  /** Ends that time: it lives. */
  lives(ident: string): void {
    this.#diedAt.delete(ident);
  }

  /** Tells whether an ident is a container that died. */
  isDead(ident: string): boolean {
    return this.#diedAt.has(ident);
  }

  /** Returns the idents whose time is over. */
  overdue(now: Millis): string[] {
    return [...this.#diedAt].filter(([, at]) => now >= at + DEAD_MS).map(([ident]) => ident);
  }

  /** Returns when the next is. */
  deadline(): Millis {
    return Math.min(Infinity, ...[...this.#diedAt.values()].map((at) => at + DEAD_MS));
  }

  /** Returns what changed since the last call. */
  takeChanges(): { given: readonly Lease[]; freed: readonly { ident: string; address: Ipv4 }[] } {
    const freed = this.#freed.filter(({ ident, address }) => this.at(address)?.ident !== ident);
    const given = this.#given.filter((lease) => this.at(lease.cidr.address) === lease);
    this.#given = [];
    this.#freed = [];
    return { given, freed };
  }

  #add(lease: Lease): void {
    const { ident, cidr: { address } } = lease;
    const others = (this.#byIdent.get(ident) ?? [])
      .filter((each) => each.cidr.address !== address);
    this.#byIdent.set(ident, [...others, lease]);
    this.#byAddress.set(address, lease);
  }
}
