import assert from "node:assert/strict";
import { concat } from "../../base/mod.ts";
import {
  buildFrame,
  buildSuperframe,
  type FrameSpec,
  layoutOf,
} from "../../tests/helpers/frames.ts";
import { FAULT, formatRecords, RecordHeaders, shuttleRecordEnd } from "./shuttle_record.ts";

const PAYLOAD = new Uint8Array(300).map((_, i) => i);
const GSO = 100;

/** Returns virtio header and frame of piece `k`, as they lie in a record. */
function piece(spec: FrameSpec, k: number, gsoSize = GSO): Uint8Array<ArrayBuffer> {
  const whole = buildSuperframe(spec, gsoSize);
  const header = 10 + layoutOf(spec).header;
  const payload = whole.subarray(header).subarray(k * gsoSize, (k + 1) * gsoSize);
  const bytes = concat(whole.subarray(0, header), payload);
  new DataView(bytes.buffer).setUint16(2, k, true);
  return bytes;
}

function parse(bytes: Uint8Array<ArrayBuffer>): { fault: number; headers: RecordHeaders } {
  const headers = new RecordHeaders();
  const fault = headers.parse(new DataView(bytes.buffer), 0, bytes.length - 10);
  return { fault, headers };
}

/** Changes a piece. */
type Change = (view: DataView, at: { ip: number; l4: number }) => void;

function faultAfter(spec: FrameSpec, k: number, change: Change): number {
  const bytes = piece(spec, k);
  const { network, transport } = layoutOf(spec);
  change(new DataView(bytes.buffer), { ip: 10 + network, l4: 10 + transport });
  return parse(bytes).fault;
}

const TCP4: FrameSpec = { payload: PAYLOAD };
const TCP6: FrameSpec = { payload: PAYLOAD, ipv6: true };
const UDP4: FrameSpec = { payload: PAYLOAD, udp: true };
const UDP6: FrameSpec = { payload: PAYLOAD, udp: true, ipv6: true };
const FULL: FrameSpec = {
  payload: PAYLOAD,
  tags: 2,
  ipOptions: new Uint8Array(40).fill(1),
  options: new Uint8Array(40).fill(1),
};

Deno.test("RecordHeaders takes all kinds of pieces", () => {
  for (const spec of [TCP4, TCP6, UDP4, UDP6, FULL]) {
    for (let k = 0; k < 3; k++) {
      const { fault, headers } = parse(piece(spec, k));
      const { network, transport, header } = layoutOf(spec);
      assert.equal(fault, FAULT.NONE);
      assert.deepEqual(
        [headers.network, headers.transport, headers.header, headers.payload, headers.k],
        [network, transport, header, 100, k],
      );
      assert.deepEqual([headers.wholePayload, headers.isLast], [300, k === 2]);
      assert.deepEqual([headers.isIpv4, headers.isTcp], [spec.ipv6 !== true, spec.udp !== true]);
    }
  }
});

Deno.test("RecordHeaders takes a short last piece, and one piece that is all", () => {
  assert.equal(parse(piece(TCP4, 2, 140)).fault, FAULT.NONE);
  assert.equal(parse(piece(TCP4, 0, 300)).fault, FAULT.NONE);
  assert.equal(parse(piece(TCP4, 0, 1_000)).fault, FAULT.NONE);
});

Deno.test("RecordHeaders takes the ECN bit with TCP", () => {
  const { fault, headers } = parse(piece({ ...TCP4, flags: 0x90 }, 0));
  assert.deepEqual([fault, headers.gsoType], [FAULT.NONE, 0x81]);
});

