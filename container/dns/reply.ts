/**
 * DNS messages as they go out: our own answers, queries to other servers, and what those have answered.
 *
 * ```
 *   own answer:   header, question as asked, records that name the owner as 0xc00c (the question), SOA, OPT
 *   too long:     fewer records and TC; by TCP nothing is
 *   relayed:      their bytes with the id and the spelling of the client, without their OPT, with ours
 * ```
 *
 * Written by hand, since dns-packet does not compress names: 40 addresses would be 1,232 bytes instead of about 690.
 *
 * @module
 */

import type { Ipv4 } from "../../base/mod.ts";
import {
  type Answer,
  FLAG,
  HEADER_BYTES,
  type Query,
  RCODE,
  TYPE,
  u16,
  u32,
  writeName,
} from "./message.ts";

/** Longest answer by UDP to a client that says nothing (RFC 1035 4.2.1), and the least that any client gets. */
export const MIN_UDP_BYTES = 512;
/** Longest by UDP that we send: more would be many fragments, which get lost together. */
export const MAX_UDP_BYTES = 4096;
/** Longest by UDP that we like to receive: it needs no fragments on any path. */
export const EDNS_BYTES = 1232;
/** Longest by TCP, as its length is 16 bits. */
export const MAX_TCP_BYTES = 65_535;

const CLASS_IN = 1;
/** The owner of the question, at offset 12. */
const OWNER = 0xc000 | HEADER_BYTES;
const OPT_BYTES = 11;
const A_BYTES = 16;
/** Name as pointer, type, class, TTL, length. */
const RECORD_BYTES = 12;
const SOA_NUMBERS_BYTES = 20;
/** Nothing asks for a transfer of the table, so these only have to look sane: refresh, retry, expire in seconds. */
const SOA_TIMES = [3600, 600, 86_400] as const;

/** What an answer of ours says. */
export interface Reply {
  /** Result; above 15 it needs an OPT record of the client. */
  readonly rcode: number;
  /** Whether we know for sure. */
  readonly authoritative?: boolean;
  /** Time to live of all records, in seconds. */
  readonly ttlSeconds?: number;
  /** A records of the name in question. */
  readonly addresses?: readonly Ipv4[];
  /** A PTR record of the name in question: the name it points to, as on the wire. */
  readonly pointer?: Uint8Array;
  /** Domain whose SOA record says how long a client may remember that there is nothing; lower case, dot at its end. */
  readonly soa?: string;
}

/** Returns how long an answer to a query may be. */
export function limitOf(query: Query, transport: "udp" | "tcp"): number {
  if (transport === "tcp") return MAX_TCP_BYTES;
  return Math.min(MAX_UDP_BYTES, Math.max(MIN_UDP_BYTES, query.edns?.sizeBytes ?? 0));
}

/**
 * Writes an answer of ours.
 *
 * @param limitBytes addresses that do not fit are left out, and TC is set; one alone always stays
 */
export function writeReply(
  query: Query,
  reply: Reply,
  limitBytes: number,
): Uint8Array<ArrayBuffer> {
  const { question, edns } = query;
  const { addresses = [], pointer, ttlSeconds = 0 } = reply;
  const soa = reply.soa === undefined ? undefined : writeSoa(query, reply.soa, ttlSeconds);
  const fixed = HEADER_BYTES + question.length + (pointer ? RECORD_BYTES + pointer.length : 0) +
    (soa?.length ?? 0) + (edns === undefined ? 0 : OPT_BYTES);
  const room = Math.max(1, Math.floor((limitBytes - fixed) / A_BYTES));
  const count = Math.min(addresses.length, room);
  const bytes = new Uint8Array(fixed + count * A_BYTES);
  const view = new DataView(bytes.buffer);
  let flags = FLAG.QR | (query.flags & (FLAG.OPCODE | FLAG.RD)) | FLAG.RA | (reply.rcode & 15);
  if (reply.authoritative) flags |= FLAG.AA;
  if (count < addresses.length) flags |= FLAG.TC;
  view.setUint16(0, query.id);
  view.setUint16(2, flags);
  view.setUint16(4, question.length === 0 ? 0 : 1);
  view.setUint16(6, count + (pointer === undefined ? 0 : 1));
  view.setUint16(8, soa === undefined ? 0 : 1);
  view.setUint16(10, edns === undefined ? 0 : 1);
  bytes.set(question, HEADER_BYTES);
  let at = HEADER_BYTES + question.length;
  for (let i = 0; i < count; i++, at += A_BYTES) {
    writeHead(view, at, TYPE.A, ttlSeconds, 4);
    view.setUint32(at + RECORD_BYTES, addresses[i] ?? 0);
  }
  if (pointer !== undefined) {
    writeHead(view, at, TYPE.PTR, ttlSeconds, pointer.length);
    bytes.set(pointer, at + RECORD_BYTES);
    at += RECORD_BYTES + pointer.length;
  }
  if (soa !== undefined) bytes.set(soa, at);
  if (edns !== undefined) writeOpt(view, bytes.length - OPT_BYTES, reply.rcode >> 4, edns.dnssecOk);
  return bytes;
}

