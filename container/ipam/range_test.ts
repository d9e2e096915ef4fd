import assert from "node:assert/strict";
import fc from "fast-check";
import { parseCidr } from "../../base/mod.ts";
import { toRange, type VectorRange } from "../../tests/helpers/ipam_vectors.ts";
import vectors from "../../tests/vectors/ipam-vectors.json" with { type: "json" };
import {
  cidrsOf,
  formatRange,
  hostRangeOf,
  intersect,
  largestAlignedBlock,
  rangeContains,
  rangeOf,
  rangesMeet,
  sizeOf,
} from "./range.ts";

const ARBITRARY = fc.tuple(fc.nat(2 ** 31), fc.integer({ min: 1, max: 2 ** 31 }))
  .map(([start, size]) => ({ start, end: start + size }));

Deno.test("largestAlignedBlock() agrees with the vectors", () => {
  for (const { start, end, block } of vectors.largestAlignedBlock) {
    assert.deepEqual(largestAlignedBlock({ start, end }), toRange(block as unknown as VectorRange));
  }
});

Deno.test("largestAlignedBlock() is aligned, inside, and more than a quarter", () => {
  fc.assert(fc.property(ARBITRARY, (range) => {
    const block = largestAlignedBlock(range);
    const size = sizeOf(block);
    assert.equal(Math.log2(size) % 1, 0);
    assert.equal(block.start % size, 0);
    assert.ok(block.start >= range.start && block.end <= range.end);
    assert.ok(4 * size > sizeOf(range));
  }));
});

Deno.test("rangeOf() and hostRangeOf() return a subnet with and without its ends", () => {
  assert.deepEqual(rangeOf(parseCidr("10.5.0.7/29")), { start: 0x0a050000, end: 0x0a050008 });
  assert.deepEqual(hostRangeOf(parseCidr("10.5.0.0/29")), { start: 0x0a050001, end: 0x0a050007 });
  assert.equal(rangeOf(parseCidr("128.0.0.0/1")).end, 2 ** 32);
});

Deno.test("cidrsOf() returns adjacent aligned subnets that make the range", () => {
  fc.assert(fc.property(ARBITRARY, (range) => {
    let next = range.start;
    for (const cidr of cidrsOf(range)) {
      const part = rangeOf(cidr);
      assert.equal(part.start, next);
      assert.equal(cidr.address, next);
      next = part.end;
    }
    assert.equal(next, range.end);
  }));
});

Deno.test("formatRange() writes subnets", () => {
  assert.equal(formatRange(rangeOf(parseCidr("10.32.0.0/12"))), "10.32.0.0/12");
  assert.equal(formatRange({ start: 1, end: 4 }), "0.0.0.1/32 0.0.0.2/31");
  assert.equal(formatRange({ start: 1, end: 1 }), "0.0.0.1-0.0.0.1");
});

Deno.test("rangesMeet(), intersect() and rangeContains() look at starts and ends", () => {
  const range = { start: 10, end: 20 };
  assert.ok(rangesMeet(range, { start: 19, end: 30 }));
  assert.ok(!rangesMeet(range, { start: 20, end: 30 }));
  assert.ok(!rangesMeet(range, { start: 15, end: 15 }));
  assert.equal(sizeOf(intersect(range, { start: 20, end: 30 })), 0);
  assert.deepEqual([9, 10, 19, 20].map((each) => rangeContains(range, each)), [
    false,
    true,
    true,
    false,
  ]);
});
