import assert from "node:assert/strict";
import fc from "fast-check";
import { Bug } from "../../base/mod.ts";
import {
  arbitraryRing,
  fromEntry,
  ringOf,
  toRange,
  US,
  type VectorEntry,
  type VectorRange,
} from "../../tests/helpers/ipam_vectors.ts";
import vectors from "../../tests/vectors/ipam-vectors.json" with { type: "json" };
import { type Range, sizeOf } from "./range.ts";
import { RangeSet } from "./range_set.ts";
import {
  askOrder,
  bump,
  distance,
  emptyRing,
  faultOf,
  grantRange,
  isEmpty,
  MAX_VERSION,
  ownerOf,
  rangesOf,
  reportFree,
  type Ring,
  sizesOf,
  transferEntries,
} from "./ring.ts";

const THEM = 9;

Deno.test("grantRange() agrees with the vectors", () => {
  for (const each of vectors.grant) {
    const { name, ringStart: start, ringEnd: end, us: peer, range, to } = each;
    const ring = ringOf(each.before as unknown as VectorEntry[], { start, end, peer });
    const after = grantRange(ring, toRange(range as unknown as VectorRange), to);
    assert.deepEqual(after.entries.map(fromEntry), each.after as unknown as VectorEntry[], name);
  }
});

Deno.test("grantRange() throws when a part of the range is not ours", () => {
  const ring = ringOf([[0, US, 0, 64], [64, 2, 0, 64], [128, US, 0, 128]]);
  for (const range of [[64, 128], [0, 128], [0, 0], [300, 301]] as const) {
    assert.throws(() => grantRange(ring, toRange(range), 2), Bug);
  }
});

Deno.test("grantRange() moves exactly the range and keeps the rest (S4, S6)", () => {
  fc.assert(fc.property(arbitraryRing(), fc.nat(20), fc.nat(255), fc.nat(255), (ring, i, a, b) => {
    const ours = new RangeSet(rangesOf(ring, US)).ranges();
    const within = ours[i % Math.max(1, ours.length)];
    if (within === undefined) return;
    const start = within.start + a % sizeOf(within);
    const range = { start, end: start + 1 + b % (within.end - start) };
    const after = grantRange(ring, range, THEM);
    assert.equal(faultOf(after), undefined);
    checkVersions(ring, after);
    for (let address = 0; address < 256; address++) {
      const moved = address >= range.start && address < range.end;
      assert.equal(ownerOf(after, address), moved ? THEM : ownerOf(ring, address));
    }
  }));
});

Deno.test("faultOf() names the first rule that entries break", () => {
  const cases: [VectorEntry[], string | undefined][] = [
    [[], undefined],
    [[[200, 2, 0, 256]], undefined],
    [[[128, 2, 0, 0], [0, 2, 0, 0]], "not-sorted"],
    [[[0, 2, 0, 0], [0, 2, 0, 0]], "repeated-token"],
    [[[0, 2, 0, 0], [300, 2, 0, 0]], "token-out-of-range"],
    [[[0, 2, 0, 129], [128, 2, 0, 0]], "too-much-free"],
  ];
  for (const [entries, fault] of cases) assert.equal(faultOf(ringOf(entries)), fault);
});

Deno.test("distance() goes round the end", () => {
  const ring = ringOf([], { start: 10, end: 20 });
  assert.deepEqual([distance(ring, 12, 15), distance(ring, 15, 12), distance(ring, 12, 12)], [
    3,
    7,
    10,
  ]);
});

Deno.test("ownerOf() and rangesOf() agree for each address, each of which has one owner (S4)", () => {
  fc.assert(fc.property(arbitraryRing(), (ring) => {
    const owners = [1, 2, 3, 4].map((peer) => [peer, new RangeSet(rangesOf(ring, peer))] as const);
    for (let address = 0; address < 256; address++) {
      const holders = owners.filter(([, set]) => set.has(address)).map(([peer]) => peer);
      const owner = ownerOf(ring, address);
      assert.deepEqual(holders, owner === undefined ? [] : [owner]);
    }
    const sum = [...sizesOf(ring).values()].reduce((a, b) => a + b, 0);
    assert.equal(sum, isEmpty(ring) ? 0 : 256);
    assert.equal(ownerOf(ring, 256), undefined);
  }));
});

