import assert from "node:assert/strict";
import fc from "fast-check";
import {
  arbitraryRing,
  fromEntry,
  ringOf,
  spaceOf,
  US,
  type VectorEntry,
} from "../../tests/helpers/ipam_vectors.ts";
import vectors from "../../tests/vectors/ipam-vectors.json" with { type: "json" };
import { RangeSet } from "./range_set.ts";
import { faultOf, grantRange, ownerOf, rangesOf, reportFree, type Ring } from "./ring.ts";
import { type MergeResult, mergeRings } from "./ring_merge.ts";
import { seedRing } from "./seeding.ts";

/** Where we do better than the model, and how. */
const REPAIRED: Readonly<
  Record<string, { defect: string; after?: VectorEntry[]; error?: string }>
> = {
  "same version foreign, different owner, equal free keeps ours": { defect: "D3" },
  "own entry same version different owner, no allocations, free equal": { defect: "D3" },
  "claim of our foreign range: two peers disagree, third sees": { defect: "D3" },
  "error after re-imposing leaves the bumped version behind": {
    defect: "D4",
    error: "newer-version-of-my-range",
  },
  "own token first then foreign token in same range, allocations (hole)": {
    defect: "D5",
    error: "range-i-own",
  },
  "foreign token splits our LAST range, entry at range start re-imposed (newer theirs, ours)": {
    defect: "D5",
    error: "range-i-own",
  },
  "foreign token before our first entry in wrapped range, allocation there (hole)": {
    defect: "D5",
    error: "range-i-own",
  },
  "our only entry not at start; foreign token before it, wrapping range": {
    defect: "D5",
    error: "range-i-own",
  },
  "foreign token splits our LAST range (tail), no allocations": {
    defect: "D6",
    after: [[0, 2, 1, 128], [128, 1, 0, 64], [192, 2, 0, 64]],
  },
  "foreign free too large after merge": {
    defect: "D22",
    after: [[0, 2, 5, 64], [64, 3, 0, 64], [128, 1, 0, 128]],
  },
  "their token splits foreign range: free of foreign predecessor not reset": {
    defect: "D22",
    after: [[0, 2, 5, 64], [64, 3, 0, 64], [128, 1, 0, 128]],
  },
};

interface MergeCase {
  name: string;
  us: number;
  ring: [number, number];
  mine: VectorEntry[];
  mineSeeds: number[];
  allocatedHere: number[];
  theirsRing: [number, number];
  theirs: VectorEntry[];
  theirsSeeds: number[];
  after: VectorEntry[];
  seedsAfter: number[];
  updated: boolean;
  error: string | null;
}

const CASES = vectors.merge as unknown as MergeCase[];

for (const each of CASES) {
  const repaired = REPAIRED[each.name];
  const why = repaired === undefined ? "" : ` (repairs ${repaired.defect})`;
  Deno.test(`mergeRings() does as the vector says: ${each.name}${why}`, () => {
    const [start, end] = each.ring;
    const [theirStart, theirEnd] = each.theirsRing;
    const ours = ringOf(each.mine, { start, end, peer: each.us, seeds: each.mineSeeds });
    const theirs = ringOf(each.theirs, {
      start: theirStart,
      end: theirEnd,
      peer: 99,
      seeds: each.theirsSeeds,
    });
    const before = structuredClone(ours);
    const result = mergeRings(ours, theirs, { busy: busyAt(ours, each.allocatedHere) });
    const error = repaired === undefined ? each.error : repaired.error ?? null;
    assert.equal(result.kind === "conflict" ? result.code : null, error);
    assert.deepEqual(ours, before, "the input was changed");
    if (result.kind === "conflict") return;
    const after = repaired?.after ?? each.after;
    assert.deepEqual(result.ring.entries.map(fromEntry), after);
    assert.deepEqual(result.ring.seeds, each.seedsAfter);
    if (repaired === undefined) assert.equal(result.updated, each.updated);
  });
}

Deno.test("each repaired vector is one of the vectors", () => {
  const names = CASES.map((each) => each.name);
  assert.deepEqual(Object.keys(REPAIRED).filter((name) => !names.includes(name)), []);
});

Deno.test("mergeRings() lets the lower owner win when version and free are equal (D3)", () => {
  const [a, b] = [ringOf([[0, 3, 5, 10]]), ringOf([[0, 2, 5, 10]])];
  const merged = [merge(a, b), merge(b, a)];
  for (const result of merged) {
    assert.ok(result.kind === "merged");
    assert.equal(ownerOf(result.ring, 7), 2);
  }
});

Deno.test("mergeRings() returns our very ring when nothing is new", () => {
  const ours = ringOf([[0, US, 1, 128], [128, 2, 4, 128]]);
  const result = merge(ours, ringOf([[0, US, 1, 100], [128, 2, 3, 128]]));
  assert.ok(result.kind === "merged" && result.ring === ours && !result.updated);
});

