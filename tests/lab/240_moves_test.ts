/** A container's addresses, MAC included, move to another host, as a virtual machine does. */

import { equal, ok } from "node:assert/strict";
import { must } from "../../base/mod.ts";
import { cluster, figure } from "../helpers/cluster.ts";
import { addressOf, type Host, Lab } from "../helpers/lab.ts";
import type { Namespace } from "../helpers/namespace.ts";
import { until } from "../helpers/until.ts";

const ADDRESS = "10.2.1.50";
/** Three times the 2 s that are promised. */
const MOVED_MS = 6_000;
const FULL_MESH = [[1, 0], [2, 0], [2, 1]] as const;

function macOf(container: Namespace): string {
  return must(/link\/ether (\S+)/.exec(container.ip("link", "show", "ethwe"))?.[1], "MAC");
}

/** Attaches a container that has the address and the MAC of another. */
async function arrive(host: Host, container: Namespace, mac: string): Promise<void> {
  await host.attach(container, `${ADDRESS}/24`);
  container.ip("link", "set", "ethwe", "address", mac);
}

/** Waits until it answers. @returns after how many ms */
async function answers(from: Namespace): Promise<number> {
  const start = performance.now();
  await until(async () => await from.ping(ADDRESS) === 1, MOVED_MS, "an answer from its new place");
  return Math.round(performance.now() - start);
}

Deno.test("a container moves to another host with its address and its MAC", async (t) => {
  using lab = new Lab();
  const { hosts, containers } = await cluster(lab, 3, FULL_MESH, { password: "rosebud" });
  const [first, second] = [must(hosts[0], "host"), must(hosts[1], "host")];
  const watcher = must(containers[2], "container");
  const [before, after, back] = [lab.container(), lab.container(), lab.container()] as const;
  await first.attach(before, `${ADDRESS}/24`);
  const mac = macOf(before);
  await until(async () => await watcher.ping(ADDRESS) === 1, MOVED_MS, "an answer at first");

  await t.step("it says where it is: it answers there within 2 s", async () => {
    await first.weft("detach", `${ADDRESS}/24`, `netns:${before.path}`);
    equal(await watcher.ping(ADDRESS), 0);
    await arrive(second, after, mac);
    await after.run(["ping", "-n", "-c", "1", "-W", "1", addressOf(2)], { mayFail: true });
    figure(`moved container answers after ${await answers(watcher)} ms`);
    ok(watcher.ip("neigh", "show", ADDRESS).includes(mac));
  });

  await t.step("it moves while others talk to it, and back to where it was", async () => {
    await using flow = watcher.start(["ping", "-n", "-i", "0.1", "-W", "1", ADDRESS]);
    await flow.says(/icmp_seq=5 /);
    await second.weft("detach", `${ADDRESS}/24`, `netns:${after.path}`);
    await arrive(first, back, mac);
    await back.run(["ping", "-n", "-c", "3", "-i", "0.5", "-W", "1", addressOf(2)], {
      mayFail: true,
    });
    figure(`container that came back answers after ${await answers(watcher)} ms`);
    equal(await must(containers[0], "container").ping(ADDRESS, 2), 2);
    equal(await must(containers[1], "container").ping(ADDRESS, 2), 2);
  });
});
