/**
 * Round trip times, with nothing else on the way and beside a TCP flow that takes all there is.
 *
 * @module
 */

import { pingTimes } from "../parsers.ts";
import type { Figures } from "../result.ts";
import type { End } from "../site.ts";
import { percentile } from "../statistics.ts";
import { beside } from "./bulk.ts";
import type { InTurn } from "./measurement.ts";

/** 250 a second. */
const INTERVAL_SECONDS = 0.004;
/** The first after a pause are two to three times slower: addresses, cold caches. */
const DISCARDED = 5;
const MILLISECOND_US = 1_000;

/** Nothing but the pings. */
export const roundTrip: InTurn = {
  name: "rtt",
  relayed: true,
  trainsCut: false,
  sample: ({ ends: [a, b] }, { pings }) => pinged(a, b, pings),
};

/** Beside one TCP flow in the same direction. */
export const roundTripLoaded: InTurn = {
  name: "rtt-loaded",
  relayed: false,
  trainsCut: false,
  sample: ({ ends: [a, b] }, { pings }) => beside(a, b, 1, () => pinged(a, b, pings)),
};

async function pinged(from: End, to: End, count: number): Promise<Figures> {
  const all = count + DISCARDED;
  const interval = ["-i", `${INTERVAL_SECONDS}`];
  const limit = Math.ceil(all * INTERVAL_SECONDS * 3) + 3;
  const words = [
    "ping",
    "-n",
    "-c",
    `${all}`,
    ...interval,
    "-W",
    "1",
    "-w",
    `${limit}`,
    to.address,
  ];
  const { stdout } = await from.at.run(words, { mayFail: true, timeoutMs: (limit + 5) * 1000 });
  const times = pingTimes(stdout).slice(DISCARDED);
  if (times.length < count / 2) {
    throw new Error(`only ${times.length} of ${count} pings were answered`);
  }
  const at = (share: number): number => percentile(times, share) ?? 0;
  return {
    samples: times.length,
    lost: count - times.length,
    p50Us: at(0.5),
    p90Us: at(0.9),
    p99Us: at(0.99),
    maxUs: at(1),
    overMillisecondShare: times.filter((us) => us > MILLISECOND_US).length / times.length,
  };
}
