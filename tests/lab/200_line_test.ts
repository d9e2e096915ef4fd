/** Four hosts in a line: what goes from end to end passes two relays. */

import { deepEqual, equal } from "node:assert/strict";
import { allTalk, cluster, Ears } from "../helpers/cluster.ts";
import { addressOf, Lab } from "../helpers/lab.ts";
import { receiver, sender } from "../helpers/tools.ts";
import { must } from "../../base/mod.ts";

const LINE = [[0, 1], [1, 2], [2, 3]] as const;
const TRANSFER_BYTES = 5_000_000;
const STREAM = 50;

Deno.test("a line of four hosts", async (t) => {
  using lab = new Lab();
  const { containers } = await cluster(lab, 4, LINE, { password: "rosebud" });
  const [near, far] = [must(containers[0], "container"), must(containers[3], "container")];
  await allTalk(containers);

  await t.step("the ends ping each other over two relays", async () => {
    equal(await near.ping(addressOf(3), 5), 5);
    equal(await far.ping(addressOf(0), 5), 5);
  });

  await t.step("a ping of 60 kB passes in fragments", async () => {
    equal(await near.ping(addressOf(3), 3, "-s", "60000"), 3);
    equal(await far.ping(addressOf(0), 3, "-s", "60000"), 3);
  });

  await t.step("5 MB of TCP arrive intact each way", async () => {
    await using server = await receiver(far, "tcp-in", "5001", `${TRANSFER_BYTES}`);
    const client = await sender(near, "tcp-out", addressOf(3), "5001", `${TRANSFER_BYTES}`);
    await server.done();
    const hash = (text: string, word: string): string =>
      new RegExp(`^${word} ([0-9a-f]{64})$`, "m").exec(text)?.[1] ?? `nothing ${word}`;
    equal(hash(server.output, "received"), hash(client.stdout, "sent"));
    equal(hash(client.stdout, "received"), hash(server.output, "sent"));
  });

  await t.step(
    "group and broadcast streams from an end arrive exactly once everywhere",
    async () => {
      await using ears = await Ears.open(containers);
      deepEqual(await ears.wrongCopies(0, STREAM), []);
      deepEqual(await ears.wrongCopies(3, STREAM), []);
    },
  );
});
