/** A program that embeds a router may start and stop it as often as it likes. */

import { deepEqual, equal, ok } from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { Lab } from "../helpers/lab.ts";
import { machineState } from "../helpers/machine_state.ts";
import type { Rounds } from "../helpers/router_rounds.ts";

const ROUNDS = Number(Deno.env.get("WEFT_ROUNDS") ?? 5);
const MAX_GROWTH_BYTES = 5_000_000;
const PROGRAM = fileURLToPath(new URL("../helpers/router_rounds.ts", import.meta.url));
const CONFIG = fileURLToPath(new URL("../../deno.json", import.meta.url));

Deno.test(`${ROUNDS} rounds of a router in one process leave nothing`, async (t) => {
  using lab = new Lab();
  const [host, peer] = [lab.host(), lab.host()];
  await peer.launch({ password: "rosebud" });
  const flags = ["-A", "--no-prompt", "--quiet", "--config", CONFIG, "--v8-flags=--expose-gc"];
  const run = async (rounds: number): Promise<Rounds> => {
    const args = [`${rounds}`, host.runtimeDir, host.stateDir, peer.address];
    const { stdout } = await host.run([Deno.execPath(), "run", ...flags, PROGRAM, ...args], {
      timeoutMs: 30_000 + rounds * 3000,
    });
    return JSON.parse(stdout.trim().split("\n").at(-1) ?? "");
  };
  await run(1);
  const before = machineState(host.name, [host.runtimeDir, host.stateDir]);
  const left = await run(ROUNDS);
  const after = machineState(host.name, [host.runtimeDir, host.stateDir]);

  await t.step("the same descriptors", () => equal(left.descriptors[1], left.descriptors[0]));
  await t.step("the same threads", () => ok(left.threads[1] <= left.threads[0]));
  await t.step("no more memory than 5 MB", () => {
    const growth = left.rss[1] - left.rss[0];
    ok(growth < MAX_GROWTH_BYTES, `grew by ${growth} bytes`);
  });
  await t.step("the same devices, rules and files", () => {
    deepEqual({ ...after, namespaces: [] }, { ...before, namespaces: [] });
  });
});
