/**
 * Datagrams of an attacker against routers with shuttle: what became of each, and what it cost.
 *
 * @module
 */

import assert from "node:assert/strict";
import { must } from "../../base/mod.ts";
import { ATTACKER, ATTACKS, FAR, NEAR, ORIGIN, record, type Recording } from "./shuttle_attack.ts";
import type { StageMakers, StageRouter } from "./stage_world.ts";
import { dice } from "./underlay.ts";

/** What became of the datagrams of one kind. */
export interface Fate {
  /** What was done. */
  readonly attack: string;
  /** Datagrams. */
  datagrams: number;
  /** What one costs the router, in microseconds; the copy to where it is received included. */
  us: number;
  /** Which counters they are in. */
  readonly counters: Record<string, number>;
}

/** What became of all. */
export interface Siege {
  /** By kind. */
  readonly fates: readonly Fate[];
  /** What opening the body of a full segment in vain costs alone, in microseconds, with the same copy. */
  readonly openUs: number;
}

/** Bytes of a full segment. */
const FULL_BYTES = 1_468;
/** What is timed: so many datagrams of a kind, so often; the median counts. */
const TIMED = 200;
const TIMED_ROUNDS = 25;
/** One datagram of so many comes from an address of no link. */
const STRANGERS = 10;
const MS_PER_DATAGRAM = 0.05;
/** Probes that fall due meanwhile are looked for so often. */
const TICK_DATAGRAMS = 5_000;

/**
 * Attacks a router, by itself or as the relay to another one, and then sends what was withheld until then.
 *
 * Checks after each datagram that it is in exactly one counter, and at the end that nothing was accepted but what was
 * withheld: that once, unharmed, with any hops.
 */
export function besiege(
  victim: typeof NEAR | typeof FAR,
  datagrams: number,
  makers: StageMakers,
): Siege {
  const recording = record(victim, makers);
  const { world } = recording;
  const fates = new Map(
    Object.keys(ATTACKS).map((attack) => [
      attack,
      { attack, datagrams: 0, us: 0, counters: {} },
    ]),
  );
  const roll = dice(3);
  const below = (n: number): number => Math.floor(roll() * n);
  const kinds = Object.entries(ATTACKS);
  for (let i = 0; i < datagrams; i++) {
    const [name, make] = must(kinds[i % kinds.length], "attack");
    const bytes = make(recording, below);
    const source = below(STRANGERS) === 0 ? -1 : below(STRANGERS) === 0 ? FAR : ATTACKER;
    strike(recording, bytes, source, must(fates.get(name), "fate"));
    world.now += MS_PER_DATAGRAM;
    if (i % TICK_DATAGRAMS === 0) world.run(0);
  }
  // Before what is withheld has come: then what is forged of it is old news.
  for (const [name, make] of kinds) {
    const all = Array.from({ length: TIMED }, () => make(recording, below));
    must(fates.get(name), "fate").us = takeUs(world.at(NEAR), all, world.now);
  }
  assert.deepEqual(world.routers.map(({ frames }) => frames.length), [0, 0, 0, 0], "accepted");
  assert.deepEqual(accepted(recording, victim, below), accepted(record(victim, makers), victim));
  return { fates: [...fates.values()], openUs: openUs(world.at(NEAR), makers) };
}

/** Counters that say that a datagram went on. */
const PASSED = "framesRelayed";

function strike(
  { world }: Recording,
  bytes: Uint8Array,
  source: number,
  fate: Fate,
): void {
  const before = world.routers.map(({ counts }) => ({ ...counts }));
  const router = world.at(NEAR);
  router.take(bytes, bytes.length, source, world.now);
  fate.datagrams++;
  if ((router.counts[PASSED] ?? 0) > (before[NEAR]?.[PASSED] ?? 0)) world.deliver();
  let drops = 0;
  world.routers.forEach(({ counts }, i) => {
    for (const [name, value] of Object.entries(counts)) {
      const more = value - (before[i]?.[name] ?? 0);
      if (more === 0) continue;
      const at = i === NEAR ? name : `${name} at ${i}`;
      fate.counters[at] = (fate.counters[at] ?? 0) + more;
      if (name !== PASSED) drops += more;
    }
  });
  assert.equal(drops, 1, `${fate.attack}: in ${drops} counters`);
}

/** Sends what was withheld, twice. @returns the frames that came */
function accepted(
  { world, withheld }: Recording,
  victim: number,
  below?: (n: number) => number,
): Uint8Array[] {
  const { frames } = world.at(victim);
  const send = (segment: Uint8Array): void => {
    const bytes = segment.slice();
    // A relay needs one more.
    if (below !== undefined) bytes[1] = 2 + below(15);
    world.at(NEAR).take(bytes, bytes.length, ATTACKER, world.now);
    world.deliver();
  };
  withheld.forEach(send);
  assert.ok(frames.length > withheld.length / 20, "frames");
  const once = frames.splice(0);
  withheld.forEach(send);
  assert.equal(frames.length, 0, "a second time");
  assert.equal(world.at(ORIGIN).frames.length, 0, "at the origin");
  return once;
}

/** What a router takes for one of some datagrams. */
function takeUs(router: StageRouter, all: readonly Uint8Array[], now: number): number {
  const { outbox } = router;
  return timed(() => {
    for (const bytes of all) {
      router.take(bytes, bytes.length, ATTACKER, now);
      outbox.sent(outbox.count - outbox.first);
    }
  });
}

/** What the cipher alone takes for a segment of full size. */
function openUs({ slab }: StageRouter, makers: StageMakers): number {
  const ciphers = must(makers.ciphers, "ciphers")(slab);
  using opening = ciphers.opening("AES-256-GCM", new Uint8Array(32));
  const at = slab.alloc(FULL_BYTES, 64);
  const all = Array.from({ length: TIMED }, (_, i) => new Uint8Array(FULL_BYTES).fill(i));
  return timed(() => {
    for (const bytes of all) {
      slab.bytes.set(bytes, at);
      opening.open(at, at + 16, at + 16, FULL_BYTES - 32, at + FULL_BYTES - 16);
    }
  });
}

/** Returns the median of a few rounds of {@link TIMED} things, in microseconds for one. */
function timed(round: () => void): number {
  const times = Array.from({ length: TIMED_ROUNDS }, () => {
    const begin = performance.now();
    round();
    return performance.now() - begin;
  });
  return (times.toSorted((a, b) => a - b)[TIMED_ROUNDS >> 1] ?? 0) * 1000 / TIMED;
}

/** Formats figures, a line for each kind. */
export function formatSiege({ fates, openUs }: Siege): string {
  const total = fates.reduce((sum, { datagrams }) => sum + datagrams, 0);
  const us = (value: number): string => `${value.toFixed(2).padStart(7)} us  `;
  return [
    `${total} datagrams, none accepted; what one costs:`,
    `${us(openUs)}opening ${FULL_BYTES - 32} bytes in vain`,
    ...fates.map(({ attack, us: each, counters }) =>
      `${us(each)}${attack}: ` +
      Object.entries(counters).map(([name, count]) => `${name} ${count}`).join(", ")
    ),
    "",
  ].join("\n");
}
