/**
 * The program behind `deno task bench`: builds every variant, measures them, writes JSON and tables.
 *
 * @module
 */

import { fileURLToPath } from "node:url";
import { Lab } from "../../helpers/lab.ts";
import { run } from "../../helpers/namespace.ts";
import { machine, programs } from "./machine.ts";
import { MEASUREMENTS } from "./measurements/mod.ts";
import { type BenchOptions, parseOptions, USAGE } from "./options.ts";
import {
  type BenchResult,
  chosen,
  chosenMeasurements,
  type VariantResult,
  withRound,
} from "./result.ts";
import { isInstalled } from "./programs.ts";
import { joinVariants, parseResult, requireSameSetting, type Setting } from "./resume.ts";
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
    else if (options.list) print(listed());
    else await report(await bench(options), options);
    return 0;
  } catch (error) {
    say((error as Error).message);
    return 1;
  }
}

/** Measures, and writes after each round, so that a run that is cut keeps its rounds. */
async function bench(options: BenchOptions): Promise<BenchResult> {
  const variants = chosen(VARIANTS, options.variants);
  const measurements = chosenMeasurements(MEASUREMENTS, options.measurements);
  if (Deno.uid() !== 0) throw new Error("Cannot measure: must run as root");
  for (const tool of TOOLS) {
    if (await isInstalled(tool)) continue;
    throw new Error(`Cannot measure: ${tool} is not installed; run: sudo scripts/setup --bench`);
  }
  const setting: Setting = { machine: machine(), programs: await programs(), options };
  const earlier = await resumed(options.resume);
  if (earlier !== undefined) requireSameSetting(earlier, setting);
  const date = new Date().toISOString();
  using lab = new Lab();
  const started = await startAll(lab, variants);
  let result = begun(date, setting, started, earlier);
  const running = started.filter(runs);
  const rounds = { running, measurements, options, prefix: lab.prefix, say };
  for await (const turns of takeRounds(rounds, result.options.rounds)) {
    result = withRound(result, turns);
    await keep(result, options);
  }
  return result;
}

async function startAll(
  lab: Lab,
  variants: readonly Variant[],
): Promise<(Running | VariantResult)[]> {
  const started: (Running | VariantResult)[] = [];
  for (const variant of variants) {
    const each = await start(lab, variant);
    started.push(each);
    say(runs(each) ? `${variant.name} is up` : `${variant.name}: ${each.unavailable}`);
  }
  return started;
}

/** Returns a result without rounds, or with those of the run before. */
function begun(
  date: string,
  setting: Setting,
  started: readonly (Running | VariantResult)[],
  earlier: BenchResult | undefined,
): BenchResult {
  const variants = started.map((each) => runs(each) ? each.result : each);
  if (earlier !== undefined) {
    return { ...earlier, variants: joinVariants(earlier.variants, variants) };
  }
  const options = { ...setting.options, rounds: 0 };
  return { format: 2, date, ...setting, options, variants, turns: [] };
}

async function resumed(file: string | undefined): Promise<BenchResult | undefined> {
  if (file === undefined) return undefined;
  try {
    return parseResult(await Deno.readTextFile(file), file);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
    say(`${file} is not there: it begins with this run`);
    return undefined;
  }
}

/** Writes the JSON as a whole or not at all. */
async function keep(result: BenchResult, { json, resume }: BenchOptions): Promise<void> {
  const text = JSON.stringify(result, undefined, 2) + "\n";
  for (const file of new Set([json, resume])) {
    if (file === undefined) continue;
    await Deno.writeTextFile(`${file}.new`, text);
    await Deno.rename(`${file}.new`, file);
  }
}

async function report(result: BenchResult, { write }: BenchOptions): Promise<void> {
  const text = tables(result);
  print(`${text}\n`);
  if (!write) return;
  await Deno.writeTextFile(DOCUMENT, replaceBetween(await Deno.readTextFile(DOCUMENT), text));
  await run([Deno.execPath(), "fmt", "--quiet", DOCUMENT]);
}

function listed(): string {
  const measurements = `measurements: ${MEASUREMENTS.map(({ name }) => name).join(", ")}`;
  return [...VARIANTS.map(described), "", measurements, ""].join("\n");
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
