/**
 * The page of connections: our links, then targets that are not linked (spec/http-api.md 5).
 * A link that stays pending says why at the end of its line, where Weave Net has nothing.
 *
 * @module
 */

import { formatPeerName, must } from "../../base/mod.ts";
import { arrow, isoTime, lines, nameWithNick, type StatusPage } from "./page.ts";
import type { ConnectionRow } from "./snapshot.ts";

const ADDRESS_COLUMNS = 21;
const STATE_COLUMNS = 11;
const ENCRYPTION_COLUMNS = 11;
const OVERLAY_COLUMNS = 6;

/** `GET /status/connections`. */
export const connectionsPage: StatusPage = {
  name: "connections",
  text: ({ connections, encryption }) => lines(connections.map((row) => format(row, encryption))),
  json: ({ connections }) => connections.map(connectionJson),
};

/** Returns a connection as plain data for programs. */
export function connectionJson(row: ConnectionRow): Record<string, unknown> {
  return {
    ...row,
    peer: row.peer === undefined ? undefined : formatPeerName(row.peer),
    retryAt: isoTime(row.retryAt),
    since: isoTime(row.since),
  };
}

/** Returns what a connection's line says behind its state: overlay and peer, or the reason. */
export function connectionInfo(row: ConnectionRow, encryption: boolean): string {
  if (row.state === "pending" || row.state === "established") {
    const sealed = row.encrypted === true ? "encrypted" : "unencrypted";
    return [
      ...(encryption ? [sealed.padEnd(ENCRYPTION_COLUMNS)] : []),
      (row.overlay ?? "none").padEnd(OVERLAY_COLUMNS),
      nameWithNick(must(row.peer, "peer of a link"), row.nickname ?? ""),
    ].join(" ");
  }
  const reason = row.reason ?? "";
  return row.state === "failed" ? `${reason}, retry: ${retryTime(row.retryAt)}` : reason;
}

/** Returns the attributes of a connection in the order of their keys; none for targets that are not linked. */
export function connectionAttributes(row: ConnectionRow): Readonly<Record<string, unknown>> {
  if (row.state !== "pending" && row.state !== "established") return {};
  return {
    ...(row.encrypted === true ? { encrypted: true } : {}),
    ...(row.mtuBytes === undefined ? {} : { mtu: row.mtuBytes }),
    ...(row.oldPassword ? { password: "old" } : {}),
    ...(row.trusted ? { trusted: true } : {}),
  };
}

function format(row: ConnectionRow, encryption: boolean): string {
  return [
    arrow(row.outbound),
    row.address.padEnd(ADDRESS_COLUMNS),
    row.state.padEnd(STATE_COLUMNS),
    connectionInfo(row, encryption),
    Object.entries({ ...connectionAttributes(row), ...details(row) })
      .map(([key, value]) => `${key}=${value}`).join(" "),
  ].join(" ");
}

/** What Weave Net does not show, behind what it does. */
function details(row: ConnectionRow): Readonly<Record<string, unknown>> {
  if (row.state !== "pending" && row.state !== "established") return {};
  return {
    since: new Date(row.since).toISOString().replace(/\.\d+Z$/, "Z"),
    ...(row.reason === undefined ? {} : { reason: JSON.stringify(row.reason) }),
  };
}

/** The long form of Go's times, without its monotonic part. */
function retryTime(epochMs: number | undefined): string {
  if (epochMs === undefined) return "never";
  return new Date(epochMs).toISOString().replace("T", " ").replace("Z", " +0000 UTC");
}