Deno.test("rangesOf() splits a range that wraps, low part first", () => {
  const ring = ringOf([[64, 2, 0, 0], [192, US, 0, 0]]);
  assert.deepEqual(rangesOf(ring, US), [{ start: 0, end: 64 }, { start: 192, end: 256 }]);
});

Deno.test("reportFree() counts what is free in our ranges and bumps what changed (S5)", () => {
  fc.assert(fc.property(arbitraryRing(), fc.array(fc.nat(255)), (ring, used) => {
    const busy = new Set(used);
    const freeIn = ({ start, end }: Range): number => {
      return range(start, end).filter((address) => !busy.has(address)).length;
    };
    const after = reportFree(ring, freeIn);
    assert.equal(faultOf(after), undefined);
    checkVersions(ring, after);
    assert.equal(reportFree(after, freeIn), after);
    const sum = after.entries.filter((each) => each.peer === US).reduce((s, e) => s + e.free, 0);
    assert.equal(sum, rangesOf(ring, US).reduce((s, each) => s + freeIn(each), 0));
    after.entries.forEach((entry, i) => {
      const before = ring.entries[i];
      const changed = before?.free !== entry.free;
      assert.equal(entry.version, (before?.version ?? 0) + (changed ? 1 : 0));
      assert.ok(!changed || entry.peer === US);
    });
  }));
});

Deno.test("transferEntries() lifts versions by 100", () => {
  const ring = ringOf([[0, 2, 3, 5], [64, 3, 0, 64], [128, 2, 0, 7]]);
  assert.deepEqual(transferEntries(ring, 2, US).entries.map(fromEntry), [
    [0, US, 103, 5],
    [64, 3, 0, 64],
    [128, US, 100, 7],
  ]);
  assert.equal(transferEntries(ring, 8, US), ring);
});

Deno.test("askOrder() weighs what can be free within the range, and leaves us and the full out", () => {
  const ring = ringOf([[0, US, 0, 64], [64, 2, 0, 10], [128, 3, 0, 64], [192, 4, 0, 0]]);
  const half = (): number => 0.5;
  assert.deepEqual(askOrder(ring, { start: 0, end: 256 }, half), [3, 2]);
  // Of the 64 of peer 3 only 4 are asked for.
  assert.deepEqual(askOrder(ring, { start: 100, end: 132 }, half), [2, 3]);
  assert.deepEqual(askOrder(ring, { start: 0, end: 64 }, half), []);
  const rolls = [0.9, 0.1];
  assert.deepEqual(askOrder(ring, { start: 0, end: 256 }, () => rolls.shift() ?? 0), [2, 3]);
});

Deno.test("askOrder() sees the low part of a range that wraps", () => {
  const ring = ringOf([[64, US, 0, 0], [128, 2, 0, 3]]);
  assert.deepEqual(askOrder(ring, { start: 0, end: 10 }, () => 0.5), [2]);
});

Deno.test("bump() stops at 32 bits", () => {
  assert.deepEqual([bump(3), bump(MAX_VERSION), bump(MAX_VERSION - 1, 100)], [
    4,
    MAX_VERSION,
    MAX_VERSION,
  ]);
});

Deno.test("emptyRing() has no owner", () => {
  const ring = emptyRing({ start: 0, end: 256 }, US);
  assert.deepEqual([isEmpty(ring), ownerOf(ring, 5), faultOf(ring)], [true, undefined, undefined]);
});

function range(start: number, end: number): number[] {
  return Array.from({ length: end - start }, (_, i) => start + i);
}

/** No version goes down, no token goes. */
function checkVersions(before: Ring, after: Ring): void {
  for (const { token, version } of before.entries) {
    const now = after.entries.find((entry) => entry.token === token);
    assert.ok(now !== undefined && now.version >= version);
  }
}
