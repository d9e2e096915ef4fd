/**
 * Interfaces: what `ip link` and `bridge link` do.
 *
 * @module
 */

import { concat, type Mac, macFromBytes, macToBytes } from "../../base/mod.ts";
import { ERRNO, SysError } from "../errno.ts";
import type { Fd } from "../fd.ts";
import { IFINFOMSG } from "../layout.ts";
import {
  attr,
  attrNested,
  attrString,
  attrU32,
  attrU8,
  i32Of,
  nestedOf,
  NLM_F,
  parseAttributes,
  stringOf,
  u32Of,
  u8Of,
  viewOf,
} from "./message.ts";
import type { Netlink } from "./socket.ts";

/** `linux/rtnetlink.h` */
const RTM = { NEWLINK: 16, DELLINK: 17, GETLINK: 18, SETLINK: 19, GETNSID: 90 } as const;
/** `linux/if_link.h` */
const IFLA = {
  ADDRESS: 1,
  IFNAME: 3,
  MTU: 4,
  LINK: 5,
  MASTER: 10,
  PROTINFO: 12,
  OPERSTATE: 16,
  LINKINFO: 18,
  IFALIAS: 20,
  NET_NS_FD: 28,
  LINK_NETNSID: 37,
  TARGET_NETNSID: 46,
} as const;
const IFLA_INFO = { KIND: 1, DATA: 2, SLAVE_KIND: 4, SLAVE_DATA: 5 } as const;
const IFLA_BR = { STP_STATE: 5, MCAST_SNOOPING: 23 } as const;
const IFLA_BRPORT = { STATE: 1, MODE: 4, ISOLATED: 33 } as const;
const IFLA_TUN = { TYPE: 3, PERSIST: 6 } as const;
/** `linux/veth.h` */
const VETH_INFO_PEER = 1;
/** `linux/net_namespace.h` */
const NETNSA = { NSID: 1, FD: 3 } as const;
/** `linux/if.h`, `linux/if_tun.h`, `linux/if_bridge.h`, `sys/socket.h` */
const IFF_UP = 1;
const IF_OPER_UP = 6;
const IFF_TAP = 2;
const BR_STATE_FORWARDING = 3;
const AF_BRIDGE = 7;

/** One interface as the kernel shows it. */
export interface Link {
  /** Its number in its namespace, from 1. */
  readonly index: number;
  /** Its name. */
  readonly name: string;
  /** "bridge", "veth", "tun" (TAP too), "vxlan" …; empty for hardware and `lo`. */
  readonly kind: string;
  /** Its address; 0 if it is no Ethernet. */
  readonly mac: Mac;
  /** Its MTU in bytes of IP packet. */
  readonly mtuBytes: number;
  /** An administrator wants it up. */
  readonly up: boolean;
  /** It has carrier and can be used. */
  readonly running: boolean;
  /** Index of the bridge that it is a port of; 0 if none. */
  readonly masterIndex: number;
  /** Of a veth: index of its other end, in that end's namespace; 0 if none. */
  readonly peerIndex: number;
  /** Number that our namespace has for the one that the other end lies in; `undefined` if it is ours. */
  readonly peerNetnsId: number | undefined;
  /** Free text that somebody has attached; empty if none. */
  readonly alias: string;
  /** What is known of it as a port of a bridge; `undefined` if it is none. */
  readonly port: { readonly forwarding: boolean; readonly hairpin: boolean } | undefined;
  /** What is known of a TUN or TAP device; `undefined` for anything else. */
  readonly tun: { readonly tap: boolean; readonly persistent: boolean } | undefined;
}

/** What {@link linkAdd} makes. */
export type LinkSpec =
  | {
    /** A bridge. */
    readonly kind: "bridge";
    /** Its name, 1 to 15 bytes. */
    readonly name: string;
  }
  | {
    /** A pair of interfaces. */
    readonly kind: "veth";
    /** Name of the end in our namespace. */
    readonly name: string;
    /** MTU of both ends. */
    readonly mtuBytes: number;
    /** Bridge that our end becomes a port of at once. */
    readonly masterIndex?: number;
    /** The other end. */
    readonly peer: {
      /** Its name. */
      readonly name: string;
      /** Namespace that it is born in; ours if missing. */
      readonly netns?: Fd | number;
      /** Its address; the kernel's random choice if missing. */
      readonly mac?: Mac;
    };
  };

