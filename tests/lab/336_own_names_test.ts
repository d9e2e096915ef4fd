/** Containers without an engine come with a name of their own, and it goes with them. */

import { equal, match } from "node:assert/strict";
import { type Host, Lab } from "../helpers/lab.ts";
import type { Background } from "../helpers/namespace.ts";
import { until } from "../helpers/until.ts";

const READY_MS = 30_000;

interface Process {
  readonly background: Background;
  readonly pid: number;
}

/** Starts a process with a network of its own, and a host name if one is given. */
async function process(host: Host, hostname?: string): Promise<Process> {
  const [own, name] = hostname === undefined ? [[], ""] : [["--uts"], `hostname ${hostname};`];
  const script = `${name} echo pid $$; exec sleep 600`;
  const background = host.start(["unshare", "--net", ...own, "sh", "-c", script]);
  await background.says(/pid \d+\n/);
  return { background, pid: Number(/pid (\d+)/.exec(background.output)?.[1]) };
}

async function registered(host: Host, name: string): Promise<string> {
  return (await host.weft("dns-lookup", name)).stdout.trim();
}

Deno.test("containers without an engine are registered under their own names", async (t) => {
  using lab = new Lab();
  const host = lab.host();
  await host.launch();

  await t.step("a process under its host name, until it ends", async () => {
    const db = await process(host, "db");
    const address = (await host.weft("attach", `pid:${db.pid}`)).stdout.trim();
    equal(await registered(host, "db"), address);
    match((await host.weft("status", "dns")).stdout, /^db +10\./m);
    await db.background.stop();
    await until(async () => await registered(host, "db") === "", READY_MS, "the end of the name");
  });

  await t.step("a process with a host name of our domain under that", async () => {
    await using web = (await process(host, "web.weave.local")).background;
    const pid = /pid (\d+)/.exec(web.output)?.[1];
    const address = (await host.weft("attach", `pid:${pid}`)).stdout.trim();
    equal(await registered(host, "web"), address);
  });

  await t.step("no process under the name of this host, or one of another domain", async () => {
    for (const name of [undefined, "web.example.org"]) {
      const other = await process(host, name);
      equal((await host.weft("attach", `pid:${other.pid}`)).stderr, "");
      const { stdout } = await host.weft("status", "dns");
      equal(/example/.test(stdout), false);
      equal(stdout.includes(Deno.hostname()), false);
      await other.background.stop();
    }
  });

  await t.step(
    "a namespace under its name, on a restart as well, until it is detached",
    async () => {
      const container = lab.container();
      const path = `netns:${container.path}`;
      const address = (await host.weft("attach", path)).stdout.trim();
      equal(await registered(host, container.name), address);
      await host.weft("stop");
      await host.launch();
      equal(await registered(host, container.name), address);
      await host.weft("detach", path);
      equal(await registered(host, container.name), "");
    },
  );

  await t.step("--without-dns leaves the name alone, and dns-add registers it", async () => {
    const container = lab.container();
    const path = `netns:${container.path}`;
    const address = (await host.weft("attach", "--without-dns", path)).stdout.trim();
    equal(await registered(host, container.name), "");
    await host.weft("dns-add", path);
    equal(await registered(host, container.name), address);
    await host.weft("stop");
    await host.launch();
    equal(await registered(host, container.name), address);
    container.remove();
    await until(
      async () => await registered(host, container.name) === "",
      READY_MS,
      "the end of the name",
    );
  });
});
