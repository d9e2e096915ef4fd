/**
 * What a measurement is.
 *
 * @module
 */

import type { BenchOptions } from "../options.ts";
import type { Figures } from "../result.ts";
import type { Running } from "../running.ts";

/** One thing that is measured of each variant. */
export type Measurement = InTurn | Together;

/** Taken of one variant after the other. */
export interface InTurn extends Named {
  /** Takes one sample. @throws {Error} if the variant does not carry it */
  readonly sample: (running: Running, options: BenchOptions) => Promise<Figures>;
}

/** Taken of all variants at once. */
export interface Together extends Named {
  /** Takes one sample of each. @returns them in the same order */
  readonly sampleAll: (
    running: readonly Running[],
    options: BenchOptions,
  ) => Promise<readonly Figures[]>;
}

/** What all measurements say of themselves. */
export interface Named {
  /** Short name, unique. */
  readonly name: string;
  /** Variants that relay are measured too. */
  readonly relayed: boolean;
  /** The underlay's devices cut trains meanwhile. */
  readonly trainsCut: boolean;
}
