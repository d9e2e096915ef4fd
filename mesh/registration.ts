/**
 * Whether a connection whose remote introduced itself may stay (spec/mesh.md 5.5, 14).
 *
 * @module
 */

import { formatPeerName, type PeerName } from "../base/mod.ts";
import { agreeOnIndices, type CommonOverlay, commonOverlays, type Features } from "./features.ts";

/** Where the rank lies in a connection's UID, above 48 random bits. */
const RANK_SHIFT = 48n;
const RANK_MAX = 0xffffn;

/** Which of two connections between the same peers stays. */
export type Verdict = "keep_new" | "keep_existing" | "close_both";

/** Decides between two connections to the same peer; both sides come to the same verdict. */
export function tieBreak(newUid: bigint, existingUid: bigint): Verdict {
  if (newUid === existingUid) return "close_both";
  return newUid < existingUid ? "keep_new" : "keep_existing";
}

/**
 * Makes our half of a connection's UID. Its high bits are the rank of a dial: above that of all our connections, so that
 * dialling a peer that is connected, under whatever address, never replaces the connection that works. The side that was
 * dialled adds nothing to the rank; with a real peer, whose half is random in all bits, the draw stays random.
 *
 * @param random 64 random bits
 * @param existing UIDs of our connections to weft peers if we dial, `undefined` if we were dialled
 */
export function connectionId(random: bigint, existing: Iterable<bigint> | undefined): bigint {
  let rank = 0n;
  for (const uid of existing ?? []) {
    const above = (uid >> RANK_SHIFT) + 1n;
    if (above > rank) rank = above;
  }
  if (rank > RANK_MAX) rank = RANK_MAX;
  const low = BigInt.asUintN(Number(RANK_SHIFT), random);
  return (rank << RANK_SHIFT) | (low === 0n ? 1n : low);
}

/** A peer that may not connect to us, and why. */
export interface Objection {
  /** Why. */
  readonly reason: string;
  /** Its address is not dialled again by ourselves. */
  readonly never: boolean;
  /** It is ourselves, which is nobody's fault. */
  readonly ourself: boolean;
}

/** Who we are, for {@link objectionTo}. */
export interface Local {
  /** Our name. */
  readonly name: PeerName;
  /** Our label. */
  readonly nickname: string;
  /** Our UID. */
  readonly uid: bigint;
}

/** Returns why a remote cannot be a neighbour whatever else is connected; `undefined` if it can. */
export function objectionTo(remote: Features, local: Local): Objection | undefined {
  if (remote.name !== local.name) return undefined;
  if (remote.uid === local.uid) {
    return { reason: "cannot connect to ourself", never: true, ourself: true };
  }
  const [ours, theirs] = [local, remote].map((peer) => `"${label(peer.name, peer.nickname)}"`);
  const reason = `local ${ours} and remote ${theirs} peer names collision`;
  return { reason, never: true, ourself: false };
}

/** Returns the overlays of both sides in our order, or why there can be no link. */
export function negotiateOverlays(
  ours: readonly string[],
  theirs: readonly string[] | undefined,
): readonly CommonOverlay[] | string {
  if (theirs === undefined) return "it is too old: it has no list of overlays";
  const common = commonOverlays(ours, theirs);
  if (common.length === 0) {
    return `no common overlay: it has "${theirs.join(" ")}", we have "${ours.join(" ")}"`;
  }
  if (!agreeOnIndices(common, theirs)) {
    return `it orders overlays differently: "${theirs.join(" ")}", we have "${ours.join(" ")}"`;
  }
  return common;
}

/** Formats a peer as `02:00:00:00:00:01(host1)`. */
export function label(name: PeerName, nickname: string): string {
  return `${formatPeerName(name)}(${nickname})`;
}
