/**
 * Runs streams between two ends, in one or in both directions at once.
 *
 * @module
 */

import { fileURLToPath } from "node:url";
import type { Background } from "../../helpers/namespace.ts";
import type { End, Ends } from "../end_to_end/site.ts";
import type { Window } from "./arrivals.ts";
import type { SinkReport, SourceReport } from "./stream.ts";
import type { StreamResult } from "./verdict.ts";

const PROGRAM = fileURLToPath(new URL("./stream.ts", import.meta.url));
const CONFIG = fileURLToPath(new URL("../../../deno.json", import.meta.url));
const PORT = "5301";

/** Connections from the first end and from the second. */
export type Flows = readonly [number, number];

/** Both ways: the programs at the ends want more than two CPUs, besides the routers. */
export const BOTH_WAYS: Flows = [2, 2];

/** One way: the least that uses all of a router. */
export const ONE_WAY: Flows = [1, 0];

/** What lies in buffers when the time is over arrives sooner, even on a busy machine. */
const END_MS = 60_000;

/** Sends for some time. @throws {Error} if a stream breaks */
export async function streams(
  ends: Ends,
  seconds: number,
  windowSeconds: number,
  flows: Flows,
): Promise<StreamResult> {
  const [a, b] = ends;
  const timeoutMs = seconds * 1000 + END_MS;
  const start = (end: End, ...args: string[]): Background =>
    end.at.start(deno(PROGRAM, ...args), { timeoutMs });
  const [fromA, fromB] = [`${flows[0]}`, `${flows[1]}`];
  await using sinkA = start(a, "sink", PORT, fromB, `${windowSeconds}`);
  await using sinkB = start(b, "sink", PORT, fromA, `${windowSeconds}`);
  for (const sink of [sinkA, sinkB]) await sink.says(/^ready$/m);
  await using sourceA = start(a, "source", b.address, PORT, fromA, `${seconds}`);
  await using sourceB = start(b, "source", a.address, PORT, fromB, `${seconds}`);
  const all = [sourceA, sourceB, sinkA, sinkB];
  for (const each of all) {
    const { code, stdout } = await each.done();
    if (code !== 0) throw new Error(`Cannot go on: a stream has broken: ${stdout.slice(-500)}`);
  }
  return {
    seconds,
    sent: [last<SourceReport>(sourceA), last<SourceReport>(sourceB)],
    received: [last<SinkReport>(sinkA), last<SinkReport>(sinkB)],
    windows: [windows(sinkA), windows(sinkB)],
  };
}

/** Returns the words that run a program of this tree. */
export function deno(program: string, ...args: readonly string[]): string[] {
  const flags = ["run", "-A", "--no-prompt", "--quiet", "--config", CONFIG];
  return [Deno.execPath(), ...flags, program, ...args];
}

function lines({ output }: Background): string[] {
  return output.split("\n").filter((line) => line.startsWith("{"));
}

function last<T>(program: Background): T {
  return JSON.parse(lines(program).at(-1) ?? "") as T;
}

/** All but the report at the end. */
function windows(sink: Background): Window[] {
  return lines(sink).slice(0, -1).map((line) => JSON.parse(line) as Window);
}
