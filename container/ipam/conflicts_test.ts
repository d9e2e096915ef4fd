import { IpamWorld } from "../../tests/helpers/ipam_world.ts";
import { deepEqual, equal, match } from "node:assert/strict";
import type { PeerName } from "../../base/mod.ts";
import { type Conflict, Conflicts, disagreements, reasonToLeave } from "./conflicts.ts";
import type { Ring } from "./ring.ts";

/** A ring of 256 addresses in the copy of `peer`, all of one owner. */
function ringOf(peer: PeerName, owner: PeerName, seed: PeerName, free = 256): Ring {
  return {
    start: 0,
    end: 256,
    peer,
    seeds: [seed],
    entries: [{ token: 0, peer: owner, version: 1, free }],
  };
}

const IDLE = { busy: false, donated: false };

Deno.test("reasonToLeave() leaves a ring of ours alone that nobody uses", () => {
  match(
    reasonToLeave(ringOf(1, 1, 1), ringOf(2, 2, 2, 250), IDLE) ?? "",
    /nothing of it was in use/,
  );
});

Deno.test("reasonToLeave() stays when something is in use, or was given away", () => {
  const theirs = ringOf(2, 2, 2, 250);
  equal(reasonToLeave(ringOf(1, 1, 1), theirs, { busy: true, donated: false }), undefined);
  equal(reasonToLeave(ringOf(1, 1, 1), theirs, { busy: false, donated: true }), undefined);
});

Deno.test("reasonToLeave() lets the one with the higher first seed leave when both could", () => {
  equal(reasonToLeave(ringOf(1, 1, 1), ringOf(2, 2, 2), IDLE), undefined);
  match(reasonToLeave(ringOf(2, 2, 2), ringOf(1, 1, 1), IDLE) ?? "", /nothing of it/);
});

Deno.test("reasonToLeave() stays in a ring with other owners", () => {
  const ours = ringOf(1, 1, 1);
  const shared = {
    ...ours,
    entries: [...ours.entries, { token: 128, peer: 3, version: 0, free: 1 }],
  };
  equal(reasonToLeave(shared, ringOf(2, 2, 2, 250), IDLE), undefined);
});

Deno.test("reasonToLeave() follows the only owner out of its ring", () => {
  match(reasonToLeave(ringOf(3, 2, 2), ringOf(2, 1, 1), IDLE) ?? "", /left it/);
  equal(reasonToLeave(ringOf(3, 2, 2), ringOf(1, 1, 1), IDLE), undefined);
});

Deno.test("reasonToLeave() sends one of two back that left for each other's ring", () => {
  // 1 is in the ring that 2 founded, and 2 in the one of 1.
  match(reasonToLeave(ringOf(1, 2, 2), ringOf(2, 1, 1), IDLE) ?? "", /left it/);
  equal(reasonToLeave(ringOf(2, 1, 1), ringOf(1, 2, 2), IDLE), undefined);
});

Deno.test("Conflicts keeps one of each peer, and since when", () => {
  const conflicts = new Conflicts();
  const conflict: Conflict = {
    peer: 2,
    theirs: ringOf(2, 2, 2),
    code: "different-seeds",
    text: "x",
    since: 5,
  };
  equal(conflicts.note(conflict), true);
  equal(conflicts.note({ ...conflict, since: 9 }), false);
  deepEqual(conflicts.all.map(({ since }) => since), [5]);
  equal(conflicts.has(2), true);
  conflicts.retain(() => false);
  equal(conflicts.any, false);
});

Deno.test("disagreements() names tokens with different owners", () => {
  const found = disagreements(ringOf(1, 1, 1), ringOf(2, 2, 2));
  deepEqual(found.map(({ token, ours, theirs }) => [token, ours?.peer, theirs?.peer]), [[0, 1, 2]]);
});

Deno.test("a ring under a name that nobody has is set aside as its sender's", () => {
  const world = new IpamWorld();
  world.cut.add("1 2");
  const [a, b] = [world.start(1), world.start(2)];
  for (const host of [a, b]) host.allocate("first");
  world.run(100);
  const { ring } = b.allocator.parts.territory;
  world.part([a], [b], false);
  for (let name = 100; name < 110; name++) {
    const content = { kind: "ring", ring: { ...ring, peer: name } } as const;
    const state = { now: 0, nicknames: [], content };
    world.feed(a, { kind: "state", via: "gossip", from: b.name, state });
  }
  deepEqual(a.allocator.parts.conflicts.all.map(({ peer }) => peer), [b.name]);
});
