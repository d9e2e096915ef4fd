/**
 * Somebody on the way who has recorded a stream of sealed segments, and what they make of it.
 *
 * ```
 *   router 0 ===> attacker, where router 1 stands ===> router 2 ===> router 3
 *
 *   heard      segments for 2 and 3 that arrived as well         for replays
 *   withheld   segments for 2 and 3 that did not                 what is forged of them has a counter that is fresh
 *   behind     segments from 2 and 3 back to 0                   for reflection
 * ```
 *
 * Both 2 and 3 hold a key from router 0 under the same id, so that a segment for one finds a key at the other. Two recordings
 * with the same seed are equal, byte by byte.
 *
 * @module
 */

import { must } from "../../base/mod.ts";
import { SEGMENT } from "../../switch/wire/shuttle_segment.ts";
import { SEND } from "../../switch/overlay/overlay.ts";
import { buildFrame } from "./frames.ts";
import { type StageMakers, StageWorld } from "./stage_world.ts";
import { TapReads } from "./tap_reads.ts";
import { dice } from "./underlay.ts";

/** The origin of the stream. */
export const ORIGIN = 0;
/** Where the attacker stands. */
export const ATTACKER = 1;
/** Its victim. */
export const NEAR = 2;
/** A victim behind that one. */
export const FAR = 3;

/** The key of router 0 has this id at both victims. */
const KEY_ID = 500;
/** The attacker is a member too, with keys of its own. */
const OWN_KEY_ID = 502;
const READS = 400;
/** One read of so many is withheld. */
const WITHHELD = 4;
/** First byte of a short id. */
const SHORT_ID = 0x101;
const HEADER_BYTES = 16;
/** Longest datagram that is made. */
const LONG_BYTES = 9_000;

/** What the attacker has. */
export interface Recording {
  /** The world, in the state after the stream. */
  readonly world: StageWorld;
  /** Segments that arrived. */
  readonly heard: readonly Uint8Array[];
  /** Segments that did not. */
  readonly withheld: readonly Uint8Array[];
  /** Segments of the other direction. */
  readonly behind: readonly Uint8Array[];
}

/** Records a stream of all kinds of frames from router 0 to a victim. */
export function record(victim: typeof NEAR | typeof FAR, makers: StageMakers): Recording {
  const world = new StageWorld(4, "sealed", 1_472, makers);
  world.agree(ORIGIN, NEAR, 1, [KEY_ID, KEY_ID]);
  world.agree(ORIGIN, FAR, 2, [KEY_ID + 1, KEY_ID]);
  world.agree(ATTACKER, NEAR, 3, [OWN_KEY_ID, OWN_KEY_ID]);
  world.agree(ATTACKER, FAR, 4, [OWN_KEY_ID + 1, OWN_KEY_ID]);
  world.run(1_000);
  const reads = new TapReads(dice(1));
  const heard: Uint8Array[] = [];
  const withheld: Uint8Array[] = [];
  const behind: Uint8Array[] = [];
  for (let i = 0; i < READS; i++) {
    // A few that are cut into fragments.
    const read = i % 16 === 1 ? large(i) : reads.next();
    const holds = i % WITHHELD === 1;
    world.lost = (from, to) => holds && from === ATTACKER && to === NEAR;
    world.wire.length = 0;
    if (world.at(ORIGIN).send(victim, read, world.now) !== SEND.OK) continue;
    world.deliver();
    (holds ? withheld : heard).push(...segments(world, ATTACKER, NEAR));
    world.wire.length = 0;
    if (i % 8 !== 0) continue;
    world.at(victim).send(ORIGIN, read, world.now);
    world.deliver();
    behind.push(...segments(world, NEAR, ATTACKER));
  }
  world.lost = () => false;
  for (const router of world.routers) {
    router.frames.length = 0;
    for (const name of Object.keys(router.counts)) delete router.counts[name];
  }
  return { world, heard, withheld, behind };
}

/** A datagram without DF that no segment holds. */
function large(i: number): Uint8Array {
  const frame = buildFrame({ udp: true, id: i, payload: new Uint8Array(4_000 + i).fill(i) });
  const read = new Uint8Array(10 + frame.length);
  read.set(frame, 10);
  return read;
}

/** What was on the wire between two routers, trains taken apart. */
function segments(world: StageWorld, from: number, to: number): Uint8Array[] {
  return world.wire.filter((sent) => sent.from === from && sent.to === to)
    .flatMap(({ train, segment }) => {
      const count = Math.ceil(train.length / segment);
      return Array.from({ length: count }, (_, i) => train.slice(i * segment, (i + 1) * segment));
    });
}

/** One way to make a datagram that must not be accepted. */
export type Attack = (recording: Recording, below: (n: number) => number) => Uint8Array;

