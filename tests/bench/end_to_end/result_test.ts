import { deepEqual, throws } from "node:assert/strict";
import { chosen } from "./result.ts";

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
