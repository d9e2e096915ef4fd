/** Two subnets of one network, on two hosts: who is in one does not reach the other, who is in both reaches both. */

import { deepEqual, match } from "node:assert/strict";
import { must } from "../../base/mod.ts";
import { type Host, Lab } from "../helpers/lab.ts";
import type { Namespace } from "../helpers/namespace.ts";
import { until } from "../helpers/until.ts";

const READY_MS = 30_000;
const SUBNETS = ["net:10.32.1.0/24", "net:10.32.2.0/24"] as const;

interface Member {
  readonly at: Namespace;
  /** Which of the subnets it is in. */
  readonly subnets: readonly number[];
  readonly addresses: readonly string[];
}

async function member(lab: Lab, host: Host, subnets: readonly number[]): Promise<Member> {
  const at = lab.container();
  const words = subnets.map((i) => must(SUBNETS[i], "subnet"));
  const { stdout } = await host.weft("attach", ...words, `netns:${at.path}`);
  const addresses = stdout.trim().split(" ");
  subnets.forEach((i, k) => match(addresses[k] ?? "", new RegExp(`^10\\.32\\.${i + 1}\\.`)));
  return { at, subnets, addresses };
}

Deno.test("containers of two subnets", async (t) => {
  using lab = new Lab();
  const hosts = [lab.host(), lab.host()] as const;
  await hosts[0].launch({ password: "rosebud" });
  await hosts[1].launch({ password: "rosebud", peers: [hosts[0].address] });
  await hosts[1].established(1, READY_MS);
  const members: Member[] = [];
  for (const host of hosts) {
    for (const subnets of [[0], [1], [0, 1]]) members.push(await member(lab, host, subnets));
  }

  const reached = async (expected: boolean): Promise<void> => {
    const wrong: string[] = [];
    const look = async (from: Member, address: string): Promise<void> => {
      const subnet = Number(address.split(".")[2]) - 1;
      if (from.addresses.includes(address) || from.subnets.includes(subnet) !== expected) return;
      const arrives = async (): Promise<boolean> => await from.at.ping(address) === 1;
      if (!expected) {
        if (await arrives()) wrong.push(`${from.addresses} reaches ${address}`);
      } else await until(arrives, READY_MS, `a ping from ${from.addresses} to ${address}`);
    };
    await Promise.all(members.map(async (from) => {
      for (const to of members) for (const address of to.addresses) await look(from, address);
    }));
    deepEqual(wrong, []);
  };

  await t.step("reach all of their own subnets, on both hosts", () => reached(true));
  await t.step("reach none of the other, from the same host or another", () => reached(false));
  await t.step("nor when the hosts are exposed to both", async () => {
    for (const host of hosts) await host.weft("expose", ...SUBNETS);
    await reached(true);
    await reached(false);
  });
});
