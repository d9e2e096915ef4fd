/**
 * One scenario from its beginning to the verdict.
 *
 * ```
 *   events --> all is repaired --> run until nothing changes and all is as it should be, or time is up
 *          --> a while of silence: only periodic gossip and heartbeats --> a piece of news, foreign messages
 * ```
 *
 * @module
 */

import type { Millis } from "../../base/mod.ts";
import { broadcastMessage, gossipMessage, unicastMessage } from "../../mesh/wire.ts";
import * as oracle from "./oracle.ts";
import type { Run } from "./peer.ts";
import { componentsOf, problemsOf } from "./properties.ts";
import type { Event, Pair, Scenario } from "./scenario.ts";
import { FOREIGN, nameOf, numberOf, World } from "./world.ts";

/** Longest time to converge; a pause between two dials may be nine minutes, jitter included. */
const PATIENCE_MS = 15 * 60_000;
/** Without a change for so long, which is more than a round of periodic gossip, a mesh is quiet. */
const QUIET_MS = 35_000;
/** Between two looks at whether it is quiet. */
const LOOK_MS = 5_000;
/** How long it is watched afterwards: two rounds of periodic gossip. */
const WATCH_MS = 60_500;
/** Messages that a neighbour may get meanwhile, heartbeats not counted. */
const MAX_MESSAGES = 3;
/** Ticks that a peer may want a second, for itself and for each link. */
const MAX_TICKS = 10;
/** Up to so many peers each neighbour is among the random ones. */
const SURE_PEERS = 6;

/** How it went. */
export interface Outcome {
  /** What is wrong; empty if all is well. */
  readonly problems: readonly string[];
  /** From the repair to the last change, in virtual time. */
  readonly convergedMs: Millis;
}

/** Plays a scenario. It throws only for what no core should do: its own invariants are broken. */
export function play(scenario: Scenario): Outcome {
  const world = new World(scenario);
  const buried = new Set<number>();
  for (const event of scenario.events) {
    world.at(event.at, () => perform(world, scenario, event, buried));
  }
  world.pass(Math.max(0, ...scenario.events.map((event) => event.at)));
  repair(world, scenario, buried);
  const begin = world.now;
  const { problems, since } = settle(world, scenario);
  const convergedMs = since - begin;
  // A peer at its limit is dialled again and again, and the dialler takes it for a link until it is refused.
  if (problems.length > 0 || scenario.limit > 0) return { problems, convergedMs };
  const unrest = watch(world);
  if (unrest.length > 0) return { problems: unrest, convergedMs };
  return { problems: [...newsProblems(world), ...foreignProblems(world)], convergedMs };
}

/** Plays a scenario; whatever is thrown is a problem. */
export function verdict(scenario: Scenario): Outcome {
  try {
    return play(scenario);
  } catch (error) {
    const text = error instanceof Error ? error.stack ?? error.message : String(error);
    return { problems: [text], convergedMs: 0 };
  }
}

function perform(world: World, scenario: Scenario, event: Event, buried: Set<number>): void {
  switch (event.kind) {
    case "cut":
      return world.setPath(event.a, event.b, "silent");
    case "bar":
      return world.setPath(event.a, event.b, "unreachable");
    case "mute":
      return world.setPath(event.a, event.b, "silent", true);
    case "heal":
      return world.setPath(event.a, event.b, "open");
    case "reset":
      return world.network.reset(event.a, event.b);
    case "failOverlay":
      return world.run(event.a)?.failOverlay(event.b);
    case "withdraw":
    case "restore":
      return world.withdraw(event.a, event.b, event.kind === "withdraw");
    case "connect":
    case "forget":
      return world.aim(event.kind, event.a, event.b);
    case "bury":
      buried.add(event.a);
      return world.kill(event.a);
    case "start":
      return buried.has(event.a) ? undefined : world.start(event.a);
    case "kill":
    case "powerOff":
    case "pause":
    case "resume":
      return world[event.kind](event.a);
    case "speak":
      return speak(world, event.a, event.b);
    case "split":
    case "join":
      for (const [a, b] of pairs(scenario.peers)) {
        const apart = event.kind === "split" &&
          event.group.includes(a) !== event.group.includes(b);
        if (apart || event.kind === "join") world.setPath(a, b, apart ? "silent" : "open");
      }
  }
}

function pairs(peers: readonly number[]): Pair[] {
  return peers.flatMap((a, i) => peers.slice(i + 1).map((b): Pair => [a, b]));
}

function repair(world: World, scenario: Scenario, buried: ReadonlySet<number>): void {
  for (const [a, b] of pairs(scenario.peers)) {
    world.setPath(a, b, "open");
    world.withdraw(a, b, false);
    world.withdraw(b, a, false);
  }
  for (const peer of scenario.peers) {
    world.resume(peer);
    if (!buried.has(peer)) world.start(peer);
  }
}

/** Runs until nothing changes any more and nothing is wrong; returns what still is when time is up. */
function settle(world: World, scenario: Scenario): { problems: string[]; since: Millis } {
  const end = world.now + PATIENCE_MS;
  let before = "";
  let since = world.now;
  let judged = false;
  let problems: string[] = [];
  while (world.now < end) {
    const state = stateOf(world);
    if (state !== before) {
      [before, since, judged] = [state, world.now, false];
    } else if (world.now - since >= QUIET_MS && !judged) {
      judged = true;
      problems = problemsOf(world, scenario);
      if (problems.length === 0) return { problems, since };
    }
    world.pass(LOOK_MS);
  }
  problems = problemsOf(world, scenario);
  return { problems: problems.length > 0 ? problems : ["it does not come to rest"], since };
}

