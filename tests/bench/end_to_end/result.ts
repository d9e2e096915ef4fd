/**
 * What a run leaves: the JSON file, and what the tables are made of.
 *
 * @module
 */

import type { BenchOptions } from "./options.ts";
import { median, ratios } from "./statistics.ts";

/** The variant that all others are compared with. */
export const BASELINE = "vxlan";

/** Figures of one variant in one turn; names end in their unit. */
export type Figures = Readonly<Record<string, number>>;

/** What one variant did in one turn. */
export type Sample = { readonly figures: Figures } | { readonly failed: string };

/** One measurement of all variants, one after the other. */
export interface Turn {
  /** Name of the measurement. */
  readonly measurement: string;
  /** Round, from 1. */
  readonly round: number;
  /** 1, or more if it was repeated. */
  readonly attempt: number;
  /** Of several attempts, the one that counts. */
  readonly kept: boolean;
  /** The underlay's devices cut trains into packets. */
  readonly trainsCut: boolean;
  /** CPUs that processes without a part in it used, on average. */
  readonly foreignCpus: number;
  /** CPUs that the hypervisor held back, on average. */
  readonly stealCpus: number;
  /** By name of variant, in the order in which they were measured. */
  readonly samples: Readonly<Record<string, Sample>>;
}

/** What is known of one variant. */
export interface VariantResult {
  /** Short name. */
  readonly name: string;
  /** Name for tables. */
  readonly title: string;
  /** Cipher, or "none". */
  readonly cipher: string;
  /** Carries Ethernet frames (2) or IP packets (3). */
  readonly layer: 2 | 3;
  /** Hosts between the two ends. */
  readonly hops: number;
  /** Version of its program. */
  readonly version: string;
  /** How it was set up: commands and files without keys. */
  readonly configuration: readonly string[];
  /** Why it was not measured. */
  readonly unavailable?: string;
  /** From its start to the first answered ping, in the first run. */
  readonly startMs?: number;
}

/** All of it. */
export interface BenchResult {
  /** Format of this file. */
  readonly format: 2;
  /** Begin, in ISO 8601. */
  readonly date: string;
  /** What it ran on. */
  readonly machine: Readonly<Record<string, string | number>>;
  /** Versions of the programs that every variant uses. */
  readonly programs: Readonly<Record<string, string>>;
  /** What was asked for; its rounds are those of all runs together. */
  readonly options: BenchOptions;
  /** In the order of the tables. */
  readonly variants: readonly VariantResult[];
  /** In the order of time. */
  readonly turns: readonly Turn[];
}

/** Where a figure stands. */
export interface Place {
  /** Name of the variant. */
  readonly variant: string;
  /** Name of the measurement. */
  readonly measurement: string;
  /** Name of the figure. */
  readonly figure: string;
}

/** One figure of a variant over all rounds. */
export interface Summary {
  /** Median. */
  readonly median: number;
  /** Median of the ratios to the baseline of the same round. */
  readonly ratio: number | undefined;
}

/** Adds the turns of one more round. */
export function withRound(result: BenchResult, turns: readonly Turn[]): BenchResult {
  const options = { ...result.options, rounds: result.options.rounds + 1 };
  return { ...result, options, turns: [...result.turns, ...turns] };
}

/** Returns one figure of each round that counts, `undefined` where it failed. */
export function perRound(
  result: BenchResult,
  variant: string,
  measurement: string,
  figure: string,
): (number | undefined)[] {
  return result.turns.filter((turn) => turn.kept && turn.measurement === measurement)
    .map((turn) => {
      const sample = turn.samples[variant];
      return sample !== undefined && "figures" in sample ? sample.figures[figure] : undefined;
    });
}

/** Returns median and ratio of one figure, `undefined` if no round has it. */
export function summary(
  result: BenchResult,
  variant: string,
  measurement: string,
  figure: string,
  baseline: string = BASELINE,
): Summary | undefined {
  const rounds = perRound(result, variant, measurement, figure);
  const middle = median(rounds.filter((value) => value !== undefined));
  if (middle === undefined) return undefined;
  const base = perRound(result, baseline, measurement, figure);
  return { median: middle, ratio: median(ratios(rounds, base)) };
}

/** Returns one figure divided by another, for each round that has both. */
export function perRoundRatios(result: BenchResult, of: Place, to: Place): number[] {
  const taken = (place: Place): Map<number, number> => {
    const { variant, measurement, figure } = place;
    const turns = result.turns.filter((turn) => turn.kept && turn.measurement === measurement);
    const values = perRound(result, variant, measurement, figure);
    return new Map(turns.flatMap((turn, i) => {
      const value = values[i];
      return value === undefined ? [] : [[turn.round, value] as const];
    }));
  };
  const [above, below] = [taken(of), taken(to)];
  const rounds = [...above.keys()];
  return ratios(rounds.map((round) => above.get(round)), rounds.map((round) => below.get(round)));
}

/** Returns each failure once: variant, measurement, reason. */
export function failures(result: BenchResult): string[] {
  const lines = result.turns.filter((turn) => turn.kept).flatMap((turn) =>
    Object.entries(turn.samples).flatMap(([variant, sample]) =>
      "failed" in sample ? [`${variant}, ${turn.measurement}: ${sample.failed}`] : []
    )
  );
  return [...new Set(lines)];
}

/**
 * Returns the variants that were asked for; the baseline is always among them.
 *
 * @param names names or beginnings of names; none for all
 * @throws {Error} if a name fits no variant
 */
export function chosen<V extends { readonly name: string }>(
  variants: readonly V[],
  names: readonly string[],
): V[] {
  const unknown = names.find((each) => !variants.some(({ name }) => name.startsWith(each)));
  if (unknown !== undefined) {
    throw new Error(`Cannot measure "${unknown}": --list names the variants`);
  }
  return variants.filter(({ name }) =>
    names.length === 0 || name === BASELINE || names.some((each) => name.startsWith(each))
  );
}

/**
 * Returns the measurements that were asked for.
 *
 * @param names names; one that no measurement has stands for all that begin so; none for all
 * @throws {Error} if a name fits no measurement
 */
export function chosenMeasurements<M extends { readonly name: string }>(
  measurements: readonly M[],
  names: readonly string[],
): M[] {
  if (names.length === 0) return [...measurements];
  const found = names.flatMap((each) => {
    const exact = measurements.filter(({ name }) => name === each);
    const fitting = exact.length > 0
      ? exact
      : measurements.filter(({ name }) => name.startsWith(each));
    if (fitting.length > 0) return fitting;
    throw new Error(`Cannot measure "${each}": --list names the measurements`);
  });
  return measurements.filter((each) => found.includes(each));
}
