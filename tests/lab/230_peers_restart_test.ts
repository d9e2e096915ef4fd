/** Peers that stop, die and start again: the others forget them and take them back under a new UID. */

import { deepEqual, equal, notEqual } from "node:assert/strict";
import { must } from "../../base/mod.ts";
import { allTalk, figure, settled } from "../helpers/cluster.ts";
import { addressOf, type Host, Lab } from "../helpers/lab.ts";
import { machineState } from "../helpers/machine_state.ts";
import { descriptors, hearsArp } from "../helpers/process.ts";
import { until } from "../helpers/until.ts";

const ROUNDS = Number(Deno.env.get("WEFT_ROUNDS") ?? 2);
const PASSWORD = "rosebud";
const FORGET_MS = 10_000;
const PROBES_CLOSED_MS = 30_000;
const FULL_MESH = [[1, 0], [2, 0], [2, 1]] as const;

/** UID of a peer as each host has it. */
async function uids(hosts: readonly Host[], name: string): Promise<(string | undefined)[]> {
  const views = await Promise.all(hosts.map((host) => host.peers()));
  return views.map((view) => view.find((peer) => peer.name === name)?.uid);
}

Deno.test("peers stop, die and start again", async (t) => {
  using lab = new Lab();
  const hosts = [lab.host(), lab.host(), lab.host()] as const;
  const [first, second, third] = hosts;
  const containers = hosts.map(() => lab.container());
  const others = [first, third];
  const peers = others.map(({ address }) => address);
  await Promise.all([
    first.launch({ password: PASSWORD }),
    second.launch({ password: PASSWORD, peers }),
    third.launch({ password: PASSWORD, peers: [first.address] }),
  ]);
  await Promise.all(
    containers.map((container, i) =>
      must(hosts[i], "host").attach(container, `${addressOf(i)}/24`)
    ),
  );
  await settled(hosts, FULL_MESH);
  await allTalk(containers);
  const name = must((await second.peers())[0], "peer").name;
  const asks = (): boolean => others.some((host) => hearsArp(host.routerPid()));
  await until(() => !asks(), PROBES_CLOSED_MS, "sockets of questions to be closed");
  const before = others.map((host) => descriptors(host.routerPid()));

  const stop = async (): Promise<void> => void await second.weft("stop");
  const kill = (): Promise<void> => Promise.resolve(Deno.kill(second.routerPid(), "SIGKILL"));
  const ways = [
    { how: "weft stop, then launch", end: stop, args: peers },
    { how: "kill -9, then launch", end: kill, args: peers },
    { how: "kill -9, then launch --resume", end: kill, args: ["--resume"] },
  ];
  for (const { how, end, args } of ways) {
    await t.step(`${how}, ${ROUNDS} times`, async () => {
      for (let round = 0; round < ROUNDS; round++) {
        const [old] = await uids([first], name);
        await end();
        await settled(others, [[1, 0]], FORGET_MS);
        const start = performance.now();
        await second.launch({ password: PASSWORD, args });
        await settled(hosts, FULL_MESH);
        figure(`${how}: all agree ${Math.round(performance.now() - start)} ms after launch began`);
        const known = await uids(hosts, name);
        notEqual(known[0], old);
        equal(new Set(known).size, 1);
        await allTalk(containers);
      }
    });
  }

  await t.step("the others hold as many descriptors as before", async () => {
    await until(
      () => others.every((host, i) => descriptors(host.routerPid()) === before[i]),
      FORGET_MS,
      `${before} descriptors`,
    );
  });

  await t.step("rounds of launch and stop leave nothing on the host", async () => {
    const state = (): unknown => ({
      ...machineState(second.name, [second.runtimeDir, second.stateDir]),
      namespaces: [],
    });
    await second.weft("stop");
    const stopped = state();
    await second.launch({ password: PASSWORD, args: ["--resume"] });
    await settled(hosts, FULL_MESH);
    await second.weft("stop");
    deepEqual(state(), stopped);
    equal(second.pids().length, 0);
    await settled(others, [[1, 0]], FORGET_MS);
  });
});
