import { doesNotMatch, equal, match, throws } from "node:assert/strict";
import type { BenchResult, Turn, VariantResult } from "./result.ts";
import { parseOptions } from "./options.ts";
import { BEGIN, directName, END, markdownTable, replaceBetween, tables } from "./tables.ts";

function variant(name: string, more: Partial<VariantResult> = {}): VariantResult {
  return {
    name,
    title: `the ${name}`,
    cipher: "none",
    layer: 2,
    hops: 0,
    version: "1",
    configuration: ["as it comes"],
    ...more,
  };
}

function turn(
  round: number,
  mbit: Readonly<Record<string, number>>,
  more: Partial<Turn> = {},
): Turn {
  return {
    measurement: "tcp-1",
    round,
    attempt: 1,
    kept: true,
    trainsCut: false,
    foreignCpus: 0.01,
    stealCpus: 0,
    samples: Object.fromEntries(
      Object.entries(mbit).map(([name, mbitPerSecond]) => [name, { figures: { mbitPerSecond } }]),
    ),
    ...more,
  };
}

const RESULT: BenchResult = {
  format: 2,
  date: "2026-01-02T03:04:05.000Z",
  machine: { CPUs: 2 },
  programs: { weft: "0.1.0" },
  options: parseOptions([]),
  variants: [
    variant("vxlan"),
    variant("weft"),
    variant("weft-relay1", { hops: 1 }),
    variant("other", { unavailable: "it is not installed" }),
  ],
  turns: [
    turn(1, { vxlan: 1_000, weft: 500, "weft-relay1": 250 }),
    turn(2, { vxlan: 4_000, weft: 1_000, "weft-relay1": 900 }),
    turn(3, { vxlan: 9_000, weft: 9 }, { kept: false }),
    turn(3, { vxlan: 2_000, weft: 600 }, {
      attempt: 2,
      samples: {
        vxlan: { figures: { mbitPerSecond: 2_000 } },
        weft: { figures: { mbitPerSecond: 600 } },
        "weft-relay1": { failed: "the line broke" },
      },
    }),
  ],
};

Deno.test("markdownTable() makes all cells of a column as wide as the longest", () => {
  equal(
    markdownTable([["a", "long"], ["value", "b"]]),
    "| a     | long |\n| ----- | ---- |\n| value | b    |",
  );
});

Deno.test("replaceBetween() keeps what lies around the markers", () => {
  const document = `before\n${BEGIN}\nold\n${END}\nafter\n`;
  equal(replaceBetween(document, "new\n"), `before\n${BEGIN}\n\nnew\n\n${END}\nafter\n`);
});

Deno.test("replaceBetween() gives the same again when it is repeated", () => {
  const once = replaceBetween(`${BEGIN}${END}`, "new");
  equal(replaceBetween(once, "new"), once);
});

Deno.test("replaceBetween() changes nothing when a marker is missing", () => {
  throws(() => replaceBetween(`${END} ${BEGIN}`, "new"), /are not there, in order/);
});

Deno.test("tables() shows medians and medians of the ratios of the rounds that count", () => {
  // Medians 2000 and 600; ratios 0.5, 0.25 and 0.3.
  match(tables(RESULT), /\| the weft +\| none +\| 600 \(0\.30x\)/);
});

Deno.test("tables() compares a relayed variant with its own direct one", () => {
  // 250 of 500 and 900 of 1000; to VXLAN 0.25 and 0.225.
  match(tables(RESULT), /\| the weft-relay1 +\| 575 \(0\.24x\) +\| 0\.70x/);
});

Deno.test("tables() says why a variant was not measured", () => {
  match(tables(RESULT), /### Not measured\n\n- the other: it is not installed/);
});

Deno.test("tables() says what failed when a turn that counts lacks a variant", () => {
  match(tables(RESULT), /### Failed\n\n- weft-relay1, tcp-1: the line broke/);
});

Deno.test("tables() warns when there are too few rounds", () => {
  match(tables({ ...RESULT, options: parseOptions(["--quick"]) }), /the figures mean nothing/);
});

Deno.test("directName() takes the hops away", () => {
  equal(directName("vxlan-relay2"), "vxlan");
  equal(directName("vxlan"), "vxlan");
});

Deno.test("tables() leaves a table out when none of its measurements was taken", () => {
  match(tables(RESULT), /### TCP/);
  doesNotMatch(tables(RESULT), /### Round trip/);
});

Deno.test("tables() answers in short when rounds have the figures", () => {
  const renamed = RESULT.turns.map((each) => ({
    ...each,
    samples: Object.fromEntries(
      Object.entries(each.samples).map(([name, sample]) => [
        name.replace("weft", "weft-shuttle"),
        sample,
      ]),
    ),
  }));
  match(
    tables({ ...RESULT, turns: renamed }),
    /### In short[^#]*\| encrypted: one flow, over VXLAN +\| 0\.30x +\| 0\.25x to 0\.50x/,
  );
});
