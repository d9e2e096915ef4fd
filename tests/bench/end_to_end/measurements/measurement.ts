/**
 * What a measurement is.
 *
 * @module
 */

import type { BenchOptions } from "../options.ts";
import type { Figures } from "../result.ts";
import type { Running } from "../running.ts";

/** One thing that is measured of each variant in turn. */
export interface Measurement {
  /** Short name, unique. */
  readonly name: string;
  /** Variants that relay are measured too. */
  readonly relayed: boolean;
  /** The underlay's devices cut trains meanwhile. */
  readonly trainsCut: boolean;
  /** Takes one sample. @throws {Error} if the variant does not carry it */
  readonly sample: (running: Running, options: BenchOptions) => Promise<Figures>;
}
