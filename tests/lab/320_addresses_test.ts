/** Addresses without options: three hosts, any order, nothing told but one peer. */

import { deepEqual, equal, match } from "node:assert/strict";
import { type Host, Lab } from "../helpers/lab.ts";
import type { Namespace } from "../helpers/namespace.ts";
import { until } from "../helpers/until.ts";

const READY_MS = 30_000;

/** Attaches a container without an address. @returns the one that it got */
async function attached(host: Host, container: Namespace, ...words: string[]): Promise<string> {
  const { stdout } = await host.weft("attach", ...words, `netns:${container.path}`);
  return stdout.trim();
}

Deno.test("three hosts give out addresses", async (t) => {
  using lab = new Lab();
  const hosts = [lab.host(), lab.host(), lab.host()] as const;
  const [first, second, third] = hosts;
  await first.launch({ password: "rosebud" });
  await Promise.all(
    [second, third].map((host) => host.launch({ password: "rosebud", peers: [first.address] })),
  );
  await first.established(2, READY_MS);
  const containers = Array.from({ length: 6 }, () => lab.container());
  const hostOf = (i: number): Host => hosts[i % 3] ?? first;
  const given: string[] = [];

  await t.step("attach without an address gives distinct ones that reach each other", async () => {
    const answers = await Promise.all(containers.map((c, i) => attached(hostOf(i), c)));
    given.push(...answers);
    equal(new Set(given).size, containers.length);
    for (const address of given) match(address, /^10\.(3[2-9]|4[0-7])\./);
    for (const target of given) {
      const arrives = async (): Promise<boolean> => await containers[0]?.ping(target) === 1;
      await until(arrives, READY_MS, `a ping to ${target}`);
    }
  });

  await t.step("attaching again gives the same address", async () => {
    for (const [i, container] of containers.entries()) {
      equal(await attached(hostOf(i), container), given[i]);
    }
  });

  await t.step("a router that was killed gives the same, and none of those in use", async () => {
    Deno.kill(second.routerPid(), "SIGKILL");
    await second.launch({ password: "rosebud", peers: [first.address] });
    const [, container] = containers;
    if (container === undefined) throw new Error("no container");
    equal(await attached(second, container), given[1]);
    const more = await attached(second, lab.container());
    equal(given.includes(more), false);
  });

  await t.step("detach gives an address back, and the next container may have it", async () => {
    const container = lab.container();
    const address = await attached(third, container);
    const { stdout } = await third.weft("detach", `netns:${container.path}`);
    equal(stdout.trim(), address);
    equal(container.ip("-o", "link").includes("ethwe"), false);
    equal(await attached(third, lab.container()), address);
  });

  await t.step("an address with two prefixes goes with both", async () => {
    const container = lab.container();
    const words = ["net:10.32.7.0/24", "net:default"];
    const [one, two] = (await attached(third, container, ...words)).split(" ");
    equal(one, two);
    const path = `netns:${container.path}`;
    await third.weft("detach", `${one}/24`, path);
    match((await third.weft("ps", path)).stdout, new RegExp(` ${one}/12$`, "m"));
    equal(await attached(third, container), one);
    await third.weft("detach", "net:10.32.7.0/24", path);
    equal(container.ip("-o", "link").includes("ethwe"), false);
  });

  await t.step(
    "expose takes an address of its own, again the same, and hide gives it back",
    async () => {
      const { stdout } = await first.weft("expose");
      equal(given.includes(stdout.trim()), false);
      equal((await first.weft("expose")).stdout, stdout);
      const arrives = async (): Promise<boolean> => await first.ping(given[1] ?? "") === 1;
      await until(arrives, READY_MS, "the host's ping");
      equal((await first.weft("hide")).stdout, stdout);
      equal((await first.weft("hide")).stdout, "\n");
    },
  );

  await t.step("an address that another holds is refused with its owner", async () => {
    const container = lab.container();
    const { code, stderr } = await third.tryWeft([
      "attach",
      `${given[0]}/12`,
      `netns:${container.path}`,
    ]);
    equal(code, 1);
    match(stderr, /owned by|held by/);
  });

  await t.step("status tells who owns how much", async () => {
    const { stdout } = await first.weft("status", "ipam");
    const counts = stdout.trim().split("\n").map((line) => Number(/(\d+) IPs/.exec(line)?.[1]));
    equal(counts.reduce((sum, count) => sum + count, 0), 2 ** 20);
    match((await first.weft("status")).stdout, /Service: ipam\n +Status: ready/);
    const report = JSON.parse((await first.weft("report")).stdout);
    deepEqual(report.IPAM.Range, "10.32.0.0/12");
  });
});

