/**
 * All measurements, in the order in which a round takes them.
 *
 * @module
 */

import { bulk } from "./bulk.ts";
import { flood, FULL_BYTES, ladder } from "./datagrams.ts";
import type { Measurement } from "./measurement.ts";
import { rest } from "./rest.ts";
import { roundTrip, roundTripLoaded } from "./round_trip.ts";

export type { InTurn, Measurement, Together } from "./measurement.ts";

/** Every measurement. */
export const MEASUREMENTS: readonly Measurement[] = [
  bulk("tcp-1", 1, false),
  bulk("tcp-1-back", 1, true),
  bulk("tcp-4", 4, false),
  bulk("tcp-4-back", 4, true),
  bulk("tcp-1-cut", 1, false, true),
  bulk("tcp-1-back-cut", 1, true, true),
  flood("udp-64", 64),
  flood("udp-full", FULL_BYTES),
  ladder("udp-64-rates", 64),
  ladder("udp-full-rates", FULL_BYTES),
  roundTrip,
  roundTripLoaded,
  rest,
];
