/**
 * Scenarios that failed once. They are played first, always.
 *
 * @module
 */

import type { Event, Scenario } from "./scenario.ts";

/** A scenario and what it broke. */
export interface Found {
  /** What went wrong. */
  readonly what: string;
  /** What is played. */
  readonly scenario: Scenario;
}

const PLAIN = {
  seed: 1,
  ports: false,
  walls: [],
  wall: "silent",
  discovery: false,
  limit: 0,
  latency: [1, 3],
  loss: 0,
  pieces: 0,
  shortIds: 0,
} as const;

/** All of them. */
export const FOUND: readonly Found[] = [
  {
    what: "links are slower than the sweep: the entry of a dead peer runs round for ever",
    scenario: {
      ...PLAIN,
      seed: 5,
      peers: [1, 2, 3, 4, 6],
      targets: [[1, 4], [6, 1], [1, 3], [3, 2]],
      discovery: true,
      latency: [100, 1_200],
      events: [
        { at: 470, kind: "start", a: 3 },
        { at: 1_149, kind: "start", a: 1 },
        { at: 2_255, kind: "start", a: 2 },
        { at: 2_387, kind: "start", a: 4 },
        { at: 2_945, kind: "start", a: 6 },
        { at: 59_818, kind: "kill", a: 4 },
        { at: 62_777, kind: "bury", a: 3 },
      ],
    },
  },
  // Who is dialled answers 13 s after the start at the earliest; before the fix 24 s were needed.
  ...[14_000, 17_500, 21_000].map((at): Found => ({
    what: `halves dial each other, slowly, and who introduced them dies after ${at / 1000} s`,
    scenario: {
      ...PLAIN,
      peers: [1, 2, 3],
      targets: [[2, 1], [3, 1]],
      discovery: true,
      latency: [2_000, 2_900],
      whole: true,
      events: [...starts(1, 2, 3), { at, kind: "bury", a: 1 }],
    },
  })),
  {
    what: "a peer at its limit is dialled every second, since who is dialled is forgotten",
    scenario: {
      ...PLAIN,
      seed: 286,
      peers: [1, 2, 3, 4, 5, 6],
      targets: [[1, 2], [2, 3], [3, 4], [4, 5], [5, 6], [6, 1]],
      discovery: true,
      limit: 3,
      latency: [1, 3_000],
      events: starts(1, 2, 3, 4, 5, 6),
    },
  },
];

/** Starts peers one after the other. */
function starts(...peers: readonly number[]): Event[] {
  return peers.map((a, i) => ({ at: i * 500, kind: "start", a }));
}
