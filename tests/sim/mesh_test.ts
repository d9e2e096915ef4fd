/**
 * Many meshes, each made from a seed, made to suffer, and left alone until all is well again.
 *
 * ```
 *   deno task test:sim                        300 scenarios, and all that ever failed
 *   deno task test:sim -- --full              10,000
 *   deno task test:sim -- --scenarios=50      so many
 *   deno task test:sim -- --from=10000        others, from that seed on
 *   deno task test:sim -- --seed=17           one, as a failure prints it
 * ```
 *
 * @module
 */

import { argument, runSize } from "../helpers/run_size.ts";
import { FOUND } from "./found.ts";
import { verdict } from "./run.ts";
import { makeScenario, type Scenario } from "./scenario.ts";
import { shrink } from "./shrink.ts";

/** Scenarios of one test, so that a long run shows how far it is. */
const PORTION = 1_000;
/** After so many failures the rest is not played. */
const ENOUGH_FAILURES = 5;
/** Problems that are printed of one scenario. */
const SHOWN_PROBLEMS = 4;
/** Longest search for a shorter scenario. */
const SHRINK_MS = 40_000;

const one = argument("seed");
const count = one === undefined ? runSize("scenarios", 300, 10_000) : 1;
const firstSeed = Number(one ?? argument("from") ?? 0);

for (const { what, scenario } of FOUND) {
  Deno.test(`Mesh cores converge when ${what}`, () => {
    const { problems } = verdict(scenario);
    if (problems.length > 0) throw new Error(list(problems));
  });
}

for (let from = 0; from < count; from += PORTION) {
  const size = Math.min(PORTION, count - from);
  Deno.test(`Mesh cores converge in ${size} scenarios from seed ${firstSeed + from}`, () => {
    const failures: string[] = [];
    for (let i = 0; i < size && failures.length < ENOUGH_FAILURES; i++) {
      const seed = firstSeed + from + i;
      const scenario = makeScenario(seed);
      const { problems } = verdict(scenario);
      if (problems.length > 0) failures.push(report(seed, scenario, problems, failures.length));
    }
    if (failures.length > 0) throw new Error(failures.join("\n"));
  });
}

/** Says what is wrong and how to see it again; the first failure is made shorter too. */
function report(
  seed: number,
  scenario: Scenario,
  problems: readonly string[],
  earlier: number,
): string {
  const lines = [
    `seed ${seed}, again with: deno task test:sim -- --seed=${seed}`,
    list(problems),
  ];
  if (earlier === 0) {
    const end = performance.now() + SHRINK_MS;
    const short = shrink(scenario, (candidate) => {
      return performance.now() < end && verdict(candidate).problems.length > 0;
    });
    lines.push(`made shorter, for found.ts: ${JSON.stringify(short)}`);
    lines.push(list(verdict(short).problems));
  }
  return lines.join("\n");
}

function list(problems: readonly string[]): string {
  const more = problems.length - SHOWN_PROBLEMS;
  const shown = problems.slice(0, SHOWN_PROBLEMS).map((problem) => `  ${problem}`);
  return [...shown, ...(more > 0 ? [`  and ${more} more`] : [])].join("\n");
}