Deno.test("mergeRings() says what runbooks look for", () => {
  const text = (result: MergeResult): string => result.kind === "conflict" ? result.text : "";
  const nicknameOf = (peer: number): string => `host${peer}`;
  const busy = busyAt(ringOf([[0, US, 1, 127]]), [5]);
  const seeds = mergeRings(
    ringOf([[0, US, 1, 127]], { seeds: [1] }),
    ringOf([[0, 2, 1, 127]], { seeds: [2, 3] }),
    { busy, nicknameOf },
  );
  assert.equal(
    text(seeds),
    "IP allocation was seeded by different peers (received: [00:00:00:00:00:02(host2) " +
      "00:00:00:00:00:03(host3)], ours: [00:00:00:00:00:01(host1)])",
  );
  const range = merge(ringOf([]), ringOf([], { end: 512 }));
  assert.equal(
    text(range),
    "Incompatible IP allocation ranges (received: 0.0.0.0/23, ours: 0.0.0.0/24)",
  );
  const mine = mergeRings(ringOf([[0, US, 1, 127]]), ringOf([[0, 2, 7, 128]]), { busy });
  assert.equal(
    text(mine),
    "Received update for IP range I own at 0.0.0.0 v1: " +
      "incoming message says owner 00:00:00:00:00:02 v7",
  );
});

Deno.test("mergeRings() leaves nothing in use outside our ranges, whatever it hears (S2, S4, S6, S12)", () => {
  const used = fc.uniqueArray(fc.nat(255), { maxLength: 6 });
  fc.assert(
    fc.property(arbitraryRing(), arbitraryRing(2), used, (ours, theirs, addresses) => {
      const space = new RangeSet(rangesOf(ours, US));
      const given = addresses.filter((address) => space.has(address));
      const before = structuredClone(ours);
      const result = mergeRings(ours, theirs, { busy: busyAt(ours, given) });
      assert.deepEqual(ours, before);
      if (result.kind === "conflict") return;
      const { ring } = result;
      assert.equal(faultOf(ring), undefined);
      for (const address of given) assert.equal(ownerOf(ring, address), US);
      for (const { token, version } of [...ours.entries, ...theirs.entries]) {
        const entry = ring.entries.find((each) => each.token === token);
        assert.ok(entry !== undefined && (entry.peer === US || entry.version >= version));
      }
      for (const { token, version } of ours.entries) {
        assert.ok((ring.entries.find((each) => each.token === token)?.version ?? -1) >= version);
      }
      const again = mergeRings(ring, theirs, { busy: busyAt(ring, given) });
      assert.ok(again.kind === "merged", "it is refused the second time");
    }),
    { numRuns: 2_000 },
  );
});

/** Rings as they come about: some peers grant, and report what is free, each its own copy, telling others now and then. */
const HISTORY = fc.array(
  fc.record({
    who: fc.nat(2),
    to: fc.nat(2),
    at: fc.nat(255),
    size: fc.integer({ min: 1, max: 64 }),
    kind: fc.constantFrom("grant", "report", "tell"),
  }),
  { maxLength: 40 },
);

Deno.test("mergeRings() is idempotent, commutative and associative without conflicts (L4)", () => {
  fc.assert(
    fc.property(HISTORY, (steps) => {
      const rings = play(steps);
      const entries = (...order: number[]): string => {
        const start = { ...seedRing({ start: 0, end: 256 }, 9, [1, 2, 3]), peer: 9 };
        let ring: Ring = { ...start, entries: [] };
        for (const i of order) ring = mustMerge(ring, rings[i] ?? ring);
        // What is free is a hint of each copy.
        return JSON.stringify(
          ring.entries.map(({ token, peer, version }) => [token, peer, version]),
        );
      };
      const one = entries(0, 1, 2);
      for (const order of [[2, 1, 0], [1, 0, 2], [0, 1, 2, 0, 1, 2], [1, 2, 2, 0]]) {
        assert.equal(entries(...order), one);
      }
      const [a, b] = [rings[0], rings[1]];
      if (a === undefined || b === undefined) return;
      const joined = mustMerge(a, b);
      assert.equal(mustMerge(joined, b), joined);
    }),
    { numRuns: 500 },
  );
});

function play(
  steps: readonly { who: number; to: number; at: number; size: number; kind: string }[],
): Ring[] {
  const rings = [1, 2, 3].map((peer) => seedRing({ start: 0, end: 256 }, peer, [1, 2, 3]));
  for (const { who, to, at, size, kind } of steps) {
    const ring = rings[who];
    const other = rings[to];
    if (ring === undefined || other === undefined || who === to) continue;
    if (kind === "tell") rings[to] = mustMerge(other, ring);
    else if (kind === "report") {
      rings[who] = reportFree(ring, ({ start, end }) => Math.floor((end - start) * size / 64));
    } else {
      const owned = new RangeSet(rangesOf(ring, ring.peer)).ranges()
        .find((each) => each.start <= at && at < each.end);
      if (owned === undefined) continue;
      const range = { start: at, end: Math.min(owned.end, at + size) };
      rings[who] = grantRange(ring, range, other.peer);
    }
  }
  return rings;
}

function mustMerge(ours: Ring, theirs: Ring): Ring {
  const result = merge(ours, theirs);
  assert.ok(result.kind === "merged", result.kind === "conflict" ? result.text : "");
  return result.ring;
}

function merge(ours: Ring, theirs: Ring): MergeResult {
  return mergeRings(ours, theirs, { busy: () => false });
}

function busyAt(
  ring: Ring,
  given: readonly number[],
): (range: { start: number; end: number }) => boolean {
  const space = spaceOf(rangesOf(ring, ring.peer), given);
  return (range) => space.busy(range);
}
