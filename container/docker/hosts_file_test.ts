import { equal, throws } from "node:assert/strict";
import { parseCidr } from "../../base/mod.ts";
import { RefusedError } from "../refused.ts";
import { hostsText } from "./hosts_file.ts";

const ADDRESSES = ["10.2.1.1/24", "10.2.2.1/24"].map(parseCidr);

Deno.test("hostsText() has each address with the long and the short name, then what was added", () => {
  const lines = hostsText("web.weave.local", ADDRESSES, ["db:192.0.2.7"]).split("\n");
  equal(lines[1], "10.2.1.1 web.weave.local web");
  equal(lines[2], "10.2.2.1 web.weave.local web");
  equal(lines[3], "192.0.2.7 db");
  equal(lines[4], "127.0.0.1 localhost");
  equal(lines.at(-2), "# created by weft - end");
});

Deno.test("hostsText() has the short name alone when there is no domain", () => {
  equal(hostsText("web", ADDRESSES, []).split("\n")[1], "10.2.1.1 web");
});

Deno.test("hostsText() refuses an entry that is not NAME:IP", () => {
  for (const entry of ["db", "db:", ":192.0.2.7", "d b:192.0.2.7", "db:here\n"]) {
    throws(() => hostsText("web", ADDRESSES, [entry]), RefusedError);
  }
});
