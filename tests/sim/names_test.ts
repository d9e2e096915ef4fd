/**
 * Names on a bad network: what peers of ours, and real ones among them, agree on when all is well again.
 *
 * ```
 *   ten minutes of trouble: messages lost and overtaken, peers split, restarted empty, ended for good; clocks wrong
 *   repair --> some rounds of gossip --> everybody has exactly what is registered --> old messages again, wrong clocks --> so still
 * ```
 *
 * @module
 */

import assert from "node:assert/strict";
import { must, type PeerName } from "../../base/mod.ts";
import { compareInTable, keyOf, type NameEntry } from "../../container/dns/entry.ts";
import { encodeNames } from "../../container/dns/records_wire.ts";
import { argument, runSize } from "../helpers/run_size.ts";
import { Dice } from "./dice.ts";
import type { NamesRun } from "./names_peer.ts";
import { NamesWorld } from "./names_world.ts";

/** Scenarios of one test, so that a long run shows how far it is. */
const PORTION = 1_000;
/** After so many failures the rest is not played. */
const ENOUGH_FAILURES = 5;
const TROUBLE_MS = 10 * 60_000;
/** Longest time to agree: periodic gossip goes to some neighbours each time, and may pass by one for some rounds. */
const PATIENCE_MS = 15 * 60_000;
/** Between two looks at whether they do: a round of it. */
const LOOK_MS = 30_000;
/** Longer than a name of a peer that is gone is held. */
const REPLAY_MS = 90_000;
const T0 = 1_700_000_000;

const one = argument("seed");
const count = one === undefined ? runSize("scenarios", 300, 10_000) : 1;
const firstSeed = Number(one ?? argument("from") ?? 0);

for (let from = 0; from < count; from += PORTION) {
  const size = Math.min(PORTION, count - from);
  Deno.test(`NamesCore agrees with its peers in ${size} scenarios from seed ${firstSeed + from}`, () => {
    const failures: string[] = [];
    for (let i = 0; i < size && failures.length < ENOUGH_FAILURES; i++) {
      const seed = firstSeed + from + i;
      try {
        play(seed);
      } catch (error) {
        failures.push(`seed ${seed}: ${error instanceof Error ? error.stack : error}`);
      }
    }
    if (failures.length > 0) throw new Error(failures.join("\n"));
  });
}

/** What happens, and what should be. */
class Scenario {
  readonly dice: Dice;
  readonly peers: PeerName[];
  readonly real: Set<PeerName>;
  readonly world: NamesWorld;
  /** What each peer has registered in this life of it, in lower case. */
  readonly registered = new Map<PeerName, Set<string>>();
  readonly buried = new Set<PeerName>();

  constructor(seed: number) {
    const dice = this.dice = new Dice(seed);
    const size = dice.between(2, 7);
    this.peers = Array.from({ length: size }, (_, i) => i + 1);
    const share = dice.pick([0, 0, 0.3, 0.6]);
    this.real = new Set(this.peers.filter(() => dice.chance(share)));
    const edges = this.peers.slice(1).map((peer): [PeerName, PeerName] => [
      dice.between(1, peer - 1),
      peer,
    ]);
    for (let more = dice.between(0, size); more > 0; more--) {
      const [a = 1, b = 2] = dice.shuffled(this.peers);
      if (!edges.some((edge) => edge.includes(a) && edge.includes(b))) edges.push([a, b]);
    }
    this.world = new NamesWorld(edges, this.real, new Dice(seed, 1));
    this.world.loss = dice.pick([0, 0.1, 0.4]);
    this.world.delayMs = dice.pick([5, 500, 4_000, 20_000]);
    for (const peer of this.peers) this.world.skews.set(peer, dice.between(-400, 400));
  }

  /** Starts a peer, which registers again what its containers are called, or less. */
  start(peer: PeerName): void {
    this.world.start(peer);
    this.registered.set(peer, new Set());
    for (let names = this.dice.between(0, 3); names > 0; names--) this.add(peer);
  }

  add(peer: PeerName): void {
    const run = this.world.runs.get(peer);
    if (run === undefined) return;
    const container = this.dice.pick(["c", "d"]);
    const [hostname, ip] = [`Web${this.dice.between(1, 2)}.example.org.`, this.dice.between(1, 2)];
    this.registered.get(peer)?.add(keyOf(entryOf(peer, container, hostname, ip)));
    this.world.perform(run, run.add(hostname, container, ip, this.world.now));
  }

  remove(peer: PeerName): void {
    const run = this.world.runs.get(peer);
    if (run === undefined) return;
    const container = this.dice.pick(["c", "d"]);
    const ours = must(this.registered.get(peer), "names");
    for (const [host, ip] of [[1, 1], [1, 2], [2, 1], [2, 2]] as const) {
      ours.delete(keyOf(entryOf(peer, container, `web${host}.example.org.`, ip)));
    }
    this.world.perform(run, run.remove(container, this.world.now));
  }

  split(): void {
    const group = new Set(this.peers.filter(() => this.dice.chance(0.5)));
    this.world.setLinks((a, b) => group.has(a) === group.has(b));
  }

