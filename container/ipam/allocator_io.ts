/**
 * What goes into the allocator and what comes out: the words between `allocator.ts` and who drives it.
 *
 * ```
 *   shell, tests --AllocatorInput--> Allocator --AllocatorOutput--> store, mesh, callers
 *
 *   persist #7 -> disk -> stored #7        what comes out after a persist is done only when that is on the disk
 * ```
 *
 * @module
 */

import type { Cidr, Ipv4, LogFields, LogLevel, Millis, PeerName } from "../../base/mod.ts";
import type { RefusedCode } from "../refused.ts";
import type { NodeClaims } from "./consensus.ts";
import type { Range } from "./range.ts";
import type { Ring, RingEntry } from "./ring.ts";
import type { IpamState } from "./state_wire.ts";
import type { Target, WeftMessage } from "./weft_channel.ts";

/** How the first ring comes to be, as configured. */
export type InitMode =
  /** Never guessed: who was told of nobody founds, the others agree with all whom they were told of. */
  | { readonly kind: "founding" }
  /** A majority of this many peers agrees. */
  | { readonly kind: "consensus"; readonly peers: number }
  /** The ring is computed from names. */
  | { readonly kind: "seed"; readonly names: readonly PeerName[] }
  /** Takes whatever ring the others have. */
  | { readonly kind: "observer" };

/** How an allocator is set up. */
export interface AllocatorConfig {
  /** Our name. */
  readonly self: PeerName;
  /** Random, of this run; 64 bits. */
  readonly uid: bigint;
  /** Our label. */
  readonly nickname: string;
  /** The universe: equal on all peers. */
  readonly range: Cidr;
  /** Where addresses come from if no subnet is asked for. */
  readonly defaultSubnet: Cidr;
  /** How the first ring comes to be. */
  readonly init: InitMode;
  /** What a former run left on the disk. */
  readonly stored: StoredIpam | undefined;
  /** Returns 0 <= x < 1. */
  readonly random: () => number;
}

/** An address that an ident holds. */
export interface Lease {
  /** Who holds it: a container's id, `weave:expose`, or its own dotted quad if nobody knows. */
  readonly ident: string;
  /** The address, with the prefix that it was first asked for with. */
  readonly cidr: Cidr;
  /** It goes back when the container of that id dies. */
  readonly isContainer: boolean;
}

/** What we promised and accepted, and as whom: a node that forgets a promise may help two values to a quorum. */
export interface PaxosState {
  /** The UID under which we vote until there is a ring. */
  readonly uid: bigint;
  /** Our claims. */
  readonly own: NodeClaims;
}

/** What survives a restart. */
export interface StoredIpam {
  /** The ring; empty if there was none yet. */
  readonly ring: Ring;
  /** All leases, in the order in which they were given. */
  readonly leases: readonly Lease[];
  /** What was promised and accepted while there was no ring. */
  readonly paxos: PaxosState | undefined;
  /** We gave space of this ring away. */
  readonly donated: boolean;
}

/** A change of what survives a restart; fields that are missing stay as they are. */
export interface IpamChange {
  /** Replaces the whole ring. */
  readonly ring?: Ring;
  /** Entries of the same ring that are new or changed; tokens never go. */
  readonly entries?: readonly RingEntry[];
  /** Leases in the order in which they were given; one of the same ident and address is replaced. */
  readonly given?: readonly Lease[];
  /** Leases that are over. */
  readonly freed?: readonly { readonly ident: string; readonly address: Ipv4 }[];
  /** Promise and acceptance; `null` when a ring ends the vote. */
  readonly paxos?: PaxosState | null;
  /** We gave space of this ring away, or the ring is a new one and we did not. */
  readonly donated?: boolean;
  /** A ring that we left, kept aside, and why. */
  readonly setAside?: { readonly ring: Ring; readonly reason: string };
}

/** A peer of the topology. */
export interface KnownPeer {
  /** Its name. */
  readonly name: PeerName;
  /** Its label. */
  readonly nickname: string;
  /** There is an established route to it; true for ourselves. */
  readonly reachable: boolean;
  /** It is a weft peer. */
  readonly weft: boolean;
}

/** An address in use on this host when the router started. */
export interface InUse {
  /** Who uses it; `_` if nobody knows. */
  readonly ident: string;
  /** What it uses. */
  readonly cidr: Cidr;
  /** It is a container that the engine tells us of. */
  readonly isContainer: boolean;
}

/** How a conflict of rings is ended by hand. */
export interface RepairChoice {
  /** Whose ring is to hold. */
  readonly keep: "ours" | "theirs";
  /** Name or nickname of the peer with the other ring; may be left out if there is one conflict only. */
  readonly peer?: string;
  /** Gives up leases that the other ring does not let us keep. */
  readonly force: boolean;
}

