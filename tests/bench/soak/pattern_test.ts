import { deepEqual, equal } from "node:assert/strict";
import { BLOCK_BYTES, makeBlock, numberBlock, StreamChecker } from "./pattern.ts";

function blocks(flow: number, count: number): Uint8Array {
  const all = new Uint8Array(count * BLOCK_BYTES);
  const block = makeBlock();
  for (let i = 0; i < count; i++) {
    numberBlock(block, flow, i);
    all.set(block, i * BLOCK_BYTES);
  }
  return all;
}

function check(stream: Uint8Array, pieceBytes: number): StreamChecker {
  const checker = new StreamChecker(3);
  for (let at = 0; at < stream.length; at += pieceBytes) {
    checker.take(stream.subarray(at, at + pieceBytes));
  }
  return checker;
}

Deno.test("StreamChecker accepts a stream however it is cut", () => {
  const stream = blocks(3, 2);
  for (const pieceBytes of [65_536, 999_999, stream.length]) {
    const checker = check(stream, pieceBytes);
    deepEqual([checker.bytes, checker.firstWrong], [stream.length, undefined]);
  }
});

Deno.test("StreamChecker finds one byte that was changed", () => {
  const stream = blocks(3, 2);
  stream[BLOCK_BYTES + 70_000] = 1 + (stream[BLOCK_BYTES + 70_000] ?? 0);
  const { firstWrong = -1 } = check(stream, 1_000);
  equal(Math.floor(firstWrong / 1_000), Math.floor((BLOCK_BYTES + 70_000) / 1_000));
});

Deno.test("StreamChecker finds a block that is missing, doubled or of another flow", () => {
  const stream = blocks(3, 3);
  const [first, third] = [stream.subarray(0, BLOCK_BYTES), stream.subarray(2 * BLOCK_BYTES)];
  const joined = (...parts: Uint8Array[]): Uint8Array =>
    new Uint8Array(parts.flatMap((part) => [...part]));
  equal(check(joined(first, third), BLOCK_BYTES).firstWrong, BLOCK_BYTES);
  equal(check(joined(first, first), BLOCK_BYTES).firstWrong, BLOCK_BYTES);
  equal(check(blocks(4, 1), BLOCK_BYTES).firstWrong, 0);
});
