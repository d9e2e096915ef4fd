/**
 * Messages of the channel `IPallocation` (spec/ipam.md 8, spec/gob.md 6.4 and 6.5).
 *
 * ```
 *   gossip, broadcast   state                                        one gob stream
 *   unicast             0 | range      please give me space there    one byte, one gob stream
 *                       1 | state      my state
 *                       2 | range      I have nothing free there
 *   state               now, nicknames, and a ring, or claims of electors (maybe none yet), or neither (an observer)
 * ```
 *
 * A real peer's process ends at an empty unicast, and its receiver hangs at another tag: both cannot be written here.
 *
 * @module
 */

import {
  concat,
  GobDecoder,
  GobEncoder,
  gobInt,
  gobList,
  gobMap,
  gobOptional,
  gobString,
  gobStruct,
  gobUint,
  gobUint64,
  type GobValue,
  type PeerName,
  WireError,
} from "../../base/mod.ts";
import type { Claims, NodeClaims, NodeId, ProposalId } from "./consensus.ts";
import type { Range } from "./range.ts";
import type { Ring } from "./ring.ts";

/** Name of the channel. */
export const IPAM_CHANNEL = "IPallocation";

/** What a peer says about addresses. */
export interface IpamState {
  /** Its clock in seconds since 1970; informative. */
  readonly now: number;
  /** Labels of all peers that it ever heard of. */
  readonly nicknames: readonly (readonly [PeerName, string])[];
  /** What it knows. */
  readonly content:
    | { readonly kind: "ring"; readonly ring: Ring }
    /** An elector without a ring. */
    | { readonly kind: "claims"; readonly claims: Claims }
    /** An observer without a ring. */
    | { readonly kind: "nothing" };
}

/** A message to one peer. */
export type IpamUnicast =
  | { readonly kind: "request"; readonly range: Range }
  | { readonly kind: "state"; readonly state: IpamState }
  | { readonly kind: "denial"; readonly range: Range };

const NAME = gobUint(48);
const ADDRESS = gobUint(32);

const NODE = gobStruct({ Name: NAME, UID: gobUint64 });
const PROPOSAL = gobStruct({ Round: gobUint(53), Proposer: NODE }, "ProposalID");
const VALUE = gobStruct({ Value: gobList(NAME, "Value"), Origin: PROPOSAL }, "AcceptedValue");
const CLAIMS = gobStruct({ Promise: PROPOSAL, Accepted: PROPOSAL, AcceptedVal: VALUE });
const ENTRY = gobStruct({
  Token: ADDRESS,
  Peer: NAME,
  Version: gobUint(32),
  Free: gobUint(32),
});
const RING = gobStruct({
  Start: ADDRESS,
  End: ADDRESS,
  Peer: NAME,
  Entries: gobList(ENTRY, "entries"),
  Seeds: gobList(NAME, "[]mesh.PeerName"),
}, "Ring");
const STATE = gobStruct({
  Now: gobInt,
  Nicknames: gobOptional(gobMap(NAME, gobString, "map[mesh.PeerName]string")),
  Paxos: gobOptional(gobMap(NODE, CLAIMS, "GossipState")),
  Ring: gobOptional(RING),
}, "gossipState");
const RANGE = gobStruct({ Start: ADDRESS, End: ADDRESS }, "Range");

const TAGS = ["request", "state", "denial"] as const;

/** Most structs and elements of one message: a ring of 100,000 entries and as many names. Bounds memory. */
const MAX_VALUES = 400_000;
/** Longest universe that has a 32-bit end of 0. */
const END_OF_ALL = 2 ** 32;

/** Encodes a state. `ids` numbers its types; any numbers will do. */
export function encodeState(
  state: IpamState,
  ids: readonly number[] = [],
): Uint8Array<ArrayBuffer> {
  const { content } = state;
  return new GobEncoder(ids).write(STATE, {
    Now: state.now,
    Nicknames: state.nicknames.map(([name, nickname]): [PeerName, string] => [name, nickname]),
    Paxos: content.kind === "claims" ? content.claims.map(toPair) : undefined,
    Ring: content.kind === "ring" ? toRing(content.ring) : undefined,
  }).bytes();
}

