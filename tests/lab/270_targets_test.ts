/** Whom a host connects to, as its user says it: commands and options, across three hosts. */

import { deepEqual, equal, match, ok } from "node:assert/strict";
import { must } from "../../base/mod.ts";
import { allTalk, settled } from "../helpers/cluster.ts";
import { addressOf, type Host, Lab, type LinkRow } from "../helpers/lab.ts";
import type { Namespace } from "../helpers/namespace.ts";
import { pause, until } from "../helpers/until.ts";

const PASSWORD = "rosebud";
const READY_MS = 15_000;
/** Time enough for what must not happen. */
const QUIET_MS = 1_500;

interface Three {
  readonly hosts: readonly [Host, Host, Host];
  readonly containers: readonly Namespace[];
  /** Stops what runs and launches anew; `undefined`: not that one. */
  launch(...words: (readonly string[] | undefined)[]): Promise<void>;
}

/** Three hosts, a container on each once the routers run. */
function three(lab: Lab): Three {
  const hosts = [lab.host(), lab.host(), lab.host()] as const;
  const containers = hosts.map(() => lab.container());
  const attached = new Set<Host>();
  const launch = async (host: Host, args: readonly string[], i: number): Promise<void> => {
    await host.launch({ password: PASSWORD, args });
    if (attached.has(host)) return;
    attached.add(host);
    await host.attach(must(containers[i], "container"), `${addressOf(i)}/24`);
  };
  return {
    hosts: [...hosts],
    containers,
    async launch(...words): Promise<void> {
      await Promise.all(hosts.map((host) => host.tryWeft(["stop"])));
      // Who is dialled comes first: a dial that fails waits for its next turn.
      for (const [i, args] of words.entries()) {
        if (args !== undefined) await launch(must(hosts[i], "host"), args, i);
      }
    },
  };
}

/** Numbers and addresses of live connections: another connection to the same peer has another number. */
async function identities(host: Host): Promise<string[]> {
  const live = (await host.links()).filter(({ id }) => id !== undefined);
  return live.map(({ id, address }) => `${id} ${address}`);
}

async function targets(host: Host): Promise<string[]> {
  const { stdout } = await host.weft("status", "targets");
  return stdout.split("\n").filter((line) => line !== "");
}

/** Waits for a connection that leads to an address. */
function linked(host: Host, address: string, state = "established"): Promise<LinkRow> {
  return until(
    async () => (await host.links()).find((row) => row.address === address && row.state === state),
    READY_MS,
    `${address} ${state} on ${host.name}`,
  );
}

Deno.test("connect, forget and resume", async (t) => {
  using lab = new Lab();
  const { hosts: [first, second, third], containers, launch } = three(lab);
  await launch(["--no-discovery"], ["--no-discovery"], ["--no-discovery", first.address]);

  await t.step("connect joins at once, and status lists the target", async () => {
    await second.weft("connect", first.address);
    await linked(second, `${first.address}:6783`);
    deepEqual(await targets(second), [first.address]);
    await settled([first, second, third], [[1, 0], [2, 0]]);
    await allTalk(containers);
  });

  await t.step("connecting to peers that have dialled us changes no connection", async () => {
    const all = (): Promise<string[][]> => Promise.all([first, second, third].map(identities));
    const before = await all();
    await first.weft("connect", `${second.address}:6783`, `${third.address}:6783`);
    await pause(QUIET_MS);
    deepEqual(await all(), before);
    await first.weft("connect", `[${second.address6}]:6783`, `[${third.address6}]:6783`);
    await pause(QUIET_MS);
    deepEqual(await all(), before);
    await allTalk(containers);
    equal((await targets(first)).length, 4);
  });

  await t.step("connect --replace forgets the others; live connections stay", async () => {
    const before = await identities(second);
    await second.weft("connect", "--replace", third.address);
    await linked(second, `${third.address}:6783`);
    deepEqual(await targets(second), [third.address]);
    for (const identity of before) ok((await identities(second)).includes(identity), identity);
  });

  await t.step("forget keeps the connection, and nobody dials when it has ended", async () => {
    await second.weft("forget", third.address);
    deepEqual(await targets(second), []);
    await linked(second, `${third.address}:6783`);
    await third.weft("stop");
    await until(
      async () => (await second.links()).every((row) => !row.address.startsWith(third.address)),
      READY_MS,
      "the connection going for good",
    );
  });

  await t.step("launch --resume connects to the stored targets", async () => {
    await second.weft("connect", first.address);
    await second.weft("stop");
    await second.launch({ password: PASSWORD, args: ["--no-discovery", "--resume"] });
    deepEqual(await targets(second), [first.address]);
    await linked(second, `${first.address}:6783`);
    await settled([first, second], [[1, 0]]);
  });
});

Deno.test("options of launch that say who connects to whom", async (t) => {
  using lab = new Lab();
  const { hosts, containers, launch } = three(lab);
  const [first, second, third] = hosts;

  await t.step("peers that others tell of are dialled, unless --no-discovery forbids", async () => {
    await launch([], [first.address], [second.address]);
    await settled(hosts, [[1, 0], [2, 1], [2, 0]]);
    await launch(["--no-discovery"], [first.address], ["--no-discovery", second.address]);
    await settled(hosts, [[1, 0], [2, 1]]);
    await pause(QUIET_MS);
    await settled(hosts, [[1, 0], [2, 1]]);
    await allTalk(containers);
  });

  await t.step("--conn-limit keeps out who is one too many, and says so", async () => {
    await launch(["--conn-limit", "1"], ["--no-discovery", first.address]);
    await linked(second, `${first.address}:6783`);
    await third.launch({ password: PASSWORD, args: ["--no-discovery"], peers: [first.address] });
    await until(
      async () => (await first.connections()).some((line) => /connection limit/.test(line)),
      READY_MS,
      "the reason",
    );
    await settled([first, second], [[1, 0]]);
  });

  await t.step("--host and --port, and --trusted-subnets on both sides and on one", async () => {
    const place = ["--host", first.address, "--port", "7000", "--trusted-subnets", "192.0.2.0/24"];
    const at = `${first.address}:7000`;
    await launch(
      ["--no-discovery", ...place],
      ["--no-discovery", "--trusted-subnets", "192.0.2.0/24", at],
      ["--no-discovery", at, second.address6],
    );
    await linked(second, at);
    await linked(third, at);
    match((await second.connections()).join("\n"), /:7000 +established +unencrypted/);
    match((await third.connections()).join("\n"), /:7000 +established +encrypted/);
    const { stdout } = await first.run(["ss", "-Htuln"]);
    const listening = stdout.split("\n").filter((line) => /:(7000|6783) /.test(line));
    equal(listening.length, 2, stdout);
    for (const line of listening) ok(line.includes(` ${at} `), line);
  });

  await t.step("a connection over IPv6 carries frames of any size", async () => {
    await linked(third, `[${second.address6}]:6783`);
    first.cut();
    await until(
      async () => await must(containers[2], "container").ping(addressOf(1)) === 1,
      READY_MS,
      "a ping over IPv6",
    );
    equal(await must(containers[2], "container").ping(addressOf(1), 2, "-s", "9000"), 2);
  });
});
