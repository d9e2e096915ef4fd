import { deepEqual, equal, throws } from "node:assert/strict";
import { parseOptions } from "./options.ts";

Deno.test("parseOptions() measures everything when nothing is said", () => {
  const { rounds, pings, variants, json, write } = parseOptions([]);
  deepEqual({ rounds, pings, variants, json, write }, {
    rounds: 5,
    pings: 1_000,
    variants: [],
    json: undefined,
    write: false,
  });
});

Deno.test("parseOptions() takes what is given when it is short otherwise", () => {
  const options = parseOptions(["--", "--quick", "--rounds=3", "--variants=weft,tinc", "--json=a"]);
  deepEqual([options.rounds, options.seconds, options.idleSeconds], [3, 0.5, 5]);
  deepEqual([options.variants, options.json], [["weft", "tinc"], "a"]);
});

Deno.test("parseOptions() takes no part of a round", () => {
  throws(() => parseOptions(["--rounds=1.5"]), /--rounds is "1.5"/);
  equal(parseOptions(["--seconds=1.5"]).seconds, 1.5);
});

Deno.test("parseOptions() names the word when it is unknown", () => {
  throws(() => parseOptions(["--round=1"]), /unknown option "round"/);
  throws(() => parseOptions(["weft"]), /unknown option "weft"/);
});

Deno.test("parseOptions() refuses an option when its value is missing", () => {
  throws(() => parseOptions(["--json"]), /--json needs a value/);
  throws(() => parseOptions(["--seconds"]), /--seconds is ""/);
});

Deno.test("parseOptions() takes measurements and a file to go on with when they are given", () => {
  const options = parseOptions(["--measurements=tcp-1,rtt", "--resume=a.json"]);
  deepEqual([options.measurements, options.resume], [["tcp-1", "rtt"], "a.json"]);
  throws(() => parseOptions(["--resume"]), /--resume needs a value/);
});
