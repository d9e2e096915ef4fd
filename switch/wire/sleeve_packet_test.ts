import assert from "node:assert/strict";
import { fromHex, macHigh, macLow } from "../../base/mod.ts";
import { openSecretbox } from "../../ffi/mod.ts";
import overheads from "../../tests/vectors/sleeve-overhead.json" with { type: "json" };
import packets from "../../tests/vectors/sleeve-packets.json" with { type: "json" };
import { arraySlab, type Slab } from "../frame.ts";
import {
  formatSleevePacket,
  isSpecial,
  isZero,
  NONCE_BYTES,
  OUTER_IPV4_BYTES,
  packetOverheadBytes,
  RECORD_HEADER_BYTES,
  recordEnd,
  SEALED_HEADER_BYTES,
  TAG_OFFSET,
  totalOverheadBytes,
  writeName,
  writeNonce,
  writeRecordHeader,
  writeSequence,
} from "./sleeve_packet.ts";

interface PacketCase {
  encrypted: boolean;
  udp_payload: string;
  session_key?: string;
  sender_outbound?: boolean;
  df?: boolean;
  seq?: string;
  nonce?: string;
  sender_name?: string;
  frames?: { src: string; dst: string; frame: string }[];
  frames_delivered?: number;
  error?: boolean;
  note?: string;
}

const cases = packets.cases as PacketCase[];
const wellFormed = cases.filter(({ frames }) => frames !== undefined);
const malformed = cases.filter(({ frames_delivered: count }) => count !== undefined);

Deno.test("there are vectors of both kinds", () => {
  assert.ok(wellFormed.length >= 37);
  assert.equal(malformed.length, 4);
});

Deno.test("writing a datagram gives the reference's bytes", () => {
  for (const each of wellFormed) {
    const slab = arraySlab(70_000);
    const datagram = slab.alloc(66_000);
    const length = write(slab, datagram, each);
    assert.equal(slab.bytes.slice(datagram, datagram + length).toHex(), each.udp_payload);
  }
});

Deno.test("walking a datagram of the reference gives its records", () => {
  for (const each of wellFormed) {
    const slab = arraySlab(70_000);
    const datagram = slab.alloc(66_000, 1) + 1;
    const length = open(slab, datagram, each);
    const { frames, complete } = walk(slab, datagram, length, each.encrypted);
    assert.deepEqual(frames, each.frames?.map(({ src, dst, frame }) => ({ src, dst, frame })));
    assert.ok(complete);
  }
});

Deno.test("writeNonce() gives the reference's nonces", () => {
  for (const each of wellFormed.filter(({ encrypted }) => encrypted)) {
    const slab = arraySlab(4096);
    const nonce = slab.alloc(NONCE_BYTES);
    const datagram = slab.alloc(100);
    slab.bytes.set(fromHex(each.udp_payload.slice(0, 28)), datagram);
    writeNonce(slab.view, nonce, each.sender_outbound ?? false, datagram);
    assert.equal(slab.bytes.slice(nonce, nonce + NONCE_BYTES).toHex(), each.nonce);
  }
});

Deno.test("recordEnd() stops where the reference stops in malformed datagrams", () => {
  for (const each of malformed) {
    const slab = arraySlab(4096);
    const datagram = slab.alloc(1000);
    const length = open(slab, datagram, each);
    const { frames, complete } = walk(slab, datagram, length, false);
    assert.equal(frames.length, each.frames_delivered, each.note);
    assert.equal(complete, each.error !== true, each.note);
  }
});

Deno.test("totalOverheadBytes() gives the reference's arithmetic", () => {
  for (const each of overheads.cases) {
    assert.equal(packetOverheadBytes(each.encrypted), each.packet_overhead);
    assert.equal(RECORD_HEADER_BYTES, each.frame_overhead);
    const total = totalOverheadBytes(each.encrypted, OUTER_IPV4_BYTES);
    assert.equal(total, each.total_overhead);
    assert.equal(each.underlay_pmtu - total, each.overlay_mtu);
    assert.equal(each.underlay_pmtu - OUTER_IPV4_BYTES, each.max_udp_payload);
  }
});

