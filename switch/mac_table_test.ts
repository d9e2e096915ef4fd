import assert from "node:assert/strict";
import fc from "fast-check";
import { macHigh, macLow, parseMac } from "../base/mod.ts";
import vectors from "../tests/vectors/mac-cache.json" with { type: "json" };
import {
  CONFLICT_MS,
  LEARN,
  MAC_LIFE_MS,
  MacTable,
  MAX_MACS,
  MAX_MACS_PER_PEER,
} from "./mac_table.ts";

const SELF = 0;
const OWN = parseMac("02:00:00:00:00:ee");

function table(seed = 0): MacTable {
  return new MacTable({ self: SELF, ownMacs: [OWN], seed });
}

Deno.test("MacTable behaves as the model where design.md does not differ (mac-cache.json)", () => {
  // All within one moment: the conflict of the model holds for 10 minutes, ours for one second.
  const peers = ["02:00:00:00:00:01", "02:00:00:00:00:02"];
  const macs = table();
  for (const step of vectors.cases) {
    const high = macHigh(parseMac(step.mac));
    const low = macLow(parseMac(step.mac));
    const peer = peers.indexOf(step.peer);
    if (step.op === "peer_gone") macs.forgetPeer(peer);
    else {
      const result = step.op === "captured"
        ? macs.learnLocal(high, low, 5)
        : macs.learnRemote(high, low, peer, 5);
      assert.equal(result === LEARN.NEW, step.new);
      assert.equal(result === LEARN.CONFLICT, step.conflict_with !== "");
    }
    assert.equal(peers[macs.lookup(high, low)] ?? "", step.owner_after);
  }
});

Deno.test("learnLocal() takes an address over once its peer has been silent for a second", () => {
  const macs = table();
  macs.learnRemote(0x0a00, 1, 2, 1_000);
  assert.equal(macs.learnLocal(0x0a00, 1, 1_000 + CONFLICT_MS - 1), LEARN.CONFLICT);
  assert.equal(macs.lookup(0x0a00, 1), 2);
  assert.equal(macs.learnLocal(0x0a00, 1, 1_000 + CONFLICT_MS), LEARN.MOVED);
  assert.equal(macs.lookup(0x0a00, 1), SELF);
});

Deno.test("learnLocal() sees a conflict as long as the peer goes on", () => {
  const macs = table();
  for (let now = 0; now < 5_000; now += 900) {
    macs.learnRemote(0x0a00, 1, 2, now);
    assert.equal(macs.learnLocal(0x0a00, 1, now + 899), LEARN.CONFLICT);
  }
});

Deno.test("learnRemote() overrides local knowledge", () => {
  const macs = table();
  macs.learnLocal(0x0a00, 1, 0);
  assert.equal(macs.learnRemote(0x0a00, 1, 3, 1), LEARN.MOVED);
  assert.equal(macs.lookup(0x0a00, 1), 3);
});

Deno.test("MacTable never learns group, zero, and own addresses from a link", () => {
  const macs = table();
  assert.equal(macs.learnLocal(0x0100, 1, 0), LEARN.IGNORED);
  assert.equal(macs.learnRemote(0xffff, -1, 1, 0), LEARN.IGNORED);
  assert.equal(macs.learnLocal(0, 0, 0), LEARN.IGNORED);
  assert.equal(macs.learnRemote(macHigh(OWN), macLow(OWN), 1, 0), LEARN.IGNORED);
  assert.equal(macs.size, 0);
  assert.equal(macs.learnLocal(macHigh(OWN), macLow(OWN), 0), LEARN.NEW);
  assert.equal(macs.learnRemote(macHigh(OWN), macLow(OWN), 1, 9_000), LEARN.IGNORED);
  assert.equal(macs.lookup(macHigh(OWN), macLow(OWN)), SELF);
});

