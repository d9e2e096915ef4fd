/**
 * What a soak has found, as one table, and whether it is as it should be.
 *
 * @module
 */

import { markdownTable } from "../end_to_end/tables.ts";
import { median } from "../end_to_end/statistics.ts";
import type { Window } from "./arrivals.ts";
import type { Collections } from "./gc_log.ts";
import {
  type DatagramBalance,
  dropsOf,
  type FrameBalance,
  type HostCounts,
  isExplained,
} from "./ledger.ts";
import type { SinkReport, SourceReport } from "./stream.ts";

/** Most that memory may grow after the warm-up. */
export const FLAT_BYTES = 5e6;
/** Keys that have to change under load. */
export const LEAST_REKEYS = 10;

/** Streams in both directions at once, or in one: then the other has no flows. */
export interface StreamResult {
  /** How long it was sent. */
  readonly seconds: number;
  /** What each host's container sent. */
  readonly sent: readonly [SourceReport, SourceReport];
  /** What each host's container received. */
  readonly received: readonly [SinkReport, SinkReport];
  /** The same, window by window. */
  readonly windows: readonly [readonly Window[], readonly Window[]];
}

/** What is known of one host's router. */
export interface RouterResult {
  /** Counters over the stream. */
  readonly stream: HostCounts;
  /** Counters over the flood. */
  readonly flood: HostCounts;
  /** Resident memory in bytes, in the order of time, from the end of the warm-up on. */
  readonly rssBytes: readonly number[];
  /** Keys that it installed during the stream. */
  readonly rekeys: number;
  /** Garbage collections during the stream. */
  readonly collections: readonly Collections[];
}

/** A flood of numbered small datagrams, which are more than fit. */
export interface FloodResult {
  /** By the program. */
  readonly sent: number;
  /** By the program at the other end. */
  readonly received: number;
  /** Thrown away by the kernel in front of that program. */
  readonly sinkDrops: number;
  /** Frames of both routers. */
  readonly frames: FrameBalance;
  /** Datagrams of the routers, each way. */
  readonly datagrams: readonly [DatagramBalance, DatagramBalance];
}

/** All of it. */
export interface SoakResult {
  /** Format of this file. */
  readonly format: 1;
  /** Begin, in ISO 8601. */
  readonly date: string;
  /** What it ran on. */
  readonly machine: Readonly<Record<string, string | number>>;
  /** Length of a window. */
  readonly windowSeconds: number;
  /** weft. */
  readonly weft: StreamResult;
  /** Kernel VXLAN, before and after it. */
  readonly vxlan: readonly StreamResult[];
  /** Both routers. */
  readonly routers: readonly [RouterResult, RouterResult];
  /** Datagrams of the routers in the stream, each way. */
  readonly datagrams: readonly [DatagramBalance, DatagramBalance];
  /** The flood. */
  readonly flood: FloodResult;
}

/** One line of the table. */
export interface Row {
  /** What was looked at. */
  readonly what: string;
  /** On or towards the first host. */
  readonly first: string;
  /** On or towards the second host. */
  readonly second: string;
  /** Whether it is as it should be; `undefined` if nothing is promised. */
  readonly ok?: boolean;
}

type Side = 0 | 1;

/** Returns the table. */
export function soakTable(result: SoakResult): string {
  const rows = soakRows(result).map(({ what, first, second, ok }) => [
    what,
    first,
    second,
    ok === undefined ? "" : ok ? "ok" : "FAILED",
  ]);
  return markdownTable([["what", "host 1", "host 2", ""], ...rows]);
}

/** Tells whether all that is promised was kept. */
export function passed(result: SoakResult): boolean {
  return soakRows(result).every(({ ok }) => ok !== false);
}

/** Returns each line. */
export function soakRows(result: SoakResult): Row[] {
  return [
    ...contentRows(result),
    ...memoryRows(result),
    both("new keys meanwhile", (i) => `${result.routers[i].rekeys}`, {
      ok: (i) => result.routers[i].rekeys >= LEAST_REKEYS,
    }),
    ...stallRows(result),
    ...garbageRows(result),
    ...lossRows(result),
    ...floodRows(result),
  ];
}

function both(
  what: string,
  cell: (side: Side) => string,
  { ok }: { readonly ok?: (side: Side) => boolean } = {},
): Row {
  const row = { what, first: cell(0), second: cell(1) };
  return ok === undefined ? row : { ...row, ok: ok(0) && ok(1) };
}

function contentRows({ weft, vxlan }: SoakResult): Row[] {
  const bytes = (stream: StreamResult, side: Side): number =>
    stream.received[side].flows.reduce((sum, flow) => sum + flow.bytes, 0);
  const rate = (streams: readonly StreamResult[], side: Side): string => {
    const total = streams.reduce((sum, stream) => sum + bytes(stream, side), 0);
    const seconds = streams.reduce((sum, stream) => sum + stream.seconds, 0);
    return `${Math.round(total * 8 / seconds / 1e6)}`;
  };
  const wrong = (side: Side): string[] => {
    const sent = weft.sent[side === 0 ? 1 : 0].sent;
    return weft.received[side].flows.flatMap((flow, i) => {
      if (flow.firstWrong !== undefined) return [`flow ${i} from byte ${flow.firstWrong}`];
      return flow.bytes === sent[i] ? [] : [`flow ${i}: ${flow.bytes} of ${sent[i]}`];
    });
  };
  return [
    both("received, MB", (i) => `${Math.round(bytes(weft, i) / 1e6)}`),
    both("wrong or missing bytes", (i) => wrong(i).join(", ") || "none", {
      ok: (i) => wrong(i).length === 0 && weft.received[i].flows.every((flow) => flow.bytes > 0),
    }),
    both("received, Mbit/s", (i) => rate([weft], i)),
    both("VXLAN: received, Mbit/s", (i) => rate(vxlan, i)),
  ];
}

