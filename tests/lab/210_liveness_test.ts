/** How soon a fault is noticed and gone round, and that nothing is noticed where there is none. */

import { equal, ok } from "node:assert/strict";
import { type Host, Lab, pair } from "../helpers/lab.ts";
import type { Namespace } from "../helpers/namespace.ts";
import { Pinger } from "../helpers/pinger.ts";
import { pause, until } from "../helpers/until.ts";

/** Longer soaks are for releases. */
const SOAK_MS = Number(Deno.env.get("WEFT_SOAK_SECONDS") ?? 8) * 1000;
const HEALED_MS = 45_000;

/** What is promised; tests wait three times as long. */
const PROMISED_MS = { silentCut: 3_000, udpCut: 5_000, killed: 500 } as const;

interface Ring {
  readonly hosts: readonly [Host, Host, Host, Host];
  /** One on each of the first three hosts: 10.2.1.1 to 10.2.1.3. */
  readonly containers: readonly [Namespace, Namespace, Namespace];
}

/** Launches four routers, each connected to two others. */
async function ring(lab: Lab): Promise<Ring> {
  const hosts = [lab.host(), lab.host(), lab.host(), lab.host()] as const;
  const containers = [lab.container(), lab.container(), lab.container()] as const;
  await Promise.all(hosts.map((host, i) =>
    host.launch({
      password: "rosebud",
      peers: [hosts[(i + 3) % 4]?.address ?? ""],
      // Of two ways of equal length the one over the lower name is taken.
      args: ["--no-discovery", `--name=02:00:00:00:00:0${i + 1}`],
    })
  ));
  await Promise.all(containers.map((each, i) => hosts[i]?.attach(each, `10.2.1.${i + 1}/24`)));
  await Promise.all(hosts.map((host) => host.established(2)));
  for (const to of [2, 3]) {
    const passes = async (): Promise<boolean> => await containers[0].ping(`10.2.1.${to}`) === 1;
    await until(passes, HEALED_MS, "the first ping");
  }
  introduce(containers);
  return { hosts, containers };
}

/** Tells containers their MACs for good: a question for one that falls into a fault costs a second of its own. */
function introduce(containers: Ring["containers"]): void {
  containers.forEach((one, i) => {
    const mac = /link\/ether (\S+)/.exec(one.ip("link", "show", "ethwe"))?.[1] ?? "";
    for (const other of containers) {
      if (other === one) continue;
      const words = ["lladdr", mac, "dev", "ethwe", "nud", "permanent"];
      other.ip("neigh", "replace", `10.2.1.${i + 1}`, ...words);
    }
  });
}

/** Cuts the link between two hosts. @returns when */
function cut([one, two]: Ring["hosts"], what: "all" | "udp"): number {
  one.ignore(two, what);
  two.ignore(one, what);
  return Date.now();
}

async function relayed(hosts: readonly Host[]): Promise<number> {
  const counts = await Promise.all(hosts.map(async (host) => {
    const { stdout } = await host.weft("status", "--json");
    return Number(/"framesRelayed":\s*(\d+)/.exec(stdout)?.[1]);
  }));
  return counts.reduce((sum, count) => sum + count, 0);
}

/** Heals and waits until no frame takes the way round. @returns requests lost meanwhile */
async function healed(hosts: Ring["hosts"], pinger: Pinger): Promise<number> {
  const since = Date.now();
  for (const host of hosts) host.heal();
  await Promise.all(hosts.map((host) => host.established(2, HEALED_MS)));
  const direct = async (): Promise<boolean> => {
    const [before, replies] = [await relayed(hosts), pinger.replies(since)];
    await until(() => pinger.replies(since) >= replies + 6, HEALED_MS, "six more replies");
    return await relayed(hosts) === before;
  };
  await until(direct, HEALED_MS, "the direct way");
  report("healed, milliseconds", Date.now() - since);
  return pinger.lost(since);
}

function report(what: string, value: number): void {
  Deno.stdout.writeSync(new TextEncoder().encode(`  ${what}: ${value}\n`));
}

Deno.test("a ring of four hosts goes round a fault", async (t) => {
  using lab = new Lab();
  const { hosts, containers } = await ring(lab);
  const [one, two, three] = hosts;

  for (const [what, promised] of [["udp", "udpCut"], ["all", "silentCut"]] as const) {
    await t.step(`a link of which ${what} is cut without a word, and healed`, async () => {
      await using pinger = new Pinger(containers[0], "10.2.1.2");
      await pinger.back(Date.now(), HEALED_MS);
      const away = await pinger.back(cut(hosts, what), 3 * PROMISED_MS[promised]);
      report(`${what} cut, milliseconds without traffic`, away);
      if (what === "all") {
        const gone = (host: Host): boolean => /disconnected.*silent/.test(host.log());
        await until(() => gone(one) && gone(two), 30_000, "the end of TCP");
      } else ok(!/disconnected/.test(one.log()));
      // Both ends take the direct way at a time of their own: a request may be just between two of their routes.
      const lost = await healed(hosts, pinger);
      report("requests lost on the way back", lost);
      ok(lost <= 1, `${lost} requests were lost`);
    });
  }

  await t.step("a relay is killed", async () => {
    await using pinger = new Pinger(containers[0], "10.2.1.3");
    await pinger.back(Date.now(), HEALED_MS);
    Deno.kill(two.routerPid(), "SIGKILL");
    const away = await pinger.back(Date.now(), 3 * PROMISED_MS.killed);
    report("relay killed, milliseconds without traffic", away);
    equal(
      await three.connections().then((lines) => lines.some((line) => /pending/.test(line))),
      false,
    );
  });
});

Deno.test("nothing is taken for a fault", async (t) => {
  using lab = new Lab();
  const { hosts } = await pair(lab, { password: "rosebud" });
  const withdrawn = (): number =>
    hosts.reduce((sum, host) => sum + host.log().split("no longer established").length - 1, 0);

  await t.step("where a fifth of all datagrams is lost", async () => {
    for (const host of hosts) host.loss(20);
    await pause(SOAK_MS);
    equal(withdrawn(), 0);
    for (const host of hosts) host.heal();
  });

  await t.step("where all processors are busy", async () => {
    const loops = Array.from(
      { length: navigator.hardwareConcurrency },
      () => hosts[0].start(["sh", "-c", "while :; do :; done"], { timeoutMs: SOAK_MS + 60_000 }),
    );
    await pause(SOAK_MS);
    await Promise.all(loops.map((loop) => loop.stop()));
    equal(withdrawn(), 0);
  });
});
