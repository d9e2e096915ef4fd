/** What a container on one host gets to a container on the other: encrypted and in clear. */

import { equal, match } from "node:assert/strict";
import { addressOf, Lab, pair } from "../helpers/lab.ts";
import type { Namespace } from "../helpers/namespace.ts";
import { receiver, sender } from "../helpers/tools.ts";

const PING_HEADERS = 28;
const TRANSFER_BYTES = 20_000_000;

/** Reads the MTU of the container's interface. */
function mtuOf(container: Namespace): number {
  return Number(/ mtu (\d+) /.exec(container.ip("link", "show", "ethwe"))?.[1]);
}

for (const [mode, password] of [["encrypted", "rosebud"], ["plain", undefined]] as const) {
  Deno.test(`two hosts, ${mode}`, async (t) => {
    using lab = new Lab();
    const { hosts, containers } = await pair(lab, password === undefined ? {} : { password });
    const [near, , far] = containers;

    await t.step("status says how the data travels", async () => {
      const [line = ""] = await hosts[1].connections();
      if (password === undefined) match(line, /established +(sleeve|shuttle) /);
      else match(line, /established +encrypted +(sleeve|shuttle) /);
    });

    await t.step("ping passes both ways", async () => {
      equal(await near.ping(addressOf(2), 5), 5);
      equal(await far.ping(addressOf(0), 5), 5);
    });

    await t.step(
      "ping without fragmentation passes at the MTU and not one byte above",
      async () => {
        const size = mtuOf(near) - PING_HEADERS;
        equal(await near.ping(addressOf(2), 2, "-M", "do", "-s", `${size}`), 2);
        const args = ["ping", "-n", "-c", "1", "-W", "1", "-M", "do", "-s", `${size + 1}`];
        const above = await near.run([...args, addressOf(2)], { mayFail: true });
        equal(above.code, 1);
        match(above.stdout + above.stderr, /message too long/i);
      },
    );

    await t.step("a ping of 60 kB passes in fragments", async () => {
      equal(await near.ping(addressOf(2), 3, "-s", "60000"), 3);
      equal(await far.ping(addressOf(0), 3, "-s", "60000"), 3);
    });

    await t.step("20 MB of TCP arrive intact each way", async () => {
      await using server = await receiver(far, "tcp-in", "5001", `${TRANSFER_BYTES}`);
      const client = await sender(near, "tcp-out", addressOf(2), "5001", `${TRANSFER_BYTES}`);
      await server.done();
      const hash = (text: string, word: string): string =>
        new RegExp(`^${word} ([0-9a-f]{64})$`, "m").exec(text)?.[1] ?? `nothing ${word}`;
      equal(hash(server.output, "received"), hash(client.stdout, "sent"));
      equal(hash(client.stdout, "received"), hash(server.output, "sent"));
    });
  });
}

Deno.test("a thousand pings lose none", async () => {
  using lab = new Lab();
  const { containers: [near] } = await pair(lab, { password: "rosebud" });
  equal(await near.ping(addressOf(3), 1000, "-i", "0.01"), 1000);
});
