/**
 * All that the main thread and the data-plane worker say to each other.
 *
 * ```
 *   main --- keys, pairKeys, configure, control, stop ----> worker     state down
 *   main <-- ready, tunnel, pair, pairNews, control, ------ worker     facts up
 *            tables, log, failed, stopped
 *   main reads the counters in a SharedArrayBuffer; only the worker writes them
 * ```
 *
 * Plain data with a `kind`. No frames, functions or Error objects cross. No message but `stop` has an answer: main says
 * what should be, the worker reports what is. Main posts first and then writes the eventfd; the worker, woken, drains the
 * port until it is empty.
 *
 * Peers are indices into `Configure.peers`. An index belongs to one peer for as long as the mesh knows that peer; it is
 * given to another one only after a `configure` in which it was `null`.
 *
 * @module
 */

import type { Endpoint } from "../base/mod.ts";
import type { PeerName } from "../base/mod.ts";

/**
 * How the scheduler treats the worker: realtime runs before all ordinary threads, nice before most, normal like any.
 */
export type Priority = "realtime" | "nice" | "normal";

/** What became of a wish for priority. */
export interface PriorityReport {
  /** What the user asked for. */
  readonly wanted: Priority;
  /** What the worker has. */
  readonly got: Priority;
  /** Why it is not what was wanted. */
  readonly reason: string | undefined;
}

/** How the worker is started; posted once, before anything else. */
export interface WorkerStart {
  /** The kind of this message. */
  readonly kind: "start";
  /** Our own name. */
  readonly self: PeerName;
  /** Name of the TAP device, which exists and is a port of the bridge. */
  readonly tap: string;
  /** MTU of the bridge, in bytes of IP packet. */
  readonly mtuBytes: number;
  /** MAC addresses of our own bridge and TAP: never learnt from a link. */
  readonly ownMacs: readonly number[];
  /** Local underlay address to bind, `undefined` for all. */
  readonly host: string | undefined;
  /** UDP port to bind. */
  readonly port: number;
  /** "never" takes the portable cipher even if the library is there. */
  readonly libsodium: "auto" | "never";
  /** clear: there is no password, so nothing is sealed between any two peers. */
  readonly pairs: "sealed" | "clear";
  /** What to ask the scheduler for. */
  readonly priority: Priority;
  /** So long the loop looks for a frame that is likely to come before it sleeps, in microseconds; 0: it sleeps at once. */
  readonly spinUs: number;
  /** Between frames that come close to each other their ways are kept warm. */
  readonly rehearsal: boolean;
  /** eventfd that main writes after it has posted. The worker does not close it. */
  readonly eventFd: number;
  /** Memory of the counters: `COUNTERS.length` cells of 8 bytes. */
  readonly counters: SharedArrayBuffer;
}

/** One peer of the mesh as the data plane needs it. */
export interface PeerEntry {
  /** Its 48-bit name. */
  readonly name: PeerName;
  /** Index of the neighbour towards it over established connections; its own for a neighbour, -1 for unreachable. */
  readonly nextHop: number;
  /** Indices of peers to which it has a connection that both ends report as established. */
  readonly edges: readonly number[];
  /** Its 12-bit short id, -1 if it has none or another claims the same: such a peer is reached by sleeve. */
  readonly shortId: number;
}

/** One mesh connection to a neighbour; it has a tunnel for each common overlay. */
export interface LinkEntry {
  /** Number of the connection, never used twice in a process. */
  readonly id: number;
  /** Index of the neighbour. */
  readonly peer: number;
  /** Common overlays in order of preference; `index` is the number in overlay control messages. */
  readonly overlays: readonly { readonly index: number; readonly name: string }[];
  /** XOR of both sides' connection ids (spec/mesh.md 5.5). */
  readonly connUid: bigint;
  /** We dialled the TCP connection. */
  readonly outbound: boolean;
  /** Most datagrams of a GSO train to it: a real Weave Net router has the kernel's default receive buffer. */
  readonly trainSegments: number;
  /** Between our heartbeats if both ends are lively; may change. Absent for real peers: ordinary times. */
  readonly livelyMs?: number | undefined;
  /** Frames must be sealed. Its key was posted before. */
  readonly encrypted: boolean;
  /** Where to send first, known only to the side that dialled. */
  readonly remote: Endpoint | undefined;
}

