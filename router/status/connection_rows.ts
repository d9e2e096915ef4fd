/**
 * Connections of the mesh joined with the tunnels of the data plane.
 *
 * @module
 */

import { formatEndpoint } from "../../base/mod.ts";
import type { ConnectionStatus } from "../../mesh/mod.ts";
import type { TunnelState } from "../../switch/mod.ts";
import type { ConnectionRow } from "./snapshot.ts";

/** A tunnel that is pending for longer is no matter of patience: six heartbeats without an answer. */
const PATIENCE_MS = 3_000;

/**
 * Joins and sorts: links, then targets that are not linked, each by address.
 *
 * @param tunnelOf returns the tunnel that the frames of a connection take
 * @param labels what overlays are called, by name
 * @param now ms since 1970
 */
export function connectionRows(
  connections: readonly ConnectionStatus[],
  tunnelOf: (id: number | undefined) => TunnelState | undefined,
  labels: Readonly<Record<string, string>>,
  now: number,
): ConnectionRow[] {
  const rows = connections.map((connection): ConnectionRow => {
    const tunnel = isLink(connection) ? tunnelOf(connection.id) : undefined;
    return {
      ...connection,
      overlay: tunnel === undefined ? undefined : labels[tunnel.overlay] ?? tunnel.overlay,
      mtuBytes: tunnel?.mtuBytes,
      reason: connection.reason ?? pendingReason(connection, tunnel, now),
    };
  });
  return rows.sort((a, b) =>
    Number(isLink(b)) - Number(isLink(a)) || byAddress(a.address, b.address)
  );
}

/** Says why no frames go over a link whose TCP works. */
function pendingReason(
  { state, since, address }: ConnectionStatus,
  tunnel: TunnelState | undefined,
  now: number,
): string | undefined {
  if (state !== "pending" || now - since < PATIENCE_MS) return undefined;
  if (tunnel?.reason !== undefined) return tunnel.reason;
  if (tunnel?.remote !== undefined) {
    return `no answer over UDP from ${formatEndpoint(tunnel.remote)}: is it blocked?`;
  }
  // The port of its TCP connection is another than that of its datagrams.
  const host = address.slice(0, address.lastIndexOf(":")).replace(/^\[(.*)\]$/, "$1");
  return `nothing over UDP from ${host}: is it blocked?`;
}

function isLink({ state }: ConnectionStatus): boolean {
  return state === "pending" || state === "established";
}

/** Numbers in addresses by their value: 10.0.0.9 before 10.0.0.10. */
function byAddress(a: string, b: string): number {
  return a.localeCompare(b, "en", { numeric: true });
}
