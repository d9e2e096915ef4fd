/** Subnets apart from each other, and the host let in and kept out. */

import { equal } from "node:assert/strict";
import { addressOf, Lab, pair } from "../helpers/lab.ts";
import { until } from "../helpers/until.ts";

Deno.test("subnets and the host", async (t) => {
  using lab = new Lab();
  const { hosts, containers } = await pair(lab, { password: "rosebud" });
  const [near, beside, far, farther] = containers;

  await t.step("two subnets are isolated on one host and between hosts", async () => {
    const other = [lab.container(), lab.container()] as const;
    await hosts[0].attach(other[0], "10.2.2.1/24");
    await hosts[1].attach(other[1], "10.2.2.2/24");
    equal(await other[0].ping("10.2.2.2", 2), 2);
    equal(await near.ping("10.2.2.1"), 0);
    equal(await near.ping("10.2.2.2"), 0);
    equal(await other[1].ping(addressOf(0)), 0);
  });

  await t.step(
    "a container attached to a second subnet reaches both, and after detach one",
    async () => {
      await hosts[0].attach(beside, "10.2.2.9/24");
      equal(await beside.ping("10.2.2.2", 2), 2);
      equal(await beside.ping(addressOf(2), 2), 2);
      await hosts[0].weft("detach", "10.2.2.9/24", `netns:${beside.path}`);
      equal(await beside.ping("10.2.2.2"), 0);
      equal(await beside.ping(addressOf(2), 2), 2);
    },
  );

  await t.step("attaching the same address again succeeds", async () => {
    await hosts[1].attach(farther, `${addressOf(3)}/24`);
    equal(await near.ping(addressOf(3)), 1);
  });

  await t.step("expose lets the host in, hide keeps it out", async () => {
    equal(await hosts[0].ping(addressOf(0)), 0);
    await hosts[0].weft("expose", "10.2.1.101/24");
    await until(async () => await hosts[0].ping(addressOf(2)) === 1, 5000, "the host's ping");
    equal(await hosts[0].ping(addressOf(0), 2), 2);
    equal(await far.ping("10.2.1.101", 2), 2);
    await hosts[0].weft("hide", "10.2.1.101/24");
    equal(await hosts[0].ping(addressOf(0)), 0);
    equal(await far.ping("10.2.1.101"), 0);
  });

  await t.step("detach leaves no interface", async () => {
    await hosts[1].weft("detach", `${addressOf(3)}/24`, `netns:${farther.path}`);
    equal(farther.ip("-o", "link").includes("ethwe"), false);
    equal(await near.ping(addressOf(3)), 0);
  });
});
