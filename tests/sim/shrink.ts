/**
 * Makes a scenario that fails shorter, as long as it fails.
 *
 * What is left is seldom the same fault in each detail, but nearly always the same in kind, and short enough to be
 * thought through.
 *
 * @module
 */

import type { Event, Scenario } from "./scenario.ts";

/** Most tries: each plays a scenario to its end, and one that fails takes long. */
const TRIES = 250;

/** Returns the shortest scenario found for which `fails` holds, as it does for the one given. */
export function shrink(scenario: Scenario, fails: (scenario: Scenario) => boolean): Scenario {
  let best = scenario;
  let tries = 0;
  const attempt = (candidate: Scenario): boolean => {
    if (tries >= TRIES) return false;
    tries++;
    if (!fails(candidate)) return false;
    best = candidate;
    return true;
  };
  const simpler: Partial<Scenario>[] = [
    { walls: [] },
    { loss: 0 },
    { pieces: 0 },
    { shortIds: 0 },
    { limit: 0 },
    { discovery: false },
    { latency: [1, 3] },
  ];
  for (let before = ""; before !== JSON.stringify(best) && tries < TRIES;) {
    before = JSON.stringify(best);
    for (const peer of best.peers) attempt(without(best, peer));
    shortenList(best.events, (events) => attempt({ ...best, events }));
    shortenList(best.targets, (targets) => attempt({ ...best, targets }));
    for (const change of simpler) {
      const candidate = { ...best, ...change };
      if (JSON.stringify(candidate) !== JSON.stringify(best)) attempt(candidate);
    }
  }
  return best;
}

/** Leaves out parts of a list, large ones first; `attempt` says whether what is left still fails. */
function shortenList<T>(items: readonly T[], attempt: (items: readonly T[]) => boolean): void {
  let best = items;
  for (let size = items.length >> 1; size > 0; size >>= 1) {
    for (let at = 0; at < best.length;) {
      const shorter = [...best.slice(0, at), ...best.slice(at + size)];
      if (attempt(shorter)) best = shorter;
      else at += size;
    }
  }
}

function without(scenario: Scenario, peer: number): Scenario {
  const others = (pair: readonly [number, number]): boolean => !pair.includes(peer);
  const concerns = (event: Event): boolean =>
    ("a" in event && event.a === peer) || ("b" in event && event.b === peer);
  return {
    ...scenario,
    peers: scenario.peers.filter((each) => each !== peer),
    targets: scenario.targets.filter(others),
    walls: scenario.walls.filter(others),
    events: scenario.events.filter((event) => !concerns(event)).map((event) =>
      event.kind === "split"
        ? { ...event, group: event.group.filter((each) => each !== peer) }
        : event
    ),
  };
}
