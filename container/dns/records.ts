/**
 * What the mesh knows of names: which name has which addresses.
 *
 * @module
 */

import type { Ipv4 } from "../../base/mod.ts";

/** One address of a name. */
export interface NameAddress {
  /** The address. */
  readonly ip: Ipv4;
  /** Whether the peer that registered it can be reached now. */
  readonly reachable: boolean;
}

/** What the answers to queries are made of. */
export interface NameLookup {
  /**
   * Returns the addresses of a name, those that can be reached first; one for each entry, so that one may come twice.
   *
   * @param lowerName fully qualified, in lower case, with the dot at its end: `web.weave.local.`
   */
  addressesOf(lowerName: string): readonly NameAddress[];
  /** Returns the name of an address as it was registered, with the dot at its end; of several the first in table order. */
  nameOf(ip: Ipv4): string | undefined;
}