Deno.test("isSpecial() looks at all of the first 14 bytes", () => {
  const { bytes, view } = arraySlab(64);
  assert.ok(isSpecial(view, 3));
  bytes[17] = 9;
  assert.ok(isSpecial(view, 3));
  for (let i = 3; i < 17; i++) {
    bytes[i] = 128;
    assert.ok(!isSpecial(view, 3), `byte ${i - 3}`);
    bytes[i] = 0;
  }
});

Deno.test("isZero() looks at each byte", () => {
  const { bytes, view } = arraySlab(64);
  for (let length = 0; length < 12; length++) {
    bytes[4] = bytes[5 + length] = 1;
    assert.ok(isZero(view, 5, length));
    bytes[5 + length] = 0;
    for (let i = 0; i < length; i++) {
      bytes[5 + i] = 1;
      assert.ok(!isZero(view, 5, length));
      bytes[5 + i] = 0;
    }
  }
});

Deno.test("formatSleevePacket() names sender, space, number and records", () => {
  const slab = arraySlab(4096);
  const datagram = slab.alloc(1000);
  const each = wellFormed.find(({ seq, df }) => seq === "1" && df === false);
  assert.ok(each !== undefined);
  const length = open(slab, datagram, each);
  const text = formatSleevePacket(slab.view, datagram, length, true);
  assert.match(
    text,
    /^sleeve from 02:00:00:00:00:01 non-df 1; 02:00:00:00:00:01 > 02:00:00:00:00:02: 60/,
  );
  assert.match(formatSleevePacket(slab.view, datagram, length - 1, true), /malformed: \d+ bytes$/);
  assert.equal(formatSleevePacket(slab.view, datagram, 5, false), "sleeve: 5 bytes, too short");
});

function name(hex: string): [high: number, low: number] {
  const value = Number.parseInt(hex, 16);
  return [macHigh(value), macLow(value)];
}

function write(slab: Slab, datagram: number, each: PacketCase): number {
  const { view, bytes } = slab;
  writeName(view, datagram, ...name(each.sender_name ?? ""));
  let at = datagram + packetOverheadBytes(each.encrypted);
  for (const { src, dst, frame } of each.frames ?? []) {
    const body = fromHex(frame);
    writeRecordHeader(view, at, ...name(src), ...name(dst), body.length);
    bytes.set(body, at + RECORD_HEADER_BYTES);
    at += RECORD_HEADER_BYTES + body.length;
  }
  const length = at - datagram;
  if (!each.encrypted) return length;
  const seq = BigInt(each.seq ?? "");
  const low = Number(BigInt.asIntN(32, seq));
  writeSequence(view, datagram, each.df ?? false, Number(seq >> 32n), low);
  const nonce = slab.alloc(NONCE_BYTES);
  writeNonce(view, nonce, each.sender_outbound ?? false, datagram);
  const box = openSecretbox({ bytes });
  const key = box.addKey(fromHex(each.session_key ?? ""));
  box.seal(key, nonce, datagram + TAG_OFFSET, length - SEALED_HEADER_BYTES);
  return length;
}

function open(slab: Slab, datagram: number, each: PacketCase): number {
  const payload = fromHex(each.udp_payload);
  slab.bytes.set(payload, datagram);
  if (!each.encrypted) return payload.length;
  const nonce = slab.alloc(NONCE_BYTES);
  writeNonce(slab.view, nonce, each.sender_outbound ?? false, datagram);
  const box = openSecretbox({ bytes: slab.bytes });
  const key = box.addKey(fromHex(each.session_key ?? ""));
  const length = payload.length - SEALED_HEADER_BYTES;
  assert.ok(box.open(key, nonce, datagram + TAG_OFFSET, length), "authenticates");
  return payload.length;
}

function walk(
  slab: Slab,
  datagram: number,
  length: number,
  sealed: boolean,
): { frames: { src: string; dst: string; frame: string }[]; complete: boolean } {
  const frames = [];
  const end = datagram + length;
  let at = datagram + packetOverheadBytes(sealed);
  const hex = (from: number, to: number): string => slab.bytes.slice(from, to).toHex();
  for (let next = recordEnd(slab.view, at, end); next >= 0; next = recordEnd(slab.view, at, end)) {
    const frame = hex(at + RECORD_HEADER_BYTES, next);
    frames.push({ src: hex(at, at + 6), dst: hex(at + 6, at + 12), frame });
    at = next;
  }
  return { frames, complete: at === end };
}