/** Decodes a state; a ring counts more than claims. @throws {WireError} if any of it does not parse */
export function decodeState(payload: Uint8Array): IpamState {
  const wire = decodeWhole(payload, STATE, "IP allocation state");
  const base = { now: wire.Now, nicknames: wire.Nicknames ?? [] };
  if (wire.Ring !== undefined) {
    return { ...base, content: { kind: "ring", ring: fromRing(wire.Ring) } };
  }
  if (wire.Paxos === undefined) return { ...base, content: { kind: "nothing" } };
  const claims = wire.Paxos.map(([node, each]) => [fromNode(node), fromClaims(each)] as const);
  return { ...base, content: { kind: "claims", claims } };
}

/** Encodes a message to one peer. `ids` numbers the types of its body; any numbers will do. */
export function encodeUnicast(
  message: IpamUnicast,
  ids: readonly number[] = [],
): Uint8Array<ArrayBuffer> {
  const body = message.kind === "state"
    ? encodeState(message.state, ids)
    : encodeRange(message.range, ids);
  return concat(Uint8Array.of(TAGS.indexOf(message.kind)), body);
}

/** Decodes a message to us. @throws {WireError} if any of it does not parse */
export function decodeUnicast(payload: Uint8Array): IpamUnicast {
  const [tag] = payload;
  const kind = TAGS[tag ?? TAGS.length];
  const body = payload.subarray(1);
  if (kind === "state") return { kind, state: decodeState(body) };
  if (kind === undefined) throw new WireError("IP allocation message", 0, "tag 0, 1 or 2");
  const { Start, End } = decodeWhole(body, RANGE, "range of addresses");
  return { kind, range: { start: Start, end: fromEnd(Start, End) } };
}

function decodeWhole<T>(
  bytes: Uint8Array,
  type: Parameters<typeof GobDecoder.prototype.next<T>>[0],
  format: string,
): T {
  const gob = new GobDecoder(bytes, { maxValues: MAX_VALUES });
  const value = gob.next(type);
  if (!gob.done) throw new WireError(format, gob.offset, "nothing more");
  return value;
}

function encodeRange(range: Range, ids: readonly number[]): Uint8Array {
  return new GobEncoder(ids).write(RANGE, { Start: range.start, End: toEnd(range.end) }).bytes();
}

function toRing(ring: Ring): GobValue<typeof RING> {
  return {
    Start: ring.start,
    End: toEnd(ring.end),
    Peer: ring.peer,
    Entries: ring.entries.map(({ token, peer, version, free }) => ({
      Token: token,
      Peer: peer,
      Version: version,
      Free: free,
    })),
    Seeds: [...ring.seeds],
  };
}

function fromRing(wire: GobValue<typeof RING>): Ring {
  return {
    start: wire.Start,
    end: fromEnd(wire.Start, wire.End),
    peer: wire.Peer,
    entries: wire.Entries.map(({ Token, Peer, Version, Free }) => ({
      token: Token,
      peer: Peer,
      version: Version,
      free: Free,
    })),
    seeds: wire.Seeds,
  };
}

/** The end of all addresses does not fit 32 bits and is 0 there. */
function toEnd(end: number): number {
  return end === END_OF_ALL ? 0 : end;
}

function fromEnd(start: number, end: number): number {
  return end === 0 && start > 0 ? END_OF_ALL : end;
}

function toNode(node: NodeId): GobValue<typeof NODE> {
  return { Name: node.name, UID: node.uid };
}

function fromNode(wire: GobValue<typeof NODE>): NodeId {
  return { name: wire.Name, uid: wire.UID };
}

function toProposal(proposal: ProposalId): GobValue<typeof PROPOSAL> {
  return { Round: proposal.round, Proposer: toNode(proposal.proposer) };
}

function fromProposal(wire: GobValue<typeof PROPOSAL>): ProposalId {
  return { round: wire.Round, proposer: fromNode(wire.Proposer) };
}

function toPair(
  [node, claims]: Claims[number],
): [GobValue<typeof NODE>, GobValue<typeof CLAIMS>] {
  return [toNode(node), toClaims(claims)];
}

function toClaims(claims: NodeClaims): GobValue<typeof CLAIMS> {
  return {
    Promise: toProposal(claims.promise),
    Accepted: toProposal(claims.accepted),
    AcceptedVal: { Value: [...claims.value.names], Origin: toProposal(claims.value.origin) },
  };
}

function fromClaims(wire: GobValue<typeof CLAIMS>): NodeClaims {
  return {
    promise: fromProposal(wire.Promise),
    accepted: fromProposal(wire.Accepted),
    value: { names: wire.AcceptedVal.Value, origin: fromProposal(wire.AcceptedVal.Origin) },
  };
}