/** The whole forwarding state; replaces the worker's. */
export interface Configure {
  /** The kind of this message. */
  readonly kind: "configure";
  /** Grows by one with each. */
  readonly version: number;
  /** Our own index. */
  readonly self: number;
  /** Peers by index; `null` for an unused index. */
  readonly peers: readonly (PeerEntry | null)[];
  /** Connections that were added to the topology and not removed. */
  readonly links: readonly LinkEntry[];
}

/** Key material of one link, posted before the `configure` that names the link. */
export interface Keys {
  /** The kind of this message. */
  readonly kind: "keys";
  /** The link. */
  readonly link: number;
  /** Session key, 32 bytes (spec/mesh.md 5.2); the overlay knows what to make of it. */
  readonly key: Uint8Array;
}

/** What becomes of the keys of one pair, end to end (spec/shuttle.md 3); the words of key agreement. */
export type PairKeys =
  /** Accept segments under the receive key; `sendNow`: seal with the send key, and probe until the remote answers. */
  | {
    readonly kind: "pairKeys";
    readonly act: "install";
    /** The other. */
    readonly peer: PeerName;
    /** Cipher of both keys. */
    readonly suite: "AES-256-OCB" | "AES-256-GCM" | "ChaCha20-Poly1305";
    /** Key id in segments for us. */
    readonly receiveId: number;
    /** 32 bytes. */
    readonly receiveKey: Uint8Array;
    /** 4 bytes. */
    readonly receiveSalt: Uint8Array;
    /** Key id in segments for the peer. */
    readonly sendId: number;
    /** 32 bytes. */
    readonly sendKey: Uint8Array;
    /** 4 bytes. */
    readonly sendSalt: Uint8Array;
    /** Seal with it from now on; else wait for `use`. */
    readonly sendNow: boolean;
  }
  /** Seal with this installed key from now on. */
  | {
    readonly kind: "pairKeys";
    readonly act: "use" | "stop";
    readonly peer: PeerName;
    readonly sendId: number;
  }
  /** Forget both keys that came with this receive id. */
  | {
    readonly kind: "pairKeys";
    readonly act: "retire";
    readonly peer: PeerName;
    readonly receiveId: number;
  };

/** An overlay control message, received over TCP (main -> worker) or to be sent over it (worker -> main). */
export interface Control {
  /** The kind of this message. */
  readonly kind: "control";
  /** The link. */
  readonly link: number;
  /** Position of the overlay in the common list. */
  readonly index: number;
  /** Overlay tag (spec/sleeve.md 9.2). */
  readonly tag: number;
  /** Overlay message. */
  readonly body: Uint8Array;
}

/** Ends the worker; answered by {@link Stopped}. */
export interface Stop {
  /** The kind of this message. */
  readonly kind: "stop";
}

/** All that main says. */
export type ToWorker = Configure | Keys | PairKeys | Control | Stop;

/** The loop runs: TAP open, socket bound. */
export interface Ready {
  /** The kind of this message. */
  readonly kind: "ready";
  /** What does the sealing of sleeve, as "libsodium 1.0.18". */
  readonly cipher: string;
  /** Set if that is slow, with the remedy. */
  readonly warning: string | undefined;
  /** The port that was bound. */
  readonly port: number;
  /** How the scheduler treats the worker. */
  readonly priority: PriorityReport;
}

/** What became of one tunnel; sent when any of it changed. */
export interface TunnelState {
  /** The kind of this message. */
  readonly kind: "tunnel";
  /** The link. */
  readonly link: number;
  /** Position of the overlay in the common list. */
  readonly index: number;
  /** Name of the overlay. */
  readonly overlay: string;
  /** pending: heartbeats go; established: the remote said that it hears us; failed: it is gone. */
  readonly state: "pending" | "established" | "failed";
  /** Why it failed or is not best. */
  readonly reason: string | undefined;
  /** Overlay MTU in bytes of inner IP packet; 65535 before it is known. */
  readonly mtuBytes: number;
  /** Underlay address that frames go to. */
  readonly remote: Endpoint | undefined;
}

/** How frames to one peer go; sent when any of it changed. */
export interface PairState {
  /** The kind of this message. */
  readonly kind: "pair";
  /** The peer. */
  readonly peer: PeerName;
  /** Frames go by shuttle, else by sleeve. */
  readonly shuttle: boolean;
  /** Why not by shuttle. */
  readonly reason: string | undefined;
  /** MTU in bytes of inner IP packet, if by shuttle. */
  readonly mtuBytes: number | undefined;
  /** What seals, "plain" for nothing, `undefined` without a key. */
  readonly cipher: string | undefined;
}

