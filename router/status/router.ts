/**
 * The page of the router itself (spec/http-api.md 5).
 *
 * @module
 */

import { formatPeerName } from "../../base/mod.ts";
import { connectionJson } from "./connections.ts";
import { dnsJson, dnsSection } from "./dns.ts";
import { ipamJson, ipamSection } from "./ipam.ts";
import { isoTime, lines, nameWithNick, type StatusPage } from "./page.ts";
import { pairJson } from "./pairs.ts";
import { peersJson } from "./peers.ts";
import type { StatusSnapshot } from "./snapshot.ts";

/** Keys are right-aligned to so many columns. */
const KEY_COLUMNS = 15;
/** States in the order in which they are counted. */
const STATES = ["established", "pending", "retrying", "failed", "connecting"] as const;

/** `GET /status`: what runs. */
export const routerPage: StatusPage = {
  name: "",
  text: (snapshot) =>
    lines([
      pair("Version", `${snapshot.version} (version check update disabled)`),
      "",
      pair("Service", "router"),
      pair("Protocol", "weave 2"),
      pair("Name", nameWithNick(snapshot.name, snapshot.nickname)),
      pair("Encryption", onOff(snapshot.encryption)),
      pair("PeerDiscovery", onOff(snapshot.discovery)),
      pair("Targets", `${snapshot.targets.length}`),
      pair("Connections", connectionCounts(snapshot)),
      pair("Peers", peerCounts(snapshot)),
      pair("TrustedSubnets", snapshot.trustedSubnets.join(", ") || "none"),
      pair("Bridge", `${snapshot.bridge} mtu=${snapshot.mtuBytes}`),
      ...(snapshot.encryption ? [pair("Cipher", snapshot.cipher)] : []),
      ...snapshot.warnings.map((warning) => pair("Warning", warning)),
      ...section(ipamSection(snapshot)),
      ...section(dnsSection(snapshot)),
    ]),
  json: (snapshot) => ({
    ...snapshot,
    name: formatPeerName(snapshot.name),
    since: isoTime(snapshot.since),
    connections: snapshot.connections.map(connectionJson),
    peers: peersJson(snapshot),
    pairs: snapshot.pairs.map(pairJson),
    ipam: snapshot.ipam === undefined ? null : ipamJson(snapshot.ipam),
    dns: snapshot.dns === undefined ? null : dnsJson(snapshot.dns),
    collisions: snapshot.collisions.map((collision) => ({
      ...collision,
      name: formatPeerName(collision.name),
      since: isoTime(collision.since),
      holders: collision.holders.map((holder) => ({
        ...holder,
        neighbours: holder.neighbours.map(formatPeerName),
      })),
    })),
    forwarding: snapshot.forwarding.map(({ name, nextHop, edges }) => ({
      name: formatPeerName(name),
      nextHop: nextHop === undefined ? null : formatPeerName(nextHop),
      edges: edges.map(formatPeerName),
    })),
    macs: snapshot.macs.map(({ mac, peer, nickname, lastSeen }) => ({
      mac: formatPeerName(mac),
      peer: formatPeerName(peer),
      nickname,
      lastSeen: isoTime(lastSeen),
    })),
  }),
};

/** A part that is off has no lines. */
function section(pairs: [string, string][]): string[] {
  return pairs.length === 0 ? [] : ["", ...pairs.map(([key, value]) => pair(key, value))];
}

function pair(key: string, value: string): string {
  return `${key.padStart(KEY_COLUMNS)}: ${value}`;
}

function onOff(on: boolean): string {
  return on ? "enabled" : "disabled";
}

function connectionCounts({ connections }: StatusSnapshot): string {
  const counts = STATES.map((state) => ({
    state,
    count: connections.filter((connection) => connection.state === state).length,
  })).filter(({ count }) => count > 0);
  if (counts.length === 0) return `${connections.length}`;
  return `${connections.length} (${counts.map((c) => `${c.count} ${c.state}`).join(", ")})`;
}

function peerCounts({ peers }: StatusSnapshot): string {
  const ends = peers.flatMap((peer) => peer.connections);
  const established = ends.filter((end) => end.established).length;
  const pending = ends.length - established;
  const parts = [
    ...(established > 0 ? [`${established} established`] : []),
    ...(pending > 0 ? [`${pending} pending`] : []),
  ];
  return ends.length === 0
    ? `${peers.length}`
    : `${peers.length} (with ${parts.join(", ")} connections)`;
}