Deno.test("an address inside a route of the host draws a note and is used", async () => {
  using lab = new Lab();
  const host = lab.host();
  const container = lab.container();
  await host.launch({ args: ["--ipalloc-range", "10.9.0.0/24"] });
  host.ip("route", "add", "10.77.0.0/16", "dev", "under");
  const path = `netns:${container.path}`;
  const { stdout, stderr } = await host.weft("attach", "10.77.1.1/24", "10.78.1.1/24", path);
  equal(stdout, "10.77.1.1 10.78.1.1\n");
  match(stderr, /^Note: 10\.77\.1\.1\/24 overlaps with existing route 10\.77\.0\.0\/16 .*\n$/);
  const own = await host.weft("expose", "10.78.1.2/24");
  equal(own.stderr, "");
  // The way over the bridge is no other way.
  equal((await host.weft("attach", "10.78.1.3/24", `netns:${lab.container().path}`)).stderr, "");
  match((await host.weft("expose", "10.77.1.2/24")).stderr, /10\.77\.0\.0\/16/);
});

Deno.test("an address that is taken anywhere is refused with who has it, and nothing of that request stays", async () => {
  using lab = new Lab();
  const [here, there] = [lab.host(), lab.host()];
  await here.launch({ args: ["--nickname=here", "--ipalloc-range=10.9.0.0/24"] });
  await there.launch({ args: ["--ipalloc-range=10.9.0.0/24"], peers: [here.address] });
  await there.established(1, READY_MS);
  const [holder, near, far] = [lab.container(), lab.container(), lab.container()];
  await here.weft("attach", "10.2.1.1/24", "10.9.0.7/24", `netns:${holder.path}`);
  await here.weft("expose", "10.2.1.250/24", "-h", "gate.weave.local");
  const refuses = async (host: Host, words: string[], pattern: RegExp): Promise<void> => {
    const { code, stdout, stderr } = await host.tryWeft(words);
    equal(code, 1, stderr);
    equal(stdout, "");
    match(stderr, pattern);
  };
  const byName = new RegExp(`already owned by "netns:${holder.path}"`);
  await refuses(here, ["attach", "10.2.1.1/24", `netns:${near.path}`], byName);
  await refuses(here, ["attach", "10.2.9.9/24", "10.9.0.7/24", `netns:${near.path}`], byName);
  await refuses(here, ["expose", "10.2.1.1/24"], byName);
  equal(near.ip("-o", "link").includes("ethwe"), false);
  const elsewhere = new RegExp(`already owned by "${holder.name}.weave.local" on another host`);
  const path = `netns:${far.path}`;
  await until(
    async () => (await there.weft("dns-lookup", holder.name)).stdout.includes("10.2.1.1"),
    READY_MS,
    "the name of the holder",
  );
  await refuses(there, ["attach", "10.2.9.9/24", "10.2.1.1/24", path], elsewhere);
  await refuses(there, ["attach", "10.9.0.7/24", path], /already owned by peer here\(/);
  await refuses(there, ["expose", "10.2.1.1/24"], elsewhere);
  await refuses(there, ["attach", "10.2.1.250/24", path], /"gate\.weave\.local" on another host/);
  equal(far.ip("-o", "link").includes("ethwe"), false);
  equal((await here.weft("attach", "10.2.1.1/24", `netns:${holder.path}`)).stdout, "10.2.1.1\n");
  await here.weft("detach", "10.2.1.1/24", `netns:${holder.path}`);
  equal((await there.weft("attach", "10.2.1.1/24", path)).stdout, "10.2.1.1\n");
});

Deno.test("two subnets never reach each other, and a container in both reaches both", async () => {
  using lab = new Lab();
  const hosts = [lab.host(), lab.host()] as const;
  await hosts[0].launch();
  await hosts[1].launch({ peers: [hosts[0].address] });
  await hosts[1].established(1, READY_MS);
  const [a, b, both] = [lab.container(), lab.container(), lab.container()];
  const inA = await attached(hosts[0], a, "net:10.32.1.0/24");
  const inB = await attached(hosts[1], b, "net:10.32.2.0/24");
  const [bothA = "", bothB = ""] =
    (await attached(hosts[1], both, "net:10.32.1.0/24", "net:10.32.2.0/24")).split(" ");
  match(inA, /^10\.32\.1\./);
  match(inB, /^10\.32\.2\./);
  await until(async () => await both.ping(inA) === 1, READY_MS, "a ping into the first");
  equal(await both.ping(inB, 2), 2);
  equal(await a.ping(bothA, 2), 2);
  equal(await b.ping(bothB, 2), 2);
  equal(await a.ping(inB), 0);
  equal(await b.ping(inA), 0);
});

Deno.test("a full range says why, and goes on when an address is given back", async () => {
  using lab = new Lab();
  const host = lab.host();
  await host.launch({ args: ["--ipalloc-range", "10.9.0.0/29"] });
  const containers = Array.from({ length: 6 }, () => lab.container());
  const given = [];
  for (const container of containers) given.push(await attached(host, container));
  equal(new Set(given).size, 6);
  const one = lab.container();
  const refused = await host.tryWeft(["attach", `netns:${one.path}`]);
  equal(refused.code, 1);
  match(refused.stderr, /10\.9\.0\.0\/29/);
  await host.weft("detach", `netns:${containers[3]?.path}`);
  equal(await attached(host, one), given[3]);
});