Deno.test("MacTable learns at most 8,192 of a peer and 65,536 in all", () => {
  const macs = table();
  let low = 0;
  for (let peer = 0; peer < 8; peer++) {
    for (let i = 0; i < MAX_MACS_PER_PEER; i++) {
      assert.equal(macs.learnRemote(0x0a00, low++, peer, 0), LEARN.NEW);
    }
    assert.equal(macs.learnRemote(0x0a00, 1e9, peer, 0), LEARN.FULL);
  }
  assert.equal(macs.size, MAX_MACS);
  assert.equal(macs.learnRemote(0x0a00, low, 9, 0), LEARN.FULL);
  assert.equal(macs.learnRemote(0x0a00, 0, 9, 0), LEARN.MOVED);
  // Peer 1 is full: what it takes over becomes unknown, which floods.
  assert.equal(macs.learnRemote(0x0a00, 0, 1, 0), LEARN.FULL);
  assert.equal(macs.lookup(0x0a00, 0), -1);
  macs.forgetPeer(3);
  assert.equal(macs.size, MAX_MACS - MAX_MACS_PER_PEER - 1);
  assert.equal(macs.lookup(0x0a00, 3 * MAX_MACS_PER_PEER), -1);
  assert.equal(macs.lookup(0x0a00, 4 * MAX_MACS_PER_PEER), 4);
});

Deno.test("age() forgets what was not seen for 10 minutes, and nothing else", () => {
  const macs = table();
  // Begins just before 32 bits of ms wrap around.
  const begin = 0xffff_ff00;
  for (let i = 0; i < 3_000; i++) macs.learnRemote(0x0a00, i, 1, begin);
  for (let i = 0; i < 1_000; i++) macs.learnRemote(0x0a00, i * 3, 1, begin + 60_000);
  ageAll(macs, begin + MAC_LIFE_MS);
  assert.equal(macs.size, 3_000);
  ageAll(macs, begin + MAC_LIFE_MS + 1);
  assert.equal(macs.size, 1_000);
  assert.equal(macs.lookup(0x0a00, 3), 1);
  assert.equal(macs.lookup(0x0a00, 4), -1);
  ageAll(macs, begin + 60_000 + MAC_LIFE_MS + 1);
  assert.equal(macs.size, 0);
});

Deno.test("entries() lists addresses with their age", () => {
  const macs = table();
  macs.learnLocal(0x0aff, 0xffff_ffff, 100);
  const before = macs.version;
  macs.learnLocal(0x0aff, 0xffff_ffff, 150);
  assert.equal(macs.version, before);
  assert.deepEqual(macs.entries(400), [{
    mac: parseMac("0a:ff:ff:ff:ff:ff"),
    peer: SELF,
    ageMs: 250,
  }]);
});

Deno.test("MacTable agrees with a Map after any sequence", () => {
  const step = fc.record({
    op: fc.constantFrom("local", "remote", "forget"),
    low: fc.nat(40),
    peer: fc.integer({ min: 1, max: 4 }),
    pass: fc.nat(700),
  });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 300 }), fc.nat(), (steps, seed) => {
      const macs = table(seed);
      const model = new Map<number, { peer: number; seen: number }>();
      let now = 0;
      for (const { op, low, peer, pass } of steps) {
        now += pass;
        const known = model.get(low);
        if (op === "forget") {
          macs.forgetPeer(peer);
          for (const [mac, at] of model) if (at.peer === peer) model.delete(mac);
        } else if (op === "remote") {
          macs.learnRemote(0x0a00, low, peer, now);
          model.set(low, { peer, seen: now });
        } else {
          const conflict = known !== undefined && known.peer !== SELF && now - known.seen < 1_000;
          assert.equal(macs.learnLocal(0x0a00, low, now) === LEARN.CONFLICT, conflict);
          if (!conflict) model.set(low, { peer: SELF, seen: now });
        }
        for (let i = 0; i <= 40; i++) {
          assert.equal(macs.lookup(0x0a00, i), model.get(i)?.peer ?? -1);
        }
      }
      const told = macs.entries(now).map(({ mac, peer, ageMs }) => [macLow(mac), peer, ageMs]);
      const known = [...model].map(([low, { peer, seen }]) => [low, peer, now - seen]);
      assert.deepEqual(told.toSorted(byLow), known.toSorted(byLow));
    }),
    { numRuns: 20 },
  );
});

function byLow(a: readonly number[], b: readonly number[]): number {
  return (a[0] ?? 0) - (b[0] ?? 0);
}

function ageAll(macs: MacTable, now: number): void {
  for (let i = 0; i < 33; i++) macs.age(now);
}
