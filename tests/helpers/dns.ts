/**
 * DNS for tests: messages written and read by dns-packet, an independent witness; a table of names.
 *
 * @module
 */

import { Buffer } from "node:buffer";
// @ts-types="./dns_packet_types.ts"
import * as dnsPacket from "dns-packet";
import { type Ipv4, parseIpv4, WireError } from "../../base/mod.ts";
import type { NameLookup } from "../../container/dns/records.ts";

/** What a query says beside its question. */
export interface AskOptions {
  /** Its id. */
  readonly id?: number;
  /** Size in an OPT record; none: no such record. */
  readonly edns?: number;
  /** Wants signatures. */
  readonly dnssecOk?: boolean;
  /** Flags; RD if nothing is said. */
  readonly flags?: number;
}

/** Writes any message that dns-packet can. */
export function encode(packet: unknown): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(dnsPacket.encode(packet));
}

/**
 * Takes a whole message apart.
 *
 * @throws {WireError} if it does not parse
 */
export function decodeMessage(bytes: Uint8Array): dnsPacket.DecodedPacket {
  try {
    // A copy: its records point into it.
    return dnsPacket.decode(Buffer.from(bytes));
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new WireError("DNS message", 0, `records that parse: ${reason}`);
  }
}

/** Writes a query. */
export function ask(name: string, type: string, options: AskOptions = {}): Uint8Array<ArrayBuffer> {
  const { id = 1, edns, dnssecOk = false, flags = dnsPacket.RECURSION_DESIRED } = options;
  const opt = {
    type: "OPT",
    name: ".",
    udpPayloadSize: edns,
    flags: dnssecOk ? dnsPacket.DNSSEC_OK : 0,
    options: [],
  };
  return encode({
    type: "query",
    id,
    flags,
    questions: [{ type, name }],
    additionals: edns === undefined ? [] : [opt],
  });
}

/** An answer, as far as tests look. */
export interface Told {
  /** Its id. */
  readonly id: number;
  /** Result in words. */
  readonly rcode: string;
  /** Flags that are set, in small letters, as `dig` has them. */
  readonly flags: string;
  /** The question, as `NAME TYPE`. */
  readonly question: string;
  /** Answers, as `NAME TTL TYPE DATA`. */
  readonly answers: readonly string[];
  /** TTL and minimum of the SOA record in the authority section. */
  readonly soa:
    | { readonly name: string; readonly ttl: number; readonly minimum: number }
    | undefined;
  /** Size in the OPT record. */
  readonly edns: number | undefined;
  /** Length of the message. */
  readonly length: number;
}

/** Reads an answer. */
export function tell(bytes: Uint8Array): Told {
  const packet = dnsPacket.decode(Buffer.from(bytes));
  const flags = Object.entries({
    qr: packet.flag_qr,
    aa: packet.flag_aa,
    tc: packet.flag_tc,
    rd: packet.flag_rd,
    ra: packet.flag_ra,
  });
  const question = packet.questions[0];
  const soa = packet.authorities.find((each) => each.type === "SOA") as
    | { name: string; ttl: number; data: { minimum: number } }
    | undefined;
  const opt = packet.additionals.find((each) => each.type === "OPT") as
    | { udpPayloadSize: number }
    | undefined;
  return {
    id: packet.id ?? -1,
    rcode: packet.rcode,
    flags: flags.filter(([, set]) => set).map(([name]) => name).join(" "),
    question: question === undefined ? "" : `${question.name} ${question.type}`,
    answers: (packet.answers ?? []).map((each) => {
      const { name, ttl, type, data } = each as {
        name: string;
        ttl: number;
        type: string;
        data: unknown;
      };
      return `${name} ${ttl} ${type} ${data}`;
    }),
    soa: soa && { name: soa.name, ttl: soa.ttl, minimum: soa.data.minimum },
    edns: opt?.udpPayloadSize,
    length: bytes.length,
  };
}

/** Returns a table of names: `{ "Foo.weave.local.": ["192.0.2.1"] }`. A "!" in front: it cannot be reached. */
export function tableOf(names: Readonly<Record<string, readonly string[]>>): NameLookup {
  const entries = Object.entries(names).flatMap(([name, ips]) =>
    ips.map((ip) => ({
      name,
      ip: parseIpv4(ip.replace("!", "")),
      reachable: !ip.startsWith("!"),
    }))
  );
  return {
    addressesOf: (lower: string) => entries.filter(({ name }) => name.toLowerCase() === lower),
    nameOf: (ip: Ipv4) => entries.find((each) => each.ip === ip)?.name,
  };
}
