/** A password is changed while the network goes on. */

import { equal, match } from "node:assert/strict";
import { addressOf, type Host, Lab } from "../helpers/lab.ts";
import { until } from "../helpers/until.ts";

const OLD = "the password of last year";
const NEW = "the password of this year";

Deno.test("a password changes host by host", async (t) => {
  using lab = new Lab();
  const hosts = [lab.host(), lab.host()] as const;
  const containers = [lab.container(), lab.container()] as const;

  const relaunch = async (host: Host, ...passwords: string[]): Promise<void> => {
    const other = hosts[host === hosts[0] ? 1 : 0];
    const file = `${lab.directory}/passwords`;
    Deno.writeTextFileSync(file, passwords.join("\n") + "\n", { mode: 0o600 });
    await host.tryWeft(["stop"]);
    await host.launch({ args: ["--password-file", file], peers: [other.address] });
    Deno.removeSync(file);
    await host.established();
  };
  const talks = async (): Promise<void> => {
    await until(
      async () => await containers[0].ping(addressOf(1)) === 1,
      15_000,
      "a ping between the hosts",
    );
  };

  const file = `${lab.directory}/first`;
  Deno.writeTextFileSync(file, OLD + "\n", { mode: 0o600 });
  await hosts[0].launch({ args: ["--password-file", file] });
  await hosts[0].attach(containers[0], `${addressOf(0)}/24`);
  await relaunch(hosts[1], OLD);
  await hosts[1].attach(containers[1], `${addressOf(1)}/24`);
  await talks();

  await t.step("old and new on one host", async () => {
    await relaunch(hosts[0], OLD, NEW);
    await talks();
  });
  await t.step("old and new on the other", async () => {
    await relaunch(hosts[1], OLD, NEW);
    await talks();
  });
  await t.step("new before old on one host", async () => {
    await relaunch(hosts[0], NEW, OLD);
    await talks();
  });
  await t.step("new before old on the other", async () => {
    await relaunch(hosts[1], NEW, OLD);
    await talks();
  });
  await t.step("the new one alone", async () => {
    await relaunch(hosts[0], NEW);
    await relaunch(hosts[1], NEW);
    await talks();
    const { stdout } = await hosts[1].weft("status");
    match(stdout, /Encryption: enabled/);
  });
  await t.step("the old one is refused from then on", async () => {
    await hosts[1].weft("stop");
    await hosts[1].launch({ password: OLD, peers: [hosts[0].address] });
    await until(
      async () => /password/i.test((await hosts[1].connections()).join("\n")),
      10_000,
      "the refusal",
    );
    equal(await containers[0].ping(addressOf(1)), 0);
  });
});
