/**
 * Connections of the mesh joined with the tunnels of the data plane.
 *
 * @module
 */

import type { ConnectionStatus } from "../../mesh/mod.ts";
import type { TunnelState } from "../../switch/mod.ts";
import type { ConnectionRow } from "./snapshot.ts";

/** Tunnels by connection; `LinkBoard` is one. */
export interface Tunnels {
  /** The tunnel that the frames of a connection take. */
  best(id: number | undefined): TunnelState | undefined;
  /** The tunnel that would carry them if it worked. */
  preferred(id: number | undefined): TunnelState | undefined;
}

/**
 * Joins and sorts: links, then targets that are not linked, each by address.
 *
 * @param tunnels knows the tunnel that the frames of a connection take, and the one that would be best
 * @param labels what overlays are called, by name
 */
export function connectionRows(
  connections: readonly ConnectionStatus[],
  tunnels: Tunnels,
  labels: Readonly<Record<string, string>>,
): ConnectionRow[] {
  const rows = connections.map((connection): ConnectionRow => {
    const tunnel = isLink(connection) ? tunnels.best(connection.id) : undefined;
    return {
      ...connection,
      reason: isLink(connection)
        ? linkReason(connection, tunnel, tunnels.preferred(connection.id), labels)
        : connection.reason,
      trusted: connection.encrypted === false,
      overlay: tunnel === undefined ? undefined : labels[tunnel.overlay] ?? tunnel.overlay,
      mtuBytes: tunnel?.mtuBytes,
    };
  });
  return rows.sort((a, b) =>
    Number(isLink(b)) - Number(isLink(a)) || byAddress(a.address, b.address)
  );
}

/** Returns why a link is not as good as it could be. */
function linkReason(
  { state, reason }: ConnectionStatus,
  tunnel: TunnelState | undefined,
  preferred: TunnelState | undefined,
  labels: Readonly<Record<string, string>>,
): string | undefined {
  if (reason !== undefined || tunnel === undefined) return reason ?? "no overlay is chosen yet";
  if (state === "pending") {
    const waits = tunnel.state === "pending"
      ? "nothing has come over UDP yet"
      : "not confirmed yet";
    return tunnel.reason ?? waits;
  }
  if (preferred === undefined || preferred.index === tunnel.index) return tunnel.reason;
  const label = labels[preferred.overlay] ?? preferred.overlay;
  return `${label} does not work: ${preferred.reason ?? "nothing has come over it yet"}`;
}

function isLink({ state }: ConnectionStatus): boolean {
  return state === "pending" || state === "established";
}

/** Numbers in addresses by their value: 10.0.0.9 before 10.0.0.10. */
function byAddress(a: string, b: string): number {
  return a.localeCompare(b, "en", { numeric: true });
}
