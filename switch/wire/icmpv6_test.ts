import assert from "node:assert/strict";
import { concat } from "../../base/mod.ts";
import { buildFrame, layoutOf, slowSum } from "../../tests/helpers/frames.ts";
import { PACKET_TOO_BIG_BYTES, writePacketTooBig } from "./icmpv6.ts";

/** Returns the answer to a frame, `undefined` for none. */
function answerTo(frame: Uint8Array, mtuBytes = 1376): Uint8Array | undefined {
  const bytes = new Uint8Array(frame.length + PACKET_TOO_BIG_BYTES);
  bytes.set(frame);
  const view = new DataView(bytes.buffer);
  const length = writePacketTooBig(view, 0, frame.length, mtuBytes, frame.length);
  return length === 0 ? undefined : bytes.subarray(frame.length, frame.length + length);
}

Deno.test("writePacketTooBig() quotes the packet and turns the addresses round", () => {
  for (const tags of [0, 2]) {
    const frame = buildFrame({ ipv6: true, tags, payload: new Uint8Array(1400).fill(7) });
    const answer = answerTo(frame);
    assert.ok(answer !== undefined);
    const ip = 14 + 4 * tags;
    assert.equal(answer.length, ip + 1280);
    assert.deepEqual(answer.slice(0, 6), frame.slice(6, 12));
    assert.deepEqual(answer.slice(6, 12), frame.slice(0, 6));
    assert.deepEqual(answer.slice(12, ip), frame.slice(12, ip));
    assert.deepEqual(answer.slice(ip + 8, ip + 24), frame.slice(ip + 24, ip + 40));
    assert.deepEqual(answer.slice(ip + 24, ip + 40), frame.slice(ip + 8, ip + 24));
    assert.deepEqual([...answer.slice(ip, ip + 8)], [0x60, 0, 0, 0, 4, 0xd8, 58, 64]);
    assert.deepEqual([...answer.slice(ip + 40, ip + 42)], [2, 0]);
    assert.deepEqual([...answer.slice(ip + 44, ip + 48)], [0, 0, 1376 >> 8, 1376 & 255]);
    assert.deepEqual(answer.slice(ip + 48), frame.slice(ip, ip + 1232));
    const pseudo = concat(
      answer.subarray(ip + 8, ip + 40),
      Uint8Array.of(0, 0, 4, 0xd8, 0, 0, 0, 58),
    );
    assert.equal(slowSum(concat(pseudo, answer.subarray(ip + 40))), 0xffff);
  }
});

Deno.test("writePacketTooBig() answers a short packet with all of it", () => {
  const frame = buildFrame({ ipv6: true, udp: true, payload: new Uint8Array(33) });
  assert.equal(answerTo(frame, 70)?.length, 14 + 40 + 8 + (frame.length - 14));
});

Deno.test("writePacketTooBig() stays silent where an answer is forbidden or impossible", () => {
  const spec = { ipv6: true, payload: new Uint8Array(1400) };
  const change = (...bytes: readonly (readonly [number, number])[]): Uint8Array => {
    const frame = buildFrame(spec);
    for (const [at, value] of bytes) frame[at] = value;
    return frame;
  };
  assert.notEqual(answerTo(change()), undefined);
  assert.equal(answerTo(buildFrame({ payload: new Uint8Array(1400) })), undefined);
  assert.equal(answerTo(change([6, 0x01])), undefined, "group MAC as source");
  assert.equal(answerTo(change([14 + 8, 0xff])), undefined, "group as source");
  assert.equal(answerTo(change([14 + 24, 0xff])), undefined, "group as destination");
  assert.equal(answerTo(change([14 + 6, 58], [54, 3])), undefined, "ICMPv6 error");
  assert.equal(answerTo(change([14 + 6, 58], [54, 137])), undefined, "redirect");
  assert.notEqual(answerTo(change([14 + 6, 58], [54, 128])), undefined, "echo request");
  const unspecified = buildFrame(spec);
  unspecified.fill(0, 22, 38);
  assert.equal(answerTo(unspecified), undefined);
  const { transport } = layoutOf(spec);
  assert.equal(answerTo(buildFrame(spec).subarray(0, transport - 1)), undefined, "cut short");
});