  /** One piece of trouble. */
  trouble(): void {
    const { dice, world } = this;
    const peer = dice.pick(this.peers);
    const kind = dice.between(0, 19);
    if (kind < 9) this.add(peer);
    else if (kind < 13) this.remove(peer);
    else if (kind < 15) this.split();
    else if (kind < 16) world.setLinks(() => true);
    else if (kind < 17) world.skews.set(peer, dice.pick([-2_000, 950, 5_000, 0]));
    else if (kind < 18 && this.buried.size + 1 < this.peers.length && dice.chance(0.3)) {
      this.buried.add(peer);
      world.kill(peer);
    } else if (!this.buried.has(peer)) {
      world.kill(peer);
      world.at(world.now + dice.between(0, 60_000), () => {
        if (!world.runs.has(peer) && !this.buried.has(peer)) this.start(peer);
      });
    }
  }

  repair(): void {
    const { world } = this;
    world.loss = 0;
    world.delayMs = 50;
    for (const peer of this.peers) {
      if (Math.abs(must(world.skews.get(peer), "clock")) > 400) world.skews.set(peer, 0);
      if (!world.runs.has(peer) && !this.buried.has(peer)) this.start(peer);
    }
    world.setLinks(() => true);
  }

  /** Checks that everybody has all that is registered, and nothing else. */
  check(when: string): void {
    for (const run of this.world.runs.values()) {
      const entries = run.entries();
      const seen = `${when}, at ${run.name} (${run.weft ? "ours" : "real"})`;
      if (run.weft) checkTable(entries);
      const component = this.world.component(run.name);
      const live = entries.filter((entry) => entry.tombstone === 0).map(keyOf).sort();
      const expected = [...component].flatMap((peer) => [...this.registered.get(peer) ?? []]);
      assert.deepEqual(live, expected.sort(), `live names ${seen}`);
      const strangers = entries.filter((entry) => !component.has(entry.origin));
      assert.deepEqual(strangers, [], `entries of peers that are gone ${seen}`);
      for (const origin of component) {
        const truth = statesOf(must(this.world.runs.get(origin), "origin"), origin);
        assert.deepEqual(statesOf(run, origin), truth, `entries of ${origin} ${seen}`);
      }
    }
  }
}

function entryOf(origin: PeerName, container: string, hostname: string, ip: number): NameEntry {
  return { hostname, container, origin, ip, version: 0, tombstone: 0 };
}

function statesOf(run: NamesRun, origin: PeerName): string[] {
  return run.entries().filter((entry) => entry.origin === origin)
    .map((entry) => `${keyOf(entry)} ${entry.version} ${entry.tombstone}`).sort();
}

function checkTable(entries: readonly NameEntry[]): void {
  assert.deepEqual(entries.toSorted(compareInTable), entries);
  assert.equal(new Set(entries.map(keyOf)).size, entries.length);
}

function play(seed: number): void {
  const scenario = new Scenario(seed);
  const { dice, world, peers } = scenario;
  for (const peer of peers) scenario.start(peer);
  const troubles = dice.between(0, 40);
  for (let i = 0; i < troubles; i++) {
    world.at(dice.between(0, TROUBLE_MS), () => scenario.trouble());
  }
  world.pass(TROUBLE_MS);
  scenario.repair();
  settle(scenario, "after the repair");
  sayAgain(scenario);
  world.pass(REPLAY_MS);
  settle(scenario, "after old messages");
}

/** Waits until all agree. */
function settle(scenario: Scenario, when: string): void {
  const end = scenario.world.now + PATIENCE_MS;
  for (;;) {
    scenario.world.pass(LOOK_MS);
    try {
      return scenario.check(when);
    } catch (error) {
      if (scenario.world.now >= end) throw error;
    }
  }
}

/** Replays what was sent once, and speaks with wrong clocks. */
function sayAgain({ dice, world, real }: Scenario): void {
  const seen = [...world.seen];
  // A real peer cuts the connection for an old message, and that is all it would tell us here.
  const to = [...world.runs.keys()].filter((peer) => !real.has(peer));
  if (to.length === 0 || seen.length === 0) return;
  for (let i = 0; i < 30; i++) world.inject({ ...dice.pick(seen), to: dice.pick(to) });
  for (const peer of to) {
    const run = must(world.runs.get(peer), "peer");
    const before = run.entries();
    const entries = [entryOf(peer, "c", "wrong.example.org.", 1), entryOf(1, "c", "a.", 1)];
    const seconds = T0 + world.now / 1_000 + must(world.skews.get(peer), "clock");
    for (const skew of [-902, 902]) {
      const timestamp = Math.floor(seconds) + skew;
      for (const payload of encodeNames({ timestamp, entries })) {
        for (const kind of ["gossip", "broadcast"] as const) {
          world.inject({ to: peer, from: dice.pick(to), kind, payload });
        }
      }
    }
    assert.equal(run.entries(), before, "a message with a wrong clock changed something");
  }
}

Deno.test("NamesCore keeps the spelling when it takes over from a real peer whose names the mesh still has", () => {
  const world = new NamesWorld([[1, 2], [1, 3], [2, 3]], new Set([1, 2, 3]), new Dice(1));
  for (const peer of [1, 2, 3]) world.start(peer);
  world.pass(10_000);
  const real = must(world.runs.get(1), "peer");
  world.perform(real, real.add("Web.example.org.", "c", 5, world.now));
  world.pass(10_000);
  // So quick that nobody notices.
  world.setLinks(() => false);
  const ours = world.start(1, true);
  world.perform(ours, ours.add("Web.example.org.", "c", 5, world.now));
  world.setLinks(() => true);
  world.pass(60_000);
  for (const run of world.runs.values()) {
    assert.deepEqual(
      run.entries().map(({ hostname, tombstone }) => [hostname, tombstone]),
      [["Web.example.org.", 0]],
    );
  }
});
