import assert from "node:assert/strict";
import fc from "fast-check";
import { fromHex, toHex, WireError } from "./bytes.ts";
import {
  cidrContains,
  formatCidr,
  formatEndpoint,
  formatIp,
  formatIpv4,
  lastOf,
  mapIpv4,
  netmask,
  networkOf,
  parseCidr,
  parseEndpoint,
  parseIp,
  parseIpv4,
  sameEndpoint,
  unmapIpv4,
} from "./ip.ts";

const IPV4 = fc.integer({ min: 0, max: 0xffff_ffff });

Deno.test("parseIpv4() undoes formatIpv4()", () => {
  fc.assert(fc.property(IPV4, (address) => {
    assert.equal(parseIpv4(formatIpv4(address)), address);
    assert.equal(unmapIpv4(mapIpv4(address)), address);
    assert.equal(formatIp(mapIpv4(address)), formatIpv4(address));
  }));
  assert.equal(parseIpv4("10.32.0.1"), 169869313);
});

Deno.test("parseIpv4() throws WireError when the text is no address", () => {
  for (
    const text of [
      "",
      "1.2.3",
      "1.2.3.4.5",
      "256.0.0.1",
      "01.2.3.4",
      "1.2.3.-4",
      " 1.2.3.4",
      "1..2.3",
    ]
  ) {
    assert.throws(() => parseIpv4(text), WireError, text);
  }
});

Deno.test("parseCidr() keeps host bits and networkOf(), lastOf() and cidrContains() drop them", () => {
  const cidr = parseCidr("10.32.0.5/12");
  assert.deepEqual(cidr, { address: parseIpv4("10.32.0.5"), length: 12 });
  assert.equal(formatCidr(cidr), "10.32.0.5/12");
  assert.equal(formatIpv4(networkOf(cidr)), "10.32.0.0");
  assert.equal(formatIpv4(lastOf(cidr)), "10.47.255.255");
  assert.equal(cidrContains(cidr, parseIpv4("10.47.255.255")), true);
  assert.equal(cidrContains(cidr, parseIpv4("10.48.0.0")), false);
});

Deno.test("netmask() and the rest hold at both ends of the prefix length", () => {
  assert.deepEqual([0, 1, 8, 31, 32].map((length) => formatIpv4(netmask(length))), [
    "0.0.0.0",
    "128.0.0.0",
    "255.0.0.0",
    "255.255.255.254",
    "255.255.255.255",
  ]);
  const all = parseCidr("203.0.113.7/0");
  assert.deepEqual([networkOf(all), lastOf(all)], [0, 0xffff_ffff]);
  const one = parseCidr("203.0.113.7/32");
  assert.deepEqual([networkOf(one), lastOf(one)], [one.address, one.address]);
});

Deno.test("parseCidr() throws WireError that names the text when it is no CIDR", () => {
  for (
    const text of [
      "",
      "10.0.0.1",
      "10.0.0.1/33",
      "10.0.0.1/",
      "10.0.0.1/08",
      "10.0.0/8",
      "10.0.0.1/8/8",
      "x/8",
    ]
  ) {
    assert.throws(() => parseCidr(text), (error: Error) => {
      assert.ok(error instanceof WireError);
      return error.message.includes(`invalid CIDR address "${text}"`);
    });
  }
});

Deno.test("parseIp() and formatIp() agree with the platform's URL parser", () => {
  const group = fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 0xffff }));
  fc.assert(
    fc.property(fc.array(group, { minLength: 8, maxLength: 8 }), (groups) => {
      const text = groups.map((each) => each.toString(16)).join(":");
      const ip = parseIp(text);
      const platform = new URL(`http://[${text}]`).hostname.slice(1, -1);
      if (unmapIpv4(ip) === undefined) assert.equal(formatIp(ip), platform);
      assert.deepEqual(parseIp(formatIp(ip)), ip);
      assert.deepEqual(parseIp(platform), ip);
    }),
    { numRuns: 500 },
  );
});

Deno.test("formatIp() writes IPv6 addresses as RFC 5952 asks", () => {
  const cases = [
    ["::", "::"],
    ["::1", "::1"],
    ["2001:DB8:0:0:1:0:0:1", "2001:db8::1:0:0:1"],
    ["2001:db8:0:1:1:1:1:1", "2001:db8:0:1:1:1:1:1"],
    ["fe80:0:0:0:0:0:0:0", "fe80::"],
    ["::ffff:192.0.2.1", "192.0.2.1"],
    ["64:ff9b::192.0.2.1", "64:ff9b::c000:201"],
  ] as const;
  for (const [text, expected] of cases) assert.equal(formatIp(parseIp(text)), expected);
});

Deno.test("parseIp() throws WireError when the text is no address", () => {
  const bad = [
    "",
    ":",
    ":::",
    "1::2::3",
    "1:2:3:4:5:6:7",
    "1:2:3:4:5:6:7:8:9",
    "12345::",
    "g::",
    "fe80::1%eth0",
  ];
  for (
    const text of [
      ...bad,
      "::1.2.3",
      "::256.0.0.1",
      "1:2:3:4:5:6:7:8::",
      ":1::",
      "1:2:3:4:5:6:7:1.2.3.4",
    ]
  ) {
    assert.throws(() => parseIp(text), WireError, text);
  }
});

Deno.test("unmapIpv4() is undefined when the address is a real IPv6 one", () => {
  assert.equal(unmapIpv4(parseIp("2001:db8::1")), undefined);
  assert.equal(unmapIpv4(parseIp("::192.0.2.1")), undefined);
  assert.equal(unmapIpv4(fromHex("00000000000000000000ffff01020304")), 0x01020304);
});

Deno.test("parseEndpoint() undoes formatEndpoint()", () => {
  for (const text of ["10.0.0.1:6783", "[2001:db8::1]:0", "[::]:65535"]) {
    assert.equal(formatEndpoint(parseEndpoint(text)), text);
  }
  assert.equal(formatEndpoint(parseEndpoint("[::ffff:10.0.0.1]:1")), "10.0.0.1:1");
  assert.equal(toHex(parseEndpoint("10.0.0.1:1").ip), "00000000000000000000ffff0a000001");
  for (
    const text of [
      "",
      "10.0.0.1",
      ":1",
      "10.0.0.1:65536",
      "::1:1",
      "[::1]",
      "host:1",
      "10.0.0.1:1x",
    ]
  ) {
    assert.throws(() => parseEndpoint(text), WireError, text);
  }
});

Deno.test("sameEndpoint() compares address and port, and undefined with itself", () => {
  const [a, b, c] = ["10.0.0.1:1", "[::ffff:10.0.0.1]:1", "10.0.0.1:2"].map(parseEndpoint);
  assert.equal(sameEndpoint(a, b), true);
  assert.equal(sameEndpoint(a, c), false);
  assert.equal(sameEndpoint(a, undefined), false);
  assert.equal(sameEndpoint(undefined, undefined), true);
  assert.equal(sameEndpoint(a, parseEndpoint("10.0.0.2:1")), false);
});