/** What {@link linkSet} changes; what is missing stays. */
export interface LinkChanges {
  /** Up or down. */
  readonly up?: boolean;
  /** MTU in bytes. */
  readonly mtuBytes?: number;
  /** Address. A bridge keeps one that was set; otherwise it follows its ports. */
  readonly mac?: Mac;
  /** Bridge to become a port of; 0 to leave it. */
  readonly masterIndex?: number;
  /** New name; the interface must be down. */
  readonly name?: string;
  /** Namespace to move to. */
  readonly netns?: Fd | number;
  /** Free text, at most 255 bytes. */
  readonly alias?: string;
  /** Of a bridge: spanning tree. */
  readonly stp?: boolean;
  /** Of a bridge: multicast goes only where somebody has asked for it. */
  readonly multicastSnooping?: boolean;
  /** Of a port: frames may leave where they came in. */
  readonly hairpin?: boolean;
  /** Of a port: no frames to other isolated ports. */
  readonly isolated?: boolean;
}

/** Narrows {@link linkList}. */
export interface LinkFilter {
  /** Only ports of this bridge. */
  readonly masterIndex?: number;
  /** Interfaces of another namespace, by {@link netnsId}. */
  readonly netnsId?: number;
}

/**
 * Makes an interface, down.
 *
 * Equivalent to: `ip link add NAME type bridge`, or
 * `ip link add NAME mtu MTU master BRIDGE type veth peer name PEER mtu MTU netns NETNS`.
 *
 * @throws {SysError} EEXIST if a name is taken on either side
 */
export function linkAdd(nl: Netlink, spec: LinkSpec): void {
  const attributes = [attrString(IFLA.IFNAME, spec.name)];
  const info = [attrString(IFLA_INFO.KIND, spec.kind)];
  if (spec.kind === "veth") {
    attributes.push(attrU32(IFLA.MTU, spec.mtuBytes));
    if (spec.masterIndex !== undefined) attributes.push(attrU32(IFLA.MASTER, spec.masterIndex));
    const { name, netns, mac } = spec.peer;
    const peer = [header({}), attrString(IFLA.IFNAME, name), attrU32(IFLA.MTU, spec.mtuBytes)];
    if (netns !== undefined) peer.push(attrU32(IFLA.NET_NS_FD, fdOf(netns)));
    if (mac !== undefined) peer.push(attr(IFLA.ADDRESS, macToBytes(mac)));
    info.push(attrNested(IFLA_INFO.DATA, attr(VETH_INFO_PEER, concat(...peer))));
  }
  attributes.push(attrNested(IFLA.LINKINFO, ...info));
  const flags = NLM_F.CREATE | NLM_F.EXCL;
  nl.request(`add ${spec.kind} ${spec.name}`, RTM.NEWLINK, flags, header({}), ...attributes);
}

/**
 * Deletes an interface; the other end of a veth goes with it.
 *
 * Equivalent to: `ip link delete NAME`.
 *
 * @returns false if there was none
 */
export function linkDelete(nl: Netlink, link: string | number): boolean {
  try {
    nl.request(`delete link ${link}`, RTM.DELLINK, 0, ...selector(link));
    return true;
  } catch (error) {
    if (error instanceof SysError && error.errno === ERRNO.ENODEV) return false;
    throw error;
  }
}

/**
 * Changes an interface.
 *
 * Equivalent to: `ip link set NAME [up|down] [mtu N] [address MAC] [master BRIDGE|nomaster] [name NEW] [netns N]
 * [alias TEXT] [type bridge stp_state N mcast_snooping N]` and `bridge link set dev NAME [hairpin on|off]
 * [isolated on|off]`.
 *
 * @throws {SysError} ENODEV if there is none
 */
