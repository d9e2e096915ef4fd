/**
 * TCP over a bad network: weft with shuttle beside VXLAN of the kernel, in rounds, one right after the other; needs root.
 *
 * ```
 *   deno task bench:faults [--rounds=5] [--seconds=8] [--flows=1] [--loss=0.01] [--reorder=0.05] [--duplication=0.01]
 *                          [--jitterMs=10]
 * ```
 *
 * Both go through the same program, which loses, holds back, repeats and delays their datagrams by the same dice. What counts
 * is the ratio of the medians, since the rate itself says more about TCP on such a network than about what carries it.
 *
 * @module
 */

import { BadPath, type Way } from "../helpers/bad_path.ts";
import { Lab } from "../helpers/lab.ts";
import { argument } from "../helpers/run_size.ts";
import { byShuttle, tcpIntact } from "../helpers/shuttle_lab.ts";
import type { Faults } from "../helpers/underlay.ts";
import { median, rotated } from "./end_to_end/statistics.ts";

const INTACT_BYTES = 2_000_000;
const READY_MS = 60_000;

/** Returns the number in `--name=`, or another one. */
function number(name: string, otherwise: number): number {
  return Number(argument(name) ?? otherwise);
}

function say(line: string): void {
  Deno.stdout.writeSync(new TextEncoder().encode(line + "\n"));
}

/** @returns Mbit/s that arrived */
async function throughput({ ends: [from, to], address }: Way): Promise<number> {
  await using server = to.start(["iperf3", "-s", "-1", "--forceflush"]);
  await server.says(/listening/i);
  const seconds = number("seconds", 8);
  const words = ["iperf3", "-c", address, "-t", `${seconds}`, "-P", `${number("flows", 1)}`, "-J"];
  const { stdout } = await from.run(words, { timeoutMs: 3_000 * seconds + 20_000 });
  return JSON.parse(stdout).end.sum_received.bits_per_second / 1e6;
}

const faults: Faults = {
  loss: number("loss", 0.01),
  reorder: number("reorder", 0.05),
  duplication: number("duplication", 0.01),
  jitterMs: number("jitterMs", 10),
};
{
  using lab = new Lab();
  await using path = new BadPath(lab);
  await path.open(faults);
  const weft = await path.weft({ password: "a password for a minute" });
  const vxlan = path.vxlan();
  await byShuttle(path.hosts, READY_MS);
  say(`faults: ${JSON.stringify(faults)}, ${number("flows", 1)} flow(s)`);
  const figures = new Map<Way, number[]>([[vxlan, []], [weft, []]]);
  for (let round = 0; round < number("rounds", 5); round++) {
    for (const [way, list] of rotated([...figures], round)) {
      const mbit = await throughput(way);
      list.push(mbit);
      say(`round ${round + 1}, ${way.name}: ${mbit.toFixed(2)} Mbit/s`);
    }
  }
  for (const { name, ends: [near, far], address } of figures.keys()) {
    await tcpIntact(near, far, address, INTACT_BYTES);
    say(`${name}: ${INTACT_BYTES} bytes arrived intact each way`);
  }
  await byShuttle(path.hosts);
  const [kernel = 0, ours = 0] = [...figures.values()].map(median);
  say(`medians: VXLAN ${kernel.toFixed(2)}, weft ${ours.toFixed(2)} Mbit/s`);
  say(`ratio of medians: ${(ours / kernel).toFixed(2)}`);
}
