import { deepEqual, doesNotThrow, throws } from "node:assert/strict";
import { parseOptions } from "./options.ts";
import type { VariantResult } from "./result.ts";
import { joinVariants, parseResult, requireSameSetting, type Setting } from "./resume.ts";

function setting(args: readonly string[], kernel: string = "6.1"): Setting {
  return { machine: { kernel }, programs: { weft: "1" }, options: parseOptions(args) };
}

function variant(name: string, version: string, unavailable?: string): VariantResult {
  const known = { name, title: name, cipher: "none", layer: 2, hops: 0 } as const;
  const more = unavailable === undefined ? {} : { unavailable };
  return { ...known, version, configuration: [], ...more };
}

Deno.test("requireSameSetting() lets rounds and files differ, and nothing that makes a figure", () => {
  doesNotThrow(() =>
    requireSameSetting(setting(["--rounds=1", "--json=a"]), setting(["--rounds=2", "--resume=a"]))
  );
});

Deno.test("requireSameSetting() names the option when it differs", () => {
  throws(
    () => requireSameSetting(setting(["--seconds=1"]), setting(["--seconds=2"])),
    /Cannot resume: seconds was 1 and is 2/,
  );
  throws(
    () => requireSameSetting(setting(["--measurements=rtt"]), setting([])),
    /Cannot resume: measurements was \["rtt"\]/,
  );
});

Deno.test("requireSameSetting() refuses when the machine is another one", () => {
  throws(() => requireSameSetting(setting([], "6.1"), setting([], "6.2")), /machine was/);
});

Deno.test("joinVariants() takes from the later run what did not start in the earlier one", () => {
  const joined = joinVariants(
    [variant("vxlan", "6.1"), variant("fastd", "", "no first ping")],
    [variant("vxlan", "6.1"), variant("fastd", "22")],
  );
  deepEqual(joined, [variant("vxlan", "6.1"), variant("fastd", "22")]);
});

Deno.test("joinVariants() keeps a variant when it did not start again", () => {
  const joined = joinVariants([variant("fastd", "22")], [variant("fastd", "22", "no first ping")]);
  deepEqual(joined, [variant("fastd", "22")]);
});

Deno.test("joinVariants() refuses when a variant is another program now", () => {
  throws(
    () => joinVariants([variant("weft", "1 at a")], [variant("weft", "1 at b")]),
    /version of weft was "1 at a" and is "1 at b"/,
  );
  throws(() => joinVariants([variant("weft", "1")], []), /variants was \["weft"\]/);
});

Deno.test("parseResult() refuses a file when it is no result", () => {
  throws(() => parseResult(`{"format":1}`, "a.json"), /Cannot resume a.json: it is no result/);
  throws(() => parseResult("[]", "a.json"), /no result/);
});
