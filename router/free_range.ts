/**
 * A range for the allocator that no route of this host covers.
 *
 * @module
 */

import { type Cidr, parseCidr } from "../base/mod.ts";
import { overlaps } from "./config/mod.ts";

/** Private networks (RFC 1918) and the one for carriers (RFC 6598), in the order in which they are offered. */
const NETWORKS = ["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10"];
/** From as large as the default down to what a small network needs. */
const LENGTHS = [12, 13, 14, 15, 16, 17, 18, 19, 20];

/** Returns the largest such range, of equals the highest, where people put networks of their own least; `undefined`: none. */
export function freeRange(routes: readonly Cidr[]): Cidr | undefined {
  for (const length of LENGTHS) {
    for (const network of NETWORKS.map(parseCidr)) {
      const size = 2 ** (32 - length);
      const count = 2 ** (length - network.length);
      for (let i = count - 1; i >= 0; i--) {
        const range = { address: network.address + i * size, length };
        if (!routes.some((route) => overlaps(range, route))) return range;
      }
    }
  }
  return undefined;
}
