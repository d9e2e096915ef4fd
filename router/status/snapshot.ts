/**
 * The router at one moment: what every status page, the report and the metrics are made of.
 *
 * @module
 */

import type { PeerName } from "../../base/mod.ts";
import type { DnsStatus, NameEntry, NamesStatus } from "../../container/dns/mod.ts";
import type { IpamStatus } from "../../container/ipam/mod.ts";
import type {
  CollisionStatus,
  ConnectionStatus,
  ForwardingPeer,
  PeerStatus,
} from "../../mesh/mod.ts";
import type { CounterName, PriorityReport } from "../../switch/mod.ts";

/** A connection with the tunnel that its frames take. */
export interface ConnectionRow extends ConnectionStatus {
  /** Why it is failed, retrying or pending for long. */
  readonly reason: string | undefined;
  /** What the overlay is called, `undefined` before one is chosen. */
  readonly overlay: string | undefined;
  /** MTU of the tunnel in bytes of inner IP packet; 65535 before it is known. */
  readonly mtuBytes: number | undefined;
  /** Both ends trust the network between them, so frames are in clear although there is a password. */
  readonly trusted: boolean;
}

/** How frames to one peer go, end to end. */
export interface PairRow {
  /** The peer. */
  readonly peer: PeerName;
  /** Its label. */
  readonly nickname: string;
  /** What carries them: sleeve from neighbour to neighbour, shuttle from end to end. */
  readonly overlay: "shuttle" | "sleeve";
  /** What seals on shuttle, "plain" for nothing; `undefined` without a key. */
  readonly cipher: string | undefined;
  /** MTU by shuttle, in bytes of inner IP packet. */
  readonly mtuBytes: number | undefined;
  /** Why not by shuttle, or not for much longer. */
  readonly reason: string | undefined;
  /** Since when they go this way, ms since 1970. */
  readonly since: number;
}

/** Where a MAC address was seen. */
export interface MacRow {
  /** The address. */
  readonly mac: number;
  /** The peer that it lives at. */
  readonly peer: PeerName;
  /** Its label. */
  readonly nickname: string;
  /** When a frame from it last came, ms since 1970. */
  readonly lastSeen: number;
}

/** Names, and the server that answers them. */
export interface DnsSnapshot extends DnsStatus {
  /** How many names live. */
  readonly names: NamesStatus;
  /** All entries, removed ones too, in table order. */
  readonly entries: readonly NameEntry[];
}

/** The router at one moment. Plain data. */
export interface StatusSnapshot {
  /** Version of weft. */
  readonly version: string;
  /** Process id. */
  readonly pid: number;
  /** Where a router in the background logs. */
  readonly logFile: string;
  /** What survives lies there. */
  readonly stateDir: string;
  /** When the router started, ms since 1970. */
  readonly since: number;
  /** Our name. */
  readonly name: PeerName;
  /** Our label. */
  readonly nickname: string;
  /** UID of this run, decimal. */
  readonly uid: string;
  /** TCP and UDP port. */
  readonly port: number;
  /** A password is in use. */
  readonly encryption: boolean;
  /** What seals, as "libsodium 1.0.18". */
  readonly cipher: string;
  /** How the scheduler treats the data plane. */
  readonly priority: PriorityReport;
  /** Connects to peers that others tell of. */
  readonly discovery: boolean;
  /** Networks within which data is not encrypted. */
  readonly trustedSubnets: readonly string[];
  /** The bridge. */
  readonly bridge: string;
  /** MTU of bridge and containers. */
  readonly mtuBytes: number;
  /** What the operator should know, a line each. */
  readonly warnings: readonly string[];
  /** Targets as they were given. */
  readonly targets: readonly string[];
  /** Links first, then targets that are not linked; each by address. */
  readonly connections: readonly ConnectionRow[];
  /** All peers, ourselves first. */
  readonly peers: readonly PeerStatus[];
  /** How frames go to each peer that can be reached. */
  readonly pairs: readonly PairRow[];
  /** Names that more than one router bears. */
  readonly collisions: readonly CollisionStatus[];
  /** Routes of frames. */
  readonly forwarding: readonly ForwardingPeer[];
  /** Learnt MAC addresses. */
  readonly macs: readonly MacRow[];
  /** Links that have ended since the start. */
  readonly terminations: number;
  /** Addresses; `undefined`: they are not allocated. */
  readonly ipam: IpamStatus | undefined;
  /** Names; `undefined`: there is no name service. */
  readonly dns: DnsSnapshot | undefined;
  /** Counters of the data plane. */
  readonly counters: Readonly<Record<CounterName, number>>;
}
