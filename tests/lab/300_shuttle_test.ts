/** Two hosts by shuttle: sealed, in clear, over IPv6; and what happens to it when a host or the path changes. */

import { deepEqual, equal, match, ok } from "node:assert/strict";
import { must } from "../../base/mod.ts";
import { addressOf, type Host, Lab, type LaunchOptions } from "../helpers/lab.ts";
import type { Namespace } from "../helpers/namespace.ts";
import {
  byShuttle,
  bySleeve,
  heard,
  listen,
  speakPlainly,
  tcpIntact,
} from "../helpers/shuttle_lab.ts";
import { receiver, sender } from "../helpers/tools.ts";
import { until } from "../helpers/until.ts";

const PASSWORD = "rosebud";
const TRANSFER_BYTES = 20_000_000;
/** Takes long enough for something to happen meanwhile. */
const LONG_TRANSFER_BYTES = 200_000_000;
const PING_HEADERS = 28;
const MTU = 1376;
const LINK_MTU = 1300;
const BACK_MS = 30_000;
const PINGS = 500;
/** More than are sent while so many pings are. */
const HEARTBEATS = 300;

interface Two {
  readonly hosts: readonly [Host, Host];
  readonly containers: readonly [Namespace, Namespace];
}

/** Two hosts, the second of which dials the first, with a container each; frames between them go by shuttle. */
async function two(lab: Lab, family: 4 | 6, options: LaunchOptions): Promise<Two> {
  const hosts = [lab.host(), lab.host()] as const;
  const containers = [lab.container(), lab.container()] as const;
  const target = family === 4 ? hosts[0].address : hosts[0].address6;
  await Promise.all([
    hosts[0].launch(options),
    hosts[1].launch({ ...options, peers: [target] }),
  ]);
  await Promise.all(
    containers.map((container, i) =>
      must(hosts[i], "host").attach(container, `${addressOf(i)}/24`)
    ),
  );
  await byShuttle(hosts);
  return { hosts, containers };
}

const MODES: readonly [string, 4 | 6, LaunchOptions][] = [
  ["encrypted", 4, { password: PASSWORD }],
  ["in clear", 4, {}],
  ["encrypted, over IPv6", 6, { password: PASSWORD }],
];
for (const [name, family, options] of MODES) {
  const sealed = options.password !== undefined;
  Deno.test(`two hosts by shuttle, ${name}`, async (t) => {
    using lab = new Lab();
    const { hosts, containers: [near, far] } = await two(lab, family, options);

    await t.step("status says so on both", async () => {
      const line = RegExp(`established +${sealed ? "encrypted +" : ""}shuttle `);
      for (const host of hosts) {
        await until(
          async () => line.test((await host.connections()).join("\n")),
          BACK_MS,
          "shuttle in the status of the link",
        );
        const pair = await until(
          async () => (await host.pairs()).find(({ mtu }) => mtu !== undefined && mtu >= MTU),
          BACK_MS,
          "an MTU that suits the containers",
        );
        match(
          pair.cipher ?? "none",
          sealed ? /^(AES-256-(OCB|GCM)|ChaCha20-Poly1305)$/ : /^plain$/,
        );
        equal(pair.reason, undefined);
      }
    });

    await t.step("what is on the wire", async () => {
      await using wire = await listen(hosts[1]);
      await speakPlainly(near, far, addressOf(1));
      await heard(wire, sealed ? "11" : "21", !sealed);
    });

    await t.step("ping passes both ways, at the MTU as well", async () => {
      equal(await near.ping(addressOf(1), 5), 5);
      equal(await far.ping(addressOf(0), 5), 5);
      equal(await near.ping(addressOf(1), 2, "-M", "do", "-s", `${MTU - PING_HEADERS}`), 2);
    });

    await t.step("a ping of 60 kB passes in fragments", async () => {
      equal(await near.ping(addressOf(1), 3, "-s", "60000"), 3);
      equal(await far.ping(addressOf(0), 3, "-s", "60000"), 3);
    });

    await t.step("20 MB of TCP arrive intact each way", async () => {
      await tcpIntact(near, far, addressOf(1), TRANSFER_BYTES);
    });

    await t.step("it was shuttle all the time", async () => {
      await byShuttle(hosts, 1_000);
      for (const host of hosts) ok(!/by sleeve/.test(host.log()), host.log());
    });
  });
}

