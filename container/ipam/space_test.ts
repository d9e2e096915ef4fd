import assert from "node:assert/strict";
import fc from "fast-check";
import { Bug } from "../../base/mod.ts";
import { spaceOf, toRange, type VectorRange } from "../../tests/helpers/ipam_vectors.ts";
import vectors from "../../tests/vectors/ipam-vectors.json" with { type: "json" };
import { type Range, sizeOf } from "./range.ts";
import { RangeSet } from "./range_set.ts";
import { SpaceSet } from "./space.ts";

const ALL = { start: 0, end: 256 };

Deno.test("SpaceSet.donate() agrees with the vectors", () => {
  for (const { name, owned, allocated, request, granted } of vectors.donate) {
    const space = spaceOf((owned as unknown as VectorRange[]).map(toRange), allocated);
    const given = space.donate(toRange(request as unknown as VectorRange)) ?? null;
    const expected = granted === null ? null : toRange(granted as unknown as VectorRange);
    assert.deepEqual(given, expected, name);
  }
});

Deno.test("SpaceSet.allocate() gives the lowest free address of a range", () => {
  const space = spaceOf([{ start: 10, end: 13 }], [10]);
  assert.equal(space.allocate(ALL), 11);
  assert.equal(space.allocate({ start: 0, end: 12 }), undefined);
  assert.equal(space.allocate(ALL), 12);
  assert.equal(space.allocate(ALL), undefined);
});

Deno.test("SpaceSet.claim() gives an address that is ours and not given out", () => {
  const space = spaceOf([{ start: 10, end: 13 }]);
  assert.deepEqual([space.claim(11), space.claim(11), space.claim(13)], [true, false, false]);
  assert.deepEqual([space.isGiven(11), space.isFree(11), space.isOurs(12)], [true, false, true]);
  assert.deepEqual(space.freeWithin(ALL), [{ start: 10, end: 11 }, { start: 12, end: 13 }]);
});

Deno.test("SpaceSet.free() takes back what was given out", () => {
  const space = spaceOf([{ start: 10, end: 13 }], [11]);
  assert.deepEqual([space.free(11), space.free(11), space.free(99)], [true, false, false]);
  assert.equal(space.allocate(ALL), 10);
});

Deno.test("SpaceSet.reserve() keeps an address back until it is claimed or unreserved", () => {
  const space = new SpaceSet();
  for (const address of [10, 11, 200]) space.reserve(address);
  space.update([{ start: 10, end: 13 }]);
  assert.equal(space.freeCount, 1);
  assert.equal(space.allocate(ALL), 12);
  assert.equal(space.donate(ALL), undefined);
  assert.ok(space.busy({ start: 10, end: 12 }));
  // It is in use, but not in a range of ours.
  assert.ok(!space.busy({ start: 100, end: 256 }));
  assert.ok(space.claim(10));
  assert.deepEqual([space.isReserved(10), space.isGiven(10)], [false, true]);
  space.unreserve(11);
  assert.equal(space.allocate(ALL), 11);
  assert.deepEqual(space.reservedRanges(), [{ start: 200, end: 201 }]);
});

Deno.test("SpaceSet.update() forgets a lost range that is idle (defect D1)", () => {
  const space = spaceOf([{ start: 0, end: 10 }, { start: 20, end: 30 }], [25]);
  space.update([{ start: 20, end: 40 }]);
  assert.deepEqual(space.ranges(), [{ start: 20, end: 40 }]);
  assert.equal(space.freeCount, 19);
});

Deno.test("SpaceSet.update() refuses to lose a range in use", () => {
  const space = spaceOf([{ start: 0, end: 10 }], [3]);
  assert.throws(() => space.update([{ start: 4, end: 10 }]), Bug);
  assert.ok(space.isOurs(3));
});

Deno.test("SpaceSet.clear() forgets all but reservations", () => {
  const space = spaceOf([{ start: 0, end: 10 }], [3]);
  space.reserve(5);
  space.clear();
  assert.deepEqual([space.givenCount, space.freeCount, space.isOurs(5)], [0, 0, false]);
  assert.ok(space.isReserved(5));
});

type Step =
  | ["allocate" | "donate" | "update", number, number]
  | ["claim" | "free" | "reserve" | "unreserve", number];

const WHERE = fc.nat(255);
const STEP: fc.Arbitrary<Step> = fc.oneof(
  fc.tuple(
    fc.constantFrom("allocate" as const, "donate" as const, "update" as const),
    WHERE,
    WHERE,
  ),
  fc.tuple(
    fc.constantFrom("claim" as const, "free" as const, "reserve" as const, "unreserve" as const),
    WHERE,
  ),
);

Deno.test("SpaceSet: given, free and reserved stay disjoint and make our ranges (S3, S10)", () => {
  fc.assert(fc.property(fc.array(STEP, { maxLength: 60 }), (steps) => {
    const space = spaceOf([{ start: 0, end: 100 }, { start: 130, end: 256 }]);
    for (const step of steps) {
      play(space, step);
      checkParts(space);
    }
  }));
});

function play(space: SpaceSet, step: Step): void {
  switch (step[0]) {
    case "allocate":
      space.allocate({ start: step[1], end: step[2] });
      return;
    case "donate":
      return checkDonation(space, { start: step[1], end: step[2] });
    case "update": {
      // Idle parts may be lost, others won.
      const kept = space.givenRanges();
      return space.update([{ start: step[1], end: step[2] }, ...kept]);
    }
    default:
      space[step[0]](step[1]);
  }
}

function checkDonation(space: SpaceSet, within: Range): void {
  const before = new RangeSet(space.freeWithin(ALL));
  const free = before.count(within);
  const given = space.donate(within);
  if (given === undefined) return assert.equal(free, 0);
  const size = sizeOf(given);
  assert.equal(before.count(given), size, "it was free");
  assert.ok(given.start >= within.start && given.end <= within.end);
  assert.ok(size <= Math.ceil(free / 2), "it is not more than half");
  assert.equal(Math.log2(size) % 1, 0);
  assert.equal(given.start % size, 0);
  assert.ok(!space.isOurs(given.start));
}

function checkParts(space: SpaceSet): void {
  const ours = new RangeSet(space.ranges());
  const reserved = space.reservedRanges().flatMap((range) => [...ours.within(range)]);
  const parts = [...space.givenRanges(), ...space.freeWithin(ALL), ...reserved];
  assert.deepEqual(new RangeSet(parts).ranges(), ours.ranges());
  assert.equal(parts.reduce((sum, part) => sum + sizeOf(part), 0), ours.size, "they meet");
  assert.equal(space.givenCount + space.freeCount, ours.size - new RangeSet(reserved).size);
}
