import { equal } from "node:assert/strict";
import { formatCidr, parseCidr } from "../base/mod.ts";
import { freeRange } from "./free_range.ts";

const CASES: readonly [string[], string | undefined][] = [
  [[], "10.240.0.0/12"],
  [["10.255.0.0/16"], "10.224.0.0/12"],
  [["10.0.0.0/8"], "172.16.0.0/12"],
  [["10.0.0.0/8", "172.17.0.0/16"], "100.112.0.0/12"],
  [["10.0.0.0/9", "10.128.0.0/9", "172.16.0.0/12", "100.64.0.0/10"], "192.168.0.0/16"],
  [["0.0.0.0/0"], undefined],
];
for (const [routes, expected] of CASES) {
  Deno.test(`freeRange() offers ${expected} beside ${routes.join(", ") || "nothing"}`, () => {
    const found = freeRange(routes.map(parseCidr));
    equal(found === undefined ? undefined : formatCidr(found), expected);
  });
}