Deno.test("ways are rehearsed between frames that come close to each other", async (t) => {
  using lab = new Lab();
  const hosts = [lab.host(), lab.host()] as const;
  const [near, far] = [lab.container(), lab.container()];
  await hosts[0].launch({ password: PASSWORD });
  const args = ["--no-rehearsal"];
  await hosts[1].launch({ password: PASSWORD, peers: [hosts[0].address], args });
  await hosts[0].attach(near, `${addressOf(0)}/24`);
  await hosts[1].attach(far, `${addressOf(1)}/24`);
  await byShuttle(hosts);
  equal(await near.ping(addressOf(1), 5), 5);
  const before = await Promise.all(hosts.map(counters));

  await t.step("pings at 250 a second pass", async () => {
    equal(await near.ping(addressOf(1), PINGS, "-i", "0.004"), PINGS);
  });

  await t.step("it is counted, not taken for traffic, and can be switched off", async () => {
    const after = await Promise.all(hosts.map(counters));
    const [first, second] = after.map((counts, i) => {
      const grown = Object.entries(counts).map(([name, value]) =>
        [name, value - (must(before[i], "before")[name] ?? 0)] as const
      );
      return Object.fromEntries(grown.filter(([name, by]) => by !== 0 && !/^tap/.test(name)));
    });
    // Three milliseconds of four are free; a busy machine takes most of the wake-ups away.
    ok((first?.["rehearsals"] ?? 0) > PINGS / 10, `${first?.["rehearsals"]}`);
    equal(second?.["rehearsals"], undefined);
    // Each ping and its answer, and some that ask for an address: a rehearsal is none.
    const urgent = first?.["framesUrgent"] ?? 0;
    ok(urgent >= 2 * PINGS && urgent < 2 * PINGS + 20, `${urgent} frames that are waited for`);
    const drops = [first, second].flatMap((grown) => Object.keys(grown ?? {}))
      .filter((name) => /^drop|^storm/.test(name));
    deepEqual(drops, []);
    // Echoes are not among the datagrams: there are some heartbeats beside the answers.
    ok((first?.["udpReceived"] ?? 0) < PINGS + HEARTBEATS, `${first?.["udpReceived"]}`);
  });
});

Deno.test({
  name: "an answer that comes at once is looked for, and not where that is switched off",
  // With one CPU nothing is looked for.
  ignore: navigator.hardwareConcurrency < 2,
  async fn(): Promise<void> {
    using lab = new Lab();
    const hosts = [lab.host(), lab.host()] as const;
    const containers = [lab.container(), lab.container()] as const;
    const launch = { password: PASSWORD, env: { WEFT_PRIORITY: "realtime" } };
    const args = (us: number): string[] => ["--no-rehearsal", "--spin", `${us}`];
    await hosts[0].launch({ ...launch, args: args(1_000) });
    await hosts[1].launch({ ...launch, args: args(0), peers: [hosts[0].address] });
    for (const i of [0, 1] as const) await hosts[i].attach(containers[i], `${addressOf(i)}/24`);
    await byShuttle(hosts);

    /** Turns of the loop of the host that asks, for each ping. */
    const turns = async (i: 0 | 1): Promise<number> => {
      const before = (await counters(hosts[i]))["loopTurns"] ?? 0;
      equal(await containers[i].ping(addressOf(1 - i), PINGS, "-i", "0.004"), PINGS);
      return ((await counters(hosts[i]))["loopTurns"] ?? 0) / PINGS - before / PINGS;
    };
    const [looks, sleeps] = [await turns(0), await turns(1)];
    ok(looks > 2 * sleeps, `${looks} and ${sleeps} turns a ping`);
  },
});

async function counters(host: Host): Promise<Record<string, number>> {
  return JSON.parse(await host.api.get("/report", "json")).Router.CaptureStats;
}