export function linkSet(nl: Netlink, link: string | number, changes: LinkChanges): void {
  const attributes = linkAttributes(changes);
  if (attributes.length > 0 || changes.up !== undefined) {
    // A message has room for one name: the new one.
    const subject = changes.name === undefined ? link : indexOf(nl, link);
    const head = selector(subject, changes.up);
    nl.request(`change link ${link}`, RTM.NEWLINK, 0, ...head, ...attributes);
  }
  const port: Uint8Array[] = [];
  if (changes.hairpin !== undefined) {
    port.push(attrU8(IFLA_BRPORT.MODE, Number(changes.hairpin)));
  }
  if (changes.isolated !== undefined) {
    port.push(attrU8(IFLA_BRPORT.ISOLATED, Number(changes.isolated)));
  }
  if (port.length === 0) return;
  // Messages of the bridge family know an interface by its number alone.
  const head = header({ family: AF_BRIDGE, index: indexOf(nl, changes.name ?? link) });
  const info = attrNested(IFLA.PROTINFO, ...port);
  nl.request(`change bridge port ${link}`, RTM.SETLINK, 0, head, info);
}

/**
 * Finds an interface by name or number.
 *
 * Equivalent to: `ip -d link show dev NAME`.
 *
 * @param netns number of another namespace that it lies in, by {@link netnsId}
 * @returns `undefined` if there is none
 */
export function linkGet(nl: Netlink, link: string | number, netns?: number): Link | undefined {
  try {
    const head = selector(link);
    if (netns !== undefined) head.push(attrU32(IFLA.TARGET_NETNSID, netns));
    const answers = nl.request(`get link ${link}`, RTM.GETLINK, 0, ...head);
    return answers[0] === undefined ? undefined : parseLink(answers[0]);
  } catch (error) {
    if (error instanceof SysError && error.errno === ERRNO.ENODEV) return undefined;
    throw error;
  }
}

/**
 * Lists interfaces.
 *
 * Equivalent to: `ip -d link show [master BRIDGE]`.
 */
export function linkList(nl: Netlink, filter: LinkFilter = {}): Link[] {
  const attributes: Uint8Array[] = [];
  if (filter.masterIndex !== undefined) attributes.push(attrU32(IFLA.MASTER, filter.masterIndex));
  if (filter.netnsId !== undefined) {
    attributes.push(attrU32(IFLA.TARGET_NETNSID, filter.netnsId));
  }
  return nl.dump("list links", RTM.GETLINK, header({}), ...attributes).map(parseLink);
}

/**
 * Returns the number that our namespace has for another one, as in {@link Link.peerNetnsId}.
 *
 * Equivalent to: `ip netns list-id`, for one namespace.
 *
 * @returns `undefined` if none was given yet: then no interface that was listed leads there
 */
export function netnsId(nl: Netlink, netns: Fd | number): number | undefined {
  // struct rtgenmsg is one byte, padded.
  const answers = nl.request(
    "get the number of a namespace",
    RTM.GETNSID,
    0,
    new Uint8Array(4),
    attrU32(NETNSA.FD, fdOf(netns)),
  );
  const id = answers[0] === undefined
    ? undefined
    : i32Of(parseAttributes(answers[0], 4), NETNSA.NSID);
  return id === undefined || id < 0 ? undefined : id;
}

