/**
 * Pairs as programs see them: how frames to each peer that can be reached go, end to end.
 *
 * @module
 */

import { formatPeerName } from "../../base/mod.ts";
import { isoTime } from "./page.ts";
import type { PairRow } from "./snapshot.ts";

/** Ways that frames to a peer go. */
export const PAIR_OVERLAYS: readonly PairRow["overlay"][] = ["shuttle", "sleeve"];

/** Returns a pair as plain data for programs. */
export function pairJson({ mtuBytes, ...row }: PairRow): Record<string, unknown> {
  return { ...row, peer: formatPeerName(row.peer), mtu: mtuBytes, since: isoTime(row.since) };
}