Deno.test("shuttle comes back", async (t) => {
  using lab = new Lab();
  const options = { password: PASSWORD };
  const { hosts, containers: [near, far] } = await two(lab, 4, options);
  const talks = async (): Promise<void> => {
    await until(async () => await near.ping(addressOf(1)) === 1, BACK_MS, "a ping");
  };

  for (const i of [0, 1] as const) {
    const [host, other] = [hosts[i], hosts[1 - i as 0 | 1]];
    await t.step(`when the router of host ${i} was stopped and launched`, async () => {
      await host.weft("stop");
      await host.launch({ ...options, peers: [other.address] });
      await talks();
      await byShuttle(hosts);
      await tcpIntact(near, far, addressOf(1), TRANSFER_BYTES);
    });
    await t.step(`when the router of host ${i} was killed and launched`, async () => {
      Deno.kill(host.routerPid(), "SIGKILL");
      await until(() => host.pids().length === 0, BACK_MS, "its end");
      await host.launch({ ...options, peers: [other.address] });
      await talks();
      await byShuttle(hosts);
      equal(await far.ping(addressOf(0), 5), 5);
    });
  }

  await t.step("when its datagrams were lost and sleeve's were not", async () => {
    await using flow = near.start(["ping", "-n", "-i", "0.1", "-W", "1", addressOf(1)]);
    await flow.says(/icmp_seq=5 /);
    for (const host of hosts) host.deafToShuttle();
    await bySleeve(hosts[0], hosts[1], /./);
    await talks();
    for (const host of hosts) host.heal();
    await byShuttle(hosts);
    await talks();
  });
});

Deno.test("the path of shuttle changes under a flow", async (t) => {
  using lab = new Lab();
  const { hosts, containers: [near, far] } = await two(lab, 4, { password: PASSWORD });

  await t.step("an MTU that is lowered: TCP is cut anew and arrives intact", async () => {
    await using server = await receiver(far, "tcp-in", "5001", "1");
    const client = sender(near, "tcp-out", addressOf(1), "5001", `${LONG_TRANSFER_BYTES}`);
    // Some of it is on its way.
    await until(
      async () => (await counter(hosts[1], "tapWriteBytes")) > LONG_TRANSFER_BYTES / 20,
      BACK_MS,
      "the first part",
    );
    for (const host of hosts) host.linkMtu(LINK_MTU);
    const { stdout } = await client;
    await server.done();
    const hash = (text: string, word: string): string =>
      new RegExp(`^${word} ([0-9a-f]{64})$`, "m").exec(text)?.[1] ?? `nothing ${word}`;
    equal(hash(server.output, "received"), hash(stdout, "sent"));
  });

  await t.step("it is shuttle still, and status has the MTU", async () => {
    await byShuttle(hosts);
    await until(
      async () => {
        const [pair] = await hosts[0].pairs();
        return pair?.mtu !== undefined && pair.mtu < LINK_MTU && pair.mtu > LINK_MTU - 150;
      },
      BACK_MS,
      "the MTU in status",
    );
  });

  await t.step("a packet that does not fit draws the right size", async () => {
    const told = await until(
      async () => {
        const size = `${MTU - PING_HEADERS}`;
        const args = ["ping", "-n", "-c", "2", "-i", "0.2", "-W", "1", "-M", "do", "-s", size];
        const { stdout, stderr } = await near.run([...args, addressOf(1)], { mayFail: true });
        const mtu = Number(/mtu ?= ?(\d+)/i.exec(stdout + stderr)?.[1]);
        return mtu < LINK_MTU ? mtu : undefined;
      },
      BACK_MS,
      "being told the path's MTU",
    );
    ok(told > LINK_MTU - 150, `told ${told}`);
    equal(await near.ping(addressOf(1), 2, "-M", "do", "-s", `${told - PING_HEADERS}`), 2);
  });

  await t.step("large packets pass in fragments", async () => {
    equal(await near.ping(addressOf(1), 2, "-s", "60000"), 2);
    equal(await far.ping(addressOf(0), 2, "-s", "60000"), 2);
  });

  await t.step("one datagram of a hundred is lost: TCP arrives intact", async () => {
    for (const host of hosts) host.loss(1);
    await tcpIntact(near, far, addressOf(1), TRANSFER_BYTES);
    for (const host of hosts) host.loss(0);
    await byShuttle(hosts);
  });
});

async function counter(host: Host, name: string): Promise<number> {
  return JSON.parse(await host.api.get("/status", "json")).counters[name];
}
