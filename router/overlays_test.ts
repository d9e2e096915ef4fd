import { deepEqual, equal, match, throws } from "node:assert/strict";
import { UsageError } from "./config/mod.ts";
import { checkName, offeredOverlays } from "./overlays.ts";

const BOTH = ["weft-shuttle", "sleeve"];
const ALONE = ["sleeve"];

for (const wanted of [undefined, "shuttle", "weft-shuttle"]) {
  Deno.test(`offeredOverlays() has sleeve behind shuttle when ${wanted ?? "nothing"} is wanted`, () => {
    deepEqual(offeredOverlays(wanted, () => true), { names: BOTH, warning: undefined });
  });

  Deno.test(`offeredOverlays() warns when ${wanted ?? "nothing"} is wanted and cannot be sealed`, () => {
    const { names, warning } = offeredOverlays(wanted, () => false);
    deepEqual(names, ALONE);
    match(warning ?? "", /libgcrypt.*install libgcrypt20/);
  });
}

Deno.test("offeredOverlays() has sleeve alone when that is wanted, and asks for no cipher", () => {
  const offered = offeredOverlays("sleeve", () => {
    throw new Error("asked");
  });
  deepEqual(offered, { names: ALONE, warning: undefined });
});

Deno.test("offeredOverlays() throws UsageError when there is no such overlay", () => {
  throws(
    () => offeredOverlays("fastdp", () => true),
    (e) =>
      e instanceof UsageError &&
      e.message === 'Cannot use --overlay "fastdp": expected one of shuttle, sleeve',
  );
});

Deno.test("checkName() throws UsageError when the first byte is odd and shuttle is offered", () => {
  throws(
    () => checkName(0x0300_0000_0001, BOTH),
    (e) => e instanceof UsageError && /03:00:00:00:00:01: its first byte is odd/.test(e.message),
  );
  equal(checkName(0x0300_0000_0001, ALONE), undefined);
  equal(checkName(0x0201_0101_0101, BOTH), undefined);
  equal(checkName(0xfeff_ffff_ffff, BOTH), undefined);
});
