/**
 * Where frames went: what one router took from its bridge is what the other gave to its own, or it was counted as a drop.
 *
 * ```
 *   program -> container -> [ TAP queue | TAP reads -> sealed -> UDP sent ] -> wire -> [ UDP received -> injected ] -> program
 *                             kernel      drops of weft                     kernel       drops of weft
 * ```
 *
 * @module
 */

import { COUNTERS } from "../../../switch/mod.ts";

/** Counters of a router, by name. */
export type Counters = Readonly<Record<string, number>>;

/** What was counted on one host; differences over a span of time. */
export interface HostCounts {
  /** Counters of its router. */
  readonly router: Counters;
  /** Frames for its TAP that the kernel threw away before the router could read them. */
  readonly tapQueueDrops: number;
  /** Datagrams, or trains of them, that the kernel threw away before the router could read them. */
  readonly socketDrops: number;
}

/** Frames between two hosts, both ways together. */
export interface FrameBalance {
  /** Taken from the TAPs. */
  readonly read: number;
  /** Injected into bridges by the other. */
  readonly injected: number;
  /** Counted as drops of weft. */
  readonly dropped: number;
  /** Neither. */
  readonly missing: number;
}

/** Datagrams of the routers, one way. */
export interface DatagramBalance {
  /** Sent by the one. */
  readonly sent: number;
  /** Read by the other. */
  readonly received: number;
  /** Not read. */
  readonly missing: number;
  /** Datagrams or trains that the kernel says it threw away. */
  readonly socketDrops: number;
}

/** These are counted after the frame was counted as injected. */
const AFTER_INJECTION: ReadonlySet<string> = new Set(["dropTap"]);

/** Names of all counters of frames and datagrams that were not passed on. */
export const DROPS: readonly string[] = COUNTERS.filter((name) =>
  name.startsWith("drop") || name === "stormLimited" || name === "fragmentTimeouts"
);

/** Subtracts counters. */
export function since(before: Counters, after: Counters): Counters {
  return Object.fromEntries(
    Object.entries(after).map(([name, value]) => [name, value - (before[name] ?? 0)]),
  );
}

/** Returns what is not zero among the drops. */
export function dropsOf(router: Counters): Counters {
  return Object.fromEntries(
    DROPS.flatMap((name) => (router[name] ?? 0) === 0 ? [] : [[name, router[name] ?? 0]]),
  );
}

/** Compares frames; exact when each frame is one record, and nothing is on its way. */
export function frameBalance(hosts: readonly HostCounts[]): FrameBalance {
  const sum = (count: (host: HostCounts) => number): number =>
    hosts.reduce((all, host) => all + count(host), 0);
  const read = sum(({ router }) => router["tapReads"] ?? 0);
  const injected = sum(({ router }) => router["framesLocal"] ?? 0);
  const dropped = sum(({ router }) =>
    Object.entries(dropsOf(router)).reduce(
      (all, [name, count]) => AFTER_INJECTION.has(name) ? all : all + count,
      0,
    )
  );
  return { read, injected, dropped, missing: read - injected - dropped };
}

/** Compares datagrams of one router with what the other has read. */
export function datagramBalance(from: HostCounts, to: HostCounts): DatagramBalance {
  const sent = from.router["udpSent"] ?? 0;
  const received = to.router["udpReceived"] ?? 0;
  return { sent, received, missing: sent - received, socketDrops: to.socketDrops };
}

/** Tells whether what is missing is known to somebody: a train that the kernel dropped is one drop of many datagrams. */
export function isExplained({ missing, socketDrops }: DatagramBalance): boolean {
  return socketDrops === 0 ? missing === 0 : missing >= socketDrops;
}

/** Returns what the kernel threw away of what a device had to take in or give out, from `/proc/net/dev`. */
export function deviceDrops(text: string, device: string): { rx: number; tx: number } {
  for (const line of text.split("\n")) {
    const [name = "", numbers = ""] = line.split(":");
    if (name.trim() !== device) continue;
    const words = numbers.trim().split(/\s+/).map(Number);
    return { rx: words[3] ?? 0, tx: words[11] ?? 0 };
  }
  throw new Error(`Cannot count drops: there is no device "${device}"`);
}

/** Returns what sockets of UDP did not take, from `/proc/net/snmp`. */
export function udpErrors(text: string): number {
  const [names = [], values = []] = text.split("\n").filter((line) => line.startsWith("Udp: "))
    .map((line) => line.split(" "));
  // Those for which the buffer was too small are among the errors.
  return ["InErrors", "NoPorts"].reduce(
    (sum, name) => sum + Number(values[names.indexOf(name)] ?? 0),
    0,
  );
}
