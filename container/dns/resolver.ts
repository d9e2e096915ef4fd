/**
 * What a query gets: an answer from the table of names, or nothing from here, and then other servers are asked.
 *
 * ```
 *   web.weave.local, web     table: A records, NOERROR without any, NXDOMAIN      never goes out
 *   4.3.2.10.in-addr.arpa    table: PTR, else other servers
 *   everything else          other servers
 * ```
 *
 * @module
 */

import { formatIpv4, type Ipv4, parseIpv4, WireError } from "../../base/mod.ts";
import { FLAG, parseQuery, type Query, RCODE, TYPE, writeName } from "./message.ts";
import type { NameAddress, NameLookup } from "./records.ts";
import { limitOf, type Reply, writeFormatError, writeReply } from "./reply.ts";

/** How a query came. */
export type DnsTransport = "udp" | "tcp";

/** What becomes of a query. */
export type Decision =
  /** It is answered so. */
  | { readonly kind: "answer"; readonly bytes: Uint8Array<ArrayBuffer> }
  /** Other servers are asked; the answer may be so long. */
  | { readonly kind: "forward"; readonly query: Query; readonly limitBytes: number }
  /** It gets no answer. */
  | { readonly kind: "silence" };

/** What a {@link Resolver} needs. */
export interface ResolverOptions {
  /** Our domain with the dot at its end: `weave.local.` */
  readonly domain: string;
  /** How long clients may remember our answers, in seconds. */
  readonly ttlSeconds: number;
  /** The table of names. */
  readonly names: NameLookup;
  /** Returns a number from 0 up to, not including, 1. */
  readonly random: () => number;
}

const REVERSE = "in-addr.arpa.";
const QUERY = 0;

/** Answers queries from the table of names. */
export class Resolver {
  #options: ResolverOptions;
  #domain: string;

  /** Has no state but the table that it asks. */
  constructor(options: ResolverOptions) {
    this.#options = options;
    this.#domain = options.domain.toLowerCase();
  }

  /** Decides what a query gets; any bytes will do. */
  resolve(bytes: Uint8Array, transport: DnsTransport): Decision {
    const query = parseOrUndefined(bytes);
    if (query === undefined) return answerOrSilence(writeFormatError(bytes));
    if ((query.flags & FLAG.QR) !== 0) return { kind: "silence" };
    const limitBytes = limitOf(query, transport);
    const reply = this.#replyTo(query);
    if (reply === undefined) return { kind: "forward", query, limitBytes };
    return { kind: "answer", bytes: writeReply(query, reply, limitBytes) };
  }

  #replyTo(query: Query): Reply | undefined {
    const { questions, lowerName } = query;
    if (((query.flags & FLAG.OPCODE) >> 11) !== QUERY) return { rcode: RCODE.NOTIMP };
    if (query.edns !== undefined && query.edns.version !== 0) return { rcode: RCODE.BADVERS };
    if (questions === 0) return { rcode: RCODE.SERVFAIL };
    if (isWithin(lowerName, this.#domain)) return this.#local(query, lowerName);
    if (isWithin(lowerName, REVERSE)) return this.#reverse(query);
    // Two questions in one query: nobody asks so (RFC 9619), and the second one might be for our domain.
    if (questions !== 1) return { rcode: RCODE.FORMERR };
    return query.labels === 1 ? this.#local(query, lowerName + this.#domain) : undefined;
  }

  #local(query: Query, lowerName: string): Reply {
    const { names, ttlSeconds } = this.#options;
    const found = query.questions === 1 ? names.addressesOf(lowerName) : [];
    if (found.length === 0) {
      // Who remembers that the domain itself is not there would not ask for what is in it (RFC 8020).
      const soa = lowerName === this.#domain ? undefined : this.#domain;
      return { rcode: RCODE.NXDOMAIN, ttlSeconds, soa };
    }
    const known = { rcode: RCODE.NOERROR, authoritative: true, ttlSeconds };
    if (query.type !== TYPE.A) return { ...known, soa: this.#domain };
    return { ...known, addresses: this.#shuffle(found) };
  }

  /** Without SOA records: what has no PTR record here may have others, or names below it. */
  #reverse(query: Query): Reply | undefined {
    const ip = reverseAddress(query.lowerName);
    if (query.questions !== 1 || query.type !== TYPE.PTR || ip === undefined) {
      return { rcode: RCODE.NXDOMAIN };
    }
    const name = this.#options.names.nameOf(ip);
    if (name === undefined) return undefined;
    const pointer = writeName(name);
    // A name that a peer made up and no client could ask for.
    if (pointer === undefined) return { rcode: RCODE.NXDOMAIN };
    const { ttlSeconds } = this.#options;
    return { rcode: RCODE.NOERROR, authoritative: true, ttlSeconds, pointer };
  }

  /** Every order is equally likely, but those that can be reached come first. */
  #shuffle(found: readonly NameAddress[]): Ipv4[] {
    const near = found.filter((each) => each.reachable).map((each) => each.ip);
    const far = found.filter((each) => !each.reachable).map((each) => each.ip);
    return [...shuffle(near, this.#options.random), ...shuffle(far, this.#options.random)];
  }
}

/** Tells whether a name is a domain or below it; both in lower case with the dot at the end. */
export function isWithin(lowerName: string, domain: string): boolean {
  return lowerName === domain || lowerName.endsWith(`.${domain}`);
}

/** Returns the address that a name such as `5.32.0.10.in-addr.arpa.` stands for, `undefined` if it is not whole. */
function reverseAddress(lowerName: string): Ipv4 | undefined {
  const text = lowerName.slice(0, -REVERSE.length - 1).split(".").reverse().join(".");
  try {
    const ip = parseIpv4(text);
    return formatIpv4(ip) === text ? ip : undefined;
  } catch {
    return undefined;
  }
}

function shuffle(ips: Ipv4[], random: () => number): Ipv4[] {
  for (let i = ips.length - 1; i > 0; i--) {
    const other = Math.floor(random() * (i + 1));
    [ips[i], ips[other]] = [ips[other] ?? 0, ips[i] ?? 0];
  }
  return ips;
}

function answerOrSilence(bytes: Uint8Array<ArrayBuffer> | undefined): Decision {
  return bytes === undefined ? { kind: "silence" } : { kind: "answer", bytes };
}

function parseOrUndefined(bytes: Uint8Array): Query | undefined {
  try {
    return parseQuery(bytes);
  } catch (error) {
    if (error instanceof WireError) return undefined;
    throw error;
  }
}
