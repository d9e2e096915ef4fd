import { deepEqual, equal, throws } from "node:assert/strict";
import { type Environment, parseLaunch } from "./parse.ts";
import { UsageError } from "./usage_error.ts";

const EMPTY: Environment = () => undefined;

function environment(values: Record<string, string>): Environment {
  return (name) => values[name];
}

Deno.test("parseLaunch() takes options and peers in any order", () => {
  const raw = parseLaunch(["--port", "7000", "192.0.2.1", "--name=02:00:00:00:00:01", "b"], EMPTY);
  deepEqual(raw.peers, ["192.0.2.1", "b"]);
  equal(raw.values.get("port"), "7000");
  equal(raw.values.get("name"), "02:00:00:00:00:01");
  deepEqual(raw.notes, []);
});

Deno.test("parseLaunch() takes a leading CIDR as the network of the first era", () => {
  const raw = parseLaunch(["10.0.0.1/16", "192.0.2.1"], EMPTY);
  equal(raw.network, "10.0.0.1/16");
  deepEqual(raw.peers, ["192.0.2.1"]);
});

const OLD: readonly [string[], string, string][] = [
  [["-password", "x"], "password", "x"],
  [["-passwordfile", "f"], "password-file", "f"],
  [["-port", "7000"], "port", "7000"],
  [["-nodiscovery"], "no-discovery", "true"],
  [["--nodiscovery"], "no-discovery", "true"],
  [["-connlimit", "5"], "conn-limit", "5"],
  [["--iprange", "10.2.0.0/16"], "ipalloc-range", "10.2.0.0/16"],
  [["-debug"], "debug", "true"],
];
for (const [words, name, value] of OLD) {
  Deno.test(`parseLaunch() takes ${words[0]} and notes the modern spelling`, () => {
    const raw = parseLaunch(words, EMPTY);
    equal(raw.values.get(name), value);
    equal(raw.notes.length, 1);
  });
}

Deno.test("parseLaunch() takes true and false for a flag, and nothing else", () => {
  equal(parseLaunch(["--plugin=false"], EMPTY).values.get("plugin"), "false");
  throws(() => parseLaunch(["--plugin=maybe"], EMPTY), /true or false, not "maybe"/);
});

Deno.test("parseLaunch() keeps an empty value that was given", () => {
  equal(parseLaunch(["--status-addr="], EMPTY).values.get("status-addr"), "");
  equal(parseLaunch(["--ipalloc-range", ""], EMPTY).values.get("ipalloc-range"), "");
});

Deno.test("parseLaunch() throws UsageError when an option is unknown or lacks its value", () => {
  throws(
    () => parseLaunch(["--no-such"], EMPTY),
    (e) => e instanceof UsageError && e.unknown && /"--no-such"/.test(e.message),
  );
  throws(() => parseLaunch(["--port"], EMPTY), /--port needs a value/);
});

Deno.test("parseLaunch() takes words behind -- as peers", () => {
  deepEqual(parseLaunch(["--", "--port"], EMPTY).peers, ["--port"]);
});

Deno.test("parseLaunch() reads the environment where there is no option", () => {
  const env = environment({ WEAVE_PORT: "1", WEFT_PORT: "2", WEAVE_MTU: "1410" });
  const raw = parseLaunch(["--port", "3"], env);
  equal(raw.values.get("port"), "3");
  equal(raw.values.get("mtu"), "1410");
  equal(raw.origins.get("mtu"), "WEAVE_MTU");
  equal(parseLaunch([], env).values.get("port"), "2");
});

Deno.test("parseLaunch() takes a flag from the environment", () => {
  equal(
    parseLaunch([], environment({ WEFT_NO_LIBSODIUM: "1" })).values.get("no-libsodium"),
    "true",
  );
  equal(
    parseLaunch([], environment({ WEFT_NO_LIBSODIUM: "0" })).values.get("no-libsodium"),
    "false",
  );
});
