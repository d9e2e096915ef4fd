/** Leaving for good, dead peers, ranges that cover a route, and callers who go away. */

import { deepEqual, equal, match } from "node:assert/strict";
import { type Host, Lab } from "../helpers/lab.ts";
import { machineState } from "../helpers/machine_state.ts";
import { until } from "../helpers/until.ts";

const READY_MS = 30_000;

async function ownerLines(host: Host): Promise<string[]> {
  return (await host.weft("status", "ipam")).stdout.trim().split("\n");
}

Deno.test("routers leave and die", async (t) => {
  using lab = new Lab();
  const [first, second, third] = [lab.host(), lab.host(), lab.host()];
  const before = machineState(third.name, []);
  await first.launch({ args: ["--nickname=one"] });
  await second.launch({ args: ["--nickname=two"], peers: [first.address] });
  await third.launch({ args: ["--nickname=three"], peers: [first.address] });
  await first.established(2, READY_MS);
  await Promise.all(
    [first, second, third].map((host) => host.weft("attach", `netns:${lab.container().path}`)),
  );
  await until(async () => (await ownerLines(first)).length === 3, READY_MS, "three owners");

  await t.step("reset hands the addresses over and leaves nothing", async () => {
    const { stderr } = await third.weft("reset");
    match(stderr, /Our addresses went to/);
    await until(async () => (await ownerLines(first)).length === 2, READY_MS, "two owners");
    deepEqual(machineState(third.name, []).links, before.links);
    equal(third.pids().length, 0);
    equal((await third.weft("reset")).code, 0);
  });

  await t.step("reset of a router that does not run is refused unless forced", async () => {
    await third.launch({ args: ["--nickname=three"], peers: [first.address] });
    await third.weft("stop");
    const { code, stderr } = await third.tryWeft(["reset"]);
    equal(code, 2);
    match(stderr, /--force/);
    equal((await third.weft("reset", "--force")).code, 0);
  });

  await t.step("rmpeer refuses a peer that lives and takes over one that is dead", async () => {
    const refused = await first.tryWeft(["rmpeer", "two"]);
    equal(refused.code, 1);
    match(refused.stderr, /two|reach|alive/);
    await second.weft("stop");
    const took = async (): Promise<boolean> =>
      /^[1-9][0-9]* IPs taken over from two\n$/.test((await first.weft("rmpeer", "two")).stdout);
    await until(took, READY_MS, "the take-over of a dead peer");
    equal((await ownerLines(first)).length, 1);
  });
});

Deno.test("the default range is refused where it covers a route, with one that does not", async () => {
  using lab = new Lab();
  const host = lab.host();
  host.ip("route", "add", "10.33.0.0/16", "dev", "under");
  const refused = await host.tryWeft(["launch"]);
  equal(refused.code, 1);
  match(refused.stderr, /overlaps with existing route 10\.33\.0\.0\/16; .*--ipalloc-range 10\./);
  const { stderr } = await host.launch({ args: ["--ipalloc-range", "10.32.0.0/12"] });
  match(stderr, /overlaps with existing route/);
  await host.weft("stop");
});

Deno.test("whoever waits for an address and goes leaves nothing behind", async () => {
  using lab = new Lab();
  const host = lab.host();
  // Nobody is there to agree with.
  await host.launch({ args: ["--ipalloc-init", "consensus=3"] });
  const container = lab.container();
  const brief = await host.tryWeft(["attach", "--wait", "1", `netns:${container.path}`]);
  equal(brief.code, 1);
  const pending = async (): Promise<number> =>
    JSON.parse((await host.weft("status", "--json")).stdout).ipam.pendingAllocates.length;
  equal(await pending(), 0);
  const waiting = new AbortController();
  const client = Deno.createHttpClient({
    proxy: { transport: "unix", path: `${host.runtimeDir}/weft.sock` },
  });
  const asked = fetch("http://localhost/ip/somebody", {
    method: "POST",
    client,
    signal: waiting.signal,
  }).catch(() => undefined);
  await until(async () => await pending() === 1, READY_MS, "a request that waits");
  waiting.abort();
  await asked;
  client.close();
  await until(async () => await pending() === 0, READY_MS, "the end of that request");
});
