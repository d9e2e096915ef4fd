import { deepEqual, equal, ok } from "node:assert/strict";
import fc from "fast-check";
import { parseEndpoint } from "../base/mod.ts";
import type { ForwardingPeer, MeshLink } from "../mesh/mod.ts";
import { ForwardingState } from "./forwarding_state.ts";

const SELF = 0x0200_0000_0001;

function peer(
  name: number,
  nextHop?: number,
  edges: number[] = [],
): ForwardingPeer {
  return { name, nextHop, edges, uid: 1n, shortId: undefined };
}

function link(id: number, to: number, more: Partial<MeshLink> = {}): MeshLink {
  return {
    id,
    peer: to,
    nickname: "x",
    connUid: 7n,
    outbound: true,
    remote: parseEndpoint("192.0.2.1:6783"),
    sessionKey: undefined,
    overlays: [{ index: 0, name: "sleeve" }],
    weft: true,
    lively: true,
    ...more,
  };
}

Deno.test("ForwardingState.update() has ourselves at index 0 when the mesh knows nobody", () => {
  deepEqual(new ForwardingState(SELF).update([], []), {
    self: 0,
    peers: [{ name: SELF, nextHop: 0, edges: [], shortId: -1 }],
    links: [],
  });
});

Deno.test("ForwardingState.update() turns names into indices", () => {
  const state = new ForwardingState(SELF);
  const { peers } = state.update(
    [
      { ...peer(9, 9, [SELF, 8]), shortId: 4095 },
      { ...peer(SELF, SELF, [9]), shortId: 0 },
      peer(8, 9, [9, 77]),
      peer(6),
    ],
    [],
  );
  deepEqual(peers, [
    { name: SELF, nextHop: 0, edges: [1], shortId: 0 },
    { name: 9, nextHop: 1, edges: [0, 2], shortId: 4095 },
    { name: 8, nextHop: 1, edges: [1], shortId: -1 },
    { name: 6, nextHop: -1, edges: [], shortId: -1 },
  ]);
});

Deno.test("ForwardingState.update() gives an index away only after a state with null in it", () => {
  const state = new ForwardingState(SELF);
  state.update([peer(5)], []);
  const swapped = state.update([peer(6)], []);
  deepEqual(swapped.peers.map((entry) => entry?.name), [SELF, undefined, 6]);
  const next = state.update([peer(6), peer(7)], []);
  deepEqual(next.peers.map((entry) => entry?.name), [SELF, 7, 6]);
});

Deno.test("ForwardingState.update() says of a link what the worker needs", () => {
  const state = new ForwardingState(SELF);
  const key = new Uint8Array(32);
  const inbound = link(2, 9, { outbound: false, sessionKey: key, weft: false });
  const { links } = state.update([peer(9, 9)], [link(1, 9), inbound, link(3, 77)]);
  deepEqual(links.map((entry) => entry.id), [1, 2]);
  deepEqual(links.map((entry) => entry.encrypted), [false, true]);
  deepEqual(links.map((entry) => entry.remote !== undefined), [true, false]);
  deepEqual(links.map((entry) => entry.trainSegments), [64, 8]);
  equal(links[0]?.peer, 1);
});

Deno.test("ForwardingState.update() stretches heartbeats so that all lively tunnels send 400 a second", () => {
  const cases = [[1, 250], [100, 250], [101, 300], [200, 500], [401, 1_050]] as const;
  for (const [count, livelyMs] of cases) {
    const links = Array.from({ length: count }, (_, i) => link(i, 9));
    links.push(link(count, 9, { lively: false }));
    const state = new ForwardingState(SELF).update([peer(9, 9)], links);
    equal(state.links[0]?.livelyMs, livelyMs);
    equal(state.links.at(-1)?.livelyMs, undefined);
  }
});

Deno.test("ForwardingState.update() counts no heartbeats for an overlay without tunnels", () => {
  const overlays = [{ index: 0, name: "weft-shuttle" }, { index: 1, name: "sleeve" }];
  const links = Array.from({ length: 100 }, (_, i) => link(i, 9, { overlays }));
  const state = new ForwardingState(SELF).update([peer(9, 9)], links);
  equal(state.links[0]?.livelyMs, 250);
});

Deno.test("ForwardingState keeps its promises about indices for any history", () => {
  const names = fc.uniqueArray(fc.integer({ min: 2, max: 12 }), { maxLength: 8 });
  fc.assert(fc.property(fc.array(names, { maxLength: 12 }), (history) => {
    const state = new ForwardingState(SELF);
    let before: (number | undefined)[] = [];
    for (const known of history) {
      const { peers } = state.update(known.map((name) => peer(name)), []);
      const now = peers.map((entry) => entry?.name);
      equal(now[0], SELF);
      deepEqual(now.filter((name) => name !== undefined).sort((a, b) => a - b), [
        ...known.toSorted((a, b) => a - b),
        SELF,
      ]);
      for (const [index, name] of before.entries()) {
        // Kept, or null for one state.
        if (name !== undefined) {
          ok(now[index] === (known.includes(name) || name === SELF ? name : undefined));
        }
      }
      ok(now.length <= 1 + 11 + 8);
      before = now;
    }
  }));
});