function memoryRows({ routers }: SoakResult): Row[] {
  const span = (side: Side): number => {
    const { rssBytes } = routers[side];
    return rssBytes.length === 0 ? Infinity : Math.max(...rssBytes) - Math.min(...rssBytes);
  };
  // The middle of a third, since a collection may just be due.
  const growth = (side: Side): number => {
    const { rssBytes } = routers[side];
    const third = Math.ceil(rssBytes.length / 3);
    return (median(rssBytes.slice(-third)) ?? Infinity) - (median(rssBytes.slice(0, third)) ?? 0);
  };
  return [
    both("memory in the end, MB", (i) => megabytes(routers[i].rssBytes.at(-1) ?? 0)),
    both("memory: highest above lowest, MB", (i) => megabytes(span(i))),
    both("memory: last third above first, MB", (i) => megabytes(growth(i)), {
      ok: (i) => growth(i) <= FLAT_BYTES,
    }),
  ];
}

function stallRows({ weft, vxlan, windowSeconds }: SoakResult): Row[] {
  const whole = (stream: StreamResult, side: Side): readonly Window[] =>
    // The first has the slow start.
    stream.windows[side].slice(stream.windows[side].length > 1 ? 1 : 0);
  const rows = (name: string, streams: readonly StreamResult[]): Row[] => {
    const all = (side: Side): Window[] => streams.flatMap((stream) => whole(stream, side));
    const cell = (key: "silentMs" | "flowSilentMs") => (side: Side): string => {
      const values = all(side).map((window) => window[key]);
      return `${tenths(Math.max(0, ...values))} (${tenths(median(values) ?? 0)})`;
    };
    const of = `longest, and median of windows of ${windowSeconds} s`;
    return [
      both(`${name}nothing arrived for, ms: ${of}`, cell("silentMs")),
      both(`${name}one flow stood for, ms: ${of}`, cell("flowSilentMs")),
    ];
  };
  return [...rows("", [weft]), ...rows("VXLAN: ", vxlan)];
}

function garbageRows({ routers, weft }: SoakResult): Row[] {
  const rows = ["main thread", "data plane"].map((name, at) => [
    both(`${name}: scavenges a second`, (i) => {
      const each = routers[i].collections[at];
      return each === undefined ? "none" : (each.scavenges / weft.seconds).toFixed(3);
    }),
    both(`${name}: whole collections; longest pause, ms`, (i) => {
      const each = routers[i].collections[at];
      return each === undefined ? "none" : `${each.markCompacts}; ${tenths(each.longestMs)}`;
    }),
  ]);
  return rows.flat();
}

function lossRows({ routers, datagrams }: SoakResult): Row[] {
  return [
    both("stream: datagrams sent", (i) => `${datagrams[i].sent}`),
    both("stream: of them not read by the other", (i) => missing(datagrams[i]), {
      ok: (i) => isExplained(datagrams[i]),
    }),
    both(
      "stream: frames that the queue of the TAP dropped",
      (i) => `${routers[i].stream.tapQueueDrops}`,
    ),
    both("stream: drops of weft", (i) => named(dropsOf(routers[i].stream.router))),
  ];
}

function floodRows({ flood, routers }: SoakResult): Row[] {
  const { frames } = flood;
  const lostByKernel = flood.datagrams.some(({ socketDrops }) => socketDrops > 0);
  return [
    {
      what: "flood: datagrams sent, received",
      first: `${flood.sent}`,
      second: `${flood.received}`,
    },
    both(
      "flood: frames that the queue of the TAP dropped",
      (i) => `${routers[i].flood.tapQueueDrops}`,
    ),
    both("flood: datagrams of weft not read by the other", (i) => missing(flood.datagrams[i]), {
      ok: (i) => isExplained(flood.datagrams[i]),
    }),
    both("flood: drops of weft", (i) => named(dropsOf(routers[i].flood.router))),
    { what: "flood: dropped in front of the program", first: "", second: `${flood.sinkDrops}` },
    {
      what: "flood: frames read; injected or dropped",
      first: `${frames.read}`,
      second: `${frames.injected + frames.dropped}`,
      ok: lostByKernel ? frames.missing >= 0 : frames.missing === 0,
    },
  ];
}

function missing({ missing, socketDrops }: DatagramBalance): string {
  return socketDrops === 0 ? `${missing}` : `${missing} in ${socketDrops} drops of the kernel`;
}

function named(counters: Readonly<Record<string, number>>): string {
  return Object.entries(counters).map(([name, count]) => `${name} ${count}`).join(", ") || "none";
}

function megabytes(bytes: number): string {
  return (bytes / 1e6).toFixed(1);
}

function tenths(ms: number): string {
  return ms.toFixed(1);
}