/** Each rule of spec/shuttle.md 7 for pieces: what breaks it. */
const BROKEN: readonly [string, FrameSpec, number, Change][] = [
  ["no flag", TCP4, FAULT.FLAGS, (v) => v.setUint8(0, 0)],
  ["a second flag", TCP4, FAULT.FLAGS, (v) => v.setUint8(0, 3)],
  ["gso_type 2", TCP4, FAULT.GSO_TYPE, (v) => v.setUint8(1, 2)],
  ["gso_type 3", TCP4, FAULT.GSO_TYPE, (v) => v.setUint8(1, 3)],
  ["gso_type 0x41", TCP4, FAULT.GSO_TYPE, (v) => v.setUint8(1, 0x41)],
  ["UDP with ECN", UDP4, FAULT.GSO_TYPE, (v) => v.setUint8(1, 0x85)],
  ["only ECN", TCP4, FAULT.GSO_TYPE, (v) => v.setUint8(1, 0x80)],
  ["gso_size 47", TCP4, FAULT.GSO_SIZE, (v) => v.setUint16(4, 47, true)],
  ["gso_size 0", TCP4, FAULT.GSO_SIZE, (v) => v.setUint16(4, 0, true)],
  ["IPv6 as TCPv4", TCP6, FAULT.NETWORK, (v) => v.setUint8(1, 1)],
  ["IPv4 as TCPv6", TCP4, FAULT.NETWORK, (v) => v.setUint8(1, 4)],
  ["EtherType of ARP", UDP4, FAULT.NETWORK, (v, { ip }) => v.setUint16(ip - 2, 0x0806)],
  ["a third tag", FULL, FAULT.NETWORK, (v, { ip }) => v.setUint16(ip - 2, 0x8100)],
  ["version 6 in IPv4", TCP4, FAULT.NETWORK, (v, { ip }) => v.setUint8(ip, 0x65)],
  ["version 4 in IPv6", TCP6, FAULT.NETWORK, (v, { ip }) => v.setUint8(ip, 0x45)],
  ["IHL 4", TCP4, FAULT.NETWORK, (v, { ip }) => v.setUint8(ip, 0x44)],
  ["more fragments", TCP4, FAULT.FRAGMENT, (v, { ip }) => v.setUint16(ip + 6, 0x2000)],
  ["a fragment offset", TCP4, FAULT.FRAGMENT, (v, { ip }) => v.setUint16(ip + 6, 1)],
  ["an extension header", TCP6, FAULT.FRAGMENT, (v, { ip }) => v.setUint8(ip + 6, 60)],
  ["an IPv6 fragment", UDP6, FAULT.FRAGMENT, (v, { ip }) => v.setUint8(ip + 6, 44)],
  ["UDP as TCP", TCP4, FAULT.PROTOCOL, (v, { ip }) => v.setUint8(ip + 9, 17)],
  ["TCP as UDP", UDP4, FAULT.PROTOCOL, (v, { ip }) => v.setUint8(ip + 9, 6)],
  ["TCP as UDP, IPv6", UDP6, FAULT.PROTOCOL, (v, { ip }) => v.setUint8(ip + 6, 6)],
  ["ICMP", TCP4, FAULT.PROTOCOL, (v, { ip }) => v.setUint8(ip + 9, 1)],
  ["csum_start behind L4", TCP4, FAULT.CSUM_START, (v) => v.setUint16(6, 36, true)],
  ["csum_start without the tags", FULL, FAULT.CSUM_START, (v) => v.setUint16(6, 74, true)],
  ["csum_offset of UDP in TCP", TCP4, FAULT.CSUM_START, (v) => v.setUint16(8, 6, true)],
  ["csum_offset of TCP in UDP", UDP4, FAULT.CSUM_START, (v) => v.setUint16(8, 16, true)],
  ["data offset 16", TCP4, FAULT.TRANSPORT, (v, { l4 }) => v.setUint8(l4 + 12, 0x40)],
  ["total length too small", TCP4, FAULT.PAYLOAD, (v, { ip }) => v.setUint16(ip + 2, 139)],
  ["payload length too small", TCP6, FAULT.PAYLOAD, (v, { ip }) => v.setUint16(ip + 4, 119)],
  ["gso_size below the payload", TCP4, FAULT.PAYLOAD, (v) => v.setUint16(4, 99, true)],
  ["gso_size above the payload", TCP4, FAULT.PAYLOAD, (v) => v.setUint16(4, 101, true)],
  ["an index beyond the end", TCP4, FAULT.PAYLOAD, (v) => v.setUint16(2, 3, true)],
  ["the last index there is", TCP4, FAULT.PAYLOAD, (v) => v.setUint16(2, 0xffff, true)],
];

for (const [name, spec, fault, change] of BROKEN) {
  Deno.test(`RecordHeaders refuses a piece with ${name}`, () => {
    assert.equal(faultAfter(spec, 0, change), fault);
  });
}