/**
 * Writes the answer to bytes that are no query: their id and what is wrong.
 *
 * @returns `undefined` if not even the header is there, or it is an answer: that gets none, or two servers talk for ever
 */
export function writeFormatError(bytes: Uint8Array): Uint8Array<ArrayBuffer> | undefined {
  if (bytes.length < HEADER_BYTES || (u16(bytes, 2) & FLAG.QR) !== 0) return undefined;
  const answer = new Uint8Array(HEADER_BYTES);
  const view = new DataView(answer.buffer);
  view.setUint16(0, u16(bytes, 0));
  view.setUint16(2, FLAG.QR | (u16(bytes, 2) & (FLAG.OPCODE | FLAG.RD)) | FLAG.RA | RCODE.FORMERR);
  return answer;
}

/** Writes the query that asks another server what a client asked us. OPT is from hop to hop: ours, if it had one. */
export function writeQuery(
  id: number,
  query: Pick<Query, "flags" | "question" | "edns">,
): Uint8Array<ArrayBuffer> {
  const { question, edns } = query;
  const fixed = HEADER_BYTES + question.length;
  const bytes = new Uint8Array(fixed + (edns === undefined ? 0 : OPT_BYTES));
  const view = new DataView(bytes.buffer);
  view.setUint16(0, id);
  view.setUint16(2, query.flags & (FLAG.RD | FLAG.AD | FLAG.CD));
  view.setUint16(4, 1);
  view.setUint16(10, edns === undefined ? 0 : 1);
  bytes.set(question, HEADER_BYTES);
  if (edns !== undefined) writeOpt(view, fixed, 0, edns.dnssecOk);
  return bytes;
}

/** An answer of another server, with the one question of the query, that is ready for any client that asked the same. */
export interface Relayable {
  /** The message without OPT. */
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** Where the TTLs of its records are. */
  readonly ttlPlaces: readonly number[];
  /** How long it may be remembered, in seconds; 0: not at all. */
  readonly ttlSeconds: number;
  /** It says that there is nothing. */
  readonly negative: boolean;
  /** Their OPT record is still in it, since other records follow. */
  readonly hasOpt: boolean;
}

/** Makes an answer of another server ready for clients. Its OPT record is taken off if it is the last, as usual. */
export function toRelayable(answer: Answer): Relayable {
  const last = answer.records.at(-1);
  const cut = last?.type === TYPE.OPT && last.section === 3 ? last : undefined;
  const bytes = answer.bytes.slice(0, cut?.start);
  if (cut !== undefined) new DataView(bytes.buffer).setUint16(10, u16(bytes, 10) - 1);
  const records = answer.records.filter((each) => each !== cut);
  const oddOpt = records.some((each) => each.type === TYPE.OPT);
  return {
    bytes,
    ttlPlaces: records.map((each) => each.ttlAt),
    ttlSeconds: oddOpt ? 0 : rememberSeconds(answer),
    negative: isNegative(answer),
    hasOpt: oddOpt,
  };
}

/**
 * Writes the answer of another server for one client.
 *
 * @param ageSeconds how long ago it came; TTLs are less by so much
 * @param limitBytes a longer one becomes an empty one with TC, and the client comes again by TCP
 */
