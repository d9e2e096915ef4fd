import assert from "node:assert/strict";
import fc from "fast-check";
import { breadthFirst, broadcastHops, type PeerGraph } from "./graph.ts";

/** 0 - 1 - 2 in a row, 3 alone. */
const CHAIN: PeerGraph = { names: [10, 11, 12, 13], edges: [[1], [0, 2], [1], []] };

Deno.test("breadthFirst() gives the first hop of each reached peer", () => {
  const { found, via } = breadthFirst(CHAIN, 0, -1);
  assert.equal(found, false);
  assert.deepEqual([...via], [0, 1, 1, -1]);
});

Deno.test("breadthFirst() ends before it follows the edges of the peer to stop at", () => {
  const { found, via } = breadthFirst(CHAIN, 0, 1);
  assert.equal(found, true);
  assert.deepEqual([...via], [0, 1, -1, -1]);
});

Deno.test("breadthFirst() prefers the way over the lower name whatever the order of edges", () => {
  // Two ways from 0 to 3: over 1 (name 30) and over 2 (name 20).
  const graph: PeerGraph = { names: [1, 30, 20, 40], edges: [[1, 2], [3], [3], []] };
  assert.equal(breadthFirst(graph, 0, -1).via[3], 2);
});

Deno.test("broadcastHops() is all neighbours for our own and none for who does not reach us", () => {
  assert.deepEqual(broadcastHops(CHAIN, 1, 1), [0, 2]);
  assert.deepEqual(broadcastHops(CHAIN, 1, 0), [2]);
  assert.deepEqual(broadcastHops(CHAIN, 2, 0), []);
  assert.deepEqual(broadcastHops(CHAIN, 1, 3), []);
});

Deno.test("broadcastHops() brings a broadcast to each peer exactly once when all share one view", () => {
  const graph = fc.integer({ min: 1, max: 12 }).chain((size) =>
    fc.record({
      names: fc.uniqueArray(fc.integer({ min: 1, max: 1000 }), {
        minLength: size,
        maxLength: size,
      }),
      pairs: fc.array(fc.tuple(fc.nat(size - 1), fc.nat(size - 1)), { maxLength: 30 }),
    })
  );
  fc.assert(
    fc.property(graph, ({ names, pairs }) => {
      const sets = names.map(() => new Set<number>());
      for (const [a, b] of pairs) {
        if (a === b) continue;
        sets[a]?.add(b);
        sets[b]?.add(a);
      }
      const g: PeerGraph = { names, edges: sets.map((set) => [...set]) };
      for (let source = 0; source < names.length; source++) {
        const copies = new Array<number>(names.length).fill(0);
        const queue = [source];
        for (const peer of queue) {
          for (const hop of broadcastHops(g, peer, source)) {
            copies[hop] = (copies[hop] ?? 0) + 1;
            queue.push(hop);
          }
        }
        const { via } = breadthFirst(g, source, -1);
        const expected = names.map((_, peer) => peer !== source && via[peer] !== -1 ? 1 : 0);
        assert.deepEqual(copies, expected);
      }
    }),
    { numRuns: 300 },
  );
});