/** Returns a text that changes with each table and each link. */
function stateOf(world: World): string {
  return world.runs.map((run) => `${run.host} ${run.core.topology.revision} ${run.tally.changes}`)
    .join();
}

/** Lets time pass in which nothing may happen but periodic gossip, heartbeats and dials in vain. */
function watch(world: World): string[] {
  const before = new Map(world.runs.map((run) => [run, {
    state: stateOf(world),
    ticks: run.tally.ticks,
    messages: new Map(run.tally.messages),
    strays: new Set(run.strays()),
  }]));
  world.pass(WATCH_MS);
  const problems: string[] = [];
  for (const [run, then] of before) {
    if (then.state !== stateOf(world)) return ["it changes again without a cause"];
    for (const [id, host] of run.links) {
      const count = (run.tally.messages.get(id) ?? 0) - (then.messages.get(id) ?? 0);
      if (count <= MAX_MESSAGES) continue;
      problems.push(`${run.host} sent ${count} messages to ${host} in ${WATCH_MS / 1000} s`);
    }
    const ticks = run.tally.ticks - then.ticks;
    if (ticks > (1 + run.links.size) * MAX_TICKS * WATCH_MS / 1000) {
      problems.push(`${run.host} wanted ${ticks} ticks in ${WATCH_MS / 1000} s`);
    }
    if (run.strays().some((end) => end.state === "open" && then.strays.has(end))) {
      problems.push(`${run.host} keeps a connection that is in no topology`);
    }
  }
  return problems;
}

/** Lets an overlay fail and come back; everybody must hear of it at once, not with the next periodic gossip. */
function newsProblems(world: World): string[] {
  return componentsOf(world).flatMap((group) => {
    const teller = group[0];
    const neighbour = teller?.links.values().next().value;
    if (teller === undefined || neighbour === undefined || group.length > SURE_PEERS) return [];
    return [true, false].flatMap((withdrawn) => {
      world.withdraw(teller.host, neighbour, withdrawn);
      world.pass(2 * longestWay(world, group));
      const { name, version } = teller.core.topology.self;
      return group.filter((run) => run.core.topology.get(name)?.version !== version)
        .map((run) => `${run.host} has not heard what ${teller.host} announced`);
    });
  });
}

/** Sends a broadcast and some unicasts of one peer on a channel that no core handles. */
function speak(world: World, from: number, to: number): void {
  const run = world.run(from);
  if (run === undefined) return;
  const [source, destination] = [nameOf(from), nameOf(to)];
  const payload = Uint8Array.of(from, to);
  const broadcast = broadcastMessage(FOREIGN, source, payload);
  const gossip = gossipMessage(FOREIGN, source, payload);
  for (const host of [...run.links.values()]) {
    run.inject(host, broadcast);
    run.inject(host, gossip);
  }
  const hop = oracle.nextHops(tableOf(run), "all", source).get(destination);
  const unicast = unicastMessage(FOREIGN, source, destination, payload);
  if (hop !== undefined) run.inject(numberOf(hop), unicast);
}

function tableOf(run: Run): oracle.Table {
  return new Map([...run.core.topology.entries()].map((entry) => [entry.name, entry]));
}

/** Lets peers speak on a foreign channel and counts what arrives. */
function foreignProblems(world: World): string[] {
  return componentsOf(world).flatMap((group) => {
    // Gossip of an earlier payload would not go on if it is repeated too soon; the silence before was long enough.
    const speakers = group.slice(0, 4);
    return speakers.flatMap((speaker, i) => {
      const listener = group.at(-1 - i) ?? speaker;
      world.foreign.length = 0;
      world.listens = true;
      speak(world, speaker.host, listener.host);
      world.pass(longestWay(world, group));
      world.listens = false;
      return judgeForeign(world, group, speaker, listener);
    });
  });
}

function longestWay(world: World, group: readonly Run[]): Millis {
  let longest = 0;
  for (const a of group) {
    for (const b of group) longest = Math.max(longest, world.latency(a.host, b.host));
  }
  return group.length * longest + 5_000;
}

function judgeForeign(world: World, group: readonly Run[], speaker: Run, listener: Run): string[] {
  const problems: string[] = [];
  const sent = world.foreign;
  const count = (kind: string, to: number): number =>
    sent.filter((each) => each.kind === kind && each.to === to).length;
  for (const { host } of group) {
    const copies = count("broadcast", host);
    const expected = host === speaker.host ? 0 : 1;
    if (copies !== expected) {
      problems.push(`${host} got ${copies} copies of a broadcast of ${speaker.host}`);
    }
    if (host === speaker.host || group.length > SURE_PEERS) continue;
    if (count("gossip", host) === 0) {
      problems.push(`${host} did not get foreign gossip of ${speaker.host}`);
    }
  }
  // The speaker's own core does not know what was sent in its name, and passes it on when it hears of it.
  const gossip = sent.filter((each) => each.kind === "gossip" && each.from !== speaker.host)
    .map(({ from, to }) => `${from} ${to}`);
  if (new Set(gossip).size < gossip.length) problems.push("foreign gossip was sent twice");
  const hops = sent.filter((each) => each.kind === "unicast");
  const table = tableOf(speaker);
  const [from, to] = [nameOf(speaker.host), nameOf(listener.host)];
  const way = oracle.distance(table, "all", from, to) ?? 0;
  if (hops.length !== way || (way > 0 && count("unicast", listener.host) !== 1)) {
    problems.push(
      `a unicast from ${speaker.host} to ${listener.host} took ${hops.length} hops of ${way}`,
    );
  }
  return problems;
}