/** All ways, by what is done. */
export const ATTACKS: Readonly<Record<string, Attack>> = {
  "sent again": ({ heard }, below) => pick(heard, below).slice(),
  "sent again, other hops": ({ heard }, below) => {
    const bytes = pick(heard, below).slice();
    bytes[1] = below(256);
    return bytes;
  },
  "bits changed behind the header": ({ withheld }, below) => {
    const bytes = pick(withheld, below).slice();
    flip(bytes, HEADER_BYTES, bytes.length, 1 + below(8), below);
    return bytes;
  },
  "a bit of the header changed": ({ withheld }, below) => {
    const bytes = pick(withheld, below).slice();
    // Not the hops, which are nobody's, and nothing that makes it one of sleeve.
    const at = [0, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15][below(15)] ?? 0;
    const bit = at === 0 ? 1 + below(7) : below(8);
    bytes[at] = (bytes[at] ?? 0) ^ (1 << bit);
    return bytes;
  },
  "another counter": ({ withheld, heard }, below) => {
    const bytes = pick(below(2) === 0 ? withheld : heard, below).slice();
    const view = new DataView(bytes.buffer);
    const [high, low] = COUNTERS[below(COUNTERS.length)] ?? [0, 0];
    view.setUint32(8, high);
    view.setUint32(12, low === 1 ? view.getUint32(12) + 100_000 + below(1 << 30) : low);
    return bytes;
  },
  "another type": ({ withheld }, below) => {
    const bytes = pick(withheld, below).slice();
    const others = Object.values(SEGMENT).filter((type) => type !== bytes[0]);
    bytes[0] = others[below(others.length)] ?? 0;
    return bytes;
  },
  "another key": ({ withheld }, below) => {
    const bytes = pick(withheld, below).slice();
    const view = new DataView(bytes.buffer);
    const own = below(2) === 0;
    view.setUint16(6, own ? OWN_KEY_ID : below(0x10000) | 1);
    if (own && below(2) === 0) view.setUint16(4, SHORT_ID + ATTACKER);
    return bytes;
  },
  "for somebody else": ({ withheld, heard }, below) => {
    const bytes = pick(below(2) === 0 ? withheld : heard, below).slice();
    const view = new DataView(bytes.buffer);
    const others = [ORIGIN, ATTACKER, NEAR, FAR, 7].map((peer) => SHORT_ID + peer)
      .filter((id) => id !== view.getUint16(2));
    view.setUint16(2, others[below(others.length)] ?? 0);
    return bytes;
  },
  "reflected": ({ behind }, below) => {
    const bytes = pick(behind, below).slice();
    const view = new DataView(bytes.buffer);
    const [destination, origin] = [view.getUint16(2), view.getUint16(4)];
    if (below(4) === 0) return bytes;
    view.setUint16(2, origin);
    view.setUint16(4, below(4) === 0 ? origin : destination);
    return bytes;
  },
  "cut short": ({ withheld }, below) => {
    const bytes = pick(withheld, below);
    return bytes.slice(0, 1 + below(bytes.length - 1));
  },
  "made longer": ({ withheld }, below) => {
    const bytes = pick(withheld, below);
    return spread([bytes, noise(1 + below(64), below)]);
  },
  "head of one, body of another": ({ withheld }, below) => {
    const [a, b] = [pick(withheld, below), pick(withheld, below)];
    if (a === b) return a.slice(0, -1);
    return spread([a.subarray(0, HEADER_BYTES), b.subarray(HEADER_BYTES)]);
  },
  "two in one": ({ withheld }, below) => spread([pick(withheld, below), pick(withheld, below)]),
  "a valid head, a body of noise": ({ withheld }, below) => {
    const head = pick(withheld, below).subarray(0, HEADER_BYTES);
    return spread([head, noise(1_452, below)]);
  },
  "a valid head, a long body of noise": ({ withheld }, below) => {
    const head = pick(withheld, below).subarray(0, HEADER_BYTES);
    return spread([head, noise(below(LONG_BYTES), below)]);
  },
  "noise": (_, below) => {
    const bytes = noise(1 + below(100), below);
    bytes[0] = (bytes[0] ?? 0) | 1;
    return bytes;
  },
};

/** Counters, upper and lower half; a lower one of 1 stands for one ahead of all. */
const COUNTERS: readonly (readonly [number, number])[] = [
  [0, 0],
  [0, 1],
  [0, 1],
  [0, 1],
  [0, 0xffff_ffff],
  [1, 1],
  [0x1f_ffff, 1],
  [0x20_0000, 1],
  [0xffff_ffff, 0xffff_ffff],
];

function pick(list: readonly Uint8Array[], below: (n: number) => number): Uint8Array {
  return must(list[below(list.length)], "a segment");
}

function flip(
  bytes: Uint8Array,
  from: number,
  to: number,
  bits: number,
  below: (n: number) => number,
): void {
  // In one byte each, so that no two take each other back.
  const at = from + below(to - from - bits + 1);
  for (let i = 0; i < bits; i++) bytes[at + i] = (bytes[at + i] ?? 0) ^ (1 << below(8));
}

/** Quick noise: a block of it, begun anywhere. */
const NOISE = Uint8Array.from({ length: 2 * LONG_BYTES }, ((roll) => () => roll() * 256)(dice(2)));

function noise(length: number, below: (n: number) => number): Uint8Array {
  const at = below(LONG_BYTES);
  return NOISE.slice(at, at + length);
}

function spread(parts: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
