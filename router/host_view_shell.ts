/**
 * What of this host counts for addresses: what is in use on the bridge, where Docker's bridge is, and
 * which routes a range would cover.
 *
 * @module
 */

import { type Cidr, formatCidr, formatIpv4 } from "../base/mod.ts";
import { EXPOSE_ID, listAttached } from "../container/mod.ts";
import type { InUse } from "../container/ipam/mod.ts";
import { addrList, linkGet, Netlink, routeList } from "../ffi/netlink/mod.ts";
import { type IpamSettings, overlaps, UsageError } from "./config/mod.ts";
import { freeRange } from "./free_range.ts";

/** Who has an address that nobody of us gave out. */
const UNKNOWN_ID = "_";

/** Returns the addresses in use on a bridge: the host's, and those of the containers that hang on it. */
export function addressesInUse(bridge: string): InUse[] {
  return listAttached(bridge).flatMap(({ ident, addresses }) =>
    addresses.map((cidr) => ({
      ident: ident ?? UNKNOWN_ID,
      cidr,
      isContainer: ident !== undefined && ident !== EXPOSE_ID,
    }))
  );
}

/** Returns the addresses of an interface; none if it is not there. */
export function addressesOfLink(name: string): string[] {
  using nl = Netlink.open();
  const link = linkGet(nl, name);
  if (link === undefined) return [];
  return addrList(nl, { ifindex: link.index }).map(({ cidr }) => formatIpv4(cidr.address));
}

/** Returns where the routes of this host lead to, but for the default route and those of the bridge. */
export function routesBeside(bridge: string): Cidr[] {
  using nl = Netlink.open();
  const own = linkGet(nl, bridge)?.index;
  return routeList(nl)
    .filter(({ ifindex, destination }) => ifindex !== own && destination.length > 0)
    .map(({ destination }) => destination);
}

/**
 * Compares the range with the routes of this host, the bridge's own excepted.
 *
 * @returns a warning about a range that the user chose, if it covers a route
 * @throws {UsageError} if the default one does, with one that does not
 */
export function checkRange(settings: IpamSettings, bridge: string): string | undefined {
  const routes = routesBeside(bridge);
  const { range, rangeGiven } = settings;
  const route = routes.find((destination) => overlaps(range, destination));
  if (route === undefined) return undefined;
  const words = `the range ${formatCidr(range)} overlaps with existing route ${formatCidr(route)}`;
  if (rangeGiven) return `${words}: containers do not reach what lies behind it`;
  throw new UsageError(`Cannot launch: ${words}; launch all hosts with ${advice(routes)}`);
}

function advice(routes: readonly Cidr[]): string {
  const free = freeRange(routes);
  return free === undefined
    ? "--ipalloc-range and a range that no host has a route to"
    : `--ipalloc-range ${formatCidr(free)}, which is free here`;
}