export function writeRelayed(
  query: Query,
  relayable: Relayable,
  ageSeconds: number,
  limitBytes: number,
): Uint8Array<ArrayBuffer> {
  const { question, edns } = query;
  const source = relayable.bytes;
  const ours = edns === undefined ? 0 : OPT_BYTES;
  // A second OPT record would make the message one that does not parse (RFC 6891 6.1.1).
  const besides = relayable.hasOpt ? 0 : ours;
  const whole = source.length + besides <= limitBytes;
  const opt = whole ? besides : ours;
  const body = whole ? source : source.subarray(0, HEADER_BYTES + question.length);
  const bytes = new Uint8Array(body.length + opt);
  bytes.set(body);
  const view = new DataView(bytes.buffer);
  view.setUint16(0, query.id);
  if (whole) {
    for (const at of ageSeconds > 0 ? relayable.ttlPlaces : []) {
      view.setUint32(at, Math.max(0, u32(source, at) - ageSeconds));
    }
  } else {
    view.setUint16(2, u16(source, 2) | FLAG.TC);
    view.setUint32(6, 0);
    view.setUint16(10, 0);
  }
  // Some servers answer in a spelling of their own.
  bytes.set(question, HEADER_BYTES);
  if (edns !== undefined && opt > 0) {
    view.setUint16(10, view.getUint16(10) + 1);
    writeOpt(view, body.length, 0, edns.dnssecOk);
  }
  return bytes;
}

/** The least of all TTLs; without an answer what the SOA record says (RFC 2308 5). Failures are not remembered. */
function rememberSeconds(answer: Answer): number {
  const { bytes, flags, rcode, records } = answer;
  if ((flags & FLAG.TC) !== 0 || (rcode !== RCODE.NOERROR && rcode !== RCODE.NXDOMAIN)) return 0;
  const ttls = records.filter((each) => each.type !== TYPE.OPT).map((each) => each.ttl);
  if (isNegative(answer)) {
    const soa = records.find((each) => each.section === 2 && each.type === TYPE.SOA);
    if (soa === undefined || soa.end - soa.ttlAt < 6 + SOA_NUMBERS_BYTES + 2) return 0;
    ttls.push(u32(bytes, soa.end - 4));
  }
  // The upper half of the numbers is none (RFC 2181 8).
  return Math.min(...ttls.map((ttl) => ttl > 0x7fff_ffff ? 0 : ttl));
}

function isNegative({ rcode, records }: Answer): boolean {
  return rcode !== RCODE.NOERROR || !records.some((each) => each.section === 1);
}

function writeHead(view: DataView, at: number, type: number, ttl: number, length: number): void {
  view.setUint16(at, OWNER);
  view.setUint16(at + 2, type);
  view.setUint16(at + 4, CLASS_IN);
  view.setUint32(at + 6, ttl);
  view.setUint16(at + 10, length);
}

function writeOpt(view: DataView, at: number, upperRcode: number, dnssecOk: boolean): void {
  view.setUint16(at + 1, TYPE.OPT);
  view.setUint16(at + 3, EDNS_BYTES);
  view.setUint8(at + 5, upperRcode);
  view.setUint16(at + 7, dnssecOk ? 0x8000 : 0);
}

/** The SOA record of a domain: server and mailbox are the domain itself, since nobody is behind them. */
function writeSoa(query: Query, domain: string, ttl: number): Uint8Array {
  const full = writeName(domain);
  if (full === undefined) return new Uint8Array();
  // The name asked for ends with the domain, as a rule: then two bytes name it.
  const tail = HEADER_BYTES + query.question.length - 4 - full.length;
  const below = query.lowerName.endsWith(`.${domain}`) || query.lowerName === domain;
  const owner = below ? Uint8Array.of(0xc0 | (tail >> 8), tail & 255) : full;
  const place = below ? tail : HEADER_BYTES + query.question.length;
  const pointer = Uint8Array.of(0xc0 | (place >> 8), place & 255);
  const data = 2 * pointer.length + SOA_NUMBERS_BYTES;
  const bytes = new Uint8Array(owner.length + RECORD_BYTES - 2 + data);
  const view = new DataView(bytes.buffer);
  bytes.set(owner);
  let at = owner.length;
  view.setUint16(at, TYPE.SOA);
  view.setUint16(at + 2, CLASS_IN);
  view.setUint32(at + 4, ttl);
  view.setUint16(at + 8, data);
  bytes.set(pointer, at += RECORD_BYTES - 2);
  bytes.set(pointer, at += 2);
  at += 2;
  for (const number of [1, ...SOA_TIMES, ttl]) {
    view.setUint32(at, number);
    at += 4;
  }
  return bytes;
}
