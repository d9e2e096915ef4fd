import { deepEqual, equal, throws } from "node:assert/strict";
import { formatCidr, parseCidr } from "../base/mod.ts";
import { parseAddresses, routeNotes } from "./addresses.ts";

const RANGE = parseCidr("10.32.0.0/12");

function parsed(words: readonly string[]): string[] {
  return parseAddresses(words, "attach", RANGE).map((word) =>
    word.kind === "subnet" ? `net ${formatCidr(word.subnet)}` : formatCidr(word.cidr)
  );
}

for (
  const [words, expected] of [
    [["10.2.1.1/24", "ip:10.2.1.1/24", "ip:10.2.2.1/16"], ["10.2.1.1/24", "10.2.2.1/16"]],
    [[], ["net 10.32.0.0/12"]],
    [["net:default", "net:10.32.0.0/12"], ["net 10.32.0.0/12"]],
    [["net:10.2.7.0/24", "10.2.1.1/24"], ["net 10.2.7.0/24", "10.2.1.1/24"]],
  ] as const
) {
  Deno.test(`parseAddresses() understands ${JSON.stringify(words)}`, () => {
    deepEqual(parsed(words), expected);
  });
}

for (
  const [words, pattern] of [
    [
      ["net:10.2.0.1/16"],
      /Cannot attach net:10\.2\.0\.1\/16: .*bits after network prefix are not all zero/,
    ],
    [["net:10.2.0.0/31"], /smaller than minimum size 4/],
    [["net:web"], /invalid CIDR address "web"/],
    [["10.2.1.300/24"], /Cannot attach: invalid CIDR address "10\.2\.1\.300\/24"/],
    [["10.2.1.1/33"], /invalid CIDR address/],
    [["10.2.1.1"], /invalid CIDR address/],
    [["web"], /invalid CIDR address "web"/],
    [["10.2.1.1/0"], /invalid CIDR address "10\.2\.1\.1\/0": no host can have it/],
    [["ip:224.0.0.5/24"], /invalid CIDR address "224\.0\.0\.5\/24"/],
    [["127.0.0.1/8"], /invalid CIDR address/],
    [["0.0.0.0/24"], /invalid CIDR address/],
    [["255.255.255.255/32"], /invalid CIDR address/],
  ] as const
) {
  Deno.test(`parseAddresses() refuses ${JSON.stringify(words)}`, () => {
    throws(() => parseAddresses(words, "attach", RANGE), pattern);
  });
}

Deno.test("routeNotes() speaks of addresses inside a route, not of those that we choose", () => {
  const words = parseAddresses(
    ["192.0.2.9/24", "198.51.100.9/24", "net:10.32.7.0/24"],
    "attach",
    RANGE,
  );
  const routes = ["192.0.2.8/29", "198.51.100.0/29", "10.32.0.0/12"].map(parseCidr);
  const notes = routeNotes(words, routes);
  deepEqual(notes.map((line) => line.slice(0, line.indexOf(" of "))), [
    "192.0.2.9/24 overlaps with existing route 192.0.2.8/29",
  ]);
});

for (const words of [[], ["net:default"], ["net:10.2.0.0/16"]]) {
  Deno.test(`parseAddresses() refuses ${JSON.stringify(words)} where nothing is allocated`, () => {
    throws(
      () => parseAddresses(words, "attach", undefined),
      /IP allocation must be enabled.*give an address/,
    );
  });
}

Deno.test("parseAddresses() takes any address that is to go", () => {
  for (const verb of ["detach", "hide"]) {
    equal(parseAddresses(["0.0.0.0/8", "10.2.1.1/0"], verb, RANGE).length, 2);
  }
});
