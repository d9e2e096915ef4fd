import assert from "node:assert/strict";
import fc from "fast-check";
import { fromHex, toHex, WireError } from "../base/mod.ts";
import { portableCrypto } from "../tests/helpers/mesh_world.ts";
import {
  bucketOf,
  decodeDigest,
  type Digest,
  type DigestRow,
  encodeDigest,
  MAX_ROWS,
  sumRows,
} from "./digest_wire.ts";

const { sha256 } = portableCrypto;

function row(name: number, change: Partial<DigestRow> = {}): DigestRow {
  return { name, uid: 7n, version: 3n, hasShortId: true, ...change };
}

const EXAMPLES: readonly (readonly [Digest, string])[] = [
  [{ kind: "sums", bits: 0, sums: [0x0102030405060708n] }, "01000102030405060708"],
  [{ kind: "sums", bits: 1, sums: [1n, 2n] }, "010100000000000000010000000000000002"],
  [
    { kind: "list", bits: 0, buckets: [0], rows: [row(0x020000000001)] },
    "0200" + "00010000" + "020000000001" + "0000000000000007" + "0000000000000003" + "01",
  ],
  [{ kind: "list", bits: 10, buckets: [0, 1023], rows: [] }, "020a" + "0002" + "0000" + "03ff"],
  [{ kind: "want", names: [] }, "03"],
  [{ kind: "want", names: [1, 0x020000000001] }, "03" + "000000000001" + "020000000001"],
];

Deno.test("encodeDigest() writes the layout that decodeDigest() reads", () => {
  for (const [digest, hex] of EXAMPLES) {
    assert.equal(toHex(encodeDigest(digest)), hex);
    assert.deepEqual(decodeDigest(fromHex(hex)), digest);
  }
});

Deno.test("decodeDigest() throws WireError when a payload is not what we would write", () => {
  const wrong: readonly (readonly [string, string])[] = [
    ["", "empty"],
    ["00", "unknown kind"],
    ["04", "unknown kind"],
    ["01", "no bits"],
    ["010b", "too many bits"],
    ["0100", "no sum"],
    ["0100010203040506070809", "a byte too many"],
    ["0200", "no count"],
    ["02000000", "no bucket"],
    ["0200000200000001", "more buckets than there are"],
    ["0201000100020000", "bucket out of range"],
    ["020100020001000000", "buckets that descend"],
    ["0201000200000000", "a bucket twice"],
    ["020000010000" + "00".repeat(22) + "01", "a row of nobody"],
    ["020000010000" + "020000000001" + "00".repeat(16) + "02", "a flag that is none"],
    ["020000010000" + "020000000001" + "00".repeat(16), "a row cut short"],
    ["03000000000000", "nobody wanted"],
    ["03000000000002000000000001", "names that descend"],
    ["0300000000000100", "a name cut short"],
  ];
  for (const [hex, why] of wrong) {
    assert.throws(() => decodeDigest(fromHex(hex)), WireError, why);
  }
  const foreign: Digest = { kind: "list", bits: 4, buckets: [0, 1], rows: [row(1)] };
  assert.ok(bucketOf(1, 4) > 1);
  assert.throws(() => decodeDigest(encodeDigest(foreign)), WireError, "a name of another bucket");
});

Deno.test("decodeDigest() throws WireError when more peers are told of than a table holds", () => {
  const names = Array.from({ length: MAX_ROWS + 1 }, (_, i) => i + 1);
  const rows = names.map((name) => row(name));
  assert.throws(() => decodeDigest(encodeDigest({ kind: "want", names })), WireError);
  const list: Digest = { kind: "list", bits: 0, buckets: [0], rows };
  assert.throws(() => decodeDigest(encodeDigest(list)), WireError);
});

Deno.test("decodeDigest() returns a value that is written the same or throws WireError when bytes are arbitrary", () => {
  const kinds = fc.constantFrom(1, 2, 3);
  const bytes = fc.uint8Array({ maxLength: 80 });
  fc.assert(
    fc.property(kinds, fc.integer({ min: 0, max: 3 }), bytes, (kind, bits, rest) => {
      const payload = Uint8Array.of(kind, bits, ...rest);
      let digest: Digest;
      try {
        digest = decodeDigest(payload);
      } catch (error) {
        return assert.ok(error instanceof WireError);
      }
      assert.deepEqual(encodeDigest(digest), payload);
    }),
    { numRuns: 2_000 },
  );
});

Deno.test("bucketOf() spreads names that follow each other evenly", () => {
  for (const start of [1, 0x020000000001, 0xfedc_ba98_7600]) {
    const counts = new Array<number>(64).fill(0);
    for (let i = 0; i < 1024; i++) {
      const bucket = bucketOf(start + i, 6);
      counts[bucket] = (counts[bucket] ?? 0) + 1;
    }
    assert.ok(counts.every((count) => count >= 8 && count <= 24), `${start}: ${counts.join()}`);
  }
});

Deno.test("sumRows() differs for each part of a row, in the bucket of its name alone", () => {
  const rows = [row(1), row(2), row(3)];
  const before = sumRows(rows, 2, sha256);
  for (const change of [{ uid: 8n }, { version: 4n }, { hasShortId: false }]) {
    const after = sumRows([row(1), row(2, change), row(3)], 2, sha256);
    const changed = after.flatMap((sum, bucket) => sum === before[bucket] ? [] : [bucket]);
    assert.deepEqual(changed, [bucketOf(2, 2)]);
  }
  assert.notDeepEqual(sumRows([row(1), row(3)], 0, sha256), sumRows(rows, 0, sha256));
});
