/**
 * What the mesh tells and takes: the words between `mesh/` and `router/`.
 *
 * @module
 */

import type { Endpoint } from "../base/mod.ts";
import type { Logger } from "../base/mod.ts";
import type { PeerName } from "../base/mod.ts";
import type { Channel } from "./channel.ts";

/** How a mesh is set up. */
export interface MeshConfig {
  /** Our name. */
  readonly name: PeerName;
  /** Our label. */
  readonly nickname: string;
  /** Address to listen on and to dial from, `undefined` for all. */
  readonly host: string | undefined;
  /** TCP port to listen on; also the port of targets given without one. */
  readonly port: number;
  /** Passwords as typed, UTF-8; we dial with the first and accept any; none: no encryption. */
  readonly passwords: readonly Uint8Array[];
  /** Names of our overlays in order of preference. */
  readonly overlays: readonly string[];
  /** Connect to peers that others tell of. */
  readonly discovery: boolean;
  /** Most connections, 0 for no limit. */
  readonly connectionLimit: number;
  /** Networks within which frames need no encryption, as CIDR text. */
  readonly trustedSubnets: readonly string[];
  /** Targets to connect to from the start, `host[:port]`. */
  readonly targets: readonly string[];
}

/** Cryptography that the mesh needs; `ffi/crypto.ts` implements it. All of it is synchronous. */
export interface MeshCrypto {
  /** Returns a fresh X25519 key pair, 32 bytes each. */
  generateKeyPair(): { publicKey: Uint8Array; privateKey: Uint8Array };
  /** HSalsa20(X25519(ours, theirs), 0): NaCl's `box` precomputation, 32 bytes. */
  sharedKey(theirPublic: Uint8Array, ourPrivate: Uint8Array): Uint8Array;
  /** SHA-256, 32 bytes. */
  sha256(bytes: Uint8Array): Uint8Array;
  /** NaCl secretbox: tag (16 bytes), then ciphertext. */
  seal(plaintext: Uint8Array, nonce: Uint8Array, key: Uint8Array): Uint8Array;
  /** Opens a secretbox; `undefined` if it does not authenticate. */
  open(sealed: Uint8Array, nonce: Uint8Array, key: Uint8Array): Uint8Array | undefined;
  /** Returns random bytes. */
  randomBytes(length: number): Uint8Array;
}

/** A connection whose overlays may now send. */
export interface MeshLink {
  /** Number of the connection, never used twice in a process. */
  readonly id: number;
  /** The neighbour. */
  readonly peer: PeerName;
  /** Its label. */
  readonly nickname: string;
  /** XOR of both connection ids. */
  readonly connUid: bigint;
  /** We dialled. */
  readonly outbound: boolean;
  /** Remote TCP address. */
  readonly remote: Endpoint;
  /** Key for overlays that need one, 32 bytes; `undefined`: frames travel in clear. */
  readonly sessionKey: Uint8Array | undefined;
  /** Common overlays in our order; `index` is the number in control messages. */
  readonly overlays: readonly { readonly index: number; readonly name: string }[];
  /** The remote is weft (it sent a feature that begins with `Weft`). */
  readonly weft: boolean;
  /** Both ends have the feature `WeftLiveness`: heartbeats go often, and silence is noticed soon. */
  readonly lively: boolean;
}

/** What the mesh tells the router. */
export type MeshEvent =
  /** A connection was added to the topology: confirm its overlays. */
  | { readonly kind: "linkUp"; readonly link: MeshLink }
  /** It ended: forget its overlays. */
  | { readonly kind: "linkDown"; readonly id: number; readonly reason: string }
  /** The remote's overlay says something. */
  | {
    readonly kind: "overlayControl";
    readonly id: number;
    readonly index: number;
    readonly tag: number;
    readonly body: Uint8Array;
  }
  /** Peers, routes or connections changed: ask `forwarding()` and `snapshot()` anew. */
  | { readonly kind: "changed" };

/** A peer as forwarding needs it. */
export interface ForwardingPeer {
  /** Its name. */
  readonly name: PeerName;
  /** The neighbour towards it over established connections; itself for a neighbour; `undefined`: unreachable. */
  readonly nextHop: PeerName | undefined;
  /** Peers to which it has a connection that both ends report as established. */
  readonly edges: readonly PeerName[];
  /** Its UID in this run, 0 if nobody has told yet. */
  readonly uid: bigint;
  /** Its 12-bit id; `undefined` if it has none, or if another peer claims the same. */
  readonly shortId: number | undefined;
}

