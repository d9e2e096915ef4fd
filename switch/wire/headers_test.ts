import assert from "node:assert/strict";
import fc from "fast-check";
import { buildFrame, type FrameSpec, layoutOf } from "../../tests/helpers/frames.ts";
import {
  destinationHigh,
  destinationLow,
  ethernetHeaderLength,
  etherType,
  sourceHigh,
  sourceLow,
} from "./ethernet.ts";
import {
  ipv4HeaderLength,
  ipv4Protocol,
  ipv4TotalLength,
  ipv6NextHeader,
  ipv6PayloadLength,
  ipv6Valid,
} from "./ip.ts";
import { tcpHeaderLength } from "./transport.ts";

const payload = new Uint8Array(11);

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

Deno.test("ethernetHeaderLength() walks two VLAN tags and no more", () => {
  for (const tags of [0, 1, 2, 3]) {
    const frame = buildFrame({ tags, payload });
    const header = ethernetHeaderLength(viewOf(frame), 0, frame.length);
    assert.equal(header, 14 + 4 * Math.min(tags, 2));
    assert.equal(etherType(viewOf(frame), 0, header), tags < 3 ? 0x0800 : 0x8100);
  }
});

Deno.test("ethernetHeaderLength() is -1 when the frame ends in the header", () => {
  const frame = buildFrame({ tags: 2, payload });
  for (let length = 0; length < 22; length++) {
    assert.equal(ethernetHeaderLength(viewOf(frame), 0, length), -1);
  }
  assert.equal(ethernetHeaderLength(viewOf(frame), 0, 22), 22);
});

Deno.test("the address accessors return both halves", () => {
  const view = viewOf(Uint8Array.of(1, 2, 0xff, 4, 5, 6, 7, 8, 9, 10, 11, 12));
  assert.deepEqual([destinationHigh(view, 0), destinationLow(view, 0)], [
    0x0102,
    0xff040506 | 0,
  ]);
  assert.deepEqual([sourceHigh(view, 0), sourceLow(view, 0)], [0x0708, 0x090a0b0c]);
});

Deno.test("ipv4HeaderLength() accepts valid headers and their accessors agree", () => {
  const frame = buildFrame({ ipOptions: Uint8Array.of(1, 1, 1, 0), udp: true, payload });
  const view = viewOf(frame);
  assert.equal(ipv4HeaderLength(view, 14, frame.length - 14), 24);
  assert.equal(ipv4TotalLength(view, 14), frame.length - 14);
  assert.equal(ipv4Protocol(view, 14), 17);
});

Deno.test("ipv4HeaderLength() refuses lengths that do not fit each other", () => {
  const frame = buildFrame({ payload });
  const view = viewOf(frame);
  const available = frame.length - 14;
  assert.equal(ipv4HeaderLength(view, 14, available - 1), -1);
  assert.equal(ipv4HeaderLength(view, 14, 19), -1);
  for (const first of [0x44, 0x65, 0x05]) {
    view.setUint8(14, first);
    assert.equal(ipv4HeaderLength(view, 14, available), -1);
  }
  view.setUint8(14, 0x4f);
  view.setUint16(16, 59);
  assert.equal(ipv4HeaderLength(view, 14, available), -1);
});

Deno.test("ipv6Valid() wants version 6 and a payload that is there", () => {
  const frame = buildFrame({ ipv6: true, payload });
  const view = viewOf(frame);
  assert.equal(ipv6Valid(view, 14, frame.length - 14), true);
  assert.equal(ipv6PayloadLength(view, 14), frame.length - 54);
  assert.equal(ipv6NextHeader(view, 14), 6);
  assert.equal(ipv6Valid(view, 14, frame.length - 15), false);
  assert.equal(ipv6Valid(view, 14, 39), false);
  view.setUint8(14, 0x45);
  assert.equal(ipv6Valid(view, 14, frame.length - 14), false);
});

Deno.test("the walks never leave the frame, whatever its bytes", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 80 }), (bytes) => {
      // A view of exactly these bytes: reading beyond would throw.
      const view = viewOf(bytes);
      const network = ethernetHeaderLength(view, 0, bytes.length);
      if (network < 0) return;
      const available = bytes.length - network;
      const header = ipv4HeaderLength(view, network, available);
      assert.ok(header <= available);
      ipv6Valid(view, network, available);
      const tcp = tcpHeaderLength(view, network, available);
      assert.ok(tcp <= available);
    }),
    { numRuns: 2_000 },
  );
});

Deno.test("tcpHeaderLength() counts options in", () => {
  const spec: FrameSpec = { options: new Uint8Array(12), payload };
  const frame = buildFrame(spec);
  const { transport, header } = layoutOf(spec);
  const view = viewOf(frame);
  assert.equal(tcpHeaderLength(view, transport, frame.length - transport), header - transport);
  assert.equal(tcpHeaderLength(view, transport, 31), -1);
});
