/** Every pair talks and every flood arrives exactly once, whatever the shape of the mesh. */

import { deepEqual } from "node:assert/strict";
import { allTalk, cluster, Ears, type Edge, silentPairs } from "../helpers/cluster.ts";
import { Lab } from "../helpers/lab.ts";

const STREAM = 30;

interface Shape {
  readonly name: string;
  readonly size: number;
  readonly edges: readonly Edge[];
  /** An end and one in the middle, whence streams come. */
  readonly sources: readonly [number, number];
}

const SHAPES: readonly Shape[] = [
  {
    name: "a star of five hosts",
    size: 5,
    edges: [[1, 0], [2, 0], [3, 0], [4, 0]],
    sources: [3, 0],
  },
  {
    name: "two islands of three hosts, joined by one link",
    size: 6,
    edges: [[1, 0], [2, 1], [0, 2], [4, 3], [5, 4], [3, 5], [2, 3]],
    sources: [0, 3],
  },
  {
    name: "six hosts in a partial mesh with many cycles",
    size: 6,
    edges: [[0, 1], [0, 2], [3, 1], [2, 3], [4, 2], [3, 5], [5, 4], [1, 4]],
    sources: [5, 3],
  },
];

for (const { name, size, edges, sources } of SHAPES) {
  Deno.test(name, async (t) => {
    using lab = new Lab();
    const { containers } = await cluster(lab, size, edges, { password: "rosebud" });
    await allTalk(containers);

    await t.step("all pairs ping, with packets of any size", async () => {
      deepEqual(await silentPairs(containers), []);
      deepEqual(await silentPairs(containers, "-s", "9000"), []);
    });

    await t.step("group and broadcast streams arrive exactly once everywhere", async () => {
      await using ears = await Ears.open(containers);
      for (const source of sources) deepEqual(await ears.wrongCopies(source, STREAM), []);
    });
  });
}
