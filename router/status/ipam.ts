/**
 * The page of addresses: which peer owns how many (spec/ipam.md 19), and the part about them on the page of the router.
 *
 * @module
 */

import { formatCidr, formatIpv4, formatPeerName, type PeerName } from "../../base/mod.ts";
import type { IpamStatus } from "../../container/ipam/mod.ts";
import { lines, nameWithNick, type StatusPage } from "./page.ts";
import type { StatusSnapshot } from "./snapshot.ts";

const NAME_COLUMNS = 37;
const COUNT_COLUMNS = 8;
const PERCENT_COLUMNS = 4;
const UNREACHABLE = "- unreachable!";

/** `GET /status/ipam`: nothing before there is a ring. */
export const ipamPage: StatusPage = {
  name: "ipam",
  text: (snapshot) =>
    snapshot.ipam === undefined
      ? "IP allocation is off (--ipalloc-range is empty)\n"
      : lines(sharesOf(snapshot.ipam, snapshot.name).map(format)),
  json: ({ ipam }) => ipam === undefined ? null : ipamJson(ipam),
};

/** Returns the lines about addresses on the page of the router, as pairs of key and value. */
export function ipamSection({ ipam }: StatusSnapshot): [string, string][] {
  if (ipam === undefined) return [];
  return [
    ["Service", "ipam"],
    ["Status", ipam.state],
    ["Range", formatCidr(ipam.range)],
    ["DefaultSubnet", formatCidr(ipam.defaultSubnet)],
    ...ipam.warnings.map((line): [string, string] => ["Warning", line]),
  ];
}

/** Returns addresses as plain data for programs. */
export function ipamJson(ipam: IpamStatus): Record<string, unknown> {
  return {
    ...ipam,
    range: formatCidr(ipam.range),
    defaultSubnet: formatCidr(ipam.defaultSubnet),
    paxos: ipam.paxos ?? null,
    entries: ipam.entries.map((entry) => ({
      ...entry,
      token: formatIpv4(entry.token),
      peer: formatPeerName(entry.peer),
    })),
    pendingClaims: ipam.pendingClaims.map((claim) => ({ ...claim, cidr: formatCidr(claim.cidr) })),
    pendingAllocates: ipam.pendingAllocates.map((wait) => ({
      ...wait,
      subnet: formatCidr(wait.subnet),
    })),
    locked: {
      ...ipam.locked,
      peers: ipam.locked.peers.map((peer) => ({ ...peer, name: formatPeerName(peer.name) })),
    },
  };
}

/** What one peer owns. */
interface Share {
  readonly peer: PeerName;
  readonly nickname: string;
  readonly count: number;
  /** Of a hundred. */
  readonly percent: number;
  readonly note: string;
}

/** Ourselves first, then by name. */
function sharesOf(ipam: IpamStatus, self: PeerName): Share[] {
  const total = ipam.entries.reduce((sum, { size }) => sum + size, 0);
  const owners = Map.groupBy(ipam.entries, ({ peer }) => peer);
  const rank = (peer: PeerName): number => peer === self ? -1 : peer;
  return [...owners].sort(([a], [b]) => rank(a) - rank(b)).map(([peer, entries]) => {
    const count = entries.reduce((sum, { size }) => sum + size, 0);
    const reachable = entries.some((entry) => entry.reachable);
    return {
      peer,
      nickname: entries[0]?.nickname ?? "",
      count,
      percent: 100 * count / total,
      note: peer === self ? `(${ipam.active} active)` : reachable ? "" : UNREACHABLE,
    };
  });
}

function format({ peer, nickname, count, percent, note }: Share): string {
  const share = percent.toFixed(1).padStart(PERCENT_COLUMNS, "0");
  return [
    nameWithNick(peer, nickname).padEnd(NAME_COLUMNS),
    `${`${count}`.padStart(COUNT_COLUMNS)} IPs`,
    `(${share}% of total)`,
    note,
  ].join(" ");
}
