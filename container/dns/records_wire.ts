/**
 * Payloads of the channel `nameserver` (spec/dns.md 4, spec/gob.md 6.6).
 *
 * ```
 *   payload    = GossipData                                  one gob stream with its definitions
 *   GossipData = Timestamp int | Entries list of Entry       unix seconds at the sender
 *   Entry      = ContainerID string | Origin uint 48 | Addr uint 32 | Hostname string | Version int | Tombstone int
 * ```
 *
 * Entries go out in wire order, each once. An entry that we could not tell on as we heard it does not come in: text that
 * is not UTF-8, numbers that no honest peer has. The rest of the payload is taken.
 *
 * @module
 */

import {
  GobDecoder,
  GobEncoder,
  gobInt,
  gobInt64,
  gobList,
  gobString,
  gobStruct,
  gobUint,
  gobUint64,
} from "../../base/mod.ts";
import { compareOnWire, type NameEntry } from "./entry.ts";

/** What travels: entries and the clock of who sent them. */
export interface NamesMessage {
  /** Unix seconds at the sender. */
  readonly timestamp: number;
  /** Part of a table, or all of it. */
  readonly entries: readonly NameEntry[];
}

const OUTGOING = gobStruct({
  Timestamp: gobInt,
  Entries: gobList(
    gobStruct({
      ContainerID: gobString,
      Origin: gobUint(48),
      Addr: gobUint(32),
      Hostname: gobString,
      Version: gobInt,
      Tombstone: gobInt,
    }, "Entry"),
    "Entries",
  ),
}, "GossipData");

// Wider than what we send: real peers pass any integers on, and one bad entry must not cost the link to who told it.
const INCOMING = gobStruct({
  Timestamp: gobInt64,
  Entries: gobList(gobStruct({
    ContainerID: gobString,
    Origin: gobUint64,
    Addr: gobUint(32),
    Hostname: gobString,
    Version: gobInt64,
    Tombstone: gobInt64,
  })),
});

/** Most entries in one payload: more than the largest message holds of usual ones. Two values of gob are one entry. */
const MAX_ENTRIES = 200_000;
/** Longest text; container ids have 64 characters and names 254. */
const MAX_TEXT = 1_024;
/** Versions count changes by hand; one near the largest exact integer could not be outdone by its origin. */
const MAX_VERSION = 2n ** 48n;
/** Unix seconds that a Number holds exactly with room to calculate. */
const MAX_TIME = 2n ** 48n;
/** What a decoder puts where bytes are not UTF-8. */
const NOT_UTF8 = "\ufffd";

/** Payloads are cut near this size: far below the limit of a message. */
const CHUNK_BYTES = 4 * 1024 * 1024;
/** What an entry takes beside its texts, at most. */
const ENTRY_BYTES = 64;

/** Decodes a payload. @throws {WireError} if it does not parse */
export function decodeNames(payload: Uint8Array): NamesMessage {
  const gob = new GobDecoder(payload, { maxValues: 2 * MAX_ENTRIES });
  const { Timestamp, Entries } = gob.next(INCOMING);
  const entries: NameEntry[] = [];
  for (const entry of Entries) {
    const { ContainerID: container, Hostname: hostname, Origin, Addr: ip } = entry;
    if (!isText(container) || !isText(hostname) || Origin >= 2n ** 48n) continue;
    if (entry.Version < 0n || entry.Version > MAX_VERSION) continue;
    if (entry.Tombstone < 0n || entry.Tombstone > MAX_TIME) continue;
    const [origin, version] = [Number(Origin), Number(entry.Version)];
    entries.push({ hostname, container, origin, ip, version, tombstone: Number(entry.Tombstone) });
  }
  return { timestamp: Number(Timestamp), entries };
}

function isText(text: string): boolean {
  return text.length <= MAX_TEXT && !text.includes(NOT_UTF8);
}

/**
 * Encodes entries, in any order, as payloads of at most about 4 MiB; without entries one that tells our clock.
 *
 * @param ids ids of the gob types in the order of their definitions; default: from 65 on
 */
export function encodeNames(message: NamesMessage, ids?: readonly number[]): Uint8Array[] {
  const sorted = message.entries.toSorted(compareOnWire);
  const chunks: NameEntry[][] = [[]];
  let room = CHUNK_BYTES;
  for (const entry of sorted) {
    // At most 3 bytes of UTF-8 stand for one unit of a string.
    room -= ENTRY_BYTES + 3 * (entry.hostname.length + entry.container.length);
    if (room < 0) {
      chunks.push([]);
      room = CHUNK_BYTES;
    }
    chunks.at(-1)?.push(entry);
  }
  return chunks.map((entries) => encodeChunk(message.timestamp, entries, ids));
}

function encodeChunk(
  timestamp: number,
  entries: readonly NameEntry[],
  ids?: readonly number[],
): Uint8Array {
  return new GobEncoder(ids).write(OUTGOING, {
    Timestamp: timestamp,
    Entries: entries.map((entry) => ({
      ContainerID: entry.container,
      Origin: entry.origin,
      Addr: entry.ip,
      Hostname: entry.hostname,
      Version: entry.version,
      Tombstone: entry.tombstone,
    })),
  }).bytes();
}