Deno.test("RecordHeaders refuses a data offset beyond the piece", () => {
  const bytes = piece({ ...TCP4, payload: PAYLOAD.subarray(0, 101) }, 1);
  new DataView(bytes.buffer).setUint8(10 + 34 + 12, 0xf0);
  assert.equal(parse(bytes).fault, FAULT.TRANSPORT);
});

Deno.test("RecordHeaders refuses a piece without payload", () => {
  assert.equal(parse(piece(TCP4, 3)).fault, FAULT.PAYLOAD);
});

Deno.test("RecordHeaders refuses headers that are cut off", () => {
  for (const spec of [TCP4, TCP6, UDP4, UDP6, FULL]) {
    const { header } = layoutOf(spec);
    for (let length = 0; length < header; length++) {
      assert.notEqual(parse(piece(spec, 0).slice(0, 10 + length)).fault, FAULT.NONE);
    }
  }
});

Deno.test("RecordHeaders takes 64 datagrams, refuses 65", () => {
  const spec = (datagrams: number): FrameSpec => ({
    udp: true,
    payload: new Uint8Array(48 * datagrams),
  });
  assert.equal(parse(piece(spec(64), 63, 48)).fault, FAULT.NONE);
  assert.equal(parse(piece(spec(65), 3, 48)).fault, FAULT.PIECES);
});

/** Virtio header before a plain frame of 40 bytes. */
function frame(flags: number, start: number, offset: number): Uint8Array<ArrayBuffer> {
  const bytes = concat(new Uint8Array(10), new Uint8Array(40).fill(1));
  const view = new DataView(bytes.buffer);
  view.setUint8(0, flags);
  view.setUint16(6, start, true);
  view.setUint16(8, offset, true);
  return bytes;
}

Deno.test("RecordHeaders takes frames with and without a checksum to do", () => {
  assert.equal(parse(frame(0, 0, 0)).fault, FAULT.NONE);
  assert.equal(parse(frame(1, 14, 24)).fault, FAULT.NONE);
  assert.equal(parse(frame(2, 0, 0)).fault, FAULT.NONE);
  assert.equal(parse(concat(new Uint8Array(10), buildFrame(TCP4))).fault, FAULT.NONE);
});

Deno.test("RecordHeaders refuses a frame whose checksum lies outside", () => {
  assert.equal(parse(frame(1, 14, 25)).fault, FAULT.CHECKSUM);
  assert.equal(parse(frame(1, 0xffff, 0xffff)).fault, FAULT.CHECKSUM);
  assert.equal(parse(frame(0, 40, 0)).fault, FAULT.CHECKSUM);
});

Deno.test("RecordHeaders refuses a sum that begins in the Ethernet header", () => {
  assert.equal(parse(frame(1, 13, 10)).fault, FAULT.CHECKSUM);
});

Deno.test("RecordHeaders refuses other flags on a frame", () => {
  for (const flags of [4, 5, 0x80, 0xff]) {
    assert.equal(parse(frame(flags, 14, 0)).fault, FAULT.FLAGS);
  }
});

Deno.test("RecordHeaders refuses less than an Ethernet header", () => {
  assert.equal(parse(new Uint8Array(23)).fault, FAULT.FRAME);
});

Deno.test("shuttleRecordEnd() walks whole records only", () => {
  const bytes = new Uint8Array(60);
  const view = new DataView(bytes.buffer);
  view.setUint16(0, 14);
  assert.equal(shuttleRecordEnd(view, 0, 60), 26);
  assert.equal(shuttleRecordEnd(view, 0, 25), -1);
  view.setUint16(0, 48);
  assert.equal(shuttleRecordEnd(view, 0, 60), 60);
  view.setUint16(0, 49);
  assert.equal(shuttleRecordEnd(view, 0, 60), -1);
  view.setUint16(0, 13);
  assert.equal(shuttleRecordEnd(view, 0, 60), -1);
});

Deno.test("formatRecords() names frames and pieces, and what does not parse", () => {
  const record = concat(Uint8Array.of(0, 154), piece(TCP4, 1));
  const plain = concat(Uint8Array.of(0, 14), new Uint8Array(24));
  const bytes = concat(plain, record, Uint8Array.of(1));
  assert.equal(
    formatRecords(new DataView(bytes.buffer), 0, bytes.length),
    "frame: 14 bytes; piece 1 of type 1, gso_size 100: 154 bytes; malformed: 1 bytes",
  );
});
