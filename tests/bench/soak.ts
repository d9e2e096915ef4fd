/**
 * The program behind `deno task bench:soak`: two sealed routers under full load for some minutes, and what becomes of them.
 *
 * ```
 *   VXLAN   streams                                      half of the time that was asked for
 *   weft    streams: content, memory, keys, garbage      the time that was asked for
 *   VXLAN   again
 *   weft    flood of numbered datagrams: where each frame went     some seconds
 * ```
 *
 * It fails if a byte is wrong, memory grows, keys do not change, or a frame is lost that nobody counted. Stalls and garbage
 * are told, beside VXLAN's stalls under the same load. docs/performance.md says more.
 *
 * @module
 */

import { Lab } from "../helpers/lab.ts";
import { pause } from "../helpers/until.ts";
import { machine } from "./end_to_end/machine.ts";
import { isInstalled } from "./end_to_end/programs.ts";
import { Site } from "./end_to_end/site.ts";
import { vxlan } from "./end_to_end/variants/kernel.ts";
import { flood } from "./soak/flood.ts";
import { datagramBalance } from "./soak/ledger.ts";
import { parseSoak, type SoakOptions, type SoakPlan, soakPlan, USAGE } from "./soak/plan.ts";
import { countsBetween, SoakedRouters } from "./soak/routers.ts";
import { BOTH_WAYS, type Flows, ONE_WAY, streams } from "./soak/streams.ts";
import { passed, type RouterResult, type SoakResult, soakTable } from "./soak/verdict.ts";

const DECIMALS = 3;

if (import.meta.main) Deno.exit(await main(Deno.args));

/** Runs it. @returns the exit code: 1 if something is not as it should be */
async function main(args: readonly string[]): Promise<number> {
  try {
    const options = parseSoak(args);
    if (options.help) {
      print(USAGE);
      return 0;
    }
    const result = await soak(options);
    print(`${soakTable(result)}\n`);
    if (options.json !== undefined) {
      await Deno.writeTextFile(options.json, JSON.stringify(result, undefined, 2) + "\n");
    }
    return passed(result) ? 0 : 1;
  } catch (error) {
    say((error as Error).message);
    return 1;
  }
}

async function soak({ minutes, oneWay }: SoakOptions): Promise<SoakResult> {
  if (Deno.uid() !== 0) throw new Error("Cannot measure: must run as root");
  if (!await isInstalled("ip")) throw new Error("Cannot measure: ip is not installed");
  const plan = soakPlan(minutes);
  const flows = oneWay ? ONE_WAY : BOTH_WAYS;
  const date = new Date().toISOString();
  using lab = new Lab();
  const kernel = await startVxlan(lab);
  const routers = await SoakedRouters.start(lab, plan.rekey);
  say(`VXLAN, ${plan.vxlan} s`);
  const before = await streams(kernel, plan.vxlan, plan.window, flows);
  say(`weft, ${plan.stream} s, a new key every ${plan.rekey} s`);
  const soaked = await soakWeft(routers, plan, flows);
  say(`VXLAN, ${plan.vxlan} s`);
  const after = await streams(kernel, plan.vxlan, plan.window, flows);
  say("a flood of datagrams");
  const flooded = await flood(routers);
  const collections = await routers.stop(soaked.span);
  const router = (i: 0 | 1): RouterResult => ({
    stream: soaked.counts[i],
    flood: flooded.counts[i],
    rssBytes: soaked.rssBytes[i],
    rekeys: soaked.rekeys[i],
    collections: collections[i],
  });
  const [a, b] = soaked.counts;
  return {
    format: 1,
    date,
    machine: machine(),
    windowSeconds: plan.window,
    weft: soaked.stream,
    vxlan: [before, after],
    routers: [router(0), router(1)],
    datagrams: [datagramBalance(a, b), datagramBalance(b, a)],
    flood: flooded.result,
  };
}

async function startVxlan(lab: Lab): Promise<ReturnType<Site["bareContainers"]>> {
  const opened = await vxlan(0).open(new Site(lab, "vxlan", 0));
  await opened.start();
  return opened.ends;
}

/** What was seen of both routers while the stream ran. */
interface Soaked {
  readonly stream: SoakResult["weft"];
  readonly counts: readonly [RouterResult["stream"], RouterResult["stream"]];
  readonly rssBytes: readonly [number[], number[]];
  readonly rekeys: readonly [number, number];
  readonly span: readonly [number, number];
}

async function soakWeft(
  routers: SoakedRouters,
  plan: SoakPlan,
  flows: Flows,
): Promise<Soaked> {
  const begin = performance.now();
  const [before, keys] = [await routers.counters(), routers.keys()];
  const rssBytes: [number[], number[]] = [[], []];
  let over = false;
  const watch = async (): Promise<void> => {
    await pause(plan.warmUp * 1000);
    while (!over) {
      routers.rssBytes().forEach((bytes, i) => rssBytes[i as 0 | 1].push(bytes));
      const each = rssBytes.map((all) => ((all.at(-1) ?? 0) / 1e6).toFixed(DECIMALS));
      say(`${Math.round((performance.now() - begin) / 1000)} s: ${each.join(" and ")} MB`);
      await pause(plan.sample * 1000);
    }
  };
  const watching = watch();
  let stream: SoakResult["weft"];
  try {
    stream = await streams(routers.ends, plan.stream, plan.window, flows);
  } finally {
    over = true;
    await watching;
  }
  const span = [begin, performance.now()] as const;
  const counts = countsBetween(before, await routers.counters());
  const [firstKeys, secondKeys] = routers.keys();
  const rekeys = [firstKeys - keys[0], secondKeys - keys[1]] as const;
  return { stream, counts, rssBytes, rekeys, span };
}

function print(text: string): void {
  Deno.stdout.writeSync(new TextEncoder().encode(text));
}

function say(line: string): void {
  Deno.stderr.writeSync(new TextEncoder().encode(`soak: ${line}\n`));
}
