/**
 * A run that adds its rounds to those of an earlier one.
 *
 * Rounds of another machine, of other options or of another program are other figures: a median over both says nothing,
 * so they are not joined.
 *
 * @module
 */

import type { BenchOptions } from "./options.ts";
import type { BenchResult, VariantResult } from "./result.ts";

/** What of the options decides what a figure means. */
const DECISIVE = [
  "retries",
  "seconds",
  "idleSeconds",
  "pings",
  "rates",
  "variants",
  "measurements",
] as const satisfies readonly (keyof BenchOptions)[];

/** What is known before anything is started. */
export type Setting = Pick<BenchResult, "machine" | "programs" | "options">;

/** Reads the JSON of a result. @throws {Error} if it is none, or of another format */
export function parseResult(text: string, file: string): BenchResult {
  const found: unknown = JSON.parse(text);
  if (typeof found === "object" && found !== null && "format" in found && found.format === 2) {
    return found as BenchResult;
  }
  throw new Error(`Cannot resume ${file}: it is no result of this format`);
}

/** Refuses rounds that were taken elsewhere or otherwise. @throws {Error} with the first difference */
export function requireSameSetting(earlier: Setting, now: Setting): void {
  requireSame("machine", earlier.machine, now.machine);
  requireSame("programs", earlier.programs, now.programs);
  for (const name of DECISIVE) requireSame(name, earlier.options[name], now.options[name]);
}

/**
 * Returns what is known of the variants of both runs: of each what the first said that measured it.
 *
 * @throws {Error} if they are not the same ones, or one is of another version
 */
export function joinVariants(
  earlier: readonly VariantResult[],
  now: readonly VariantResult[],
): VariantResult[] {
  const names = (all: readonly VariantResult[]): string[] => all.map(({ name }) => name);
  requireSame("variants", names(earlier), names(now));
  return now.map((each, i) => {
    const before = earlier[i];
    if (before === undefined || before.unavailable !== undefined) return each;
    if (each.unavailable === undefined) {
      requireSame(`version of ${each.name}`, before.version, each.version);
    }
    return before;
  });
}

function requireSame(name: string, earlier: unknown, now: unknown): void {
  const [before, after] = [JSON.stringify(earlier), JSON.stringify(now)];
  if (before === after) return;
  throw new Error(`Cannot resume: ${name} was ${before} and is ${after}`);
}
