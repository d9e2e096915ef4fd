/**
 * Neighbours (the ARP table) and forwarding entries of bridges and VXLAN ports: what `ip neigh` and `bridge fdb` do.
 *
 * @module
 */

import {
  formatIpv4,
  formatMac,
  type Ipv4,
  type Mac,
  macFromBytes,
  macToBytes,
} from "../../base/mod.ts";
import { ERRNO, SysError } from "../errno.ts";
import { NDMSG } from "../layout.ts";
import {
  attr,
  type Attributes,
  attrIpv4,
  attrPort,
  attrU32,
  ipv4Of,
  NLM_F,
  parseAttributes,
  viewOf,
} from "./message.ts";
import type { Netlink } from "./socket.ts";

/** `linux/rtnetlink.h` */
const RTM = { NEWNEIGH: 28, DELNEIGH: 29, GETNEIGH: 30 } as const;
/** `linux/neighbour.h` */
const NDA = { DST: 1, LLADDR: 2, PORT: 6, IFINDEX: 8 } as const;
const AF_INET = 2;
const AF_BRIDGE = 7;

/** State of an entry (`linux/neighbour.h`). */
export const NUD = {
  INCOMPLETE: 0x01,
  REACHABLE: 0x02,
  STALE: 0x04,
  DELAY: 0x08,
  PROBE: 0x10,
  FAILED: 0x20,
  NOARP: 0x40,
  PERMANENT: 0x80,
} as const;

/** Who keeps a forwarding entry (`linux/neighbour.h`). */
const NTF = { SELF: 0x02, MASTER: 0x04 } as const;

/** One line of the ARP table. */
export interface Neighbour {
  /** Interface. */
  readonly ifindex: number;
  /** Its IPv4 address. */
  readonly address: Ipv4;
  /** Its MAC; `undefined` while it is looked for. */
  readonly mac: Mac | undefined;
  /** One of {@link NUD}. */
  readonly state: number;
}

/** One forwarding entry. */
export interface FdbEntry {
  /** Port of a bridge, or a VXLAN interface. */
  readonly ifindex: number;
  /** Where frames to it go; 0 on a VXLAN interface stands for all that have no entry. */
  readonly mac: Mac;
  /** The entry is the interface's own (a VXLAN's); otherwise the bridge's that it is a port of. */
  readonly self: boolean;
  /** Remote VXLAN endpoint. */
  readonly destination: Ipv4 | undefined;
  /** Bits of {@link NUD}. */
  readonly state: number;
}

/** What {@link fdbReplace}, {@link fdbAppend} and {@link fdbDelete} need. */
export interface FdbSpec {
  /** Port of a bridge, or a VXLAN interface. */
  readonly ifindex: number;
  /** Destination MAC. */
  readonly mac: Mac;
  /** Remote VXLAN endpoint; without it the entry is the bridge's. */
  readonly destination?: Ipv4;
  /** UDP port of the endpoint; the interface's own if missing. */
  readonly port?: number;
}

/** Lists the ARP table. Equivalent to: `ip -4 neigh show [dev NAME]`. */
export function neighList(nl: Netlink, ifindex?: number): Neighbour[] {
  const filter = ifindex === undefined ? [] : [attrU32(NDA.IFINDEX, ifindex)];
  return nl.dump("list neighbours", RTM.GETNEIGH, header({ family: AF_INET }), ...filter)
    .map(parse)
    .map(({ attributes, ifindex, state }) => ({
      ifindex,
      state,
      address: ipv4Of(attributes, NDA.DST) ?? 0,
      mac: macOf(attributes),
    }));
}

/** Sets a permanent entry. Equivalent to: `ip neigh replace ADDRESS lladdr MAC dev NAME nud permanent`. */
export function neighReplace(nl: Netlink, ifindex: number, address: Ipv4, mac: Mac): void {
  const head = header({ family: AF_INET, ifindex, state: NUD.PERMANENT });
  const flags = NLM_F.CREATE | NLM_F.REPLACE;
  nl.request(
    `replace neighbour ${formatIpv4(address)}`,
    RTM.NEWNEIGH,
    flags,
    head,
    attrIpv4(NDA.DST, address),
    attr(NDA.LLADDR, macToBytes(mac)),
  );
}

