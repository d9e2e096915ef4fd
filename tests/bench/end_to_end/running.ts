/**
 * Variants that are up, and how they get there.
 *
 * @module
 */

import type { Lab } from "../../helpers/lab.ts";
import { until } from "../../helpers/until.ts";
import { isInstalled } from "./programs.ts";
import type { VariantResult } from "./result.ts";
import { type Ends, Site } from "./site.ts";
import { type Opened, Unavailable, type Variant } from "./variants/mod.ts";

/** Three times what the slowest of them needs. */
const FIRST_PING_MS = 45_000;

/** A variant that carries traffic. */
export interface Running {
  /** What it is. */
  readonly variant: Variant;
  /** Its hosts. */
  readonly site: Site;
  /** Where traffic enters and leaves. */
  readonly ends: Ends;
  /** Processes of the variant on all hosts. */
  readonly pids: readonly number[];
  /** What is known of it so far. */
  readonly result: VariantResult;
}

/** Starts a variant and waits for the first ping. @returns it, or why it does not run */
export async function start(lab: Lab, variant: Variant): Promise<Running | VariantResult> {
  const { name, title, cipher, layer, hops } = variant;
  const known = { name, title, cipher, layer, hops, version: "", configuration: [] };
  const reason = variant.refuses?.() ?? await missing(variant.needs);
  if (reason !== undefined) return { ...known, unavailable: reason };
  const version = await variant.version();
  const site = new Site(lab, name, hops);
  try {
    const opened = await variant.open(site);
    return await carry({ ...known, version }, variant, site, opened);
  } catch (error) {
    const words = (error as Error).message.replace(/\s+/g, " ").trim();
    const said = error instanceof Unavailable ? "" : site.lastWords();
    site.close();
    return { ...known, version, unavailable: said === "" ? words : `${words} (it said: ${said})` };
  }
}

/** Tells whether a variant runs. */
export function runs(started: Running | VariantResult): started is Running {
  return "site" in started;
}

async function carry(
  known: VariantResult,
  variant: Variant,
  site: Site,
  { ends, configuration, start, settle }: Opened,
): Promise<Running> {
  const begin = performance.now();
  const more = await start();
  const [from, to] = ends;
  const passes = async (): Promise<boolean> => await from.at.ping(to.address, 1, "-W", "0.2") === 1;
  await until(passes, FIRST_PING_MS, `the first ping over ${variant.title}`);
  const startMs = Math.round(performance.now() - begin);
  const last = await settle?.() ?? [];
  const result = { ...known, configuration: [...configuration, ...more, ...last], startMs };
  return { variant, site, ends, pids: site.pids(), result };
}

async function missing(commands: readonly string[]): Promise<string | undefined> {
  for (const command of commands) {
    if (!await isInstalled(command)) {
      return `${command} is not installed; sudo scripts/setup --bench installs it`;
    }
  }
  return undefined;
}
