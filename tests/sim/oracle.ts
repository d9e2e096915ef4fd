/**
 * What the routes should be: the rules of spec/mesh.md 16, written down as they stand there, slow and with no thought of
 * speed. It shares no code with `mesh/routes.ts` and `base/graph.ts`.
 *
 * @module
 */

import type { PeerName } from "../../base/mod.ts";
import type { PeerEntry } from "../../mesh/topology_wire.ts";

/** Which reported connections are edges. */
export type Kind = "established" | "all";

/** A table of peers, by name. */
export type Table = ReadonlyMap<PeerName, PeerEntry>;

/** Returns whether there is an edge from one peer to another. */
export function isEdge(table: Table, kind: Kind, from: PeerName, to: PeerName): boolean {
  const reports = (a: PeerName, b: PeerName): boolean =>
    (table.get(a)?.connections ?? []).some((c) =>
      c.peer === b && (kind === "all" || c.established)
    );
  if (!table.has(from) || !table.has(to)) return false;
  return kind === "all" ? reports(from, to) : reports(from, to) && reports(to, from);
}

/** Walks in levels; returns whether `stop` was met and by which neighbour of `start` each peer was reached. */
function walk(
  table: Table,
  kind: Kind,
  start: PeerName,
  stop: PeerName | undefined,
): { found: boolean; via: Map<PeerName, PeerName | undefined> } {
  const via = new Map<PeerName, PeerName | undefined>([[start, undefined]]);
  let level = [start];
  while (level.length > 0) {
    const next: PeerName[] = [];
    for (const peer of level.toSorted((a, b) => a - b)) {
      if (peer === stop) return { found: true, via };
      for (const other of neighbours(table, kind, peer)) {
        if (via.has(other)) continue;
        next.push(other);
        via.set(other, peer === start ? other : via.get(peer));
      }
    }
    level = next;
  }
  return { found: false, via };
}

/** Returns to whom a peer has an edge. */
export function neighbours(table: Table, kind: Kind, peer: PeerName): PeerName[] {
  const claimed = new Set((table.get(peer)?.connections ?? []).map((c) => c.peer));
  return [...claimed].filter((other) => isEdge(table, kind, peer, other));
}

/** Returns the next hop from a peer to each other that it reaches. */
export function nextHops(table: Table, kind: Kind, self: PeerName): Map<PeerName, PeerName> {
  const hops = new Map<PeerName, PeerName>();
  for (const [peer, hop] of walk(table, kind, self, undefined).via) {
    if (hop !== undefined) hops.set(peer, hop);
  }
  return hops;
}

/** Returns to whom a peer passes on a broadcast of `source`, by ascending name. */
export function broadcastHops(
  table: Table,
  kind: Kind,
  self: PeerName,
  source: PeerName,
): PeerName[] {
  const { found, via } = walk(table, kind, source, self);
  if (!found || !table.has(source)) return [];
  return neighbours(table, kind, self).filter((peer) => !via.has(peer)).sort((a, b) => a - b);
}

/** Returns the length of a shortest way between two peers, `undefined` if there is none. */
export function distance(
  table: Table,
  kind: Kind,
  from: PeerName,
  to: PeerName,
): number | undefined {
  const seen = new Set([from]);
  let level = [from];
  for (let hops = 0; level.length > 0; hops++) {
    if (level.includes(to)) return hops;
    level = level.flatMap((peer) => neighbours(table, kind, peer)).filter((peer) =>
      !seen.has(peer) && seen.add(peer) !== undefined
    );
  }
  return undefined;
}