/** What is asked of the allocator. `id` is the caller's own number for it, used once; the answer names it. */
export type Request =
  /** An address of a subnet, the same one if the ident holds one there. */
  | {
    readonly kind: "allocate";
    readonly id: number;
    readonly ident: string;
    readonly subnet: Cidr;
    readonly isContainer: boolean;
    /** How long it may wait; default 60 s. */
    readonly waitMs?: Millis;
  }
  /** This very address. */
  | {
    readonly kind: "claim";
    readonly id: number;
    readonly ident: string;
    readonly cidr: Cidr;
    readonly isContainer: boolean;
    /** How long it may wait; default 60 s. */
    readonly waitMs?: Millis;
    /** Answer at once if the owner cannot be asked, and go on trying (`noErrorOnUnknown`). */
    readonly detached?: boolean;
  }
  /** Answered when there is a ring. */
  | {
    readonly kind: "prime";
    readonly id: number;
    /** Targets to give up. */
    readonly without: readonly string[];
    /** How long it may wait; default for ever. */
    readonly waitMs?: Millis;
  }
  /** Takes one address back. */
  | { readonly kind: "free"; readonly id: number; readonly ident: string; readonly address: Ipv4 }
  /** Takes all addresses of an ident back. */
  | { readonly kind: "freeAll"; readonly id: number; readonly ident: string }
  /** Takes the space of a dead peer, by name or nickname. */
  | {
    readonly kind: "takeOver";
    readonly id: number;
    readonly peer: string;
    /** Even if it is alive. */
    readonly force: boolean;
  }
  /** Leaves for good: gives all our space to a peer that confirms. */
  | { readonly kind: "handOver"; readonly id: number }
  /** Ends a conflict by hand. */
  | { readonly kind: "repair"; readonly id: number; readonly choice: RepairChoice };

/** What happens to the allocator. */
export type AllocatorInput =
  | Request
  /** The caller of a request has gone. */
  | { readonly kind: "cancel"; readonly id: number }
  /** A container's process ended. */
  | { readonly kind: "died"; readonly ident: string }
  /** It runs again. */
  | { readonly kind: "started"; readonly ident: string }
  /** It will never run again. */
  | { readonly kind: "destroyed"; readonly ident: string }
  /** What is in use on this host; until it is said nothing is given out. */
  | { readonly kind: "reserved"; readonly addresses: readonly InUse[] }
  /** Answer to `probe`. */
  | { readonly kind: "probed"; readonly address: Ipv4; readonly taken: boolean }
  /** A peer told its state. */
  | {
    readonly kind: "state";
    readonly via: "gossip" | "broadcast" | "unicast";
    /** Who said it; for gossip the neighbour. */
    readonly from: PeerName;
    readonly state: IpamState;
  }
  /** A peer asks for space. */
  | { readonly kind: "asked"; readonly from: PeerName; readonly range: Range }
  /** A peer has no space for us. */
  | { readonly kind: "denied"; readonly from: PeerName; readonly range: Range }
  /** Something came on channel `weft`. */
  | { readonly kind: "weft"; readonly from: PeerName; readonly message: WeftMessage }
  /** The peers there are, ourselves included; replaces the last list. */
  | { readonly kind: "topology"; readonly peers: readonly KnownPeer[] }
  /** All that we were told of; replaces the last list. */
  | { readonly kind: "targets"; readonly targets: readonly Target[] }
  /** All up to this persist is on the disk. */
  | { readonly kind: "stored"; readonly serial: number }
  /** Time has passed. */
  | { readonly kind: "tick" };

/** How a request ended. */
export type Answer =
  /** The address, with the prefix that was asked for. */
  | { readonly kind: "address"; readonly cidr: Cidr }
  /** Done. */
  | { readonly kind: "done" }
  /** Not granted; the reason is for the user. */
  | { readonly kind: "refused"; readonly code: RefusedCode; readonly reason: string }
  /** What a takeover brought. */
  | { readonly kind: "tookOver"; readonly peer: string; readonly addresses: number }
  /** Who was given our space, nobody if `undefined`, and whether it has said that it has it. */
  | { readonly kind: "heir"; readonly heir: string | undefined; readonly confirmed: boolean }
  /** What a repair did. */
  | { readonly kind: "text"; readonly text: string };

/** A message to one peer on channel `IPallocation`. */
export type Telling =
  /** Please give us space in this range. */
  | { readonly kind: "request"; readonly range: Range }
  /** We have none there. */
  | { readonly kind: "denial"; readonly range: Range }
  /** Our state, as it is when this is sent. */
  | { readonly kind: "state" }
  /** The state of a peer without a ring, which whoever has one answers with its own. */
  | { readonly kind: "question" };

/** What the allocator wants. */
export type AllocatorOutput =
  /** Write this; do nothing of what follows before it is on the disk, then say `stored`. */
  | { readonly kind: "persist"; readonly serial: number; readonly change: IpamChange }
  /** Send to one peer on channel `IPallocation`. */
  | { readonly kind: "unicast"; readonly to: PeerName; readonly message: Telling }
  /** Tell all peers our state on channel `IPallocation`. */
  | { readonly kind: "broadcast" }
  /** Send on channel `weft`: to one peer. */
  | { readonly kind: "weft"; readonly to: PeerName; readonly message: WeftMessage }
  /** Tell all peers on channel `weft` whom we were told of. */
  | { readonly kind: "announce" }
  /** The request is over. */
  | { readonly kind: "answer"; readonly id: number; readonly answer: Answer }
  /** Ask by ARP whether somebody uses the address; say `probed` in any case. */
  | { readonly kind: "probe"; readonly address: Ipv4; readonly withinMs: Millis }
  /** Write a line. */
  | {
    readonly kind: "log";
    readonly level: LogLevel;
    readonly message: string;
    readonly fields: LogFields;
  };
