/**
 * The report: the whole state in the structure that Weave Net's clients know (spec/http-api.md 7).
 *
 * @module
 */

import {
  broadcastHops,
  formatCidr,
  formatIpv4,
  formatMac,
  formatPeerName,
  UNKNOWN_PEER,
} from "../../base/mod.ts";
import type { IpamStatus } from "../../container/ipam/mod.ts";
import { connectionAttributes, connectionInfo } from "./connections.ts";
import type { ConnectionRow, DnsSnapshot, StatusSnapshot } from "./snapshot.ts";
import { renderTemplate } from "./template.ts";

/** Number of the protocol: both bounds. */
const PROTOCOL_VERSION = 2;

/** Returns the report as JSON, indented by four. */
export function reportJson(snapshot: StatusSnapshot): string {
  return JSON.stringify(report(snapshot), undefined, 4);
}

/**
 * Returns a template with the values of the report in it.
 *
 * @throws {TemplateError} if it cannot be evaluated
 */
export function reportTemplate(template: string, snapshot: StatusSnapshot): string {
  return renderTemplate(template, report(snapshot));
}

function report(snapshot: StatusSnapshot): Record<string, unknown> {
  return {
    Ready: true,
    Version: snapshot.version,
    VersionCheck: {
      Enabled: false,
      Success: false,
      NewVersion: "",
      NextCheckAt: "0001-01-01T00:00:00Z",
    },
    Router: {
      Protocol: "weave",
      ProtocolMinVersion: PROTOCOL_VERSION,
      ProtocolMaxVersion: PROTOCOL_VERSION,
      Encryption: snapshot.encryption,
      PeerDiscovery: snapshot.discovery,
      Name: formatPeerName(snapshot.name),
      NickName: snapshot.nickname,
      Port: snapshot.port,
      Peers: orNull(snapshot.peers.map(peer)),
      UnicastRoutes: orNull(unicastRoutes(snapshot)),
      BroadcastRoutes: orNull(broadcastRoutes(snapshot)),
      Connections: orNull(snapshot.connections.map((row) => connection(row, snapshot.encryption))),
      TerminationCount: snapshot.terminations,
      Targets: orNull(snapshot.targets),
      OverlayDiagnostics: { sleeve: null },
      TrustedSubnets: snapshot.trustedSubnets,
      Interface: `${snapshot.bridge} (via TAP)`,
      CaptureStats: snapshot.counters,
      MACs: orNull(snapshot.macs.map(({ mac, peer, nickname, lastSeen }) => ({
        Mac: formatMac(mac),
        Name: formatPeerName(peer),
        NickName: nickname,
        LastSeen: new Date(lastSeen).toISOString(),
      }))),
    },
    ...(snapshot.ipam === undefined ? {} : { IPAM: addresses(snapshot.ipam) }),
    ...(snapshot.dns === undefined ? {} : { DNS: names(snapshot.dns) }),
    Daemon: {
      Pid: snapshot.pid,
      RestartPolicy: "no",
      LogFile: snapshot.logFile,
      DataDir: snapshot.stateDir,
    },
  };
}

function addresses(ipam: IpamStatus): Record<string, unknown> {
  const { paxos } = ipam;
  return {
    Paxos: paxos === undefined
      ? null
      : { Elector: paxos.elector, KnownNodes: paxos.knownNodes, Quorum: paxos.quorum },
    Range: formatCidr(ipam.range),
    RangeNumIPs: 2 ** (32 - ipam.range.length),
    ActiveIPs: ipam.active,
    DefaultSubnet: formatCidr(ipam.defaultSubnet),
    Entries: orNull(ipam.entries.map((entry) => ({
      Token: formatIpv4(entry.token),
      Size: entry.size,
      Peer: formatPeerName(entry.peer),
      Nickname: entry.nickname,
      IsKnownPeer: entry.reachable,
      Version: entry.version,
    }))),
    PendingClaims: orNull(ipam.pendingClaims.map(({ ident, cidr }) => ({
      Ident: ident,
      CIDR: { Addr: formatIpv4(cidr.address), PrefixLen: cidr.length },
    }))),
    PendingAllocates: orNull(
      ipam.pendingAllocates.map(({ ident, subnet }) => `${ident} ${formatCidr(subnet)}`),
    ),
  };
}

function names(dns: DnsSnapshot): Record<string, unknown> {
  return {
    Domain: dns.domain,
    Upstream: orNull(dns.upstream.map(({ address }) => address)),
    Address: dns.listening[0] ?? "",
    TTL: dns.ttlSeconds,
    Entries: orNull(dns.entries.map((entry) => ({
      Hostname: entry.hostname,
      Origin: formatPeerName(entry.origin),
      ContainerID: entry.container,
      Address: formatIpv4(entry.ip),
      Version: entry.version,
      Tombstone: entry.tombstone,
    }))),
  };
}

function peer(status: StatusSnapshot["peers"][number]): Record<string, unknown> {
  return {
    Name: formatPeerName(status.name),
    NickName: status.nickname,
    UID: integer(status.uid),
    ShortID: status.shortId ?? 0,
    Version: integer(status.version),
    Connections: orNull(status.connections.map((connection) => ({
      Name: formatPeerName(connection.peer),
      NickName: connection.nickname,
      Address: connection.address,
      Outbound: connection.outbound,
      Established: connection.established,
    }))),
  };
}

function connection(row: ConnectionRow, encryption: boolean): Record<string, unknown> {
  const attributes = connectionAttributes(row);
  const linked = row.state === "pending" || row.state === "established";
  return {
    Address: row.address,
    Outbound: row.outbound,
    State: row.state,
    Info: connectionInfo(row, encryption),
    Attrs: linked ? { ...attributes, name: row.overlay ?? "none" } : null,
  };
}

function unicastRoutes({ forwarding, name }: StatusSnapshot): unknown[] {
  return forwarding.filter(({ nextHop }) => nextHop !== undefined).map((peer) => ({
    Dest: formatPeerName(peer.name),
    Via: formatPeerName(peer.name === name ? UNKNOWN_PEER : peer.nextHop ?? UNKNOWN_PEER),
  }));
}

function broadcastRoutes({ forwarding, name }: StatusSnapshot): unknown[] {
  const index = new Map(forwarding.map((peer, i) => [peer.name, i]));
  const graph = {
    names: forwarding.map((peer) => peer.name),
    edges: forwarding.map((peer) =>
      peer.edges.map((edge) => index.get(edge)).filter((i) => i !== undefined)
    ),
  };
  const self = index.get(name) ?? 0;
  return forwarding.map((source, i) => ({
    Source: formatPeerName(source.name),
    Via: orNull(broadcastHops(graph, self, i).map((hop) => formatPeerName(graph.names[hop] ?? 0))),
  }));
}

/** An integer that is written as it is: a UID has 64 bits, more than a number holds. */
function integer(digits: string): unknown {
  return (JSON as unknown as { rawJSON(text: string): unknown }).rawJSON(digits);
}

/** Weave Net writes empty lists as null, and its clients may look for that. */
function orNull<T>(list: readonly T[]): readonly T[] | null {
  return list.length === 0 ? null : list;
}
