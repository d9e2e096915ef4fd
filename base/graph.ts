/**
 * Breadth-first search over peers, with the tie-break that all routers of a mesh share (spec/mesh.md 16).
 *
 * Both the mesh (gossip routes) and the switch (flood lists) need the very same walk, and neither may import the other.
 * Peers are small integers here; `names` gives the order inside a level.
 *
 * @module
 */

/** A directed graph of peers by index: `edges[p]` are the indices that p has an edge to. */
export interface PeerGraph {
  /** Name of each peer, the order inside a level; unused indices hold 0. */
  readonly names: ArrayLike<number>;
  /** Neighbours of each peer; an index without edges has an empty list. */
  readonly edges: readonly (readonly number[])[];
}

/**
 * Walks the graph level by level from `start`, peers of one level by ascending name.
 *
 * @param graph who has an edge to whom
 * @param start index to begin at
 * @param stop index at which the walk ends before its own edges are followed, -1 for none
 * @returns `via[q]`: the first hop from start to q (q itself for neighbours), -1 for unreached, `start` for start;
 *   and whether `stop` was reached
 */
export function breadthFirst(
  graph: PeerGraph,
  start: number,
  stop: number,
): { found: boolean; via: Int32Array } {
  const via = new Int32Array(graph.edges.length).fill(-1);
  via[start] = start;
  let level = [start];
  while (level.length > 0) {
    level.sort((a, b) => (graph.names[a] ?? 0) - (graph.names[b] ?? 0));
    const next: number[] = [];
    for (const peer of level) {
      if (peer === stop) return { found: true, via };
      for (const neighbour of graph.edges[peer] ?? []) {
        if (via[neighbour] !== -1) continue;
        via[neighbour] = peer === start ? neighbour : via[peer] ?? -1;
        next.push(neighbour);
      }
    }
    level = next;
  }
  return { found: false, via };
}

/**
 * Returns to which of its neighbours `self` passes on a broadcast of `source`.
 *
 * With equal views at all peers each peer gets the broadcast exactly once.
 *
 * @param graph who has an edge to whom
 * @param self our index
 * @param source index of the peer that the broadcast began at
 * @returns indices of neighbours; empty if source does not reach us
 */
export function broadcastHops(graph: PeerGraph, self: number, source: number): number[] {
  const { found, via } = breadthFirst(graph, source, self);
  if (!found) return [];
  return (graph.edges[self] ?? []).filter((neighbour) => via[neighbour] === -1);
}
