import assert from "node:assert/strict";
import { concat, fromHex, parseCidr, parseMac, toHex, utf8, WireError } from "../../base/mod.ts";
import { parseAddress } from "./addr.ts";
import { parseLink } from "./link.ts";
import {
  attr,
  attrIpv4,
  attrNested,
  attrPort,
  attrString,
  attrU32,
  attrU8,
  i32Of,
  ipv4Of,
  nestedOf,
  NLM_F,
  NLMSG,
  parseAttributes,
  parseError,
  parseMessages,
  stringOf,
  u32Of,
  u8Of,
  writeMessage,
} from "./message.ts";
import { parseRoute } from "./route.ts";

const MESSAGE = { type: 16, flags: NLM_F.REQUEST | NLM_F.ACK, seq: 7, pid: 0 };

Deno.test("writeMessage() puts length, type, flags, seq and pid before the payload", () => {
  const bytes = writeMessage({ ...MESSAGE, payload: Uint8Array.of(0xaa, 0xbb) });
  assert.equal(toHex(bytes), "12000000" + "1000" + "0500" + "07000000" + "00000000" + "aabb");
});

Deno.test("parseMessages() returns each message of a datagram, padded or not", () => {
  const first = { ...MESSAGE, payload: Uint8Array.of(1, 2, 3) };
  const second = { ...MESSAGE, seq: 0xffff_ffff, payload: new Uint8Array() };
  const bytes = concat(writeMessage(first), new Uint8Array(1), writeMessage(second));
  assert.deepEqual(parseMessages(bytes), [first, second]);
  assert.deepEqual(parseMessages(new Uint8Array()), []);
});

Deno.test("parseMessages() throws WireError when a length is impossible", () => {
  const good = writeMessage({ ...MESSAGE, payload: new Uint8Array(4) });
  for (const length of [0, 15, 21, 0xffff_ffff]) {
    const bad = good.slice();
    new DataView(bad.buffer).setUint32(0, length, true);
    assert.throws(() => parseMessages(bad), WireError, `length ${length}`);
  }
  for (let cut = 1; cut < good.length; cut++) {
    assert.throws(() => parseMessages(good.subarray(0, cut)), WireError, `cut at ${cut}`);
  }
});

Deno.test("attributes are read as they were written", () => {
  const bytes = concat(
    attrU8(1, 200),
    attrU32(2, 0x1234_5678),
    attrU32(3, -1),
    attrIpv4(4, 0x0a01_0005),
    attrString(5, "ethwe"),
    attrPort(6, 6784),
    attrNested(7, attrString(1, "veth"), attrNested(2, attrU8(1, 9))),
    attr(8, new Uint8Array()),
  );
  const found = parseAttributes(bytes);
  assert.equal(bytes.length % 4, 0);
  assert.equal(u8Of(found, 1), 200);
  assert.equal(u32Of(found, 2), 0x1234_5678);
  assert.equal(u32Of(found, 3), 0xffff_ffff);
  assert.equal(i32Of(found, 3), -1);
  assert.equal(ipv4Of(found, 4), 0x0a01_0005);
  assert.equal(stringOf(found, 5), "ethwe");
  assert.equal(toHex(found.get(6) ?? new Uint8Array()), "1a80");
  assert.equal(stringOf(nestedOf(found, 7), 1), "veth");
  assert.equal(u8Of(nestedOf(nestedOf(found, 7), 2), 1), 9);
  assert.equal(found.get(8)?.length, 0);
});

Deno.test("attrNested() sets the flag and the padding that the kernel wants", () => {
  const nested = attrNested(18, attrString(1, "veth"));
  assert.equal(toHex(nested), "1000" + "1280" + "0900" + "0100" + "7665746800" + "000000");
});

Deno.test("readers return undefined when an attribute is missing or too short", () => {
  const found = parseAttributes(concat(attrU8(1, 1), attr(2, new Uint8Array())));
  assert.equal(u8Of(found, 2), undefined);
  assert.equal(u32Of(found, 1), undefined);
  assert.equal(i32Of(found, 9), undefined);
  assert.equal(ipv4Of(found, 1), undefined);
  assert.equal(stringOf(found, 9), undefined);
  assert.equal(nestedOf(found, 9).size, 0);
});

Deno.test("parseAttributes() throws WireError when a length is impossible", () => {
  for (const bad of ["0300" + "0100", "0900" + "0100" + "00000000", "0000" + "0000"]) {
    assert.throws(() => parseAttributes(fromHex(bad)), WireError, bad);
  }
  assert.equal(parseAttributes(fromHex("0000")).size, 0);
});

