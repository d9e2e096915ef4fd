/**
 * What survives a restart, and how it changes: the pure twin of `store_shell.ts`.
 *
 * @module
 */

import type { PeerName } from "../../base/mod.ts";
import type { IpamChange, Lease, StoredIpam } from "./allocator_io.ts";
import type { Range } from "./range.ts";
import { emptyRing, type Ring } from "./ring.ts";

/** Returns what a router knows that never ran. */
export function nothingStored(universe: Range, self: PeerName): StoredIpam {
  return { ring: emptyRing(universe, self), leases: [], paxos: undefined, donated: false };
}

/** Returns what is stored after a change. Rings that were set aside are not part of it. */
export function applyChange(stored: StoredIpam, change: IpamChange): StoredIpam {
  return {
    ring: applyToRing(stored.ring, change),
    leases: applyToLeases(stored.leases, change),
    paxos: change.paxos === null ? undefined : change.paxos ?? stored.paxos,
    donated: change.donated ?? stored.donated,
  };
}

function applyToRing(ring: Ring, change: IpamChange): Ring {
  if (change.ring !== undefined) return change.ring;
  if (change.entries === undefined) return ring;
  const byToken = new Map(ring.entries.map((entry) => [entry.token, entry]));
  for (const entry of change.entries) byToken.set(entry.token, entry);
  return { ...ring, entries: [...byToken.values()].sort((a, b) => a.token - b.token) };
}

function applyToLeases(leases: readonly Lease[], change: IpamChange): readonly Lease[] {
  const { freed = [], given = [] } = change;
  const gone = ({ ident, cidr: { address } }: Lease): boolean =>
    freed.some((each) => each.ident === ident && each.address === address) ||
    given.some(({ cidr }) => cidr.address === address);
  return [...leases.filter((lease) => !gone(lease)), ...given];
}
