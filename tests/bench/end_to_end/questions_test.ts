import { deepEqual } from "node:assert/strict";
import { parseOptions } from "./options.ts";
import { answers } from "./questions.ts";
import type { BenchResult, Figures, Turn } from "./result.ts";

function turn(
  round: number,
  measurement: string,
  figures: Readonly<Record<string, Figures>>,
  kept: boolean = true,
): Turn {
  const samples = Object.fromEntries(
    Object.entries(figures).map(([name, each]) => [name, { figures: each }]),
  );
  return {
    ...{ measurement, round, attempt: 1, kept, trainsCut: false },
    ...{ foreignCpus: 0, stealCpus: 0, samples },
  };
}

function result(...turns: readonly Turn[]): BenchResult {
  return {
    format: 2,
    date: "2026-01-02T03:04:05.000Z",
    machine: {},
    programs: {},
    options: parseOptions([]),
    variants: [],
    turns,
  };
}

function rates(vxlan: number, sealed: number, fourSealed: number, round: number): Turn[] {
  return [
    turn(round, "tcp-1", {
      vxlan: { mbitPerSecond: vxlan },
      "weft-shuttle": { mbitPerSecond: sealed },
    }),
    turn(round, "tcp-4", { "weft-shuttle": { mbitPerSecond: fourSealed } }),
  ];
}

Deno.test("answers() takes the median of the ratios of each round, and not of the figures", () => {
  // Ratios 0.5, 0.1 and 0.25; the medians of the figures would give 0.2.
  const found = answers(result(
    ...rates(1_000, 500, 500, 1),
    ...rates(9_000, 900, 1_800, 2),
    ...rates(2_000, 500, 250, 3),
  ));
  deepEqual(found, [
    { question: "encrypted: one flow, over VXLAN", median: "0.25x", range: "0.10x to 0.50x" },
    { question: "encrypted: four flows over one", median: "1.00x", range: "0.50x to 2.00x" },
  ]);
});

Deno.test("answers() pairs figures of one round when a turn of another is missing", () => {
  const first = rates(1_000, 500, 500, 1).slice(0, 1);
  const found = answers(result(...first, ...rates(1_000, 100, 300, 2)));
  deepEqual(found.at(-1)?.median, "3.00x");
});

Deno.test("answers() leaves a question out when no round has its figures", () => {
  deepEqual(answers(result(turn(1, "tcp-1", { vxlan: { mbitPerSecond: 9 } }))), []);
});

Deno.test("answers() gives the figure itself when a question is no comparison", () => {
  const rest = (round: number, rssBytes: number): Turn =>
    turn(round, "rest", { "weft-shuttle": { idlePercent: 0.125, rssBytes } });
  deepEqual(answers(result(rest(1, 100e6), rest(2, 110e6))), [
    { question: "encrypted: idle CPU per host", median: "0.13 %", range: "0.13 % to 0.13 %" },
    { question: "encrypted: memory per host", median: "105 MB", range: "100 MB to 110 MB" },
  ]);
});
