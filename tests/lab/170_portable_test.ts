/** Without libsodium: slower, and the same bytes. */

import { equal, match } from "node:assert/strict";
import { addressOf, Lab } from "../helpers/lab.ts";

Deno.test("a router without libsodium talks to one that has it", async (t) => {
  using lab = new Lab();
  const hosts = [lab.host(), lab.host()] as const;
  const containers = [lab.container(), lab.container()] as const;
  const password = "rosebud";
  const { stderr } = await hosts[0].launch({ password, args: ["--no-libsodium"] });
  await hosts[1].launch({ password, peers: [hosts[0].address] });
  await hosts[0].attach(containers[0], `${addressOf(0)}/24`);
  await hosts[1].attach(containers[1], `${addressOf(1)}/24`);
  await hosts[1].established();

  await t.step("it says so", () => match(stderr + hosts[0].log(), /libsodium/));
  await t.step("ping passes both ways", async () => {
    equal(await containers[0].ping(addressOf(1), 5), 5);
    equal(await containers[1].ping(addressOf(0), 5), 5);
    equal(await containers[1].ping(addressOf(0), 2, "-s", "20000"), 2);
  });
});
