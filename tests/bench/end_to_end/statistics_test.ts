import { deepEqual, equal } from "node:assert/strict";
import { median, percentile, ratios, rotated } from "./statistics.ts";

Deno.test("median() takes the value in the middle when the number of values is odd", () => {
  equal(median([9, 1, 5]), 5);
});

Deno.test("median() takes the mean of the two in the middle when it is even", () => {
  equal(median([10, 1, 2, 3]), 2.5);
});

Deno.test("median() has no answer when there are no values", () => {
  equal(median([]), undefined);
});

Deno.test("percentile() takes the nearest rank", () => {
  const hundred = Array.from({ length: 100 }, (_, i) => 100 - i);
  deepEqual([0.5, 0.99, 1].map((share) => percentile(hundred, share)), [50, 99, 100]);
});

Deno.test("percentile() takes the only value when there is one", () => {
  equal(percentile([7], 0.01), 7);
});

Deno.test("ratios() compares within a round when all rounds are there", () => {
  deepEqual(ratios([1, 6, 9], [2, 3, 9]), [0.5, 2, 1]);
});

Deno.test("ratios() leaves a round out when one side failed or moved nothing", () => {
  deepEqual(ratios([1, undefined, 3, 4], [undefined, 1, 0, 8]), [0.5]);
});

Deno.test("rotated() begins with another one each round", () => {
  deepEqual([0, 1, 4].map((round) => rotated(["a", "b", "c"], round).join("")), [
    "abc",
    "bca",
    "bca",
  ]);
});
