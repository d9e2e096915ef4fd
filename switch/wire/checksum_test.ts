import assert from "node:assert/strict";
import fc from "fast-check";
import { slowSum } from "../../tests/helpers/frames.ts";
import { fold, foldPartial, sum16, updateChecksum, updateChecksum32 } from "./checksum.ts";

Deno.test("sum16() equals a slow twin on any bytes at any offset", () => {
  fc.assert(
    fc.property(
      fc.uint8Array({ maxLength: 300 }),
      fc.nat(9),
      fc.nat(0xffff),
      (bytes, offset, start) => {
        const view = new DataView(new ArrayBuffer(offset + bytes.length));
        new Uint8Array(view.buffer).set(bytes, offset);
        const first = Uint8Array.of(start >> 8, start & 0xff);
        const expected = slowSum(Uint8Array.of(...first, ...bytes));
        const sum = foldPartial(sum16(view, offset, bytes.length, start));
        // 0 and 0xffff are the same number; only all-zero bytes may give 0.
        assert.equal(sum % 0xffff, expected % 0xffff);
        assert.equal(sum === 0, expected === 0);
      },
    ),
    { numRuns: 500 },
  );
});

Deno.test("sum16() is exact for the longest run of ones", () => {
  const bytes = new Uint8Array(65_535).fill(0xff);
  assert.equal(fold(sum16(new DataView(bytes.buffer), 0, 65_535, 0)), slowSum(bytes) ^ 0xffff);
});

Deno.test("sum16() goes on with the sum of an even run", () => {
  const bytes = Uint8Array.from({ length: 101 }, (_, i) => i * 7);
  const view = new DataView(bytes.buffer);
  const parts = sum16(view, 38, 63, sum16(view, 0, 38, 0));
  assert.equal(fold(parts), fold(sum16(view, 0, 101, 0)));
});

Deno.test("fold() gives the example of RFC 1071", () => {
  const bytes = Uint8Array.of(0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7);
  assert.equal(fold(sum16(new DataView(bytes.buffer), 0, 8, 0)), 0xddf2 ^ 0xffff);
});

Deno.test("updateChecksum() and updateChecksum32() give what a new sum gives", () => {
  fc.assert(
    fc.property(
      fc.uint8Array({ minLength: 20, maxLength: 20 }),
      fc.nat(0xffffffff),
      fc.nat(0xffff),
      (bytes, word, half) => {
        bytes[0] = 1;
        const view = new DataView(bytes.buffer, bytes.byteOffset, 20);
        const before = fold(sum16(view, 0, 20, 0));
        const old32 = view.getUint32(4);
        view.setUint32(4, word);
        const after32 = updateChecksum32(before, old32, word);
        assert.equal(after32, fold(sum16(view, 0, 20, 0)));
        const old16 = view.getUint16(12);
        view.setUint16(12, half);
        assert.equal(updateChecksum(after32, old16, half), fold(sum16(view, 0, 20, 0)));
      },
    ),
  );
});
