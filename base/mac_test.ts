import assert from "node:assert/strict";
import fc from "fast-check";
import { WireError } from "./bytes.ts";
import {
  BROADCAST_MAC,
  formatMac,
  isGroupMac,
  macFromBytes,
  macHigh,
  macLow,
  macOf,
  macToBytes,
  parseMac,
} from "./mac.ts";

const MAC = fc.integer({ min: 0, max: BROADCAST_MAC });

Deno.test("parseMac() and macFromBytes() undo formatMac() and macToBytes()", () => {
  fc.assert(fc.property(MAC, (mac) => {
    assert.equal(parseMac(formatMac(mac)), mac);
    assert.equal(parseMac(formatMac(mac).toUpperCase()), mac);
    assert.equal(macFromBytes(macToBytes(mac)), mac);
    assert.equal(macOf(macHigh(mac), macLow(mac)), mac);
    assert.equal(macOf(macHigh(mac), macLow(mac) | 0), mac);
  }));
});

Deno.test("formatMac() writes six groups of two digits", () => {
  assert.equal(formatMac(1), "00:00:00:00:00:01");
  assert.equal(formatMac(0x0a0000000b0c), "0a:00:00:00:0b:0c");
  assert.equal(formatMac(BROADCAST_MAC), "ff:ff:ff:ff:ff:ff");
  assert.equal(parseMac("2:0:0:0:0:1"), 0x020000000001);
});

Deno.test("parseMac() throws WireError when the text is no MAC", () => {
  for (
    const text of [
      "",
      "1:2:3:4:5",
      "1:2:3:4:5:6:7",
      "g:0:0:0:0:0",
      "100:0:0:0:0:0",
      "02-00-00-00-00-01",
    ]
  ) {
    assert.throws(() => parseMac(text), WireError, text);
  }
});

Deno.test("macFromBytes() reads at an offset and throws WireError when bytes are missing", () => {
  const bytes = new Uint8Array([9, 9, 2, 0, 0, 0, 0, 1]);
  assert.equal(macFromBytes(bytes, 2), 0x020000000001);
  assert.equal(macFromBytes(bytes.subarray(2)), 0x020000000001);
  assert.throws(() => macFromBytes(bytes, 3), WireError);
});

Deno.test("isGroupMac() tells multicast and broadcast from the address of one station", () => {
  assert.equal(isGroupMac(BROADCAST_MAC), true);
  assert.equal(isGroupMac(parseMac("01:00:5e:00:00:01")), true);
  assert.equal(isGroupMac(parseMac("33:33:00:00:00:01")), true);
  assert.equal(isGroupMac(parseMac("02:00:00:00:00:01")), false);
  assert.equal(isGroupMac(0), false);
});
