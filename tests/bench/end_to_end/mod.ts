/**
 * The end-to-end benchmark: weft beside kernel VXLAN and its like, in network namespaces of one machine.
 *
 * ```
 *   main.ts ──> variants/      how each is built; all are up at once          one file each, listed in variants/mod.ts
 *          ──> rounds.ts       round by round, measurement by measurement, one variant right after the other
 *                 └─> measurements/   TCP, datagrams, round trips             listed in measurements/mod.ts
 *          ──> result.ts       every figure of every round; ratios to VXLAN of the same round, then their median
 *          ──> tables.ts       docs/performance.md, between two marker lines
 *
 *   deno task bench -- --quick            does everything work?
 *   deno task bench -- --rounds=5 --write --json=FILE
 * ```
 *
 * It does not install anything (`scripts/setup --bench` does), uses no network but its own namespaces, and takes away all
 * that it made. A variant that cannot run is in the result with its reason. What the figures mean and what they do not
 * is in docs/performance.md.
 *
 * @module
 */

export { parseOptions } from "./options.ts";
export type { BenchOptions } from "./options.ts";
export type { BenchResult, Figures, Sample, Turn, VariantResult } from "./result.ts";
export { tables } from "./tables.ts";
