import { deepEqual, equal } from "node:assert/strict";
import { parseLaunch } from "../../router/config/mod.ts";
import { childWords, reasonIn } from "./_background.ts";

Deno.test("childWords() repeats the user's words without the password and the environment's", () => {
  const raw = parseLaunch(
    ["10.0.0.1/16", "-port", "7000", "--no-discovery", "-password", "secret", "192.0.2.1"],
    (name) => name === "WEFT_MTU" ? "1400" : undefined,
  );
  const words = childWords(raw);
  deepEqual(words, [
    "launch",
    "--foreground",
    "--detached",
    "--port=7000",
    "--no-discovery=true",
    "--",
    "10.0.0.1/16",
    "192.0.2.1",
  ]);
});

Deno.test("childWords() are parsed to the same options", () => {
  const first = parseLaunch(["--status-addr=", "--nickname", "a b", "p"], () => undefined);
  const second = parseLaunch(childWords(first).slice(1), () => undefined);
  equal(second.values.get("status-addr"), "");
  equal(second.values.get("nickname"), "a b");
  deepEqual(second.peers, ["p"]);
});

Deno.test("reasonIn() finds the last error of a log", () => {
  const log = [
    "2026-11-25T18:35:54.494Z error router Cannot: old",
    "2026-11-25T18:35:54.495Z error router Cannot listen on TCP port 6783: address in use",
    "2026-11-25T18:35:54.728Z info router stopped",
    "",
  ];
  equal(reasonIn(log.join("\n")), "Cannot listen on TCP port 6783: address in use");
  equal(reasonIn("error: Module not found\n    at x\n"), "error: Module not found");
  equal(reasonIn("out of memory\n"), "out of memory");
  equal(reasonIn("\n"), undefined);
});
