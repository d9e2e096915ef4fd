import { deepEqual, throws } from "node:assert/strict";
import { formatCidr } from "../base/mod.ts";
import { parseAddresses } from "./addresses.ts";

Deno.test("parseAddresses() takes both spellings and drops repetitions", () => {
  const found = parseAddresses(["10.2.1.1/24", "ip:10.2.1.1/24", "ip:10.2.2.1/16"], "attach");
  deepEqual(found.map(formatCidr), ["10.2.1.1/24", "10.2.2.1/16"]);
});

for (
  const [words, pattern] of [
    [[], /IP allocation must be enabled.*give an address/],
    [["net:default"], /net:default: IP allocation must be enabled/],
    [["net:10.2.0.0/16"], /must be enabled/],
    [["10.2.1.300/24"], /Cannot attach: invalid CIDR address "10\.2\.1\.300\/24"/],
    [["10.2.1.1/33"], /invalid CIDR address/],
    [["10.2.1.1"], /invalid CIDR address/],
    [["web"], /invalid CIDR address "web"/],
  ] as const
) {
  Deno.test(`parseAddresses() refuses ${JSON.stringify(words)}`, () => {
    throws(() => parseAddresses(words, "attach"), pattern);
  });
}
