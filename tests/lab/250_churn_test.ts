/** Links that are cut and healed all the time: nothing grows. */

import { deepEqual, ok } from "node:assert/strict";
import { must } from "../../base/mod.ts";
import { allTalk, cluster, type Edge, figure, settled, soakMs } from "../helpers/cluster.ts";
import { addressOf, Lab } from "../helpers/lab.ts";
import { descriptors, hearsArp, residentBytes } from "../helpers/process.ts";
import { pause, until } from "../helpers/until.ts";

const RING_WITH_CHORD: readonly Edge[] = [[1, 0], [2, 1], [3, 2], [0, 3], [2, 0]];
const HALF_ROUND_MS = 2_500;
const WARM_UP_ROUNDS = 1;
const MAX_GROWTH_BYTES = 48 * 1024 * 1024;
const SETTLE_MS = 60_000;
const PROBES_CLOSED_MS = 30_000;

Deno.test("cut and heal every 5 s", async (t) => {
  using lab = new Lab();
  const { hosts, containers } = await cluster(lab, 4, RING_WITH_CHORD, { password: "rosebud" });
  await allTalk(containers);
  const pids = hosts.map((host) => host.routerPid());
  let turn = 0;
  const round = async (): Promise<void> => {
    const [a, b] = must(RING_WITH_CHORD[turn % RING_WITH_CHORD.length], "link");
    const link = [must(hosts[a], "host"), must(hosts[b], "host")] as const;
    // Silence and an end that the system tells, in turn.
    if (turn++ % 2 === 0) lab.break(...link);
    else lab.cut(...link);
    await pause(HALF_ROUND_MS);
    lab.heal(...link);
    await pause(HALF_ROUND_MS);
  };
  const wholeAgain = async (): Promise<void> => {
    await settled(hosts, RING_WITH_CHORD, SETTLE_MS);
    await allTalk(containers);
  };

  const talker = must(containers[1], "container");
  await using flow = talker.start(["ping", "-n", "-i", "0.1", "-W", "1", addressOf(3)], {
    timeoutMs: soakMs(0) + 300_000,
  });
  for (let i = 0; i < WARM_UP_ROUNDS; i++) await round();
  await wholeAgain();
  await until(() => !pids.some(hearsArp), PROBES_CLOSED_MS, "sockets of questions to be closed");
  const fdsBefore = pids.map(descriptors);
  const rssBefore = pids.map(residentBytes);

  await t.step("all talk after the last round", async () => {
    const end = performance.now() + soakMs(3 * 2 * HALF_ROUND_MS);
    while (performance.now() < end) await round();
    await wholeAgain();
  });

  await t.step("the same routers hold the same number of descriptors", async () => {
    deepEqual(hosts.map((host) => host.routerPid()), pids);
    const same = (): boolean => pids.every((pid, i) => descriptors(pid) === fdsBefore[i]);
    await until(same, 10_000, `descriptors ${fdsBefore} again, from ${pids.map(descriptors)}`);
    figure(`descriptors ${fdsBefore} before, ${pids.map(descriptors)} after ${turn} rounds`);
  });

  await t.step("memory does not grow", () => {
    const rss = pids.map(residentBytes);
    const megabytes = (bytes: readonly number[]): string =>
      bytes.map((each) => (each / 1_048_576).toFixed(1)).join(" ");
    figure(`RSS in MiB ${megabytes(rssBefore)} before, ${megabytes(rss)} after ${turn} rounds`);
    rss.forEach((bytes, i) => ok(bytes - (rssBefore[i] ?? 0) < MAX_GROWTH_BYTES, megabytes(rss)));
  });

  const answered = (await flow.stop()).match(/icmp_seq=/g)?.length ?? 0;
  const sent = Number(/icmp_seq=(\d+) (?!.*icmp_seq)/s.exec(flow.output)?.[1] ?? 0);
  figure(`a flow across the ring: ${answered} of ${sent} answered`);
});
