import { deepEqual, equal } from "node:assert/strict";
import type { PeerName } from "../../base/mod.ts";
import { type AskFacts, Asking, DENIAL_MS, SILENCE_MS } from "./asking.ts";
import type { RingEntry } from "./ring.ts";

const RANGE = { start: 0, end: 256 };

/** Host 1 owns a quarter without anything free, 2 to 4 the rest. */
function facts(
  free: Partial<Record<number, number>>,
  away: PeerName[] = [],
  version = 0,
): AskFacts {
  const entries = [1, 2, 3, 4].map((peer, i): RingEntry => ({
    token: i * 64,
    peer,
    version,
    free: free[peer] ?? 0,
  }));
  return {
    ring: { start: 0, end: 256, peer: 1, seeds: [], entries },
    isReachable: (peer) => !away.includes(peer),
    labelOf: (peer) => `host${peer}`,
    random: () => 0.5,
  };
}

Deno.test("Asking.next() asks the one with most, once at a time", () => {
  const asking = new Asking();
  const all = facts({ 2: 10, 3: 40 });
  deepEqual(asking.next(RANGE, all, 0), { kind: "ask", peer: 3 });
  deepEqual(asking.next(RANGE, all, 10), { kind: "wait", for: "an answer of host3" });
});

Deno.test("Asking.next() asks another when one says nothing", () => {
  const asking = new Asking();
  const all = facts({ 2: 10, 3: 40 });
  asking.next(RANGE, all, 0);
  deepEqual(asking.next(RANGE, all, SILENCE_MS), { kind: "ask", peer: 2 });
});

Deno.test("Asking.next() asks another at once when one cannot be reached any more", () => {
  const asking = new Asking();
  asking.next(RANGE, facts({ 2: 10, 3: 40 }), 0);
  deepEqual(asking.next(RANGE, facts({ 2: 10, 3: 40 }, [3]), 1), { kind: "ask", peer: 2 });
});

Deno.test("Asking.next() comes back once to those who denied, then gives up", () => {
  const asking = new Asking();
  const all = facts({ 2: 10, 3: 40 });
  const order: PeerName[] = [];
  for (
    let next = asking.next(RANGE, all, 0);
    next.kind === "ask";
    next = asking.next(RANGE, all, 0)
  ) {
    order.push(next.peer);
    asking.denied(next.peer, RANGE, all.ring, 0);
  }
  deepEqual(order, [3, 2, 3, 2]);
  deepEqual(asking.next(RANGE, all, 0), {
    kind: "exhausted",
    reason: "no address is free here, host2 denied, host3 denied, host4 is full",
  });
});

Deno.test("Asking.next() asks again who owns something else since the denial", () => {
  const asking = new Asking();
  const before = facts({ 2: 10 });
  for (let i = 0; i < 2; i++) {
    asking.next(RANGE, before, 0);
    asking.denied(2, RANGE, before.ring, 0);
  }
  equal(asking.next(RANGE, before, 0).kind, "exhausted");
  deepEqual(asking.next(RANGE, facts({ 2: 10 }, [], 1), 0), { kind: "ask", peer: 2 });
});

Deno.test("Asking.next() waits for owners that cannot be reached, and names them", () => {
  const next = new Asking().next(RANGE, facts({}, [4]), 0);
  deepEqual(next, {
    kind: "wait",
    for: "host4, which cannot be reached (no address is free here, host2 is full, host3 is full)",
  });
});

Deno.test("Asking.next() comes back after a while to one whose entries say nothing new", () => {
  const asking = new Asking();
  const all = facts({ 2: 10 });
  for (let i = 0; i < 2; i++) {
    asking.next(RANGE, all, 0);
    asking.denied(2, RANGE, all.ring, 0);
  }
  equal(asking.next(RANGE, all, DENIAL_MS - 1).kind, "exhausted");
  deepEqual(asking.next(RANGE, all, DENIAL_MS), { kind: "ask", peer: 2 });
});

Deno.test("Asking.denied() counts only what was asked of that peer for that range", () => {
  const asking = new Asking();
  const all = facts({ 2: 10 });
  asking.next(RANGE, all, 0);
  equal(asking.denied(3, RANGE, all.ring, 0), false);
  equal(asking.denied(2, { start: 0, end: 128 }, all.ring, 0), false);
  equal(asking.denied(2, RANGE, all.ring, 0), true);
});

Deno.test("Asking.nextOf() asks the owner of one address, and waits for one that is away", () => {
  const asking = new Asking();
  const one = { start: 70, end: 71 };
  deepEqual(asking.nextOf(one, 2, facts({}), 0), { kind: "ask", peer: 2 });
  equal(asking.nextOf(one, 2, facts({}), 1).kind, "wait");
  deepEqual(asking.nextOf(one, 2, facts({}), SILENCE_MS), { kind: "ask", peer: 2 });
  deepEqual(asking.nextOf(one, 2, facts({}, [2]), 2 * SILENCE_MS), {
    kind: "wait",
    for: "host2, which cannot be reached",
  });
});

Deno.test("Asking.gained() ends questions whose range we have something of", () => {
  const asking = new Asking();
  const all = facts({ 2: 10 });
  asking.next(RANGE, all, 0);
  asking.gained(() => true);
  deepEqual(asking.next(RANGE, all, 1), { kind: "ask", peer: 2 });
});

Deno.test("Asking.prune() keeps denials that still count", () => {
  const asking = new Asking();
  const all = facts({ 2: 10 });
  for (let i = 0; i < 2; i++) {
    asking.next(RANGE, all, 0);
    asking.denied(2, RANGE, all.ring, 0);
  }
  asking.prune(all.ring, 0);
  equal(asking.next(RANGE, all, 0).kind, "exhausted");
});
