/** Links of a partial mesh that go and come back, one under a flow, then all between two halves. */

import { deepEqual, ok } from "node:assert/strict";
import { must } from "../../base/mod.ts";
import {
  allTalk,
  type Cluster,
  cluster,
  type Edge,
  figure,
  settled,
  silentPairs,
  soakMs,
} from "../helpers/cluster.ts";
import { addressOf, type Host, Lab } from "../helpers/lab.ts";
import { pause, until } from "../helpers/until.ts";

const EDGES: readonly Edge[] = [[0, 1], [0, 2], [3, 1], [2, 3], [4, 2], [3, 5], [5, 4], [1, 4]];
/** The halves, each in one piece. */
const HALVES = [[0, 1, 2], [3, 4, 5]] as const;
/** Three times the 10 s that are promised. */
const WHOLE_MS = 30_000;

function ends({ hosts }: Cluster, [a, b]: Edge): [Host, Host] {
  return [must(hosts[a], "host"), must(hosts[b], "host")];
}

Deno.test("links of a partial mesh go and come back", async (t) => {
  using lab = new Lab();
  const all = await cluster(lab, 6, EDGES, { password: "rosebud" });
  const { hosts, containers } = all;
  await allTalk(containers);

  await t.step(
    "a flow takes another way while its link is cut, and the link comes back",
    async () => {
      const from = must(containers[0], "container");
      await using flow = from.start(["ping", "-n", "-i", "0.1", "-W", "1", addressOf(2)]);
      await flow.says(/icmp_seq=5 /);
      const start = performance.now();
      lab.break(...ends(all, [0, 2]));
      await until(async () => await from.ping(addressOf(2)) === 1, WHOLE_MS, "the other way");
      figure(`other way after ${Math.round(performance.now() - start)} ms`);
      await settled(hosts, EDGES.filter(([a, b]) => a !== 0 || b !== 2));
      lab.heal(...ends(all, [0, 2]));
      const healed = performance.now();
      await settled(hosts, EDGES);
      figure(`link is back ${Math.round(performance.now() - healed)} ms after healing`);
      deepEqual(await silentPairs(containers), []);
    },
  );

  await t.step("a link that is silent for 5 s", async () => {
    const link = ends(all, [1, 4]);
    lab.cut(...link);
    await pause(5_000);
    figure(`after 5 s of silence on a link no answer: ${await silentPairs(containers)}`);
    lab.heal(...link);
    figure(`all talk ${await allTalk(containers, WHOLE_MS)} ms after healing`);
    await settled(hosts, EDGES);
  });

  await t.step("two halves work alone and find together again", async () => {
    const across = EDGES.filter(([a, b]) => (a < 3) !== (b < 3));
    const start = performance.now();
    for (const edge of across) lab.break(...ends(all, edge));
    const halves = HALVES.map((half) => half.map((i) => must(containers[i], "container")));
    const [left = [], right = []] = halves;
    await Promise.all([halfTalks(left, 0), halfTalks(right, 3)]);
    await Promise.all(HALVES.map((half) => seesOnly(all, half)));
    await pause(Math.max(0, soakMs(5_000) - (performance.now() - start)));
    await Promise.all([halfTalks(left, 0), halfTalks(right, 3)]);
    for (const edge of across) lab.heal(...ends(all, edge));
    const together = await allTalk(containers, WHOLE_MS);
    figure(`all 15 pairs talk ${together} ms after healing`);
    ok(together > 0);
    await settled(hosts, EDGES);
  });
});

/** Waits until containers that have addresses from `first` on reach each other. */
async function halfTalks(half: Cluster["containers"], first: number): Promise<void> {
  await until(
    async () => {
      const answers = await Promise.all(
        half.flatMap((from, i) =>
          half.flatMap((_, j) => i < j ? [from.ping(addressOf(first + j))] : [])
        ),
      );
      return answers.every((count) => count === 1);
    },
    WHOLE_MS,
    `answers within the half that begins at ${first}`,
  );
}

/** Waits until the hosts of a half know of nobody else. */
async function seesOnly({ hosts }: Cluster, half: readonly number[]): Promise<void> {
  await until(
    async () => {
      const views = await Promise.all(half.map((i) => must(hosts[i], "host").peers()));
      return views.every((view) => view.length === half.length);
    },
    WHOLE_MS,
    `forgetting all but ${half}`,
  );
}
