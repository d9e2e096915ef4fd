import { deepEqual } from "node:assert/strict";
import { type ClaimFacts, judgeClaim } from "./claims.ts";

const FACTS: ClaimFacts = {
  ident: "c",
  address: 0x0a200005,
  lease: undefined,
  holderIsDead: false,
  inside: true,
  owner: 1,
  self: 1,
};
const held = (ident: string): Partial<ClaimFacts> => ({
  lease: { ident, cidr: { address: 0x0a200005, length: 12 }, isContainer: false },
});
const OUTSIDE = { inside: false, owner: undefined };

const CASES: readonly [string, Partial<ClaimFacts>, ReturnType<typeof judgeClaim>][] = [
  ["ours and not held", {}, { kind: "record", from: undefined }],
  ["without a ring", { owner: undefined }, { kind: "needsRing" }],
  ["of another peer", { owner: 2 }, { kind: "ask", owner: 2 }],
  ["held by the same", held("c"), { kind: "holds" }],
  ["held by another", held("d"), { kind: "held", by: "d" }],
  ["held by nobody known", held("10.32.0.5"), { kind: "held", by: "10.32.0.5" }],
  ["by nobody known, held", { ident: "_", ...held("d") }, { kind: "holds" }],
  ["held by a dead one", { ...held("d"), holderIsDead: true }, { kind: "held", by: "d" }],
  ["outside", OUTSIDE, { kind: "record", from: undefined }],
  ["outside, held by the same", { ...OUTSIDE, ...held("c") }, { kind: "holds" }],
  ["outside, held", { ...OUTSIDE, ...held("d") }, { kind: "held", by: "d" }],
  ["outside, by nobody known", { ...OUTSIDE, ident: "_", ...held("d") }, { kind: "holds" }],
  ["outside, held by a dead one", { ...OUTSIDE, ...held("d"), holderIsDead: true }, {
    kind: "record",
    from: "d",
  }],
];

for (const [what, change, verdict] of CASES) {
  Deno.test(`judgeClaim() decides on an address ${what}`, () => {
    deepEqual(judgeClaim({ ...FACTS, ...change }), verdict);
  });
}
