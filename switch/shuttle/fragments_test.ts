import assert from "node:assert/strict";
import { concat } from "../../base/mod.ts";
import { tally } from "../../tests/helpers/shuttle_world.ts";
import { dice } from "../../tests/helpers/underlay.ts";
import { arraySlab, SUPERFRAME_BYTES } from "../frame.ts";
import { FRAGMENT_TIMEOUT_MS, Fragments } from "./fragments.ts";

/** A store, and a place to lay bodies. */
class Bench {
  readonly slab = arraySlab(2 << 20);
  readonly tally = tally();
  readonly fragments = new Fragments(this.slab, this.tally.count);
  readonly #at = this.slab.alloc(SUPERFRAME_BYTES + 8) + 3;

  /** Gives one part. @returns the record if it is whole */
  add(peer: number, body: Uint8Array, now = 0): Uint8Array | undefined {
    this.slab.bytes.set(body, this.#at);
    if (!this.fragments.add(peer, this.#at, body.length, now)) return undefined;
    const { offset, length } = this.fragments;
    return this.slab.bytes.slice(offset, offset + length);
  }
}

/** Cuts a record. */
function cut(record: Uint8Array, step: number, id = 1): Uint8Array[] {
  const count = Math.ceil(record.length / step);
  return Array.from(
    { length: count },
    (_, i) =>
      concat(Uint8Array.of(id >> 8, id, i, count), record.subarray(i * step, (i + 1) * step)),
  );
}

function record(length: number): Uint8Array {
  return Uint8Array.from({ length }, (_, i) => i * 13);
}

Deno.test("Fragments puts a record together from parts in any order", () => {
  const roll = dice(5);
  const bench = new Bench();
  for (let round = 0; round < 200; round++) {
    const whole = record(2 + Math.floor(roll() * 9_000));
    const step = Math.max(Math.ceil(whole.length / 255), Math.floor(roll() * whole.length));
    const parts = cut(whole, step);
    if (parts.length < 2) continue;
    const order = parts.map((part) => ({ part, at: roll() })).sort((a, b) => a.at - b.at);
    const results = order.map(({ part }) => bench.add(1, part));
    assert.deepEqual(results.pop(), whole);
    assert.ok(results.every((result) => result === undefined));
    assert.deepEqual(bench.tally.counts, {});
  }
});

Deno.test("Fragments takes the largest record, its last part first", () => {
  const whole = record(SUPERFRAME_BYTES);
  for (const step of [300, 1_400, 33_024, 65_000]) {
    const bench = new Bench();
    const results = cut(whole, step).toReversed().map((part) => bench.add(1, part));
    assert.deepEqual(results.at(-1), whole);
  }
});

Deno.test("Fragments keeps records of several peers and ids apart", () => {
  const bench = new Bench();
  const records = [record(100), record(101), record(102)];
  const [a, b, c] = [cut(record(100), 60, 1), cut(record(101), 60, 2), cut(record(102), 60, 1)];
  for (const [peer, parts] of [[1, a], [1, b], [2, c]] as const) {
    bench.add(peer, parts[0] ?? new Uint8Array());
  }
  const whole = [[1, a], [1, b], [2, c]] as const;
  assert.deepEqual(
    whole.map(([peer, parts]) => bench.add(peer, parts[1] ?? new Uint8Array())),
    records,
  );
});

Deno.test("Fragments refuses parts that do not go with the others", () => {
  const parts = cut(record(300), 100);
  const first = parts[0] ?? new Uint8Array();
  const cases: Record<string, Uint8Array> = {
    "the same again": first,
    "another count": Uint8Array.of(0, 1, 1, 4, ...new Uint8Array(100)),
    "another length": Uint8Array.of(0, 1, 1, 3, ...new Uint8Array(99)),
    "an index beyond the count": Uint8Array.of(0, 1, 3, 3, 1),
    "a count of 1": Uint8Array.of(0, 1, 0, 1, 1),
    "no part": Uint8Array.of(0, 1, 1, 3),
    "no header": Uint8Array.of(0, 1, 1),
    "more than a record has": Uint8Array.of(0, 1, 2, 3, ...new Uint8Array(SUPERFRAME_BYTES - 199)),
  };
  for (const [name, part] of Object.entries(cases)) {
    const bench = new Bench();
    bench.add(1, first);
    assert.equal(bench.add(1, part), undefined, name);
    assert.deepEqual(bench.tally.counts, { dropFragment: 1 }, name);
    const rest = parts.slice(1).map((each) => bench.add(1, each));
    assert.deepEqual(rest.at(-1), record(300), name);
  }
});

Deno.test("Fragments gives a record up after a second", () => {
  const bench = new Bench();
  const [first, second] = cut(record(200), 100);
  bench.add(1, first ?? new Uint8Array(), 10);
  bench.fragments.expire(10 + FRAGMENT_TIMEOUT_MS);
  assert.deepEqual(bench.tally.counts, {});
  assert.equal(bench.add(1, second ?? new Uint8Array(), 11 + FRAGMENT_TIMEOUT_MS), undefined);
  assert.deepEqual(bench.tally.counts, { fragmentTimeouts: 1 });
});

Deno.test("Fragments holds two records of a peer and eight in all, the oldest go", () => {
  const begin = (bench: Bench, peer: number, id: number, now: number): void => {
    bench.add(peer, Uint8Array.of(0, id, 0, 2, 1), now);
  };
  const bench = new Bench();
  for (let id = 0; id < 3; id++) begin(bench, 1, id, id);
  assert.deepEqual(bench.tally.counts, { fragmentTimeouts: 1 });
  assert.deepEqual(bench.add(1, Uint8Array.of(0, 2, 1, 2, 2), 3), Uint8Array.of(1, 2));
  for (let peer = 2; peer < 10; peer++) begin(bench, peer, 0, peer);
  assert.deepEqual(bench.tally.counts, { fragmentTimeouts: 2 });
  assert.deepEqual(bench.add(2, Uint8Array.of(0, 0, 1, 2, 2), 3), Uint8Array.of(1, 2));
});

Deno.test("forget() frees what a peer began", () => {
  const bench = new Bench();
  const [first, second] = cut(record(200), 100);
  bench.add(1, first ?? new Uint8Array());
  bench.fragments.forget(1);
  assert.equal(bench.add(1, second ?? new Uint8Array()), undefined);
  assert.deepEqual(bench.tally.counts, {});
});
