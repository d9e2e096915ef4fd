/**
 * What the router tells about itself.
 *
 * ```
 *   StatusSnapshot ──┬── router, connections, peers,             text as Weave Net's scripts read it, JSON
 *                    |   targets, ipam, dns
 *     (one moment)   ├── report     JSON in the structure of Weave Net's report; templates over it
 *                    └── metrics    Prometheus
 * ```
 *
 * Pure: a page is a function of the snapshot. A new page is a file and a line in the list below; the routes of the API and the
 * operands of `weft status` follow. Who takes the snapshot is `router.ts`.
 *
 * @module
 */

import { connectionsPage } from "./connections.ts";
import { dnsPage } from "./dns.ts";
import { ipamPage } from "./ipam.ts";
import type { StatusPage } from "./page.ts";
import { peersPage } from "./peers.ts";
import { routerPage } from "./router.ts";
import { targetsPage } from "./targets.ts";

export { METRICS_TYPE, metricsText } from "./metrics.ts";
export type { StatusPage } from "./page.ts";
export { reportJson, reportTemplate } from "./report.ts";
export type { ConnectionRow, DnsSnapshot, MacRow, PairRow, StatusSnapshot } from "./snapshot.ts";
export { TemplateError } from "./template.ts";

/** All pages. */
export const STATUS_PAGES: readonly StatusPage[] = [
  routerPage,
  connectionsPage,
  peersPage,
  targetsPage,
  ipamPage,
  dnsPage,
];
