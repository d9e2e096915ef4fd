/**
 * What a status page is.
 *
 * @module
 */

import { formatPeerName, type PeerName } from "../../base/mod.ts";
import type { StatusSnapshot } from "./snapshot.ts";

/** One page: `GET /status/NAME`, `weft status NAME`. */
export interface StatusPage {
  /** Its word; empty for the page of the router itself. */
  readonly name: string;
  /** Returns it as text, each line with its end. */
  readonly text: (snapshot: StatusSnapshot) => string;
  /** Returns it as plain data for programs. */
  readonly json: (snapshot: StatusSnapshot) => unknown;
}

/** Returns `NAME(NICK)`. */
export function nameWithNick(name: PeerName, nickname: string): string {
  return `${formatPeerName(name)}(${nickname})`;
}

/** Returns an arrow: we dialled, or were dialled. */
export function arrow(outbound: boolean): string {
  return outbound ? "->" : "<-";
}

/** Joins lines, each with its end. What peers say of themselves cannot begin another, nor move a terminal's cursor. */
export function lines(parts: Iterable<string>): string {
  return Array.from(parts, (part) => `${part.replace(/\p{Cc}/gu, "?")}\n`).join("");
}

/** Returns an ISO time, `undefined` for none. */
export function isoTime(epochMs: number | undefined): string | undefined {
  return epochMs === undefined ? undefined : new Date(epochMs).toISOString();
}
