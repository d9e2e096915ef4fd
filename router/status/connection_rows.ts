/**
 * Connections of the mesh joined with the tunnels of the data plane.
 *
 * @module
 */

import type { ConnectionStatus } from "../../mesh/mod.ts";
import type { TunnelState } from "../../switch/mod.ts";
import type { ConnectionRow } from "./snapshot.ts";

/**
 * Joins and sorts: links, then targets that are not linked, each by address.
 *
 * @param tunnelOf returns the tunnel that the frames of a connection take
 * @param labels what overlays are called, by name
 */
export function connectionRows(
  connections: readonly ConnectionStatus[],
  tunnelOf: (id: number | undefined) => TunnelState | undefined,
  labels: Readonly<Record<string, string>>,
): ConnectionRow[] {
  const rows = connections.map((connection): ConnectionRow => {
    const tunnel = isLink(connection) ? tunnelOf(connection.id) : undefined;
    return {
      ...connection,
      overlay: tunnel === undefined ? undefined : labels[tunnel.overlay] ?? tunnel.overlay,
      mtuBytes: tunnel?.mtuBytes,
    };
  });
  return rows.sort((a, b) =>
    Number(isLink(b)) - Number(isLink(a)) || byAddress(a.address, b.address)
  );
}

function isLink({ state }: ConnectionStatus): boolean {
  return state === "pending" || state === "established";
}

/** Numbers in addresses by their value: 10.0.0.9 before 10.0.0.10. */
function byAddress(a: string, b: string): number {
  return a.localeCompare(b, "en", { numeric: true });
}
