/**
 * IPv4 addresses of interfaces: what `ip address` does.
 *
 * @module
 */

import { type Cidr, formatCidr, type Ipv4, lastOf } from "../../base/mod.ts";
import { ERRNO, SysError } from "../errno.ts";
import { IFADDRMSG } from "../layout.ts";
import {
  attrIpv4,
  attrU32,
  ipv4Of,
  NLM_F,
  parseAttributes,
  stringOf,
  u32Of,
  viewOf,
} from "./message.ts";
import type { Netlink } from "./socket.ts";

/** `linux/rtnetlink.h` */
const RTM = { NEWADDR: 20, DELADDR: 21, GETADDR: 22 } as const;
/** `linux/if_addr.h` */
const IFA = { ADDRESS: 1, LOCAL: 2, LABEL: 3, BROADCAST: 4, FLAGS: 8, TARGET_NETNSID: 10 } as const;
const IFA_F_SECONDARY = 0x01;
const AF_INET = 2;
/** A longer prefix has no address to broadcast to (RFC 3021). */
const LONGEST_WITH_BROADCAST = 30;

/** One address of an interface. */
export interface Address {
  /** The interface. */
  readonly ifindex: number;
  /** Address and prefix length, host bits kept. */
  readonly cidr: Cidr;
  /** Broadcast address, if one was set. */
  readonly broadcast: Ipv4 | undefined;
  /** Label, usually the interface's name. */
  readonly label: string;
  /** Another address of the subnet came first. Unless `promote_secondaries` is set it goes with that one. */
  readonly secondary: boolean;
}

/** Narrows {@link addrList}. */
export interface AddressFilter {
  /** Only those of this interface. */
  readonly ifindex?: number;
  /** Those of another namespace, by `netnsId`. */
  readonly netnsId?: number;
}

/**
 * Gives an interface an address, and with its prefix a route to the subnet.
 *
 * Equivalent to: `ip address add CIDR broadcast + dev NAME`.
 *
 * @throws {SysError} EEXIST if it has that address with that prefix length
 */
export function addrAdd(nl: Netlink, ifindex: number, cidr: Cidr): void {
  write(nl, "add", RTM.NEWADDR, NLM_F.CREATE | NLM_F.EXCL, ifindex, cidr);
}

/**
 * Gives an interface an address if it has not got it.
 *
 * Equivalent to: `ip address replace CIDR broadcast + dev NAME`.
 */
export function addrReplace(nl: Netlink, ifindex: number, cidr: Cidr): void {
  write(nl, "replace", RTM.NEWADDR, NLM_F.CREATE | NLM_F.REPLACE, ifindex, cidr);
}

/**
 * Takes an address away.
 *
 * Equivalent to: `ip address delete CIDR dev NAME`.
 *
 * @returns false if the interface had no such address with that prefix length
 */
export function addrDelete(nl: Netlink, ifindex: number, cidr: Cidr): boolean {
  try {
    write(nl, "delete", RTM.DELADDR, 0, ifindex, cidr);
    return true;
  } catch (error) {
    if (error instanceof SysError && error.errno === ERRNO.EADDRNOTAVAIL) return false;
    throw error;
  }
}

/**
 * Lists IPv4 addresses in the order in which an interface got them.
 *
 * Equivalent to: `ip -4 address show [dev NAME]`.
 *
 * @throws {SysError} ENODEV if there is no such interface
 */
export function addrList(nl: Netlink, filter: AddressFilter = {}): Address[] {
  const attributes = filter.netnsId === undefined
    ? []
    : [attrU32(IFA.TARGET_NETNSID, filter.netnsId)];
  const head = header(filter.ifindex ?? 0, 0);
  return nl.dump("list addresses", RTM.GETADDR, head, ...attributes).map(parseAddress);
}

/** Parses the payload of RTM_NEWADDR of IPv4. @throws {WireError} if it does not parse */
export function parseAddress(payload: Uint8Array): Address {
  const view = viewOf(payload);
  const attributes = parseAttributes(payload, IFADDRMSG.size);
  const flags = u32Of(attributes, IFA.FLAGS) ?? view.getUint8(IFADDRMSG.flags);
  return {
    ifindex: view.getUint32(IFADDRMSG.index, true),
    cidr: {
      address: ipv4Of(attributes, IFA.LOCAL) ?? ipv4Of(attributes, IFA.ADDRESS) ?? 0,
      length: view.getUint8(IFADDRMSG.prefixlen),
    },
    broadcast: ipv4Of(attributes, IFA.BROADCAST),
    label: stringOf(attributes, IFA.LABEL) ?? "",
    secondary: (flags & IFA_F_SECONDARY) !== 0,
  };
}

function write(
  nl: Netlink,
  verb: string,
  type: number,
  flags: number,
  ifindex: number,
  cidr: Cidr,
): void {
  const attributes = [attrIpv4(IFA.LOCAL, cidr.address), attrIpv4(IFA.ADDRESS, cidr.address)];
  if (type === RTM.NEWADDR && cidr.length <= LONGEST_WITH_BROADCAST) {
    attributes.push(attrIpv4(IFA.BROADCAST, lastOf(cidr)));
  }
  const call = `${verb} address ${formatCidr(cidr)}`;
  nl.request(call, type, flags, header(ifindex, cidr.length), ...attributes);
}

function header(ifindex: number, prefixLength: number): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(IFADDRMSG.size);
  const view = viewOf(bytes);
  view.setUint8(IFADDRMSG.family, AF_INET);
  view.setUint8(IFADDRMSG.prefixlen, prefixLength);
  view.setUint32(IFADDRMSG.index, ifindex, true);
  return bytes;
}
