/**
 * The page of peers: everybody who is known, with the connections that each reports (spec/http-api.md 5).
 *
 * @module
 */

import { formatPeerName } from "../../base/mod.ts";
import type { PeerStatus } from "../../mesh/mod.ts";
import { arrow, lines, nameWithNick, type StatusPage } from "./page.ts";

const ADDRESS_COLUMNS = 21;
const NAME_COLUMNS = 37;

/** `GET /status/peers`. */
export const peersPage: StatusPage = {
  name: "peers",
  text: ({ peers }) => lines(peers.flatMap(format)),
  json: ({ peers }) => peers.map(peerJson),
};

/** Returns a peer as plain data for programs. */
export function peerJson(peer: PeerStatus): Record<string, unknown> {
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
