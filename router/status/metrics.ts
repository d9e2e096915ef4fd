/**
 * The metrics, as Prometheus reads them (text format 0.0.4; spec/http-api.md 8).
 *
 * @module
 */

import { COUNTERS } from "../../switch/mod.ts";
import { lines } from "./page.ts";
import { PAIR_OVERLAYS } from "./pairs.ts";
import type { StatusSnapshot } from "./snapshot.ts";

/** Content type of {@link metricsText}. */
export const METRICS_TYPE = "text/plain; version=0.0.4; charset=utf-8";

/** Counters that show the present and may fall. */
const GAUGES: ReadonlySet<string> = new Set(["macEntries", "configureVersion"]);

/** Returns all metrics. */
export function metricsText(snapshot: StatusSnapshot): string {
  return lines([
    ...help("weave_connections", "gauge", "Connections by state."),
    ...connections(snapshot),
    ...help("weave_connection_terminations_total", "counter", "Links that have ended."),
    `weave_connection_terminations_total ${snapshot.terminations}`,
    ...help("weave_peers", "gauge", "Peers that are known, ourselves included."),
    `weave_peers ${snapshot.peers.length}`,
    ...help("weft_pairs", "gauge", "Peers that can be reached, by what carries frames to them."),
    ...PAIR_OVERLAYS.map((overlay) => {
      const count = snapshot.pairs.filter((pair) => pair.overlay === overlay).length;
      return `weft_pairs{overlay="${overlay}"} ${count}`;
    }),
    ...help("weft_name_collisions", "gauge", "Names that more than one router bears."),
    `weft_name_collisions ${snapshot.collisions.length}`,
    ...help("weft_warnings", "gauge", "Lines that status warns with."),
    `weft_warnings ${snapshot.warnings.length}`,
    ...addresses(snapshot),
    ...names(snapshot),
    ...COUNTERS.flatMap((counter) => {
      const gauge = GAUGES.has(counter);
      const name = `weft_${snake(counter)}${gauge ? "" : "_total"}`;
      return [
        ...help(name, gauge ? "gauge" : "counter", `Data plane: ${counter}.`),
        `${name} ${snapshot.counters[counter]}`,
      ];
    }),
  ]);
}

/** For each state and type that is seen both values of `encryption` are there, as in Weave Net. */
function connections(snapshot: StatusSnapshot): string[] {
  const counts = new Map<string, number>();
  for (const { state, overlay, encrypted } of snapshot.connections) {
    const key = (sealed: boolean): string =>
      `encryption="${sealed ? "yes" : ""}",state="${state}",type="${overlay ?? "unknown"}"`;
    for (const sealed of [false, true]) {
      const seen = (encrypted === true) === sealed ? 1 : 0;
      counts.set(key(sealed), (counts.get(key(sealed)) ?? 0) + seen);
    }
  }
  return [...counts].map(([labels, count]) => `weave_connections{${labels}} ${count}`);
}

/** What is off has no series. */
function addresses({ ipam, name }: StatusSnapshot): string[] {
  if (ipam === undefined) return [];
  const away = ipam.entries.filter(({ peer, reachable }) => peer !== name && !reachable);
  const size = 2 ** (32 - ipam.range.length);
  return [
    ...help("weave_ips", "gauge", "Addresses by use."),
    `weave_ips{state="local-used"} ${ipam.active}`,
    ...help("weave_max_ips", "gauge", "Addresses of the range."),
    `weave_max_ips ${size}`,
    ...help("weave_ipam_unreachable_count", "gauge", "Peers that own addresses and are not there."),
    `weave_ipam_unreachable_count ${new Set(away.map(({ peer }) => peer)).size}`,
    ...help("weave_ipam_unreachable_percentage", "gauge", "How much of the range is theirs."),
    `weave_ipam_unreachable_percentage ${
      100 * away.reduce((sum, entry) => sum + entry.size, 0) / size
    }`,
    ...help("weave_ipam_pending_allocates", "gauge", "Requests for an address that wait."),
    `weave_ipam_pending_allocates ${ipam.pendingAllocates.length}`,
    ...help("weave_ipam_pending_claims", "gauge", "Claims of an address that wait."),
    `weave_ipam_pending_claims ${ipam.pendingClaims.length}`,
    ...help("weft_ipam_warnings", "gauge", "Lines that status warns with about addresses."),
    `weft_ipam_warnings ${ipam.warnings.length}`,
  ];
}

function names({ dns }: StatusSnapshot): string[] {
  if (dns === undefined) return [];
  return [
    ...help("weave_dns_entries", "gauge", "Names that this router tells of."),
    `weave_dns_entries ${dns.names.own}`,
    ...Object.entries(dns.counters).flatMap(([counter, count]) => {
      const name = `weft_dns_${snake(counter)}_total`;
      return [...help(name, "counter", `Name server: ${counter}.`), `${name} ${count}`];
    }),
  ];
}

function help(name: string, type: string, text: string): string[] {
  return [`# HELP ${name} ${text}`, `# TYPE ${name} ${type}`];
}

function snake(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}
