import assert from "node:assert/strict";
import { parseEndpoint, parseIp } from "../../base/mod.ts";
import {
  LOOK_MS,
  parseResolvConf,
  ResolvConfWatch,
  serverOf,
  withoutOurselves,
} from "./resolv_conf.ts";

Deno.test("parseResolvConf() returns the servers in order", () => {
  const text = [
    "# nameserver 192.0.2.99",
    "search example.org",
    "nameserver 192.0.2.2",
    "nameserver\t2001:db8::1   # home",
    "  nameserver 192.0.2.1",
    "nameserver 192.0.2.2",
    "nameserver",
    "nameserver nonsense",
    "nameserver fe80::1%eth0",
    "options ndots:5",
  ].join("\n");
  assert.deepEqual(parseResolvConf(text), ["192.0.2.2:53", "[2001:db8::1]:53", "192.0.2.1:53"]);
  assert.deepEqual(parseResolvConf(""), []);
});

Deno.test("serverOf() takes addresses with and without port", () => {
  const cases = {
    "192.0.2.1": "192.0.2.1:53",
    "192.0.2.1:5353": "192.0.2.1:5353",
    "2001:db8::1": "[2001:db8::1]:53",
    "[2001:db8::1]": "[2001:db8::1]:53",
    "[2001:db8::1]:54": "[2001:db8::1]:54",
    "example.org": undefined,
    "": undefined,
  };
  for (const [text, server] of Object.entries(cases)) assert.equal(serverOf(text), server, text);
});

const interfaces = ["127.0.0.1", "192.0.2.7", "::1", "2001:db8::7"].map(parseIp);
const servers = ["127.0.0.53:53", "192.0.2.7:53", "192.0.2.8:53", "[::1]:53", "[2001:db8::7]:53"];

function without(...listening: string[]): string[] {
  return withoutOurselves(servers, { listening: listening.map(parseEndpoint), interfaces });
}

Deno.test("withoutOurselves() leaves out the address that we listen on (I11)", () => {
  assert.deepEqual(without("192.0.2.7:53"), servers.filter((each) => each !== "192.0.2.7:53"));
  assert.deepEqual(without("127.0.0.53:53", "192.0.2.8:53").length, 3);
  assert.deepEqual(without(), servers);
});

Deno.test("withoutOurselves() leaves out every address of this host when we listen on all", () => {
  assert.deepEqual(without("0.0.0.0:53"), ["192.0.2.8:53"]);
  assert.deepEqual(without("[::]:53"), ["192.0.2.8:53"]);
});

Deno.test("withoutOurselves() keeps servers of this host on another port", () => {
  assert.deepEqual(without("0.0.0.0:5353"), servers);
});

Deno.test("ResolvConfWatch looks every 5 s at most", () => {
  const watch = new ResolvConfWatch();
  assert.equal(watch.due(0), true);
  assert.equal(watch.due(LOOK_MS - 1), false);
  assert.equal(watch.due(LOOK_MS), true);
});

Deno.test("ResolvConfWatch wants a file read until that was done, and when it has changed", () => {
  const watch = new ResolvConfWatch();
  const [before, after] = [{ mtimeMs: 7, size: 30, inode: 1 }, { mtimeMs: 8, size: 30, inode: 1 }];
  assert.deepEqual([watch.isNew(before), watch.isNew(before)], [true, true]);
  watch.wasRead(before);
  assert.deepEqual([watch.isNew(before), watch.isNew(after)], [false, true]);
});

Deno.test("ResolvConfWatch sees a file that was changed within a tick of the system's clock", () => {
  const watch = new ResolvConfWatch();
  const half = { mtimeMs: 7, size: 0, inode: 1 };
  watch.wasRead(half);
  assert.equal(watch.isNew({ ...half, size: 30 }), true);
  assert.equal(watch.isNew({ ...half, inode: 2 }), true);
});
