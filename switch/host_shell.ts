/**
 * Bridge and TAP of a host, and the host's own addresses on the bridge: does what `host_plan.ts` decides.
 *
 * Everything acts in the network namespace of the calling thread and is done when the call returns. Needs CAP_NET_ADMIN.
 *
 * @module
 */

import { type Cidr, formatCidr, type Mac, unreachable } from "../base/mod.ts";
import { announceIpv4, Tap, writeProc } from "../ffi/mod.ts";
import {
  addrAdd,
  addrDelete,
  addrList,
  type Link,
  linkAdd,
  linkDelete,
  linkGet,
  linkList,
  linkSet,
  Netlink,
} from "../ffi/netlink/mod.ts";
import {
  BRIDGE_ALIAS,
  BRIDGE_NAME,
  HostError,
  type HostSpec,
  type HostStep,
  isOurs,
  planHost,
  TAP_NAME,
  WEAVE_BRIDGE_NAME,
} from "./host_plan.ts";

/** What a prepared host has. */
export interface HostState {
  /** Name of the bridge. */
  readonly bridge: string;
  /** MAC of the bridge. */
  readonly bridgeMac: Mac;
  /** MAC of the TAP. */
  readonly tapMac: Mac;
  /** MTU of bridge and TAP, for containers too, in bytes of IP packet. */
  readonly mtuBytes: number;
  /** The bridge is somebody else's: it kept its MAC and MTU. */
  readonly adopted: boolean;
}

/** Names of the ends of container veths on the bridge begin so. */
const CONTAINER_PORT = /^vethwepl/;
/** An address that moved to another MAC is noticed in seconds (spec/docker.md 2). */
const ARP_SETTINGS = { base_reachable_time: "5", delay_first_probe_time: "2", ucast_solicit: "1" };

/**
 * Makes bridge and TAP, or adopts what is there; containers on the bridge stay connected. May be repeated at any time.
 *
 * Settings under `/proc/sys` that the kernel has not got, or refuses, are left as they are.
 *
 * @throws {HostError} if a name is taken by something else, or the MTU is impossible
 * @throws {SysError} EPERM without CAP_NET_ADMIN, ENOENT without `/dev/net/tun`
 */
export function prepareHost(spec: HostSpec): HostState {
  using nl = Netlink.open();
  const plan = planHost(linkList(nl), spec);
  for (const step of plan.steps) perform(nl, step);
  const bridge = mustBridge(nl, plan.bridge, "prepare the host");
  const tapMac = linkGet(nl, spec.tap)?.mac ?? 0;
  const { mtuBytes, adopted } = plan;
  return { bridge: bridge.name, bridgeMac: bridge.mac, tapMac, mtuBytes, adopted };
}

/**
 * Returns the name of the bridge that is in use, without a router to ask: the one that the TAP is a port of, else the
 * one that a router would take.
 */
export function currentBridge(tap: string = TAP_NAME): string {
  using nl = Netlink.open();
  const master = linkGet(nl, tap)?.masterIndex ?? 0;
  const current = master === 0 ? undefined : linkGet(nl, master);
  if (current !== undefined) return current.name;
  return linkGet(nl, WEAVE_BRIDGE_NAME)?.kind === "bridge" ? WEAVE_BRIDGE_NAME : BRIDGE_NAME;
}

/**
 * Gives the host an address on the bridge, with it a route to that subnet, and announces it.
 *
 * @returns false if the bridge had it already
 * @throws {HostError} if there is no such bridge
 */
export function exposeAddress(bridge: string, cidr: Cidr): boolean {
  using nl = Netlink.open();
  const link = mustBridge(nl, bridge, `expose ${formatCidr(cidr)}`);
  if (!link.up) linkSet(nl, link.index, { up: true });
  const added = !addressesOf(nl, link).some((held) => same(held, cidr));
  if (added) addrAdd(nl, link.index, cidr);
  announceIpv4(link.index, link.mac, [cidr.address]);
  return added;
}

/**
 * Takes an address of the host from the bridge; others of the subnet stay.
 *
 * @returns false if it was not there, or there is no such bridge
 */
export function hideAddress(bridge: string, cidr: Cidr): boolean {
  using nl = Netlink.open();
  const link = linkGet(nl, bridge);
  if (link === undefined) return false;
  // Else the other addresses of the subnet would go with the first.
  writeProc(`/proc/sys/net/ipv4/conf/${bridge}/promote_secondaries`, "1");
  return addrDelete(nl, link.index, cidr);
}

/** Lists the host's addresses on the bridge in the order in which they came; none if there is no such bridge. */
export function exposedAddresses(bridge: string): Cidr[] {
  using nl = Netlink.open();
  const link = linkGet(nl, bridge);
  return link === undefined ? [] : addressesOf(nl, link);
}

/**
 * Removes what weft has made: the TAP, the containers' interfaces on the bridge, and the bridge if it is ours.
 *
 * An adopted bridge stays, with what others hung on it. What is not there is no error.
 */
export function removeHost(bridge: string, tap: string): void {
  using nl = Netlink.open();
  const device = linkGet(nl, tap);
  if (device?.tun?.tap === true) linkDelete(nl, device.index);
  const link = linkGet(nl, bridge);
  if (link?.kind !== "bridge") return;
  for (const port of linkList(nl, { masterIndex: link.index })) {
    if (port.kind === "veth" && CONTAINER_PORT.test(port.name)) linkDelete(nl, port.index);
  }
  if (isOurs(link)) linkDelete(nl, link.index);
}

function perform(nl: Netlink, step: HostStep): void {
  switch (step.kind) {
    case "createBridge":
      return linkAdd(nl, { kind: "bridge", name: step.bridge });
    case "createTap":
      return Tap.create(step.tap);
    case "quietTap":
      return setIpv6(step.tap, "disable_ipv6", "1");
    case "setMtu":
      return linkSet(nl, step.link, { mtuBytes: step.mtuBytes });
    case "setMac":
      return linkSet(nl, step.link, { mac: step.mac });
    case "join":
      return linkSet(nl, step.tap, {
        masterIndex: mustBridge(nl, step.bridge, "prepare the host").index,
      });
    case "configureBridge":
      return linkSet(nl, step.bridge, {
        multicastSnooping: false,
        ...(step.own ? { stp: false, alias: BRIDGE_ALIAS } : {}),
      });
    case "bridgeSysctls":
      setIpv6(step.bridge, "accept_ra", "0");
      for (const [name, value] of Object.entries(ARP_SETTINGS)) {
        writeProc(`/proc/sys/net/ipv4/neigh/${step.bridge}/${name}`, value);
      }
      return;
    case "hairpinOff":
      return linkSet(nl, step.tap, { hairpin: false });
    case "up":
      return linkSet(nl, step.link, { up: true });
    default:
      return unreachable(step);
  }
}

function setIpv6(link: string, name: string, value: string): void {
  writeProc(`/proc/sys/net/ipv6/conf/${link}/${name}`, value);
}

function mustBridge(nl: Netlink, name: string, what: string): Link {
  const link = linkGet(nl, name);
  if (link?.kind !== "bridge") {
    throw new HostError(
      `Cannot ${what}: bridge "${name}" not present; launch the router, which makes it`,
    );
  }
  return link;
}

function addressesOf(nl: Netlink, link: Link): Cidr[] {
  return addrList(nl, { ifindex: link.index }).map((address) => address.cidr);
}

function same(a: Cidr, b: Cidr): boolean {
  return a.address === b.address && a.length === b.length;
}
