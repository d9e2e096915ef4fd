import { deepEqual, equal, throws } from "node:assert/strict";
import { parseSoak, soakPlan } from "./plan.ts";

Deno.test("parseSoak() takes ten minutes when nothing is said", () => {
  deepEqual(parseSoak(["--"]), { minutes: 10, oneWay: false, json: undefined, help: false });
});

Deno.test("parseSoak() takes what is given and refuses the rest", () => {
  const given = parseSoak(["--minutes=0.5", "--one-way", "--json=a"]);
  deepEqual(given, { minutes: 0.5, oneWay: true, json: "a", help: false });
  for (const word of ["--minutes", "--minutes=0", "--minute=1", "--one-way=1", "--json=", "x"]) {
    throws(() => parseSoak([word]), new RegExp(`"${word}"`));
  }
});

Deno.test("soakPlan() looks at memory every 10 s and changes keys 15 times in ten minutes", () => {
  const { stream, sample, rekey, vxlan } = soakPlan(10);
  deepEqual({ stream, sample, rekey, vxlan }, { stream: 600, sample: 10, rekey: 40, vxlan: 300 });
});

Deno.test("soakPlan() does the same more often when there is less time", () => {
  const { stream, sample, rekey } = soakPlan(0.5);
  equal(stream / sample >= 30, true);
  equal(stream / rekey >= 15, true);
});