/** Parses the payload of RTM_NEWLINK. @throws {WireError} if it does not parse */
export function parseLink(payload: Uint8Array): Link {
  const view = viewOf(payload);
  const attributes = parseAttributes(payload, IFINFOMSG.size);
  const info = nestedOf(attributes, IFLA.LINKINFO);
  const kind = stringOf(info, IFLA_INFO.KIND) ?? "";
  const mac = attributes.get(IFLA.ADDRESS);
  return {
    index: view.getInt32(IFINFOMSG.index, true),
    name: stringOf(attributes, IFLA.IFNAME) ?? "",
    kind,
    mac: mac?.length === 6 ? macFromBytes(mac) : 0,
    mtuBytes: u32Of(attributes, IFLA.MTU) ?? 0,
    up: (view.getUint32(IFINFOMSG.flags, true) & IFF_UP) !== 0,
    running: u8Of(attributes, IFLA.OPERSTATE) === IF_OPER_UP,
    masterIndex: u32Of(attributes, IFLA.MASTER) ?? 0,
    peerIndex: kind === "veth" ? u32Of(attributes, IFLA.LINK) ?? 0 : 0,
    peerNetnsId: i32Of(attributes, IFLA.LINK_NETNSID),
    alias: stringOf(attributes, IFLA.IFALIAS) ?? "",
    port: stringOf(info, IFLA_INFO.SLAVE_KIND) === "bridge"
      ? parsePort(nestedOf(info, IFLA_INFO.SLAVE_DATA))
      : undefined,
    tun: kind === "tun" ? parseTun(nestedOf(info, IFLA_INFO.DATA)) : undefined,
  };
}

function parsePort(data: ReturnType<typeof nestedOf>): Link["port"] {
  return {
    forwarding: u8Of(data, IFLA_BRPORT.STATE) === BR_STATE_FORWARDING,
    hairpin: u8Of(data, IFLA_BRPORT.MODE) === 1,
  };
}

function parseTun(data: ReturnType<typeof nestedOf>): Link["tun"] {
  return {
    tap: u8Of(data, IFLA_TUN.TYPE) === IFF_TAP,
    persistent: u8Of(data, IFLA_TUN.PERSIST) === 1,
  };
}

function linkAttributes(changes: LinkChanges): Uint8Array[] {
  const attributes: Uint8Array[] = [];
  const { mtuBytes, mac, masterIndex, name, netns, alias } = changes;
  if (mtuBytes !== undefined) attributes.push(attrU32(IFLA.MTU, mtuBytes));
  if (mac !== undefined) attributes.push(attr(IFLA.ADDRESS, macToBytes(mac)));
  if (masterIndex !== undefined) attributes.push(attrU32(IFLA.MASTER, masterIndex));
  if (name !== undefined) attributes.push(attrString(IFLA.IFNAME, name));
  if (netns !== undefined) attributes.push(attrU32(IFLA.NET_NS_FD, fdOf(netns)));
  if (alias !== undefined) attributes.push(attrString(IFLA.IFALIAS, alias));
  const bridge: Uint8Array[] = [];
  if (changes.stp !== undefined) bridge.push(attrU32(IFLA_BR.STP_STATE, Number(changes.stp)));
  if (changes.multicastSnooping !== undefined) {
    bridge.push(attrU8(IFLA_BR.MCAST_SNOOPING, Number(changes.multicastSnooping)));
  }
  if (bridge.length > 0) {
    attributes.push(attrNested(
      IFLA.LINKINFO,
      attrString(IFLA_INFO.KIND, "bridge"),
      attrNested(IFLA_INFO.DATA, ...bridge),
    ));
  }
  return attributes;
}

function indexOf(nl: Netlink, link: string | number): number {
  const index = typeof link === "number" ? link : linkGet(nl, link)?.index;
  if (index === undefined) throw new SysError(`change link ${link}`, ERRNO.ENODEV);
  return index;
}

/** Returns header and, for a name, the attribute that together select an interface. */
function selector(link: string | number, up?: boolean): Uint8Array[] {
  return typeof link === "number"
    ? [header({ index: link, up })]
    : [header({ up }), attrString(IFLA.IFNAME, link)];
}

function header(
  fields: { family?: number; index?: number; up?: boolean | undefined },
): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(IFINFOMSG.size);
  const view = viewOf(bytes);
  view.setUint8(IFINFOMSG.family, fields.family ?? 0);
  view.setInt32(IFINFOMSG.index, fields.index ?? 0, true);
  if (fields.up !== undefined) {
    view.setUint32(IFINFOMSG.flags, fields.up ? IFF_UP : 0, true);
    view.setUint32(IFINFOMSG.change, IFF_UP, true);
  }
  return bytes;
}

function fdOf(netns: Fd | number): number {
  return typeof netns === "number" ? netns : netns.number;
}
