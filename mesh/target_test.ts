import assert from "node:assert/strict";
import { formatIp, parseEndpoint, WireError } from "../base/mod.ts";
import { endpointKey, parseTarget } from "./target.ts";

Deno.test("parseTarget() understands names and addresses with and without port", () => {
  const cases: [string, string, number | undefined, string | undefined][] = [
    ["host", "host", undefined, undefined],
    ["host.example.org.", "host.example.org.", undefined, undefined],
    ["my_host:7000", "my_host", 7000, undefined],
    ["192.0.2.1", "192.0.2.1", undefined, "192.0.2.1"],
    ["192.0.2.1:", "192.0.2.1", undefined, "192.0.2.1"],
    ["192.0.2.1:0", "192.0.2.1", undefined, "192.0.2.1"],
    ["192.0.2.1:65535", "192.0.2.1", 65535, "192.0.2.1"],
    ["2001:db8::1", "2001:db8::1", undefined, "2001:db8::1"],
    ["[2001:db8::1]", "2001:db8::1", undefined, "2001:db8::1"],
    ["[2001:db8::1]:7", "2001:db8::1", 7, "2001:db8::1"],
    ["::ffff:192.0.2.1", "::ffff:192.0.2.1", undefined, "192.0.2.1"],
  ];
  for (const [text, host, port, ip] of cases) {
    const target = parseTarget(text);
    assert.deepEqual([target.text, target.host, target.port], [text, host, port]);
    assert.equal(target.ip && formatIp(target.ip), ip, text);
  }
});

Deno.test("parseTarget() throws WireError when the text is no target", () => {
  const bad = [
    "",
    ":6783",
    "host:x",
    "host:65536",
    "300.0.0.1",
    "1.2.3",
    "a b",
    "[::1",
    "[]",
    "[host]:1",
  ];
  for (const text of [...bad, "host:1:2", "-x", "a/b", "é", "x".repeat(300)]) {
    assert.throws(() => parseTarget(text), WireError, text);
  }
});

Deno.test("endpointKey() is equal when a mapped and a plain IPv4 address mean the same", () => {
  const mapped = parseEndpoint("[::ffff:192.0.2.1]:6783");
  assert.equal(endpointKey(mapped), endpointKey(parseEndpoint("192.0.2.1:6783")));
  assert.notEqual(endpointKey(mapped), endpointKey(parseEndpoint("192.0.2.1:6784")));
});