/** What key agreement has to hear of a pair. */
export interface PairNews {
  /** The kind of this message. */
  readonly kind: "pairNews";
  /** The peer. */
  readonly peer: PeerName;
  /** worked: the first segment under `receiveId` was opened; wanted: frames wait for a key; exhausted: rekey. */
  readonly news: "worked" | "wanted" | "exhausted";
  /** Key id, for `worked`; else 0. */
  readonly receiveId: number;
}

/** The MAC table, at most once a second, when it changed. */
export interface Tables {
  /** The kind of this message. */
  readonly kind: "tables";
  /** MAC, index of the peer that it lives at, ms since it was last refreshed. */
  readonly macs: readonly {
    readonly mac: number;
    readonly peer: number;
    readonly ageMs: number;
  }[];
}

/** A line for the log, rate limited by the worker. */
export interface WorkerLog {
  /** The kind of this message. */
  readonly kind: "log";
  /** Severity. */
  readonly level: "debug" | "info" | "warn" | "error";
  /** Text. */
  readonly message: string;
}

/** The worker cannot start or go on. Nothing follows. */
export interface Failed {
  /** The kind of this message. */
  readonly kind: "failed";
  /** What failed and what to do, one line. */
  readonly message: string;
}

/** The loop has ended; all descriptors and memory are given back. */
export interface Stopped {
  /** The kind of this message. */
  readonly kind: "stopped";
}

/** All that the worker says. */
export type FromWorker =
  | Ready
  | TunnelState
  | PairState
  | PairNews
  | Control
  | Tables
  | WorkerLog
  | Failed
  | Stopped;

/**
 * Names of the counters; the position is the cell in the shared memory (a float64, exact to 2^53).
 *
 * Each frame or datagram that is not passed on is counted in exactly one of the drops.
 */
export const COUNTERS = [
  // What passed.
  "tapReads", // superframes and frames read from the TAP
  "tapReadBytes",
  "tapWrites", // frames and superframes written to the TAP
  "tapWriteBytes",
  "udpReceived", // datagrams, GRO trains taken apart
  "udpReceivedBytes",
  "udpSent", // datagrams
  "udpSentBytes",
  "framesLocal", // frames from peers, injected here
  "framesRelayed",
  "framesUrgent", // frames and superframes of this host and for it that are no bulk: somebody may wait for them
  "framesFlooded", // frames and superframes times neighbours, because the destination is a group or unknown
  // Drops, each with its reason.
  "dropLocal", // captured, but the destination lives here: the bridge has delivered it
  "dropReserved", // destination 01:80:c2:00:00:00 to 02, or both MACs zero
  "dropConflict", // source MAC lives at another peer just now, or our own frame came back
  "dropNoRoute", // no established way to the peer
  "dropTooBig", // above the tunnel's MTU; ICMP was sent where the rules ask for it
  "dropUnknownSender", // datagram whose sender is no link of ours
  "dropUnknownPeer", // record between peers that the mesh does not know
  "dropBadTag", // did not authenticate
  "dropReplayed",
  "dropMalformed",
  "dropSend", // the kernel refused to send
  "dropOutboxFull", // the socket's buffer and ours were full
  "dropTap", // the kernel refused to take a frame
  "dropNoRemote", // the tunnel does not know where the neighbour is yet
  "stormLimited",
  // Drops of shuttle.
  "dropNoKey", // segment under a key that we do not hold, or in clear from where nothing may be
  "dropHops", // segment without hops left, or with too many
  "dropOrigin", // the sender's short id is no longer that of the key's peer
  "dropRecord", // record that our kernel must not see (spec/shuttle.md 7)
  "dropFragment", // part of a record that does not go with the others
  "fragmentTimeouts", // records whose parts did not all come within a second, or that others pushed out
  "dropKeyUsedUp", // not sealed: 2^32 segments under one key
  "dropCipher", // not sealed: the library refused
  // The loop.
  "loopTurns",
  "rehearsals", // turns without effect, to keep the ways of frames in the CPU's caches
  "macEntries",
  "configureVersion",
] as const;

/** Name of a counter. */
export type CounterName = (typeof COUNTERS)[number];

/** Cell of each counter in the shared memory. */
export const COUNTER: Readonly<Record<CounterName, number>> = Object.fromEntries(
  COUNTERS.map((name, i) => [name, i]),
) as Record<CounterName, number>;
