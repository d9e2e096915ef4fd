import { deepEqual, equal, ok } from "node:assert/strict";
import { makeScenario } from "./scenario.ts";
import { shrink } from "./shrink.ts";

Deno.test("shrink() leaves what is needed to fail and nothing else", () => {
  const seed = Array.from({ length: 100 }, (_, i) => i).find((each) => {
    const { peers, events } = makeScenario(each);
    return peers.length > 4 && events.some((event) => event.kind === "kill");
  });
  const scenario = makeScenario(seed ?? 0);
  const short = shrink(
    scenario,
    ({ peers, events }) => peers.length > 1 && events.some((event) => event.kind === "kill"),
  );
  equal(short.peers.length, 2);
  deepEqual(short.events.map((event) => event.kind), ["kill"]);
  deepEqual([short.targets, short.walls, short.discovery], [[], [], false]);
});

Deno.test("makeScenario() makes the same of the same seed, and another of another", () => {
  deepEqual(makeScenario(3), makeScenario(3));
  ok(JSON.stringify(makeScenario(3)) !== JSON.stringify(makeScenario(4)));
});
