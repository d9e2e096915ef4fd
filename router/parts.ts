/**
 * What the router asks of those who keep addresses and names, so that it can be tested without them.
 *
 * @module
 */

import type { Names } from "../container/dns/mod.ts";
import type { Ipam } from "../container/ipam/mod.ts";

/** Keeps addresses: what attaching and its like need of the allocator. */
export type AddressPart = Pick<
  Ipam,
  "range" | "defaultSubnet" | "allocate" | "claim" | "lookup" | "owned" | "free" | "freeAll"
>;

/** Keeps names: what attaching and its like need of the name service. */
export type NamePart = Pick<Names, "domain" | "add" | "remove" | "entries" | "lookup">;

/** Is told how containers fare. */
export interface Mourner {
  /** A container has ended. @param at when, unix seconds; missing: now, whatever started since */
  died(ident: string, at?: number): void;
  /** It runs again. */
  started(ident: string): void;
  /** It was removed. */
  destroyed(ident: string): void;
}
