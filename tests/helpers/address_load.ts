/**
 * Many requests for addresses at once, spread over several routers.
 *
 * ```
 *   idents of a host ──┬─> worker ──POST /ip/IDENT──> its unix socket      as many workers a host as are to be in flight
 *                      └─> worker ...                                      each notes what came and how long it took
 * ```
 *
 * Times are those of the caller: from before the request is written to after its answer is read.
 *
 * @module
 */

import type { Host } from "./lab.ts";
import { until } from "./until.ts";

/** A router that was killed serves again within this. */
const BACK_MS = 60_000;

/** How one request ended, or one try of it. */
export interface Asked {
  /** For whom. */
  readonly ident: string;
  /** Who was asked. */
  readonly host: Host;
  /** The address with its prefix, if one came. */
  readonly address?: string;
  /** Why none came. */
  readonly reason?: string;
  /** The router ended meanwhile, or was not there; the same is asked again. */
  readonly gone: boolean;
  /** How long it took. */
  readonly ms: number;
}

/** What is asked. */
export interface LoadOptions {
  /** How many addresses, over all hosts. */
  readonly count: number;
  /** How many requests are under way at each router. */
  readonly inFlight: number;
  /** In front of the number in each ident. */
  readonly prefix?: string;
  /** Seconds that a request may wait. */
  readonly waitSeconds?: number;
  /** Is called after each try, with how many idents are done. */
  readonly onDone?: (done: number) => void;
}

/** Asks for addresses until each ident has one or was refused. @returns every try, in the order of their ends */
export async function askForAddresses(
  hosts: readonly Host[],
  { count, inFlight, prefix = "load", waitSeconds, onDone = (): void => {} }: LoadOptions,
): Promise<Asked[]> {
  const tries: Asked[] = [];
  let done = 0;
  const query = waitSeconds === undefined ? "" : `?wait=${waitSeconds}`;
  const work = async (host: Host, idents: string[], client: Deno.HttpClient): Promise<void> => {
    for (let ident = idents.shift(); ident !== undefined;) {
      const asked = await askOnce(host, ident, query, client);
      tries.push(asked);
      if (asked.gone) {
        await until(() => serves(client), BACK_MS, `an answer of ${host.name}`);
      } else {
        onDone(++done);
        ident = idents.shift();
      }
    }
  };
  const all = Array.from({ length: count }, (_, i) => `${prefix}${i}`);
  await Promise.all(hosts.map(async (host, h) => {
    using client = clientOf(host);
    const idents = all.filter((_, i) => i % hosts.length === h);
    await Promise.all(Array.from({ length: inFlight }, () => work(host, idents, client)));
  }));
  return tries;
}

/** Asks for one address. */
export async function askForAddress(host: Host, ident: string, waitSeconds = 60): Promise<Asked> {
  using client = clientOf(host);
  return await askOnce(host, ident, `?wait=${waitSeconds}`, client);
}

/** Returns who holds what at a router: a line `IDENT ADDRESS/LENGTH` each. */
export async function heldAt(host: Host): Promise<string[]> {
  interface Owned {
    readonly containerid: string;
    readonly addrs: readonly string[];
  }
  const { owned } = JSON.parse(await host.api.get("/ip", "json")) as { owned: Owned[] | null };
  return (owned ?? []).flatMap(({ containerid, addrs }) =>
    addrs.map((address) => `${containerid} ${address}`)
  );
}

/** Returns the seeds of the ring at a router, as the owners of its tokens in order; the same ring has the same. */
export async function ringAt(host: Host): Promise<string[]> {
  interface Entry {
    readonly Token: string;
    readonly Peer: string;
  }
  const report = JSON.parse(await host.api.get("/report", "json")) as {
    IPAM: { Entries: Entry[] | null };
  };
  return (report.IPAM.Entries ?? []).map(({ Token, Peer }) => `${Token} ${Peer}`);
}

/** Returns a time that so much of all took no longer than, in ms. */
export function quantile(asked: readonly Asked[], part: number): number {
  const times = asked.map(({ ms }) => ms).sort((a, b) => a - b);
  return times[Math.min(times.length - 1, Math.floor(times.length * part))] ?? NaN;
}

/** Returns the usual quantiles in one line. */
export function spread(asked: readonly Asked[]): string {
  const at = (part: number): string => quantile(asked, part).toFixed(1);
  return `p50 ${at(0.5)}, p90 ${at(0.9)}, p99 ${at(0.99)}, longest ${at(1)} ms`;
}

function clientOf(host: Host): Deno.HttpClient {
  const path = `${host.runtimeDir}/weft.sock`;
  return Deno.createHttpClient({ proxy: { transport: "unix", path } });
}

async function askOnce(
  host: Host,
  ident: string,
  query: string,
  client: Deno.HttpClient,
): Promise<Asked> {
  const start = performance.now();
  const ended = (): { ident: string; host: Host; ms: number } => ({
    ident,
    host,
    ms: performance.now() - start,
  });
  try {
    const url = `http://localhost/ip/${ident}${query}`;
    const response = await fetch(url, { method: "POST", client });
    const text = (await response.text()).trim();
    if (response.ok) return { ...ended(), gone: false, address: text };
    return { ...ended(), gone: response.status === 499, reason: `${response.status} ${text}` };
  } catch (error) {
    return { ...ended(), gone: true, reason: String(error) };
  }
}

async function serves(client: Deno.HttpClient): Promise<boolean> {
  const response = await fetch("http://localhost/status", { client });
  await response.body?.cancel();
  return response.ok;
}
