/**
 * Peer tables as the vectors write them.
 *
 * @module
 */

import { formatPeerName, parsePeerName } from "../../base/mod.ts";
import type { PeerEntry } from "../../mesh/topology_wire.ts";

/** A peer in `topology.json`, `topology-merge.json` and `shortid-collision.json`. */
export interface VectorPeer {
  /** Text form. */
  name: string;
  /** Label. */
  nick: string;
  /** Decimal. */
  uid: string;
  /** Version. */
  version: number;
  /** 0 without one. */
  short_id: number;
  /** Whether it has one. */
  has_short_id: boolean;
  /** Connections it reports. */
  connections: {
    to: string;
    remote_tcp_addr: string;
    outbound: boolean;
    established: boolean;
  }[];
}

/** Returns the entry that a vector means. */
export function toEntry(peer: VectorPeer): PeerEntry {
  return {
    name: parsePeerName(peer.name),
    nickname: peer.nick,
    uid: BigInt(peer.uid),
    version: BigInt(peer.version),
    shortId: peer.has_short_id ? peer.short_id : undefined,
    connections: peer.connections.map((connection) => ({
      peer: parsePeerName(connection.to),
      address: connection.remote_tcp_addr,
      outbound: connection.outbound,
      established: connection.established,
    })),
  };
}

/** Returns an entry in the form of the vectors. */
export function fromEntry(entry: PeerEntry): VectorPeer {
  return {
    name: formatPeerName(entry.name),
    nick: entry.nickname,
    uid: entry.uid.toString(),
    version: Number(entry.version),
    short_id: entry.shortId ?? 0,
    has_short_id: entry.shortId !== undefined,
    connections: entry.connections.map((connection) => ({
      to: formatPeerName(connection.peer),
      remote_tcp_addr: connection.address,
      outbound: connection.outbound,
      established: connection.established,
    })),
  };
}
