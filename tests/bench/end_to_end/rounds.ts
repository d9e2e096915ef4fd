/**
 * The order of things: in each round each measurement goes through all variants, one right after the other.
 *
 * ```
 *   round 1   tcp-1:   vxlan  weft  fastd …      a turn; repeated if somebody else used the machine
 *             rtt:     vxlan  weft  fastd …
 *   round 2   tcp-1:   weft  fastd …  vxlan      another one begins
 * ```
 *
 * @module
 */

import { Watch } from "./cpu.ts";
import type { InTurn, Measurement } from "./measurements/mod.ts";
import type { BenchOptions } from "./options.ts";
import type { Sample, Turn } from "./result.ts";
import type { Running } from "./running.ts";
import { rotated } from "./statistics.ts";

/** More than this share of a CPU in other hands, and a turn is repeated. */
const MOST_FOREIGN_CPUS = 0.06;

/** What a run of turns needs. */
export interface Rounds {
  /** Variants that run. */
  readonly running: readonly Running[];
  /** What is measured. */
  readonly measurements: readonly Measurement[];
  /** How often and how long. */
  readonly options: BenchOptions;
  /** How the names of our namespaces begin. */
  readonly prefix: string;
  /** Takes a line about each turn. */
  readonly say: (line: string) => void;
}

/**
 * Takes all rounds. Each is given out when it is whole, with every turn, repeated ones too.
 *
 * @param taken rounds that were taken earlier; the first of these is the one after them
 */
export async function* takeRounds(rounds: Rounds, taken: number): AsyncGenerator<readonly Turn[]> {
  for (let round = taken + 1; round <= taken + rounds.options.rounds; round++) {
    const turns: Turn[] = [];
    for (const measurement of rounds.measurements) {
      turns.push(...keepQuietest(await attempts(rounds, measurement, round)));
    }
    yield turns;
  }
}

/** Marks the attempt that was disturbed least as the one that counts. */
export function keepQuietest(attempts: readonly Turn[]): Turn[] {
  const noise = (turn: Turn): number => Math.max(turn.foreignCpus, turn.stealCpus);
  const quietest = attempts.toSorted((a, b) => noise(a) - noise(b))[0];
  return attempts.map((turn) => ({ ...turn, kept: turn === quietest }));
}

/** Tells whether somebody else used the machine too much for a turn to count. */
export function disturbed(turn: Turn): boolean {
  return turn.foreignCpus > MOST_FOREIGN_CPUS || turn.stealCpus > MOST_FOREIGN_CPUS;
}

async function attempts(rounds: Rounds, measurement: Measurement, round: number): Promise<Turn[]> {
  const taken: Turn[] = [];
  for (let attempt = 1; attempt <= rounds.options.retries + 1; attempt++) {
    const turn = await takeTurn(rounds, measurement, round, attempt);
    taken.push(turn);
    const others = `others ${turn.foreignCpus.toFixed(2)} CPU, steal ${turn.stealCpus.toFixed(2)}`;
    rounds.say(`round ${round}, ${measurement.name}, attempt ${attempt}: ${others}`);
    if (!disturbed(turn)) break;
  }
  return taken;
}

async function takeTurn(
  { running, options, prefix }: Rounds,
  measurement: Measurement,
  round: number,
  attempt: number,
): Promise<Turn> {
  const all = running.filter(({ variant }) => measurement.relayed || variant.hops === 0);
  if (measurement.trainsCut) all.forEach(({ site }) => site.cutTrains(true));
  try {
    const watch = new Watch(prefix);
    const samples = await take(measurement, rotated(all, round - 1), options);
    const { name, trainsCut } = measurement;
    const place = { measurement: name, round, attempt, kept: true, trainsCut };
    return { ...place, ...watch.disturbance(), samples };
  } finally {
    if (measurement.trainsCut) all.forEach(({ site }) => site.cutTrains(false));
  }
}

async function take(
  measurement: Measurement,
  all: readonly Running[],
  options: BenchOptions,
): Promise<Record<string, Sample>> {
  const samples: Record<string, Sample> = {};
  if ("sampleAll" in measurement) {
    const figures = await measurement.sampleAll(all, options);
    all.forEach(({ variant }, i) => samples[variant.name] = { figures: figures[i] ?? {} });
  } else {
    for (const each of all) samples[each.variant.name] = await sample(measurement, each, options);
  }
  return samples;
}

async function sample(
  measurement: InTurn,
  running: Running,
  options: BenchOptions,
): Promise<Sample> {
  try {
    return { figures: await measurement.sample(running, options) };
  } catch (error) {
    return { failed: (error as Error).message.replace(/\s+/g, " ").trim().slice(0, 300) };
  }
}
