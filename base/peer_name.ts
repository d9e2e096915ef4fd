/**
 * Peer names: the 48-bit identity of a router in the mesh.
 *
 * Flavour `mac` of the mesh protocol (spec/mesh.md 15.1): compared as unsigned integers, which equals byte order.
 *
 * @module
 */

import { formatMac, macFromBytes, macToBytes } from "./mac.ts";
import { WireError } from "./bytes.ts";

/** A peer name: an integer from 0 to 2^48 - 1. 0 is the "unknown" sentinel and never a name. */
export type PeerName = number;

/** The sentinel that names nobody. */
export const UNKNOWN_PEER: PeerName = 0;

/** Formats a peer name as `02:00:00:00:00:01`. */
export const formatPeerName: (name: PeerName) => string = formatMac;

/** Returns the 6 bytes of a name in wire order. */
export const peerNameToBytes: (name: PeerName) => Uint8Array<ArrayBuffer> = macToBytes;

/** Reads 6 bytes in wire order. @throws {WireError} if there are fewer than `offset + 6` */
export const peerNameFromBytes: (bytes: Uint8Array, offset?: number) => PeerName = macFromBytes;

/**
 * Parses a peer name as the mesh protocol does: groups of 1 or 2 hex digits, any case, and one `::` for zero groups.
 *
 * With `::` one to four groups are written (`::1`, `1::`, `1:2::3:4`); without it all six.
 *
 * @throws {WireError} for anything else
 */
export function parsePeerName(text: string): PeerName {
  // Real peers ignore blanks in front.
  const halves = text.replace(/^ +/, "").split("::");
  const groups = halves.map((half) => half === "" ? [] : half.split(":"));
  const written = groups.flat();
  const bad = halves.length > 2 || !written.every((group) => /^[0-9a-f]{1,2}$/i.test(group)) ||
    (halves.length === 1 ? written.length !== 6 : written.length < 1 || written.length > 4);
  if (bad) {
    throw new WireError(`peer name "${text}"`, 0, "six hex groups such as 02:00:00:00:00:01");
  }
  const zeros = new Array<string>(6 - written.length).fill("0");
  const all = halves.length === 1 ? written : [...groups[0] ?? [], ...zeros, ...groups[1] ?? []];
  return all.reduce((name, group) => name * 256 + parseInt(group, 16), 0);
}
