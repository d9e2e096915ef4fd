/**
 * The program behind `deno task bench`: builds every variant, measures them, writes JSON and tables.
 *
 * @module
 */

import { fileURLToPath } from "node:url";
import { Lab } from "../../helpers/lab.ts";
import { run } from "../../helpers/namespace.ts";
import { pause } from "../../helpers/until.ts";
import { memoryOf, moment } from "./cpu.ts";
import { machine, programs } from "./machine.ts";
import { MEASUREMENTS } from "./measurements/mod.ts";
import { type BenchOptions, parseOptions, USAGE } from "./options.ts";
import { type BenchResult, chosen, type VariantResult } from "./result.ts";
import { isInstalled } from "./programs.ts";
import { takeRounds } from "./rounds.ts";
import { type Running, runs, start } from "./running.ts";
import { replaceBetween, tables } from "./tables.ts";
import { type Variant, VARIANTS } from "./variants/mod.ts";

const DOCUMENT = fileURLToPath(new URL("../../../docs/performance.md", import.meta.url));

/** What every measurement needs. */
const TOOLS = ["ip", "ping", "iperf3", "ethtool"];

if (import.meta.main) Deno.exit(await main(Deno.args));

/** Runs it. @returns the exit code */
async function main(args: readonly string[]): Promise<number> {
  try {
    const options = parseOptions(args);
    if (options.help) print(USAGE);
    else if (options.list) print(VARIANTS.map(described).join("\n") + "\n");
    else await report(await bench(options), options);
    return 0;
  } catch (error) {
    say((error as Error).message);
    return 1;
  }
}

async function bench(options: BenchOptions): Promise<BenchResult> {
  const variants = chosen(VARIANTS, options.variants);
  if (Deno.uid() !== 0) throw new Error("Cannot measure: must run as root");
  for (const tool of TOOLS) {
    if (await isInstalled(tool)) continue;
    throw new Error(`Cannot measure: ${tool} is not installed; run: sudo scripts/setup --bench`);
  }
  const date = new Date().toISOString();
  using lab = new Lab();
  const started: (Running | VariantResult)[] = [];
  for (const variant of variants) {
    const each = await start(lab, variant);
    started.push(each);
    say(runs(each) ? `${variant.name} is up` : `${variant.name}: ${each.unavailable}`);
  }
  const running = started.filter(runs);
  const turns = await takeRounds({
    running,
    measurements: MEASUREMENTS,
    options,
    prefix: lab.prefix,
    say,
  });
  const memory = new Map(running.map((each) => [each, memoryOf(each.pids)]));
  const idle = await idlePercent(running, options.idleSeconds);
  const results = started.map((each) => runs(each) ? finished(each, memory, idle) : each);
  const [hardware, versions] = [machine(), await programs()];
  return {
    format: 1,
    date,
    machine: hardware,
    programs: versions,
    options,
    variants: results,
    turns,
  };
}

/** Counts for all variants at once: none of them does anything. */
async function idlePercent(
  running: readonly Running[],
  seconds: number,
): Promise<ReadonlyMap<Running, number>> {
  say(`idle for ${seconds} s`);
  const before = running.map(({ pids }) => moment(pids));
  await pause(seconds * 1000);
  return new Map(running.map((each, i) => {
    const after = moment(each.pids);
    const used = after.processes - (before[i]?.processes ?? 0);
    return [each, used / (after.at - (before[i]?.at ?? 0)) * 1e5 / each.site.hosts.length];
  }));
}

function finished(
  running: Running,
  memory: ReadonlyMap<Running, number>,
  idle: ReadonlyMap<Running, number>,
): VariantResult {
  if (running.pids.length === 0) return running.result;
  const rssBytes = (memory.get(running) ?? 0) / running.site.hosts.length;
  return { ...running.result, rssBytes, idlePercent: idle.get(running) ?? 0 };
}

async function report(result: BenchResult, options: BenchOptions): Promise<void> {
  const text = tables(result);
  print(`${text}\n`);
  if (options.json !== undefined) {
    await Deno.writeTextFile(options.json, JSON.stringify(result, undefined, 2) + "\n");
  }
  if (options.write) {
    await Deno.writeTextFile(DOCUMENT, replaceBetween(await Deno.readTextFile(DOCUMENT), text));
    await run([Deno.execPath(), "fmt", "--quiet", DOCUMENT]);
  }
}

function described({ name, title, cipher, needs }: Variant): string {
  const wants = needs.length === 0 ? "" : `; needs ${needs.join(", ")}`;
  return `${name.padEnd(24)}${title}; cipher: ${cipher}${wants}`;
}

function print(text: string): void {
  Deno.stdout.writeSync(new TextEncoder().encode(text));
}

function say(line: string): void {
  Deno.stderr.writeSync(new TextEncoder().encode(`bench: ${line}\n`));
}
