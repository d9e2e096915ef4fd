/**
 * Many allocators, made from seeds, made to suffer, and left alone until all is well again.
 *
 * ```
 *   deno task test:sim -- --seed=17           one, as a failure prints it
 * ```
 *
 * @module
 */

import { argument, runSize } from "../helpers/run_size.ts";
import { verdict } from "./ipam_play.ts";
import { type IpamEvent, type IpamScenario, makeIpamScenario } from "./ipam_scenario.ts";

/** Scenarios of one test, so that a long run shows how far it is. */
const PORTION = 1_000;
/** After so many failures the rest is not played. */
const ENOUGH_FAILURES = 5;
/** Problems that are printed of one scenario. */
const SHOWN_PROBLEMS = 4;
/** Longest search for a shorter scenario. */
const SHRINK_MS = 20_000;

const one = argument("seed");
const count = one === undefined ? runSize("scenarios", 300, 10_000) : 1;
const firstSeed = Number(one ?? argument("from") ?? 0);

for (let from = 0; from < count; from += PORTION) {
  const size = Math.min(PORTION, count - from);
  Deno.test(`Allocators share addresses in ${size} scenarios from seed ${firstSeed + from}`, () => {
    const failures: string[] = [];
    for (let i = 0; i < size && failures.length < ENOUGH_FAILURES; i++) {
      const seed = firstSeed + from + i;
      const scenario = makeIpamScenario(seed);
      const { problems } = verdict(scenario);
      if (problems.length > 0) failures.push(report(seed, scenario, problems, failures.length));
    }
    if (failures.length > 0) throw new Error(failures.join("\n"));
  });
}

/** Says what is wrong and how to see it again; the first failure is made shorter too. */
function report(
  seed: number,
  scenario: IpamScenario,
  problems: readonly string[],
  earlier: number,
): string {
  const lines = [
    `seed ${seed} (${scenario.family}), again with: deno task test:sim -- --seed=${seed}`,
    ...problems.slice(0, SHOWN_PROBLEMS),
  ];
  if (earlier === 0) {
    const short = shorten(scenario);
    lines.push(`made shorter: ${JSON.stringify(short)}`, ...verdict(short).problems.slice(0, 1));
  }
  return lines.join("\n");
}

/** Leaves out events as long as the scenario fails. */
function shorten(scenario: IpamScenario): IpamScenario {
  const end = performance.now() + SHRINK_MS;
  let best = scenario;
  const attempt = (events: readonly IpamEvent[]): boolean => {
    if (performance.now() > end || events.length === best.events.length) return false;
    if (verdict({ ...scenario, events }).problems.length === 0) return false;
    best = { ...best, events };
    return true;
  };
  for (let size = best.events.length >> 1; size > 0; size >>= 1) {
    for (let at = 0; at < best.events.length;) {
      const { events } = best;
      if (!attempt([...events.slice(0, at), ...events.slice(at + size)])) at += size;
    }
  }
  return best;
}