/** Deletes an entry. Equivalent to: `ip neigh delete ADDRESS dev NAME`. @returns false if there was none */
export function neighDelete(nl: Netlink, ifindex: number, address: Ipv4): boolean {
  const head = header({ family: AF_INET, ifindex });
  return unlessMissing(() =>
    nl.request(
      `delete neighbour ${formatIpv4(address)}`,
      RTM.DELNEIGH,
      0,
      head,
      attrIpv4(NDA.DST, address),
    )
  );
}

/** Lists forwarding entries of a port, or of all. Equivalent to: `bridge fdb show [dev NAME]`. */
export function fdbList(nl: Netlink, ifindex?: number): FdbEntry[] {
  const head = header({ family: AF_BRIDGE, ifindex: ifindex ?? 0 });
  return nl.dump("list forwarding entries", RTM.GETNEIGH, head).map((payload) => {
    const { view, attributes, ifindex, state } = parse(payload);
    return {
      ifindex,
      state,
      mac: macOf(attributes) ?? 0,
      self: (view.getUint8(NDMSG.flags) & NTF.SELF) !== 0,
      destination: ipv4Of(attributes, NDA.DST),
    };
  }).filter((entry) => ifindex === undefined || entry.ifindex === ifindex);
}

/**
 * Sets the one place that a MAC is at.
 *
 * Equivalent to: `bridge fdb replace MAC dev NAME [dst ADDRESS port PORT self | master] static`.
 */
export function fdbReplace(nl: Netlink, spec: FdbSpec): void {
  fdb(nl, "replace", RTM.NEWNEIGH, NLM_F.CREATE | NLM_F.REPLACE, spec);
}

/**
 * Adds one more place that frames to a MAC are copied to; only a VXLAN interface has several.
 *
 * Equivalent to: `bridge fdb append MAC dev NAME dst ADDRESS port PORT self permanent`.
 */
export function fdbAppend(nl: Netlink, spec: FdbSpec): void {
  fdb(nl, "append", RTM.NEWNEIGH, NLM_F.CREATE | NLM_F.APPEND, spec);
}

/** Deletes an entry. Equivalent to: `bridge fdb delete MAC dev NAME …`. @returns false if there was none */
export function fdbDelete(nl: Netlink, spec: FdbSpec): boolean {
  return unlessMissing(() => fdb(nl, "delete", RTM.DELNEIGH, 0, spec));
}

function fdb(nl: Netlink, verb: string, type: number, flags: number, spec: FdbSpec): void {
  const { ifindex, mac, destination, port } = spec;
  const self = destination !== undefined;
  const attributes = [attr(NDA.LLADDR, macToBytes(mac))];
  if (destination !== undefined) attributes.push(attrIpv4(NDA.DST, destination));
  if (port !== undefined) attributes.push(attrPort(NDA.PORT, port));
  const head = header({
    family: AF_BRIDGE,
    ifindex,
    state: NUD.NOARP | (self ? NUD.PERMANENT : 0),
    flags: self ? NTF.SELF : NTF.MASTER,
  });
  nl.request(`${verb} forwarding entry ${formatMac(mac)}`, type, flags, head, ...attributes);
}

function parse(
  payload: Uint8Array,
): { view: DataView; attributes: Attributes; ifindex: number; state: number } {
  const view = viewOf(payload);
  return {
    view,
    attributes: parseAttributes(payload, NDMSG.size),
    ifindex: view.getInt32(NDMSG.ifindex, true),
    state: view.getUint16(NDMSG.state, true),
  };
}

function macOf(attributes: Attributes): Mac | undefined {
  const bytes = attributes.get(NDA.LLADDR);
  return bytes?.length === 6 ? macFromBytes(bytes) : undefined;
}

function header(
  fields: { family: number; ifindex?: number; state?: number; flags?: number },
): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(NDMSG.size);
  const view = viewOf(bytes);
  view.setUint8(NDMSG.family, fields.family);
  view.setInt32(NDMSG.ifindex, fields.ifindex ?? 0, true);
  view.setUint16(NDMSG.state, fields.state ?? 0, true);
  view.setUint8(NDMSG.flags, fields.flags ?? 0);
  return bytes;
}

function unlessMissing(act: () => void): boolean {
  try {
    act();
    return true;
  } catch (error) {
    if (error instanceof SysError && error.errno === ERRNO.ENOENT) return false;
    throw error;
  }
}
