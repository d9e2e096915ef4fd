import { deepEqual, throws } from "node:assert/strict";
import { chosen, chosenMeasurements } from "./result.ts";

const VARIANTS = ["underlay", "vxlan", "vxlan-relay1", "weft-sleeve", "weft-sleeve-plain"].map((
  name,
) => ({ name }));

Deno.test("chosen() takes all variants when none is named", () => {
  deepEqual(chosen(VARIANTS, []), VARIANTS);
});

Deno.test("chosen() takes beginnings of names and always the baseline", () => {
  const names = chosen(VARIANTS, ["weft"]).map(({ name }) => name);
  deepEqual(names, ["vxlan", "weft-sleeve", "weft-sleeve-plain"]);
});

Deno.test("chosen() refuses a name when no variant begins so", () => {
  throws(() => chosen(VARIANTS, ["weft", "wefd"]), /Cannot measure "wefd"/);
});

const MEASUREMENTS = ["tcp-1", "tcp-1-cut", "udp-64", "udp-64-rates", "rtt"].map((name) => ({
  name,
}));

Deno.test("chosenMeasurements() takes all when none is named", () => {
  deepEqual(chosenMeasurements(MEASUREMENTS, []), MEASUREMENTS);
});

Deno.test("chosenMeasurements() takes a beginning only when nothing has that name", () => {
  const names = (...given: string[]): string[] =>
    chosenMeasurements(MEASUREMENTS, given).map(({ name }) => name);
  deepEqual(names("rtt", "tcp-1"), ["tcp-1", "rtt"]);
  deepEqual(names("udp", "tcp-"), ["tcp-1", "tcp-1-cut", "udp-64", "udp-64-rates"]);
});

Deno.test("chosenMeasurements() refuses a name when no measurement begins so", () => {
  throws(() => chosenMeasurements(MEASUREMENTS, ["tpc"]), /Cannot measure "tpc"/);
});
