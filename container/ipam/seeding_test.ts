import assert from "node:assert/strict";
import fc from "fast-check";
import { fromEntry, type VectorEntry } from "../../tests/helpers/ipam_vectors.ts";
import vectors from "../../tests/vectors/ipam-vectors.json" with { type: "json" };
import { faultOf, sizesOf } from "./ring.ts";
import { seedOrder, seedRing } from "./seeding.ts";

Deno.test("seedRing() agrees with the vectors", () => {
  for (const { start, end, seedPeers, entries } of vectors.subdivide) {
    const ring = seedRing({ start, end }, 7, seedPeers);
    assert.deepEqual(ring.entries.map(fromEntry), entries as unknown as VectorEntry[]);
    assert.deepEqual([ring.peer, ring.seeds, ring.start, ring.end], [7, seedPeers, start, end]);
  }
});

Deno.test("seedRing() gives the same valid ring whatever the order of names", () => {
  const names = fc.array(fc.integer({ min: 1, max: 50 }), { minLength: 1, maxLength: 40 });
  fc.assert(fc.property(names, fc.integer({ min: 2, max: 16 }), (peers, bits) => {
    const universe = { start: 2 ** 20, end: 2 ** 20 + 2 ** bits };
    const ring = seedRing(universe, 1, peers);
    assert.deepEqual(seedRing(universe, 1, peers.toReversed()), ring);
    assert.equal(faultOf(ring), undefined);
    assert.deepEqual(ring.seeds, seedOrder(peers));
    assert.equal([...sizesOf(ring).values()].reduce((a, b) => a + b), 2 ** bits);
    assert.equal(ring.entries[0]?.token, universe.start);
  }));
});

Deno.test("seedOrder() sorts by number and drops duplicates", () => {
  assert.deepEqual(seedOrder([20, 3, 100, 3]), [3, 20, 100]);
});
