/**
 * More small datagrams than fit through, and where each of them went. Each is one frame and one record, so that it adds up.
 *
 * @module
 */

import { fileURLToPath } from "node:url";
import { pause } from "../../helpers/until.ts";
import type { Count } from "../end_to_end/batched.ts";
import { datagramBalance, frameBalance, udpErrors } from "./ledger.ts";
import { type BothCounts, countsBetween, type SoakedRouters } from "./routers.ts";
import { deno } from "./streams.ts";
import type { FloodResult } from "./verdict.ts";

const PROGRAM = fileURLToPath(new URL("../end_to_end/batched.ts", import.meta.url));
const PORT = "5302";
const BYTES = "64";
const AS_FAST_AS_IT_GOES = "0";
const SECONDS = "3";
/** All that the source has sent is lost or there; the sink ends half a second after it. */
const IN_FLIGHT_MS = 300;
/** Nothing is under way any more, and the worker has told its counters. */
const SETTLED_MS = 1_000;

/** Sends from the first container to the second. */
export async function flood(
  routers: SoakedRouters,
): Promise<{ readonly result: FloodResult; readonly counts: BothCounts }> {
  const [from, to] = routers.ends;
  await from.at.ping(to.address);
  await using sink = to.at.start(deno(PROGRAM, "sink", PORT, SECONDS));
  await sink.says(/^ready$/m);
  await pause(SETTLED_MS);
  const errors = (): number =>
    udpErrors(Deno.readTextFileSync(`/proc/${to.at.pids()[0]}/net/snmp`));
  const [before, errorsBefore] = [await routers.counters(), errors()];
  const words = ["source", to.address, PORT, BYTES, AS_FAST_AS_IT_GOES, SECONDS];
  const { stdout } = await from.at.run(deno(PROGRAM, ...words));
  await pause(IN_FLIGHT_MS);
  const sinkDrops = errors() - errorsBefore;
  await sink.says(/^\{.*\}$/m, 20_000);
  await pause(SETTLED_MS);
  const counts = countsBetween(before, await routers.counters());
  const [a, b] = counts;
  return {
    result: {
      sent: count(stdout).datagrams,
      received: count(sink.output).datagrams,
      sinkDrops,
      frames: frameBalance(counts),
      datagrams: [datagramBalance(a, b), datagramBalance(b, a)],
    },
    counts,
  };
}

function count(text: string): Count {
  return JSON.parse(/^\{.*\}$/m.exec(text)?.[0] ?? "") as Count;
}
