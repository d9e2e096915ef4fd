/**
 * The mesh at one moment, for status pages.
 *
 * @module
 */

import { formatEndpoint, type Millis } from "../base/mod.ts";
import type { Collisions } from "./collisions.ts";
import type { Dialer, DialerConnection, DialerRow } from "./dialer.ts";
import type { Refusal } from "./door.ts";
import type { Live } from "./live.ts";
import type { Topology } from "./topology.ts";
import type { PeerEntry } from "./topology_wire.ts";
import type { ConnectionStatus, MeshSnapshot, PeerStatus } from "./types.ts";

/** What a snapshot is taken of. */
export interface SnapshotSources {
  /** The peer table. */
  readonly topology: Topology;
  /** Wanted connections. */
  readonly dialer: Dialer;
  /** TCP connections. */
  readonly live: Iterable<Live>;
  /** Those in the topology. */
  readonly registered: readonly DialerConnection[];
  /** Refused inbound connections. */
  readonly refusals: readonly Refusal[];
  /** Names that more than one router bears. */
  readonly collisions: Collisions;
  /** The time. */
  readonly now: Millis;
  /** Is added to times to make them ms since 1970. */
  readonly toEpoch: Millis;
}

const NOTHING_KNOWN = {
  id: undefined,
  peer: undefined,
  nickname: undefined,
  encrypted: undefined,
  oldPassword: false,
} as const;

/** Takes a snapshot. */
export function takeSnapshot(sources: SnapshotSources): MeshSnapshot {
  const { topology, dialer, toEpoch } = sources;
  const others = [...topology.entries()].filter((entry) => entry.name !== topology.name);
  others.sort((a, b) => a.name - b.name);
  return {
    uid: topology.self.uid.toString(),
    targets: dialer.targets,
    reached: dialer.reached(sources.registered),
    connections: [
      ...[...sources.live].flatMap((live) => linkStatus(live, toEpoch)),
      ...dialer.rows().map((row) => dialStatus(row, toEpoch)),
      ...sources.refusals.map((refusal) => refusalStatus(refusal, toEpoch)),
    ],
    peers: [topology.self, ...others].map((entry) => peerStatus(entry, topology)),
    collisions: sources.collisions.status(sources.now, toEpoch),
  };
}

function linkStatus({ id, outbound, remote, link }: Live, toEpoch: Millis): ConnectionStatus[] {
  if (link === undefined) return [];
  return [{
    id,
    outbound,
    address: formatEndpoint(remote),
    state: link.established ? "established" : "pending",
    peer: link.peer,
    nickname: link.nickname,
    encrypted: link.encrypted,
    oldPassword: link.oldPassword,
    reason: undefined,
    retryAt: undefined,
    since: link.since + toEpoch,
  }];
}

function dialStatus(row: DialerRow, toEpoch: Millis): ConnectionStatus {
  const waiting = row.reason === undefined ? "connecting" : "retrying";
  return {
    ...NOTHING_KNOWN,
    outbound: true,
    address: row.address,
    state: row.dialling ? waiting : "failed",
    reason: row.reason,
    retryAt: row.dialling || row.retryAt === undefined ? undefined : row.retryAt + toEpoch,
    since: row.since + toEpoch,
  };
}

function refusalStatus(refusal: Refusal, toEpoch: Millis): ConnectionStatus {
  return {
    ...NOTHING_KNOWN,
    outbound: false,
    address: refusal.address,
    state: "failed",
    reason: refusal.reason,
    retryAt: undefined,
    since: refusal.since + toEpoch,
  };
}

function peerStatus(entry: PeerEntry, topology: Topology): PeerStatus {
  return {
    name: entry.name,
    nickname: entry.nickname,
    uid: entry.uid.toString(),
    version: entry.version.toString(),
    shortId: entry.shortId,
    connections: entry.connections.map((connection) => ({
      peer: connection.peer,
      nickname: topology.get(connection.peer)?.nickname ?? "",
      address: connection.address,
      outbound: connection.outbound,
      established: connection.established,
    })),
  };
}
