/**
 * IPv4 routes of the main table: what `ip route` does.
 *
 * @module
 */

import { type Cidr, formatCidr, type Ipv4, networkOf } from "../../base/mod.ts";
import { ERRNO, SysError } from "../errno.ts";
import { RTMSG } from "../layout.ts";
import { attrIpv4, attrU32, ipv4Of, NLM_F, parseAttributes, u32Of, viewOf } from "./message.ts";
import type { Netlink } from "./socket.ts";

/** `linux/rtnetlink.h` */
const RTM = { NEWROUTE: 24, DELROUTE: 25, GETROUTE: 26 } as const;
const RTA = { DST: 1, OIF: 4, GATEWAY: 5, PRIORITY: 6, PREFSRC: 7, TABLE: 15 } as const;
const RT_TABLE_MAIN = 254;
const RTPROT_BOOT = 3;
const RTN_UNICAST = 1;
const AF_INET = 2;

/** How far away a destination is (`linux/rtnetlink.h`). */
export const RT_SCOPE = { GLOBAL: 0, LINK: 253, HOST: 254, NOWHERE: 255 } as const;

/** One route. */
export interface Route {
  /** Where it leads: network and prefix length; `0.0.0.0/0` is the default. */
  readonly destination: Cidr;
  /** Interface that it leaves by; 0 for a route with several next hops. */
  readonly ifindex: number;
  /** Router on the way; `undefined` for one on the link. */
  readonly gateway: Ipv4 | undefined;
  /** One of {@link RT_SCOPE}. */
  readonly scope: number;
  /** Source address to prefer. */
  readonly source: Ipv4 | undefined;
  /** Smaller is taken first. */
  readonly metric: number;
}

/** What {@link routeAdd} needs. */
export interface RouteSpec {
  /** Where it leads; host bits are dropped. */
  readonly destination: Cidr;
  /** Interface. */
  readonly ifindex: number;
  /** Router on the way. */
  readonly gateway?: Ipv4;
  /** Source address to prefer. */
  readonly source?: Ipv4;
}

/**
 * Adds a route; its scope is `link` without a gateway.
 *
 * Equivalent to: `ip route add CIDR dev NAME scope link`, or `ip route add CIDR via GATEWAY dev NAME`.
 *
 * @throws {SysError} EEXIST if there is one to that destination
 */
export function routeAdd(nl: Netlink, spec: RouteSpec): void {
  const { destination, gateway, source } = spec;
  const attributes = [
    attrIpv4(RTA.DST, networkOf(destination)),
    attrU32(RTA.OIF, spec.ifindex),
  ];
  if (gateway !== undefined) attributes.push(attrIpv4(RTA.GATEWAY, gateway));
  if (source !== undefined) attributes.push(attrIpv4(RTA.PREFSRC, source));
  const head = header({
    length: destination.length,
    scope: gateway === undefined ? RT_SCOPE.LINK : RT_SCOPE.GLOBAL,
    protocol: RTPROT_BOOT,
    type: RTN_UNICAST,
  });
  const call = `add route ${formatCidr(destination)}`;
  nl.request(call, RTM.NEWROUTE, NLM_F.CREATE | NLM_F.EXCL, head, ...attributes);
}

/**
 * Deletes a route.
 *
 * Equivalent to: `ip route delete CIDR dev NAME`.
 *
 * @returns false if there was none
 */
export function routeDelete(nl: Netlink, spec: RouteSpec): boolean {
  const { destination, gateway } = spec;
  const attributes = [
    attrIpv4(RTA.DST, networkOf(destination)),
    attrU32(RTA.OIF, spec.ifindex),
  ];
  if (gateway !== undefined) attributes.push(attrIpv4(RTA.GATEWAY, gateway));
  const head = header({ length: destination.length, scope: RT_SCOPE.NOWHERE });
  try {
    nl.request(`delete route ${formatCidr(destination)}`, RTM.DELROUTE, 0, head, ...attributes);
    return true;
  } catch (error) {
    if (error instanceof SysError && error.errno === ERRNO.ESRCH) return false;
    throw error;
  }
}

/**
 * Lists the routes of the main table.
 *
 * Equivalent to: `ip -4 route show [dev NAME]`.
 *
 * @param ifindex only those that leave by this interface
 */
export function routeList(nl: Netlink, ifindex?: number): Route[] {
  // The kernel's own filter by table is an error where the table does not exist yet: we filter here.
  return nl.dump("list routes", RTM.GETROUTE, header({ table: 0 }))
    .filter((payload) => tableOf(payload) === RT_TABLE_MAIN)
    .map(parseRoute)
    .filter((route) => ifindex === undefined || route.ifindex === ifindex);
}

/** Parses the payload of RTM_NEWROUTE of IPv4. @throws {WireError} if it does not parse */
export function parseRoute(payload: Uint8Array): Route {
  const view = viewOf(payload);
  const attributes = parseAttributes(payload, RTMSG.size);
  return {
    destination: {
      address: ipv4Of(attributes, RTA.DST) ?? 0,
      length: view.getUint8(RTMSG.dstLen),
    },
    ifindex: u32Of(attributes, RTA.OIF) ?? 0,
    gateway: ipv4Of(attributes, RTA.GATEWAY),
    scope: view.getUint8(RTMSG.scope),
    source: ipv4Of(attributes, RTA.PREFSRC),
    metric: u32Of(attributes, RTA.PRIORITY) ?? 0,
  };
}

function tableOf(payload: Uint8Array): number {
  return u32Of(parseAttributes(payload, RTMSG.size), RTA.TABLE) ?? payload[RTMSG.table] ?? 0;
}

function header(
  fields: { length?: number; scope?: number; protocol?: number; type?: number; table?: number },
): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(RTMSG.size);
  const view = viewOf(bytes);
  view.setUint8(RTMSG.family, AF_INET);
  view.setUint8(RTMSG.dstLen, fields.length ?? 0);
  view.setUint8(RTMSG.table, fields.table ?? RT_TABLE_MAIN);
  view.setUint8(RTMSG.protocol, fields.protocol ?? 0);
  view.setUint8(RTMSG.scope, fields.scope ?? 0);
  view.setUint8(RTMSG.type, fields.type ?? 0);
  return bytes;
}