Deno.test("attr() throws RangeError when the value does not fit a length", () => {
  assert.throws(() => attr(1, new Uint8Array(65532)), RangeError);
});

Deno.test("parseError() returns 0 for an acknowledgement", () => {
  const payload = concat(
    new Uint8Array(4),
    writeMessage({ ...MESSAGE, payload: new Uint8Array() }),
  );
  const ack = { ...MESSAGE, type: NLMSG.ERROR, flags: NLM_F.CAPPED, payload };
  assert.deepEqual(parseError(ack), { errno: 0, text: "" });
});

Deno.test("parseError() finds the kernel's words behind the request that comes back", () => {
  const words = attr(1, utf8("Name too long\0"));
  const request = writeMessage({ ...MESSAGE, payload: new Uint8Array(5) });
  const errno = fromHex("deffffff"); // -34
  const full = concat(errno, request, new Uint8Array(3), words);
  const message = { ...MESSAGE, type: NLMSG.ERROR, flags: NLM_F.ACK_TLVS, payload: full };
  assert.deepEqual(parseError(message), { errno: 34, text: "Name too long" });
  const capped = concat(errno, request.subarray(0, 16), words);
  const flags = NLM_F.ACK_TLVS | NLM_F.CAPPED;
  assert.deepEqual(parseError({ ...message, flags, payload: capped }), {
    errno: 34,
    text: "Name too long",
  });
  const done = { ...message, type: NLMSG.DONE, payload: concat(errno, words) };
  assert.deepEqual(parseError(done), { errno: 34, text: "Name too long" });
});

Deno.test("parseError() throws WireError when the payload is cut", () => {
  const message = { ...MESSAGE, type: NLMSG.ERROR, flags: NLM_F.ACK_TLVS };
  assert.throws(() => parseError({ ...message, payload: new Uint8Array(3) }), WireError);
  assert.throws(() => parseError({ ...message, payload: new Uint8Array(10) }), WireError);
});

Deno.test("parseLink() reads a veth that is a port of a bridge", () => {
  const head = fromHex("00000100" + "07000000" + "03000000" + "00000000");
  const payload = concat(
    head,
    attrString(3, "vethwepl7"),
    attrU32(4, 1376),
    attr(1, fromHex("020000000501")),
    attrU32(5, 2),
    attrU32(37, 4),
    attrU32(10, 3),
    attrU8(16, 6),
    attrString(20, "weft pid 7"),
    attrNested(
      18,
      attrString(1, "veth"),
      attrString(4, "bridge"),
      attrNested(5, attrU8(1, 3), attrU8(4, 1)),
    ),
  );
  assert.deepEqual(parseLink(payload), {
    index: 7,
    name: "vethwepl7",
    kind: "veth",
    mac: parseMac("02:00:00:00:05:01"),
    mtuBytes: 1376,
    up: true,
    running: true,
    masterIndex: 3,
    peerIndex: 2,
    peerNetnsId: 4,
    alias: "weft pid 7",
    port: { forwarding: true, hairpin: true },
    tun: undefined,
  });
});

Deno.test("parseLink() has a default for everything that the kernel leaves out", () => {
  const link = parseLink(new Uint8Array(16));
  assert.deepEqual([link.index, link.name, link.kind, link.mac, link.up], [0, "", "", 0, false]);
  assert.deepEqual([link.peerNetnsId, link.port, link.tun], [undefined, undefined, undefined]);
});

Deno.test("parseAddress() reads address, prefix and flags", () => {
  const payload = concat(fromHex("02180000" + "05000000"), attrIpv4(2, 0x0a01_0005), attrU32(8, 1));
  assert.deepEqual(parseAddress(payload), {
    ifindex: 5,
    cidr: parseCidr("10.1.0.5/24"),
    broadcast: undefined,
    label: "",
    secondary: true,
  });
});

Deno.test("parseRoute() reads a route on the link", () => {
  const head = fromHex("02040000" + "fe03fd01" + "00000000");
  assert.deepEqual(parseRoute(concat(head, attrIpv4(1, 0xe000_0000), attrU32(4, 5))), {
    destination: parseCidr("224.0.0.0/4"),
    ifindex: 5,
    gateway: undefined,
    scope: 253,
    source: undefined,
    metric: 0,
  });
});
