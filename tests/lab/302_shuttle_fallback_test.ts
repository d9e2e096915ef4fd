/** Where shuttle cannot be, sleeve is, and status says why. */

import { deepEqual, equal, match, ok } from "node:assert/strict";
import { must } from "../../base/mod.ts";
import { allTalk, cluster, Ears, settled, silentPairs } from "../helpers/cluster.ts";
import { addressOf, type Host, Lab } from "../helpers/lab.ts";
import { byShuttle, bySleeve, tcpIntact } from "../helpers/shuttle_lab.ts";
import { until } from "../helpers/until.ts";

const TRANSFER_BYTES = 5_000_000;
const STREAM = 30;
const READY_MS = 30_000;
const LINE = [[0, 1], [1, 2]] as const;

/** Waits until one host sends to another by shuttle. */
async function sendsByShuttle(from: Host, to: Host): Promise<void> {
  const peer = await to.peerName();
  await until(
    async () => {
      const row = (await from.pairs()).find((each) => each.peer === peer);
      if (row?.overlay === "shuttle") return true;
      throw new Error(`by ${row?.overlay}: ${row?.reason}`);
    },
    READY_MS,
    "shuttle between neighbours",
  );
}

Deno.test("a host between offers sleeve alone", async (t) => {
  using lab = new Lab();
  const password = "rosebud";
  const hosts = [lab.host(), lab.host(), lab.host()] as const;
  const [first, middle, last] = hosts;
  const containers = hosts.map(() => lab.container());
  const args = ["--no-discovery"];
  await middle.launch({ password, args: [...args, "--overlay", "sleeve"] });
  await Promise.all(
    [first, last].map((host) => host.launch({ password, args, peers: [middle.address] })),
  );
  await Promise.all(
    hosts.map((host, i) => host.attach(must(containers[i], "container"), `${addressOf(i)}/24`)),
  );
  await settled(hosts, LINE);
  const [near, , far] = containers;

  await t.step("links are by sleeve, and nothing is missing to say so", async () => {
    for (const host of hosts) {
      for (const line of await host.connections()) {
        match(line, /established +encrypted +sleeve /);
        ok(!line.includes("reason="), line);
      }
    }
  });

  await t.step("pairs are by sleeve, and each host says why", async () => {
    for (const [from, to] of [[first, last], [last, first], [first, middle]] as const) {
      await bySleeve(from, to, /does not carry shuttle/);
    }
    await bySleeve(middle, first, /this router does not offer shuttle/);
  });

  await t.step("everything passes all the same", async () => {
    await allTalk(containers);
    deepEqual(await silentPairs(containers, "-s", "60000"), []);
    await tcpIntact(must(near, "near"), must(far, "far"), addressOf(2), TRANSFER_BYTES);
    await using ears = await Ears.open(containers);
    for (const from of [0, 1, 2]) deepEqual(await ears.wrongCopies(from, STREAM), []);
  });

  await t.step("when it offers shuttle at last, all pairs take it", async () => {
    await middle.weft("stop");
    await middle.launch({ password, args, peers: [first.address, last.address] });
    await settled(hosts, LINE);
    await byShuttle(hosts);
    await allTalk(containers);
  });
});

Deno.test("two hosts have no common password, and one between has both", async (t) => {
  using lab = new Lab();
  const hosts = [lab.host(), lab.host(), lab.host()] as const;
  const [first, middle, last] = hosts;
  const containers = hosts.map(() => lab.container());
  const args = ["--no-discovery"];
  const [one, other] = ["the password of one half", "the password of the other half"];
  const file = `${lab.directory}/both`;
  Deno.writeTextFileSync(file, `${one}\n${other}\n`, { mode: 0o600 });
  await middle.launch({ args: [...args, "--password-file", file] });
  await first.launch({ password: one, args, peers: [middle.address] });
  await last.launch({ password: other, args, peers: [middle.address] });
  await Promise.all(
    hosts.map((host, i) => host.attach(must(containers[i], "container"), `${addressOf(i)}/24`)),
  );
  await settled(hosts, LINE);
  const [near, , far] = containers;

  await t.step("both are by shuttle with the one between", async () => {
    for (const host of [first, last]) {
      await sendsByShuttle(host, middle);
      await sendsByShuttle(middle, host);
    }
  });

  await t.step("to each other they are by sleeve, and status says why", async () => {
    // Who asks learns why; the other only that its answer was not confirmed.
    await until(
      async () => {
        const rows = [...await first.pairs(), ...await last.pairs()];
        return rows.some(({ reason }) => reason?.includes("no common password"));
      },
      READY_MS,
      "a word of the passwords",
    );
    for (const [from, to] of [[first, last], [last, first]] as const) await bySleeve(from, to, /./);
  });

  await t.step("everything passes all the same", async () => {
    await allTalk(containers);
    await tcpIntact(must(near, "near"), must(far, "far"), addressOf(2), TRANSFER_BYTES);
    await using ears = await Ears.open(containers);
    for (const from of [0, 1, 2]) deepEqual(await ears.wrongCopies(from, STREAM), []);
  });
});

Deno.test("what --overlay says", async (t) => {
  using lab = new Lab();
  const password = "rosebud";

  await t.step("shuttle means what is the default: sleeve stays behind it", async () => {
    const args = ["--overlay", "shuttle"];
    const { hosts, containers } = await cluster(lab, 2, [[0, 1]], { password, args });
    await byShuttle(hosts);
    // What nobody uses is not missed.
    await using flow = must(containers[0], "container").start(["ping", "-n", addressOf(1)]);
    await flow.says(/icmp_seq=2 /);
    for (const host of hosts) host.deafToShuttle();
    await bySleeve(must(hosts[0], "host"), must(hosts[1], "host"), /./);
    await allTalk(containers);
    for (const host of hosts) host.heal();
    await byShuttle(hosts);
  });

  await t.step("an unknown one is refused in one line", async () => {
    const { code, stderr } = await lab.host().tryWeft(["launch", "--overlay", "fastdp"]);
    equal(code, 1);
    match(stderr.trim(), /^.*Cannot use --overlay "fastdp": expected one of shuttle, sleeve\b.*$/);
  });

  await t.step("a name with an odd first byte is refused", async () => {
    const name = "03:00:00:00:00:01";
    const { code, stderr } = await lab.host().tryWeft(["launch", "--name", name]);
    equal(code, 1);
    match(stderr, /Cannot use --name "03:00:00:00:00:01": expected an even first byte/);
  });
});
