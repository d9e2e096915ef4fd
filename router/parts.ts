/**
 * What the router asks of those who keep addresses and names, so that it can be tested without them.
 *
 * @module
 */

import type { Cidr, Ipv4 } from "../base/mod.ts";

/** How long and for whom an operation waits. */
export interface WaitOptions {
  /** The holder is a container, so its addresses go when it dies. */
  readonly isContainer: boolean;
  /** Longest wait in milliseconds; the allocator's own if missing. */
  readonly waitMs?: number;
  /** Ends the wait. */
  readonly signal?: AbortSignal;
}

/** Who holds what. */
export interface Owned {
  /** Who. */
  readonly ident: string;
  /** It is a container. */
  readonly isContainer: boolean;
  /** What, in the order in which they came. */
  readonly cidrs: readonly Cidr[];
}

/** Keeps addresses. */
export interface AddressPart {
  /** All addresses there are. */
  readonly range: Cidr;
  /** Where an address comes from if none is asked for. */
  readonly defaultSubnet: Cidr;
  /** Returns an address of a subnet; the one that the holder has there, if it has one. */
  allocate(ident: string, subnet: Cidr, options: WaitOptions): Promise<Cidr>;
  /** Takes an address. @throws {RefusedError} if somebody else has it */
  claim(ident: string, cidr: Cidr, options: WaitOptions): Promise<void>;
  /** Returns what a holder has, in a subnet or at all. */
  lookup(ident: string, within?: Cidr): readonly Cidr[];
  /** Returns all that is held here. */
  owned(): readonly Owned[];
  /** Gives an address back. */
  free(ident: string, ip: Ipv4): void | Promise<void>;
  /** Gives all back. */
  freeAll(ident: string): void | Promise<void>;
  /** A container has ended: its addresses go after a while. */
  died(ident: string): void;
  /** It runs again: they stay. */
  started(ident: string): void;
  /** It was removed: they go at once. */
  destroyed(ident: string): void;
}

/** Which names to remove: all that match each field. */
export interface NameFilter {
  /** Of this holder. */
  readonly container?: string;
  /** For this address. */
  readonly ip?: Ipv4;
  /** This name. */
  readonly fqdn?: string;
}

/** Keeps names. */
export interface NamePart {
  /** Domain of all names, with a dot at its end. */
  readonly domain: string;
  /** Adds a name. @throws {RefusedError} outside the domain */
  add(fqdn: string, container: string, ip: Ipv4): void;
  /** Removes ours that match. @returns how many */
  remove(filter: NameFilter): number;
  /** A container has ended: its names go. @param startedBefore ms since 1970: one that started later lives */
  died(container: string, startedBefore?: number): void;
}
