/** Three hosts with plain commands, `launch` and `launch FIRST`: one ring, whatever the order and whoever is away. */

import { deepEqual, equal, match } from "node:assert/strict";
import { must } from "../../base/mod.ts";
import { type Asked, askForAddress, ringAt } from "../helpers/address_load.ts";
import { figure } from "../helpers/cluster.ts";
import { type Host, Lab } from "../helpers/lab.ts";
import { until } from "../helpers/until.ts";

const READY_MS = 60_000;
/** Which of them start first, second and last; 0 is the one that the others are told of. */
const ORDERS = [[1, 2, 0], [0, 1, 2], [1, 0, 2], [0, 2, 1], [2, 0, 1], [2, 1, 0]];
/** All 6 at an acceptance. */
const COUNT = Number(Deno.env.get("WEFT_ORDERS") ?? 2);

async function launch(host: Host, hosts: readonly Host[]): Promise<void> {
  const first = must(hosts[0], "host");
  await host.launch({ peers: host === first ? [] : [first.address] });
}

/** All have one ring, which was made once, and different addresses. */
async function checkOneRing(hosts: readonly Host[], asked: readonly Asked[]): Promise<void> {
  deepEqual(asked.flatMap(({ reason }) => reason ?? []), []);
  equal(new Set(asked.map(({ address }) => address)).size, asked.length);
  const same = async (): Promise<boolean> => {
    const rings = await Promise.all(hosts.map(ringAt));
    return rings.every((ring) => ring.length > 0 && ring.join() === rings[0]?.join());
  };
  await until(same, READY_MS, "the same ring at all");
  const logs = hosts.map((host) => host.log()).join("\n");
  equal(/does not go with ours|left our ring/.test(logs), false, "two rings have met");
  const made = logs.split("\n").filter((line) =>
    line.includes("the range of addresses is divided")
  );
  equal(new Set(made.map((line) => /peer=("[^"]*"|\S+)/.exec(line)?.[1])).size, 1, made.join("\n"));
}

for (const order of ORDERS.slice(0, COUNT)) {
  Deno.test(`one is down until the others ask: order ${order.join(", ")}`, async () => {
    using lab = new Lab();
    const hosts = [lab.host(), lab.host(), lab.host()];
    const [a, b, c] = order.map((i) => must(hosts[i], "host")) as [Host, Host, Host];
    await launch(a, hosts);
    const asked = [askForAddress(a, "a")];
    await launch(b, hosts);
    asked.push(askForAddress(b, "b"));
    if (c === hosts[0]) {
      // Neither knows the other, and nobody founds for himself.
      for (const host of [a, b]) {
        const { reason = "" } = await askForAddress(host, "brief", 2);
        match(reason, /^503 .*waited 2 s for .*192\.0\.2\.1/);
        deepEqual(await ringAt(host), []);
      }
    } else await Promise.all(asked);
    await launch(c, hosts);
    asked.push(askForAddress(c, "c"));
    const start = performance.now();
    await checkOneRing(hosts, await Promise.all(asked));
    figure(`order ${order}: one ring ${(performance.now() - start).toFixed(0)} ms after the last`);
  });
}

Deno.test("the first is away while another joins, after there is a ring", async () => {
  using lab = new Lab();
  const hosts = [lab.host(), lab.host(), lab.host()];
  const [first, second, third] = hosts as [Host, Host, Host];
  await launch(first, hosts);
  await launch(second, hosts);
  const asked = [await askForAddress(first, "a"), await askForAddress(second, "b")];
  Deno.kill(first.routerPid(), "SIGKILL");
  await launch(third, hosts);
  const { reason = "" } = await askForAddress(third, "brief", 2);
  match(reason, /^503 .*waited 2 s for .*192\.0\.2\.1/);
  deepEqual(await ringAt(third), []);
  const late = askForAddress(third, "c");
  asked.push(await askForAddress(second, "d"));
  await launch(first, hosts);
  asked.push(await late, await askForAddress(first, "e"));
  await checkOneRing(hosts, asked);
});

Deno.test("a joiner says how to go on beside a router that gives out no addresses", async () => {
  using lab = new Lab();
  const [hub, host, other] = [lab.host(), lab.host(), lab.host()];
  await hub.launch({ args: ["--ipalloc-range", "", "--nickname=hub"] });
  await host.launch({ args: ["--nickname=host"], peers: [hub.address] });
  await other.launch({ args: ["--nickname=other"], peers: [host.address] });
  const advice = new RegExp(`hub\\(.*weft prime --without ${hub.address.replaceAll(".", "\\.")}`);
  const told = async (of: Host): Promise<boolean> => advice.test((await of.weft("status")).stdout);
  await until(() => told(host), READY_MS, "the advice of the one that was told of it");
  await until(
    async () =>
      / on host\(/.test((await other.weft("ipam", "explain")).stdout) && await told(other),
    READY_MS,
    "the advice of the other one",
  );
  const container = lab.container();
  const refused = await host.tryWeft(["attach", "--wait", "1", `netns:${container.path}`]);
  equal(refused.code, 1);
  match(refused.stderr, advice);
  await host.weft("prime", "--without", hub.address);
  await host.attach(container);
  await other.attach(lab.container());
  equal((await host.weft("status", "ipam")).stdout.trim().split("\n").length, 2);
});
