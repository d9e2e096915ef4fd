/** A router that dies or is stopped, and the containers that do not care. */

import { deepEqual, equal, match } from "node:assert/strict";
import { addressOf, type Host, Lab, pair } from "../helpers/lab.ts";
import { type MachineState, machineState } from "../helpers/machine_state.ts";
import { until } from "../helpers/until.ts";

const ROUNDS = Number(Deno.env.get("WEFT_ROUNDS") ?? 5);
const BACK_MS = 30_000;

function stateOf(host: Host): MachineState {
  const state = machineState(host.name, [host.runtimeDir, host.stateDir]);
  return { ...state, namespaces: [] };
}

Deno.test("a router ends and comes back", async (t) => {
  using lab = new Lab();
  const { hosts, containers } = await pair(lab, { password: "rosebud" });
  const [near, beside, far] = containers;
  const [first, second] = hosts;
  const links = near.ip("-o", "link");
  const name = (await first.weft("status")).stdout;

  const back = (): Promise<boolean> =>
    until(async () => await near.ping(addressOf(2)) === 1, BACK_MS, "traffic between the hosts");

  await t.step("kill -9: local containers go on, remote ones are away", async () => {
    Deno.kill(first.routerPid(), "SIGKILL");
    equal(await near.ping(addressOf(1), 3), 3);
    equal(await near.ping(addressOf(2)), 0);
  });

  await t.step("relaunch: everything is back and nobody touched a container", async () => {
    await first.launch({ password: "rosebud", peers: [second.address] });
    await back();
    equal(near.ip("-o", "link"), links);
    equal(await far.ping(addressOf(1), 2), 2);
    const line = /Name: (\S+)/;
    equal(line.exec((await first.weft("status")).stdout)?.[1], line.exec(name)?.[1]);
  });

  await t.step("stop: local containers go on, and relaunch brings the rest back", async () => {
    await first.weft("stop");
    equal(first.pids().length, 0);
    equal(await beside.ping(addressOf(0), 3), 3);
    await first.launch({ password: "rosebud", peers: [second.address] });
    await back();
  });

  await t.step("launching twice is refused", async () => {
    const again = await first.tryWeft(["launch"]);
    equal(again.code, 3);
    match(again.stderr, /already running/);
  });

  await t.step(
    `${ROUNDS} rounds of launch and stop leave the same devices, rules and files`,
    async () => {
      await first.weft("stop");
      const before = stateOf(first);
      for (let round = 0; round < ROUNDS; round++) {
        await first.launch({ password: "rosebud", peers: [second.address] });
        await first.weft("stop");
      }
      deepEqual(stateOf(first), before);
      equal(first.pids().length, 0);
    },
  );

  await t.step("stop without a router succeeds", async () => {
    const { code } = await first.tryWeft(["stop"]);
    equal(code, 0);
  });
});
