/** An underlay whose packets are smaller than the containers think. */

import { equal, match, ok } from "node:assert/strict";
import { addressOf, Lab, pair } from "../helpers/lab.ts";
import { until } from "../helpers/until.ts";

const LINK_MTU = 1300;

Deno.test("a path of 1300 bytes", async (t) => {
  using lab = new Lab();
  const { hosts, containers: [near, , far] } = await pair(lab, { password: "rosebud" });
  for (const host of hosts) host.linkMtu(LINK_MTU);

  await t.step("a packet that does not fit draws the right size", async () => {
    const told = await until(
      async () => {
        const args = ["ping", "-n", "-c", "2", "-i", "0.2", "-W", "1", "-M", "do", "-s", "1348"];
        const { stdout, stderr } = await near.run([...args, addressOf(2)], { mayFail: true });
        const mtu = /mtu ?= ?(\d+)/i.exec(stdout + stderr)?.[1];
        return mtu === undefined || mtu === "1376" ? undefined : Number(mtu);
      },
      30_000,
      "being told the path's MTU",
    );
    ok(told < LINK_MTU && told > LINK_MTU - 150, `told ${told}`);
    const fits = `${told - 28}`;
    equal(await near.ping(addressOf(2), 2, "-M", "do", "-s", fits), 2);
  });

  await t.step("large packets pass in fragments", async () => {
    await until(async () => await far.ping(addressOf(0), 2, "-s", "8000") === 2, 15_000, "8 kB");
    equal(await near.ping(addressOf(2), 2, "-s", "60000"), 2);
  });

  await t.step("status shows the MTU that was found", async () => {
    await until(
      async () => (await hosts[0].connections()).some((line) => /mtu=1[12]\d\d/.test(line)),
      15_000,
      "the MTU in status",
    );
    match((await hosts[0].connections()).join("\n"), /established/);
  });
});
