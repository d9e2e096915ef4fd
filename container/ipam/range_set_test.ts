import assert from "node:assert/strict";
import fc from "fast-check";
import { RangeSet } from "./range_set.ts";

/** The obvious twin: one flag per address. */
class Flags {
  readonly flags = new Array<boolean>(64).fill(false);

  set(start: number, end: number, value: boolean): void {
    for (let i = start; i < end; i++) this.flags[i] = value;
  }

  ranges(): { start: number; end: number }[] {
    const ranges: { start: number; end: number }[] = [];
    this.flags.forEach((flag, i) => {
      if (flag && !this.flags[i - 1]) ranges.push({ start: i, end: i + 1 });
      else if (flag) ranges.splice(-1, 1, { start: ranges.at(-1)?.start ?? 0, end: i + 1 });
    });
    return ranges;
  }
}

const STEP = fc.tuple(fc.boolean(), fc.nat(63), fc.nat(64));
const STEPS = fc.array(STEP, { maxLength: 20 });

function play(steps: readonly (readonly [boolean, number, number])[]): [RangeSet, Flags] {
  const set = new RangeSet();
  const flags = new Flags();
  for (const [add, start, end] of steps) {
    if (add) set.add({ start, end });
    else set.remove({ start, end });
    flags.set(start, end, add);
  }
  return [set, flags];
}

Deno.test("RangeSet holds what one flag per address holds when ranges come and go", () => {
  fc.assert(fc.property(STEPS, fc.nat(63), fc.nat(64), (steps, start, end) => {
    const [set, { flags, ranges }] = play(steps);
    const within = { start, end };
    const inside = flags.map((flag, i) => flag && i >= start && i < end);
    assert.deepEqual(set.ranges(), ranges.call({ flags } as Flags));
    assert.equal(set.pieces, set.ranges().length);
    assert.equal(set.size, flags.filter(Boolean).length);
    assert.equal(set.count(within), inside.filter(Boolean).length);
    assert.equal(set.meets(within), inside.includes(true));
    assert.equal(set.first(within) ?? -1, inside.indexOf(true));
    assert.deepEqual(flags.map((_, i) => set.has(i)), flags);
    const cut = new Flags();
    for (const range of set.within(within)) cut.set(range.start, range.end, true);
    assert.deepEqual(cut.flags, inside);
  }));
});

Deno.test("RangeSet.minus() returns what one set has and another has not", () => {
  fc.assert(fc.property(STEPS, STEPS, (a, b) => {
    const [[set, flags], [other, others]] = [play(a), play(b)];
    const left = new RangeSet(set.minus(other));
    assert.deepEqual(
      flags.flags.map((_, i) => left.has(i)),
      flags.flags.map((flag, i) => flag && !others.flags[i]),
    );
    assert.deepEqual(left.ranges(), set.minus(other));
  }));
});

Deno.test("RangeSet.clear() takes all out", () => {
  const set = new RangeSet([{ start: 1, end: 5 }, { start: 4, end: 9 }]);
  assert.equal(set.size, 8);
  set.clear();
  assert.deepEqual([set.size, set.pieces, set.has(2)], [0, 0, false]);
});
