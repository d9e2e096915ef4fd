/**
 * The page of peers: everybody who is known, with the connections that each reports (spec/http-api.md 5).
 *
 * @module
 */

import { formatPeerName, type PeerName } from "../../base/mod.ts";
import type { PeerStatus } from "../../mesh/mod.ts";
import { arrow, lines, nameWithNick, type StatusPage } from "./page.ts";
import type { StatusSnapshot } from "./snapshot.ts";

const ADDRESS_COLUMNS = 21;
const NAME_COLUMNS = 37;

/** `GET /status/peers`. */
export const peersPage: StatusPage = {
  name: "peers",
  text: ({ peers }) => lines(peers.flatMap(format)),
  json: peersJson,
};

/** Returns all peers as plain data for programs, each with the way that frames take to it. */
export function peersJson(snapshot: StatusSnapshot): Record<string, unknown>[] {
  const hops = hopCounts(snapshot);
  const next = new Map(snapshot.forwarding.map(({ name, nextHop }) => [name, nextHop]));
  return snapshot.peers.map((peer) => {
    const nextHop = peer.name === snapshot.name ? undefined : next.get(peer.name);
    return {
      ...peerJson(peer),
      nextHop: nextHop === undefined ? null : formatPeerName(nextHop),
      hops: hops.get(peer.name) ?? null,
    };
  });
}

/** Returns over how many links frames reach each peer; those that they do not reach are not there. */
function hopCounts({ forwarding, name }: StatusSnapshot): Map<PeerName, number> {
  const edges = new Map(forwarding.map((peer) => [peer.name, peer.edges]));
  const hops = new Map<PeerName, number>([[name, 0]]);
  // A map that grows while it is walked is walked to its end: level by level.
  for (const [peer, count] of hops) {
    for (const edge of edges.get(peer) ?? []) if (!hops.has(edge)) hops.set(edge, count + 1);
  }
  return hops;
}

function peerJson(peer: PeerStatus): Record<string, unknown> {
  return {
    ...peer,
    name: formatPeerName(peer.name),
    connections: peer.connections.map((connection) => ({
      ...connection,
      peer: formatPeerName(connection.peer),
    })),
  };
}

function format(peer: PeerStatus): string[] {
  const connections = peer.connections.map((connection) =>
    [
      `   ${arrow(connection.outbound)}`,
      connection.address.padEnd(ADDRESS_COLUMNS),
      nameWithNick(connection.peer, connection.nickname).padEnd(NAME_COLUMNS),
      connection.established ? "established" : "pending",
    ].join(" ")
  );
  return [nameWithNick(peer.name, peer.nickname), ...connections];
}
