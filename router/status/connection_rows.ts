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
 * @param now ms since 1970
 */
export function connectionRows(
  connections: readonly ConnectionStatus[],
  tunnels: Tunnels,
  labels: Readonly<Record<string, string>>,
  now: number,
): ConnectionRow[] {
  const rows = connections.map((connection): ConnectionRow => {
    const tunnel = isLink(connection) ? tunnels.best(connection.id) : undefined;
    return {
      ...connection,
      reason: isLink(connection)
        ? linkReason(connection, tunnel, tunnels.preferred(connection.id), labels, now)
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
  connection: ConnectionStatus,
  tunnel: TunnelState | undefined,
  preferred: TunnelState | undefined,
  labels: Readonly<Record<string, string>>,
  now: number,
): string | undefined {
  const { state, reason } = connection;
  if (reason !== undefined) return reason;
  if (state === "pending") return pendingReason(connection, tunnel, now);
  if (tunnel === undefined) return "no overlay is chosen yet";
  if (preferred === undefined || preferred.index === tunnel.index) return tunnel.reason;
  const label = labels[preferred.overlay] ?? preferred.overlay;
  return `${label} does not work: ${preferred.reason ?? "nothing has come over it yet"}`;
}

/** Says why no frames go over a link whose TCP works. */
function pendingReason(
  { since, address }: ConnectionStatus,
  tunnel: TunnelState | undefined,
  now: number,
): string {
  if (tunnel?.reason !== undefined) return tunnel.reason;
  if (tunnel?.state === "established") return "the remote has not confirmed it yet";
  if (now - since < PATIENCE_MS) {
    return tunnel === undefined ? "no overlay is chosen yet" : "nothing has come over UDP yet";
  }
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
