/** Hosts behind firewalls and translated addresses, blocked UDP, and addresses that change. */

import { equal, match, notEqual, ok } from "node:assert/strict";
import { must } from "../../base/mod.ts";
import { allTalk, figure } from "../helpers/cluster.ts";
import { addressOf, type Host, Lab, type LinkRow } from "../helpers/lab.ts";
import type { Namespace } from "../helpers/namespace.ts";
import { pause, until } from "../helpers/until.ts";

const PASSWORD = "rosebud";
const READY_MS = 30_000;
/** Time enough for connections that must not be to be made. */
const QUIET_MS = 2_000;

/** Attaches one container to each host. */
async function containersOf(lab: Lab, hosts: readonly Host[]): Promise<Namespace[]> {
  const containers = hosts.map(() => lab.container());
  await Promise.all(
    containers.map((container, i) =>
      must(hosts[i], "host").attach(container, `${addressOf(i)}/24`)
    ),
  );
  return containers;
}

/** The connection of a host to an address. */
async function linkTo(host: Host, address: string): Promise<LinkRow | undefined> {
  return (await host.links()).find((row) =>
    row.id !== undefined && row.address.startsWith(`${address}:`)
  );
}

/** Where the tunnels of a host lead, as its log says. */
function tunnelRemotes(host: Host, address: string): Set<string> {
  const pattern = new RegExp(` established .*remote=(${address.replaceAll(".", "\\.")}:\\d+)`, "g");
  return new Set([...host.log().matchAll(pattern)].map(([, remote]) => must(remote, "remote")));
}

Deno.test("firewalls and translated addresses", async (t) => {
  using lab = new Lab();
  const nat = lab.nat();
  const open = lab.host();
  const hidden = [lab.host({ behind: nat }), lab.host({ behind: nat })] as const;
  const guarded = lab.host();
  guarded.guard();
  const hosts = [open, ...hidden, guarded];
  await open.launch({ password: PASSWORD });
  await Promise.all(
    [...hidden, guarded].map((host) => host.launch({ password: PASSWORD, peers: [open.address] })),
  );
  const containers = await containersOf(lab, hosts);
  await open.established(3);

  await t.step(
    "two peers behind one address reach the open one, and each other through it",
    async () => {
      await allTalk(containers.slice(0, 3), READY_MS);
      const [first, second] = hidden;
      equal(await linkTo(first, second.address), undefined);
      equal(await linkTo(second, first.address), undefined);
    },
  );

  await t.step("their datagrams come from two ports, one of them made up", () => {
    const remotes = tunnelRemotes(open, nat.address);
    equal(remotes.size, 2, `${[...remotes]}`);
    ok([...remotes].some((remote) => !remote.endsWith(":6783")), `${[...remotes]}`);
  });

  await t.step(
    "a host that lets nobody in is reached over the connection that it made",
    async () => {
      const from = must(containers[0], "container");
      await until(async () => await from.ping(addressOf(3)) === 1, READY_MS, "the guarded host");
      equal(await from.ping(addressOf(3), 3), 3);
      match((await linkTo(open, guarded.address))?.state ?? "none", /established/);
    },
  );

  await t.step("all talk, whoever may connect to whom", async () => {
    figure(`all pairs through firewall and translation after ${await allTalk(containers)} ms`);
  });

  await t.step("dialling the guarded host fails and harms nobody", async () => {
    const before = await linkTo(open, guarded.address);
    await open.connect(`${guarded.address}:6783`);
    await pause(QUIET_MS);
    equal((await linkTo(open, guarded.address))?.id, before?.id);
    await allTalk(containers);
  });
});

Deno.test("UDP is blocked between two of three hosts, then addresses change", async (t) => {
  using lab = new Lab();
  const hosts = [lab.host(), lab.host(), lab.host()] as const;
  const [first, second, third] = hosts;
  lab.cut(first, second, "udp");
  await Promise.all(hosts.map((host) =>
    host.launch({
      password: PASSWORD,
      peers: hosts.filter((other) => other !== host).map(({ address }) => address),
    })
  ));
  const containers = await containersOf(lab, hosts);

  await t.step("frames take the other way", async () => {
    await allTalk(containers, READY_MS);
  });

  await t.step("the connection stays, and status says what may be wrong", async () => {
    for (const [at, other] of [[first, second], [second, first]] as const) {
      const row = await until(
        async () => {
          const found = await linkTo(at, other.address);
          return /is it blocked/.test(found?.reason ?? "") ? found : undefined;
        },
        READY_MS,
        `a reason on ${at.name}`,
      );
      equal(row.state, "pending");
    }
    const lines = await first.connections();
    ok(
      lines.some((line) => /pending .* reason=".* over UDP from .*: is it blocked\?"$/.test(line)),
      `${lines}`,
    );
  });

  await t.step("it becomes established when UDP passes", async () => {
    lab.heal(first, second);
    await until(
      async () => {
        const link = await linkTo(first, second.address);
        equal(link?.reason, undefined);
        return link?.state === "established";
      },
      READY_MS,
      "the connection, with nothing to complain of",
    );
    await allTalk(containers);
  });

  await t.step("TCP alone is blocked for 5 s: frames go on or take the other way", async () => {
    lab.cut(first, third, "tcp");
    await pause(5_000);
    await allTalk(containers, READY_MS);
    lab.heal(first, third);
    await allTalk(containers, READY_MS);
  });

  await t.step("a host gets another address, and traffic goes on", async () => {
    const before = third.address;
    third.readdress("192.0.2.77");
    notEqual(third.address, before);
    figure(`all talk ${await allTalk(containers, READY_MS)} ms after a change of address`);
  });
});
