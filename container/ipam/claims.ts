/**
 * What becomes of a claim: an address asked for by name (spec/ipam.md 9).
 *
 * ```
 *   held by the same ident ──> done       outside the universe, or ours and not held ──> record
 *   held by another ──> refused           another peer's ──> ask it for this one address
 * ```
 *
 * @module
 */

import { formatIpv4, type Ipv4, type PeerName } from "../../base/mod.ts";
import type { Lease } from "./allocator_io.ts";
import { UNKNOWN_IDENT } from "./leases.ts";

/** What is known about the address of a claim. */
export interface ClaimFacts {
  /** Who claims. */
  readonly ident: string;
  /** What. */
  readonly address: Ipv4;
  /** Who holds it here. */
  readonly lease: Lease | undefined;
  /** The holder is a container that died; outside the universe its address may pass on at once. */
  readonly holderIsDead: boolean;
  /** It lies in the universe. */
  readonly inside: boolean;
  /** Who owns it in the ring; `undefined` without a ring. */
  readonly owner: PeerName | undefined;
  /** Our name. */
  readonly self: PeerName;
}

/** What to do with a claim. */
export type ClaimVerdict =
  /** The claimant holds it; there is nothing to note. */
  | { readonly kind: "holds" }
  /** Note a lease, after the one of `from` is ended. */
  | { readonly kind: "record"; readonly from: string | undefined }
  /** Not without a ring. */
  | { readonly kind: "needsRing" }
  /** Ask its owner for it. */
  | { readonly kind: "ask"; readonly owner: PeerName }
  /** Another ident holds it. */
  | { readonly kind: "held"; readonly by: string };

/** Decides on a claim. */
export function judgeClaim(facts: ClaimFacts): ClaimVerdict {
  const { inside, owner, self } = facts;
  if (!inside) return ofHolder(facts);
  if (owner === undefined) return { kind: "needsRing" };
  if (owner !== self) return { kind: "ask", owner };
  return ofHolder({ ...facts, holderIsDead: false });
}

/** Returns the words for a claim that another ident stands in the way of. */
export function heldText(address: Ipv4, by: string): string {
  return `Cannot claim ${formatIpv4(address)}: already owned by "${by}"`;
}

function ofHolder({ ident, lease, holderIsDead }: ClaimFacts): ClaimVerdict {
  if (lease === undefined) return { kind: "record", from: undefined };
  // Whoever is unknown may be the very one that holds it.
  if (lease.ident === ident || ident === UNKNOWN_IDENT) return { kind: "holds" };
  return holderIsDead ? { kind: "record", from: lease.ident } : { kind: "held", by: lease.ident };
}