/** One connection as `status connections` shows it. */
export interface ConnectionStatus {
  /** Number of the connection while there is one. */
  readonly id: number | undefined;
  /** We dial it. */
  readonly outbound: boolean;
  /** `address:port`, or the target as typed while it does not resolve. */
  readonly address: string;
  /** Where it stands. */
  readonly state: "connecting" | "pending" | "established" | "failed" | "retrying";
  /** The neighbour, once known. */
  readonly peer: PeerName | undefined;
  /** Its label. */
  readonly nickname: string | undefined;
  /** Frames on it are sealed; `undefined` while unknown or with no password in use. */
  readonly encrypted: boolean | undefined;
  /** It was opened with a password other than our first. */
  readonly oldPassword: boolean;
  /** Why it is failed or retrying. */
  readonly reason: string | undefined;
  /** When it is tried again, ms since 1970. */
  readonly retryAt: number | undefined;
  /** Since when it is in this state, ms since 1970. */
  readonly since: number;
}

/** One peer as `status peers` shows it. */
export interface PeerStatus {
  /** Its name. */
  readonly name: PeerName;
  /** Its label. */
  readonly nickname: string;
  /** Its UID in this run, decimal. */
  readonly uid: string;
  /** Version of its entry, decimal. */
  readonly version: string;
  /** Its 12-bit id, if it has one. */
  readonly shortId: number | undefined;
  /** Its connections as it reports them. */
  readonly connections: readonly {
    readonly peer: PeerName;
    readonly nickname: string;
    readonly address: string;
    readonly outbound: boolean;
    readonly established: boolean;
  }[];
}

/** A name that more than one router bears, as `status` shows it. */
export interface CollisionStatus {
  /** The name. */
  readonly name: PeerName;
  /** Those who bear it, ourselves first. */
  readonly holders: readonly {
    /** UID of the run, decimal. */
    readonly uid: string;
    /** Its label. */
    readonly nickname: string;
    /** Its underlay address, if anybody knows it. */
    readonly address: string | undefined;
    /** It is this router. */
    readonly ourself: boolean;
    /** Peers that it has connections to. */
    readonly neighbours: readonly PeerName[];
  }[];
  /** Since when it is certain, ms since 1970. */
  readonly since: number;
  /** All of that in one line, and what to do. */
  readonly text: string;
}

/** A target and who is behind it. */
export interface ReachedTarget {
  /** As typed. */
  readonly text: string;
  /** Who was last found there, ourselves too; `undefined`: nobody yet. */
  readonly peer: PeerName | undefined;
}

/** The mesh at one moment. */
export interface MeshSnapshot {
  /** Our UID in this run, decimal. */
  readonly uid: string;
  /** Targets as typed. */
  readonly targets: readonly string[];
  /** The same, with who is behind each. */
  readonly reached: readonly ReachedTarget[];
  /** Connections, live and wanted. */
  readonly connections: readonly ConnectionStatus[];
  /** All peers, ourselves first. */
  readonly peers: readonly PeerStatus[];
  /** Names that more than one router bears. */
  readonly collisions: readonly CollisionStatus[];
}

/** The running mesh; `mesh/shell.ts` makes one. */
export interface Mesh {
  /** Adds targets. @returns one line for each that does not resolve; the others are added */
  connect(targets: readonly string[], options: { replace: boolean }): Promise<string[]>;
  /** Removes targets, spelt as they were given; live connections stay. */
  forget(targets: readonly string[]): void;
  /** Sends an overlay control message to the remote of a connection; unknown ids are ignored. */
  overlayControl(id: number, index: number, tag: number, body: Uint8Array): void;
  /** Says that a connection's overlays work (or stopped working, between weft peers): goes into the topology. */
  overlayEstablished(id: number, established: boolean): void;
  /** Closes a connection because no overlay works. */
  overlayFailed(id: number, reason: string): void;
  /** Gossips an item of a channel to a random part of our neighbours; on an unknown channel it is ignored. */
  gossip(channel: string, item: unknown): void;
  /** Sends an item of a channel to everybody, along the tree; on an unknown channel it is ignored. */
  broadcast(channel: string, item: unknown): void;
  /** Sends a payload to one peer; without a route it is dropped. Nobody acknowledges. */
  unicast(channel: string, to: PeerName, payload: Uint8Array): void;
  /** Returns routes for frames; ourselves included. */
  forwarding(): ForwardingPeer[];
  /** Returns what status pages show. */
  snapshot(): MeshSnapshot;
  /** Closes everything. */
  stop(): Promise<void>;
}

/** What `startMesh` needs beside the configuration. */
export interface MeshHooks {
  /** Cryptography. */
  readonly crypto: MeshCrypto;
  /** Where lines go. */
  readonly log: Logger;
  /** Takes each event, in order. Must not throw. */
  readonly onEvent: (event: MeshEvent) => void;
  /** Is called whenever the mesh has done something, be it a heartbeat: who waits for a waking may use it. Must not throw. */
  readonly onAwake?: () => void;
  /** Gossip channels beside the mesh's own; called from within its core, so what they want to send they send later. */
  readonly channels?: readonly Channel[];
}
