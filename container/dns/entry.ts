/**
 * One entry of the table of names, and the orders it stands in (spec/dns.md 2).
 *
 * ```
 *   key       origin, address, container, name in lower case      "Web" and "web" are one entry
 *   greater   version, then tombstone                          of two states of an entry the greater is true
 *   table     name in lower case, origin, container, address      what users see
 *   wire      name as it is spelt, origin, container, address     what travels
 * ```
 *
 * @module
 */

import type { Ipv4, PeerName } from "../../base/mod.ts";

/** A name with an address, as the peer that registered it tells. Entries are never changed, but replaced. */
export interface NameEntry {
  /** Fully qualified with the dot at its end, spelt as its origin spells it. */
  readonly hostname: string;
  /** Who has the name: any text that the registering side chose. */
  readonly container: string;
  /** The peer that registered it, and alone changes it. */
  readonly origin: PeerName;
  /** The address. */
  readonly ip: Ipv4;
  /** Counts changes, from 0. */
  readonly version: number;
  /** When it was removed, in unix seconds; 0: it lives. */
  readonly tombstone: number;
}

/** Returns what two states of one entry share. */
export function keyOf(entry: NameEntry): string {
  return nameKey(entry.origin, entry.ip, entry.container, entry.hostname);
}

/** Returns the key of an entry by its parts. */
export function nameKey(origin: PeerName, ip: Ipv4, container: string, hostname: string): string {
  // With its length in front no container can look like the end of a name.
  return `${origin} ${ip} ${container.length} ${container}${hostname.toLowerCase()}`;
}

/**
 * Returns which of two states of an entry is true, in the spelling of the one that was known before.
 *
 * Real peers end when they hear of an entry in two spellings: whoever heard one from us never hears another.
 */
export function greaterOf(known: NameEntry, heard: NameEntry): NameEntry {
  const isNewer = heard.version === known.version
    ? heard.tombstone > known.tombstone
    : heard.version > known.version;
  if (!isNewer) return known;
  const { hostname } = known;
  return hostname === heard.hostname ? heard : { ...heard, hostname };
}

/** Compares for the order of the table. */
export function compareInTable(a: NameEntry, b: NameEntry): number {
  return compareText(a.hostname.toLowerCase(), b.hostname.toLowerCase()) || compareRest(a, b) ||
    compareText(a.hostname, b.hostname);
}

/** Compares for the order on the wire. */
export function compareOnWire(a: NameEntry, b: NameEntry): number {
  return compareText(a.hostname, b.hostname) || compareRest(a, b);
}

function compareRest(a: NameEntry, b: NameEntry): number {
  return a.origin - b.origin || compareText(a.container, b.container) || a.ip - b.ip;
}

/** Compares as the bytes of UTF-8 do; the units of a string differ from that where surrogates are. */
function compareText(a: string, b: string): number {
  if (a === b) return 0;
  const shorter = Math.min(a.length, b.length);
  for (let i = 0; i < shorter; i++) {
    const [one, other] = [a.charCodeAt(i), b.charCodeAt(i)];
    if (one !== other) return rank(one) - rank(other);
  }
  return a.length - b.length;
}

/** Puts surrogates, which stand for what lies above U+FFFF, behind all other units. */
function rank(unit: number): number {
  return unit >= 0xd800 && unit < 0xe000 ? unit + 0x10000 : unit;
}
