import assert from "node:assert/strict";
import fc from "fast-check";
import vectors from "../tests/vectors/sleeve-replay.json" with { type: "json" };
import { ReplayWindow } from "./replay.ts";

function accept(window: ReplayWindow, seq: bigint): boolean {
  return window.accept(Number(seq >> 32n), Number(BigInt.asIntN(32, seq)));
}

/** spec/sleeve.md 4 to the letter, on sets of big integers. */
class SlowWindow {
  #current = 0n;
  #used = new Set<bigint>();
  #previous: Set<bigint> | undefined;

  accept(seq: bigint): boolean {
    const distance = seq / 1_048_576n - this.#current;
    if (distance < -1n) return false;
    if (distance > 0n) {
      this.#current += distance;
      this.#previous = distance === 1n ? this.#used : new Set();
      this.#used = new Set();
    }
    const seen = distance === -1n ? this.#previous : this.#used;
    const offset = seq % 1_048_576n;
    if (seen === undefined || seen.has(offset)) return false;
    seen.add(offset);
    return true;
  }
}

Deno.test("ReplayWindow.accept() decides as the reference does", () => {
  for (const { seqs, accepted, note } of vectors.cases) {
    const window = new ReplayWindow();
    assert.deepEqual(seqs.map((seq) => accept(window, BigInt(seq))), accepted, note);
  }
});

Deno.test("ReplayWindow.accept() equals a slow window on sets", () => {
  const w = 1_048_576n;
  const step = fc.oneof(
    fc.bigInt({ min: -3n, max: 3n }),
    fc.bigInt({ min: -70n, max: 70n }),
    fc.constantFrom(
      w,
      -w,
      2n * w,
      -2n * w,
      w - 1n,
      1n - w,
      w + 1n,
      3n * w,
      1n << 40n,
      -(1n << 32n),
    ),
  );
  fc.assert(fc.property(
    fc.bigInt({ min: 0n, max: (1n << 63n) - 1n }),
    fc.array(step, { maxLength: 200, size: "max" }),
    (start, steps) => {
      const window = new ReplayWindow();
      const slow = new SlowWindow();
      let seq = start;
      for (const by of [0n, ...steps]) {
        seq = seq + by < 0n || seq + by >= 1n << 63n ? seq : seq + by;
        assert.equal(accept(window, seq), slow.accept(seq), `${seq}`);
      }
    },
  ));
});

Deno.test("ReplayWindow takes each of many numbers once, in any order, across slides", () => {
  const window = new ReplayWindow();
  let taken = 0;
  // 7 and 2^20 have no common divisor: each residue comes once in a window.
  for (let round = 0; round < 3; round++) {
    for (let i = 0; i < 1 << 20; i += 7) {
      const low = (round << 20) | i;
      if (window.accept(0, low)) taken++;
      if (window.accept(0, low)) taken++;
    }
  }
  assert.equal(taken, 3 * Math.ceil((1 << 20) / 7));
});

Deno.test("ReplayWindow costs little while idle and at most two windows of bits", () => {
  const window = new ReplayWindow();
  assert.equal(window.sizeBytes, 0);
  for (let low = 0; low < 1000; low++) window.accept(0, low);
  assert.equal(window.sizeBytes, 2048);
  for (let low = 0; low < 5 << 20; low += 1000) window.accept(0, low);
  assert.equal(window.sizeBytes, 2 << 17);
});
