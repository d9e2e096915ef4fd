/**
 * Payloads of the channel `topology` (spec/mesh.md 11, spec/gob.md 6.3).
 *
 * ```
 *   payload = ( peer summary | list of connection summaries )*        one gob stream, definitions before first use
 * ```
 *
 * @module
 */

import {
  gobBool,
  gobBytes,
  GobDecoder,
  GobEncoder,
  gobList,
  gobString,
  gobStruct,
  gobUint,
  gobUint64,
  type GobValue,
  type PeerName,
  peerNameFromBytes,
  peerNameToBytes,
  WireError,
} from "../base/mod.ts";

/** What a peer claims about one of its connections. */
export interface ConnectionEntry {
  /** The remote. */
  readonly peer: PeerName;
  /** `ip:port`: the dialled address if outbound, the socket's remote address if inbound. */
  readonly address: string;
  /** The claiming peer dialled it. */
  readonly outbound: boolean;
  /** An overlay works, as the claiming peer sees it. */
  readonly established: boolean;
}

/** What a peer claims about itself. Entries are never changed, but replaced. */
export interface PeerEntry {
  /** Its name. */
  readonly name: PeerName;
  /** Its label. */
  readonly nickname: string;
  /** New at every start; 0 for a placeholder. */
  readonly uid: bigint;
  /** Only the peer itself increments it. */
  readonly version: bigint;
  /** Its 12-bit id, if it has one. */
  readonly shortId: number | undefined;
  /** All its connections. */
  readonly connections: readonly ConnectionEntry[];
}

const PEER = gobStruct({
  NameByte: gobBytes,
  NickName: gobString,
  UID: gobUint64,
  Version: gobUint64,
  ShortID: gobUint(16),
  HasShortID: gobBool,
}, "peerSummary");

const CONNECTION = gobStruct({
  NameByte: gobBytes,
  RemoteTCPAddr: gobString,
  Outbound: gobBool,
  Established: gobBool,
}, "connectionSummary");

const CONNECTIONS = gobList(CONNECTION);

/** Most entries whose encoding is kept. */
const MAX_ENCODED = 4_096;
/** Entries as gob messages: entries never change, every stream numbers its types alike, and the table goes out often. */
let encodings = new WeakMap<PeerEntry, { peer: Uint8Array; connections: Uint8Array }>();
let encodingCount = 0;

/** Payloads are cut near this size: far below the limit of a message, and each peer's entry stays whole. */
const CHUNK_BYTES = 4 * 1024 * 1024;

/** Encodes entries as payloads of at most about 4 MiB; none for no entries. */
export function encodeTopology(entries: Iterable<PeerEntry>): Uint8Array[] {
  const payloads: Uint8Array[] = [];
  let gob = new GobEncoder();
  for (const entry of entries) {
    const encoded = encodings.get(entry);
    gob.define(PEER);
    const peer = encoded?.peer ?? gob.encode(PEER, toPeerSummary(entry));
    gob.append(peer).define(CONNECTIONS);
    const connections = encoded?.connections ??
      gob.encode(CONNECTIONS, entry.connections.map(toSummary));
    gob.append(connections);
    if (encoded === undefined) keepEncoding(entry, { peer, connections });
    if (gob.length < CHUNK_BYTES) continue;
    payloads.push(gob.bytes());
    gob = new GobEncoder();
  }
  if (gob.length > 0) payloads.push(gob.bytes());
  return payloads;
}

function keepEncoding(
  entry: PeerEntry,
  encoding: { peer: Uint8Array; connections: Uint8Array },
): void {
  if (++encodingCount > MAX_ENCODED) {
    encodings = new WeakMap();
    encodingCount = 1;
  }
  encodings.set(entry, encoding);
}

/** Decodes a payload. @throws {WireError} if any of it does not parse */
export function decodeTopology(payload: Uint8Array): PeerEntry[] {
  const gob = new GobDecoder(payload);
  const entries: PeerEntry[] = [];
  // A peer that many dialled has its address in many entries: one string serves them all.
  const addresses = new Map<string, string>();
  const share = (address: string): string => {
    const known = addresses.get(address);
    if (known === undefined) addresses.set(address, address);
    return known ?? address;
  };
  while (!gob.done) {
    const peer = gob.next(PEER);
    const connections = gob.next(CONNECTIONS);
    entries.push({
      name: readName(peer.NameByte),
      nickname: peer.NickName,
      uid: peer.UID,
      version: peer.Version,
      shortId: peer.HasShortID ? peer.ShortID : undefined,
      connections: connections.map((connection) => ({
        peer: readName(connection.NameByte),
        address: share(connection.RemoteTCPAddr),
        outbound: connection.Outbound,
        established: connection.Established,
      })),
    });
  }
  return entries;
}

function toPeerSummary(entry: PeerEntry): GobValue<typeof PEER> {
  return {
    NameByte: peerNameToBytes(entry.name),
    NickName: entry.nickname,
    UID: entry.uid,
    Version: entry.version,
    ShortID: entry.shortId ?? 0,
    HasShortID: entry.shortId !== undefined,
  };
}

function toSummary(connection: ConnectionEntry): GobValue<typeof CONNECTION> {
  return {
    NameByte: peerNameToBytes(connection.peer),
    RemoteTCPAddr: connection.address,
    Outbound: connection.outbound,
    Established: connection.established,
  };
}

function readName(bytes: Uint8Array): PeerName {
  if (bytes.length !== 6) throw new WireError("topology", 0, "a name of 6 bytes");
  return peerNameFromBytes(bytes);
}
