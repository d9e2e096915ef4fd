/**
 * rtnetlink: interfaces, addresses, routes and neighbours of one network namespace, in the words of `ip` and `bridge`.
 *
 * ```
 *   link  addr  route  neigh     one function per `ip` command, first argument a Netlink
 *      \    |     |    /
 *        socket                  requests, acknowledgements, dumps; errors with the kernel's own words
 *          |
 *        message                 bytes; no I/O
 * ```
 *
 * A {@link Netlink} speaks of the namespace that its thread was in when it was opened, for as long as it is open. All calls
 * are synchronous. {@link LinkWatch} hears of interfaces that go.
 *
 * @module
 */

export {
  addrAdd,
  addrDelete,
  type Address,
  type AddressFilter,
  addrList,
  addrReplace,
} from "./addr.ts";
export {
  type Link,
  linkAdd,
  type LinkChanges,
  linkDelete,
  type LinkFilter,
  linkGet,
  linkList,
  linkSet,
  type LinkSpec,
  netnsId,
} from "./link.ts";
export { type LinkNews, LinkWatch } from "./link_watch.ts";
export {
  fdbAppend,
  fdbDelete,
  type FdbEntry,
  fdbList,
  fdbReplace,
  type FdbSpec,
  type Neighbour,
  neighDelete,
  neighList,
  neighReplace,
  NUD,
} from "./neigh.ts";
export { type Route, routeAdd, routeDelete, routeList, type RouteSpec, RT_SCOPE } from "./route.ts";
export { Netlink } from "./socket.ts";
