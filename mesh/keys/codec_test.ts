import assert from "node:assert/strict";
import { concat, fromHex, toHex, WireError } from "../../base/mod.ts";
import {
  formatKeyMessage,
  type KeyMessage,
  M1_BYTES,
  M3_BYTES,
  MAX_MESSAGE_BYTES,
  parseKeyMessage,
  writeKeyMessage,
} from "./codec.ts";

const SID_I = "a1a2a3a4a5a6a7a8";
const SID_R = "b1b2b3b4b5b6b7b8";
const KEY = "c1".repeat(32);
const TAG = "d1".repeat(16);

const messages: [KeyMessage, string, string][] = [
  [
    {
      kind: "M1",
      sidI: fromHex(SID_I),
      uidI: 1n,
      uidR: 2n ** 64n - 1n,
      suites: 3,
      rxI: 0x1234,
      eI: fromHex(KEY),
    },
    `0101${SID_I}0000000000000001ffffffffffffffff031234${KEY}`,
    `M1 sidI=${SID_I} uidI=1 uidR=18446744073709551615 suites=3 rxI=4660`,
  ],
  [
    {
      kind: "M2",
      sidI: fromHex(SID_I),
      sidR: fromHex(SID_R),
      uidR: 2n,
      uidI: 1n,
      suite: 1,
      rxR: 0x4321,
      eR: fromHex(KEY),
      tags: [fromHex(TAG), fromHex(TAG)],
    },
    `0201${SID_I}${SID_R}00000000000000020000000000000001014321${KEY}02${TAG}${TAG}`,
    `M2 sidI=${SID_I} sidR=${SID_R} uidR=2 uidI=1 suite=1 rxR=17185 tags=2`,
  ],
  [
    { kind: "M3", sidR: fromHex(SID_R), tagI: fromHex(TAG) },
    `03${SID_R}${TAG}`,
    `M3 sidR=${SID_R}`,
  ],
];

for (const [message, hex, text] of messages) {
  Deno.test(`parseKeyMessage() and writeKeyMessage() agree on ${message.kind}, to the byte`, () => {
    assert.equal(toHex(writeKeyMessage(message)), hex);
    assert.deepEqual(parseKeyMessage(fromHex(hex)), message);
    assert.equal(formatKeyMessage(message), text);
  });

  Deno.test(`parseKeyMessage() refuses ${message.kind} with a byte less or more`, () => {
    const bytes = fromHex(hex);
    for (let length = 0; length < bytes.length; length++) {
      assert.throws(() => parseKeyMessage(bytes.subarray(0, length)), WireError);
    }
    assert.throws(() => parseKeyMessage(concat(bytes, Uint8Array.of(0))), WireError);
  });
}

Deno.test("parseKeyMessage() refuses other types, versions and numbers of tags", () => {
  const change = (index: number, at: number, byte: number): Uint8Array => {
    const bytes = fromHex(messages[index]?.[1] ?? "");
    bytes[at] = byte;
    return bytes;
  };
  const bad = [change(0, 0, 0), change(0, 0, 4), change(0, 1, 2), change(1, 1, 0)];
  for (const bytes of bad) assert.throws(() => parseKeyMessage(bytes), WireError);
  for (const count of [0, 1, 3, 9]) {
    assert.throws(() => parseKeyMessage(change(1, 69, count)), WireError);
  }
});

Deno.test("lengths of messages are those of the picture", () => {
  assert.deepEqual([M1_BYTES, M3_BYTES, MAX_MESSAGE_BYTES], [61, 25, 198]);
  assert.deepEqual(messages.map(([, hex]) => hex.length / 2), [61, 102, 25]);
});
