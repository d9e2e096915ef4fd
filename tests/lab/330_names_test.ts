/** Names: registered on one host, resolved from containers on every other. */

import { deepEqual, equal, match } from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { Lab } from "../helpers/lab.ts";
import type { Namespace } from "../helpers/namespace.ts";
import { until } from "../helpers/until.ts";

const CLIENT = fileURLToPath(new URL("../helpers/dns_client.ts", import.meta.url));
const READY_MS = 30_000;
/** Names of a container go at once; of a router, after a grace. */
const GONE_MS = 30_000;

/** Asks a server for a name, from a container. @returns addresses, or the code of the answer */
async function lookUp(from: Namespace, server: string, name: string): Promise<string[]> {
  const { stdout } = await from.run([Deno.execPath(), "run", "-A", CLIENT, server, name]);
  return stdout.trim().split("\n");
}

Deno.test("three hosts share names", async (t) => {
  using lab = new Lab();
  const hosts = [lab.host(), lab.host(), lab.host()] as const;
  const [first, second, third] = hosts;
  await first.launch({ password: "rosebud" });
  await second.launch({ password: "rosebud", peers: [first.address] });
  await third.launch({ password: "rosebud", peers: [first.address] });
  await first.established(2, READY_MS);
  const containers = [lab.container(), lab.container(), lab.container()] as const;
  const addresses: string[] = [];
  const servers: string[] = [];
  for (const [i, host] of hosts.entries()) {
    const path = `netns:${containers[i]?.path}`;
    addresses.push((await host.weft("attach", path)).stdout.trim());
    servers.push((await host.weft("expose", "-h", `host${i}.weave.local`)).stdout.trim());
    await host.weft("dns-add", path, "-h", `c${i}.weave.local`);
  }

  const resolves = async (name: string, expected: readonly string[]): Promise<void> => {
    for (const [i, container] of containers.entries()) {
      let found: string[] = [];
      const right = async (): Promise<boolean> => {
        found = await lookUp(container, servers[i] ?? "", name);
        return found.join() === [...expected].sort().join();
      };
      await until(right, READY_MS, `${name} on host ${i} as ${expected}, not ${found}`);
    }
  };

  await t.step(
    "each container finds each other by name, at the server of its own host",
    async () => {
      for (const [i, address] of addresses.entries()) {
        await resolves(`c${i}.weave.local`, [address]);
        await resolves(`C${i}`, [address]);
      }
    },
  );

  await t.step("the hosts have names as well", async () => {
    for (const [i, address] of servers.entries()) await resolves(`host${i}`, [address]);
  });

  await t.step("one name may stand for containers of several hosts", async () => {
    for (const [i, host] of hosts.entries()) {
      await host.weft("dns-add", `netns:${containers[i]?.path}`, "-h", "web.weave.local");
    }
    await resolves("web", addresses);
  });

  await t.step("dns-lookup, status and dns-args tell the same", async () => {
    equal((await second.weft("dns-lookup", "c0")).stdout, `${addresses[0]}\n`);
    equal((await second.weft("dns-lookup", "nobody")).stdout, "");
    match((await third.weft("status", "dns")).stdout, /^c0 +10\./m);
    equal((await first.weft("dns-args")).stdout, `--dns=${servers[0]} --dns-search=weave.local.`);
  });

  await t.step("names are answered at no address that the host has no more", async () => {
    const { stdout } = await second.weft("expose", "10.2.1.250/24");
    equal(stdout, "10.2.1.250\n");
    const places = async (): Promise<string> =>
      /Address: (.*)/.exec((await second.weft("status")).stdout)?.[1] ?? "";
    match(await places(), /10\.2\.1\.250:53/);
    await second.weft("hide", "10.2.1.250/24");
    equal(await places(), `${servers[1]}:53`);
  });

  await t.step("a name outside the domain is refused", async () => {
    const { code, stderr } = await first.tryWeft(["dns-add", "192.0.2.77", "-h", "a.example.org"]);
    equal(code, 1);
    match(stderr, /weave\.local/);
  });

  await t.step("dns-remove of an address takes all its names away, of no container's", async () => {
    await first.weft("dns-add", "192.0.2.78", "192.0.2.79", "-h", "scanner.weave.local");
    await first.weft("dns-add", "192.0.2.78", "-h", "copier.weave.local");
    await first.weft("dns-remove", "192.0.2.78");
    equal((await first.weft("dns-lookup", "copier")).stdout, "");
    equal((await first.weft("dns-lookup", "scanner")).stdout, "192.0.2.79\n");
    equal((await first.tryWeft(["dns-add", "192.0.2.78"])).code, 1);
  });

  await t.step("dns-remove and detach take names away everywhere", async () => {
    await first.weft("dns-remove", `netns:${containers[0].path}`, "-h", "web.weave.local");
    await resolves("web", addresses.slice(1));
    await second.weft("detach", `netns:${containers[1].path}`);
    await until(
      async () => (await first.weft("dns-lookup", "c1")).stdout === "",
      READY_MS,
      "the end of a detached container's name",
    );
  });

  await t.step("names of a namespace that ends go away by themselves", async () => {
    const brief = lab.container();
    await third.weft("attach", `netns:${brief.path}`);
    await third.weft("dns-add", `netns:${brief.path}`, "-h", "brief.weave.local");
    await until(
      async () => (await first.weft("dns-lookup", "brief")).stdout !== "",
      READY_MS,
      "the name of a new container",
    );
    brief.remove();
    await until(
      async () => (await first.weft("dns-lookup", "brief")).stdout === "",
      GONE_MS,
      "the end of that name",
    );
  });

  await t.step(
    "a router that stops takes its names along, and a restart brings kept ones back",
    async () => {
      await first.weft("dns-add", "192.0.2.77", "-h", "printer.weave.local");
      const known = async (): Promise<string> => (await third.weft("dns-lookup", "printer")).stdout;
      await until(async () => await known() === "192.0.2.77\n", READY_MS, "a name by hand");
      await first.weft("stop");
      await until(async () => await known() === "", GONE_MS, "the end of a stopped router's names");
      await first.launch({ password: "rosebud" });
      await until(
        async () => await known() === "192.0.2.77\n",
        GONE_MS,
        "the name after a restart",
      );
      deepEqual((await third.weft("dns-lookup", "c0")).stdout, `${addresses[0]}\n`);
      deepEqual((await third.weft("dns-lookup", "host0")).stdout, `${servers[0]}\n`);
    },
  );
});
