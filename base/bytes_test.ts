import assert from "node:assert/strict";
import {
  ByteReader,
  concat,
  equalBytes,
  fromHex,
  fromUtf8,
  toHex,
  utf8,
  WireError,
} from "./bytes.ts";

Deno.test("ByteReader reads big-endian fields in turn", () => {
  const bytes = fromHex(
    "ff00 0102 01020304 020000000001 8000000000000001 aabb cc".replaceAll(" ", ""),
  );
  const reader = new ByteReader(bytes, "test");
  assert.equal(reader.u16(), 0xff00);
  assert.equal(reader.u8(), 1);
  assert.equal(reader.u8(), 2);
  assert.equal(reader.u32(), 0x01020304);
  assert.equal(reader.u48(), 0x020000000001);
  assert.equal(reader.u64(), 0x8000000000000001n);
  assert.equal(toHex(reader.take(2)), "aabb");
  assert.deepEqual([reader.offset, reader.remaining], [24, 1]);
  assert.equal(toHex(reader.rest()), "cc");
  assert.equal(reader.rest().length, 0);
});

Deno.test("ByteReader reads a view that does not start its buffer", () => {
  const inner = fromHex("0000010203").subarray(2);
  const reader = new ByteReader(inner, "test");
  assert.equal(reader.u16(), 0x0102);
  assert.equal(reader.u8(), 3);
});

Deno.test("ByteReader throws WireError with format and place when bytes run out", () => {
  const reads: ((reader: ByteReader) => unknown)[] = [
    (reader) => reader.u16(),
    (reader) => reader.u32(),
    (reader) => reader.u48(),
    (reader) => reader.u64(),
    (reader) => reader.take(2),
  ];
  for (const read of reads) {
    const reader = new ByteReader(fromHex("0102"), "sleeve packet");
    reader.u8();
    assert.throws(() => read(reader), (error: WireError) => {
      assert.ok(error instanceof WireError);
      assert.deepEqual([error.format, error.offset], ["sleeve packet", 1]);
      assert.match(error.message, /^Cannot parse sleeve packet at byte 1: expected /);
      return true;
    });
    // A failed read takes nothing.
    assert.equal(reader.u8(), 2);
  }
});

Deno.test("concat() joins into a new byte string", () => {
  const parts = [Uint8Array.of(1), new Uint8Array(0), Uint8Array.of(2, 3)];
  const joined = concat(...parts);
  assert.deepEqual(joined, Uint8Array.of(1, 2, 3));
  joined[0] = 9;
  assert.equal(parts[0]?.[0], 1);
  assert.equal(concat().length, 0);
});

Deno.test("equalBytes() is false when length or content differs", () => {
  assert.equal(equalBytes(fromHex("0102"), fromHex("0102")), true);
  assert.equal(equalBytes(fromHex("0102"), fromHex("0103")), false);
  assert.equal(equalBytes(fromHex("01"), fromHex("0102")), false);
  assert.equal(equalBytes(fromHex("0102"), fromHex("01")), false);
  assert.equal(equalBytes(fromHex(""), fromHex("")), true);
});

Deno.test("fromHex() takes either case and throws SyntaxError when it is not hex", () => {
  assert.deepEqual(fromHex("aAbB"), Uint8Array.of(0xaa, 0xbb));
  assert.throws(() => fromHex("abc"), SyntaxError);
  assert.throws(() => fromHex("zz"), SyntaxError);
});

Deno.test("fromUtf8() replaces what is not UTF-8", () => {
  assert.equal(fromUtf8(utf8("hôte-✓")), "hôte-✓");
  assert.equal(fromUtf8(fromHex("61ff62")), "a\ufffdb");
  assert.equal(fromUtf8(utf8("\ufeffa")), "\ufeffa");
});
