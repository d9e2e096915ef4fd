/**
 * The page of names: each with its address, who has it and which peer tells (spec/dns.md 12), and the part about them on the
 * page of the router.
 *
 * @module
 */

import { formatIpv4, formatPeerName } from "../../base/mod.ts";
import type { NameEntry } from "../../container/dns/mod.ts";
import { lines, type StatusPage } from "./page.ts";
import type { DnsSnapshot, StatusSnapshot } from "./snapshot.ts";

const NAME_COLUMNS = 12;
const ADDRESS_COLUMNS = 15;
const HOLDER_COLUMNS = 12;

/** `GET /status/dns`: what lives, of all peers. */
export const dnsPage: StatusPage = {
  name: "dns",
  text: ({ dns }) =>
    dns === undefined
      ? "the name service is off (--no-dns)\n"
      : lines(live(dns).map((entry) => format(entry, dns.domain))),
  json: ({ dns }) => dns === undefined ? null : dnsJson(dns),
};

/** Returns the lines about names on the page of the router, as pairs of key and value. */
export function dnsSection({ dns }: StatusSnapshot): [string, string][] {
  if (dns === undefined) return [];
  const problems = [...dns.names.warnings, ...dns.problem === undefined ? [] : [dns.problem]];
  return [
    ["Service", "dns"],
    ["Domain", dns.domain],
    ["Address", dns.listening.join(", ") || "none"],
    ["Upstream", dns.upstream.map(({ address }) => address).join(", ") || "none"],
    ["TTL", `${dns.ttlSeconds}`],
    ["Entries", `${dns.names.live}`],
    ...problems.map((line): [string, string] => ["Warning", line]),
  ];
}

/** Returns names as plain data for programs. */
export function dnsJson(dns: DnsSnapshot): Record<string, unknown> {
  return {
    ...dns,
    problem: dns.problem ?? null,
    entries: live(dns).map((entry) => ({
      hostname: entry.hostname,
      container: entry.container,
      address: formatIpv4(entry.ip),
      origin: formatPeerName(entry.origin),
      version: entry.version,
    })),
  };
}

function live({ entries }: DnsSnapshot): NameEntry[] {
  return entries.filter(({ tombstone }) => tombstone === 0);
}

function format({ hostname, ip, container, origin }: NameEntry, domain: string): string {
  const end = `.${domain}`;
  const name = hostname.endsWith(end) ? hostname.slice(0, -end.length) : hostname;
  return [
    name.padEnd(NAME_COLUMNS),
    formatIpv4(ip).padEnd(ADDRESS_COLUMNS),
    container.slice(0, HOLDER_COLUMNS).padStart(HOLDER_COLUMNS),
    formatPeerName(origin),
  ].join(" ");
}
