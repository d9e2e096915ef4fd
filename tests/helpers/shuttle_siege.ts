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
  /** Time that the router took for them. */
  ms: number;
  /** Which counters they are in. */
  readonly counters: Record<string, number>;
}

/** What became of all. */
export interface Siege {
  /** By kind. */
  readonly fates: readonly Fate[];
  /** What opening 1,452 bytes in vain costs alone, in microseconds. */
  readonly openUs: number;
}

const OPEN_TRIES = 20_000;
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
      { attack, datagrams: 0, ms: 0, counters: {} },
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
  const begin = performance.now();
  router.take(bytes, bytes.length, source, world.now);
  fate.ms += performance.now() - begin;
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

/** What the cipher alone takes for a segment of full size. */
function openUs({ slab }: StageRouter, makers: StageMakers): number {
  const ciphers = must(makers.ciphers, "ciphers")(slab);
  using opening = ciphers.opening("AES-256-GCM", new Uint8Array(32));
  const at = slab.alloc(2_048, 64);
  const begin = performance.now();
  for (let i = 0; i < OPEN_TRIES; i++) {
    assert.ok(!opening.open(at, at + 16, at + 16, 1_436, at + 1_452));
  }
  return (performance.now() - begin) * 1000 / OPEN_TRIES;
}

/** Formats figures, a line for each kind. */
export function formatSiege({ fates, openUs }: Siege): string {
  const total = fates.reduce((sum, { datagrams }) => sum + datagrams, 0);
  const ms = fates.reduce((sum, fate) => sum + fate.ms, 0);
  const us = (sum: number, count: number): string => (sum * 1000 / count).toFixed(2).padStart(7);
  return [
    `${total} datagrams, none accepted; opening 1436 bytes in vain: ${openUs.toFixed(2)} us`,
    `${us(ms, total)} us each`,
    ...fates.map((fate) =>
      `${us(fate.ms, fate.datagrams)} us  ${fate.attack}: ` +
      Object.entries(fate.counters).map(([name, count]) => `${name} ${count}`).join(", ")
    ),
    "",
  ].join("\n");
}
