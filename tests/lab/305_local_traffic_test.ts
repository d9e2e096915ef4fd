/** What two containers of one host say to each other stays on its bridge: the router never sees it. */

import { equal, ok } from "node:assert/strict";
import { figure } from "../helpers/cluster.ts";
import { addressOf, type Host, Lab, pair } from "../helpers/lab.ts";
import { tcpIntact } from "../helpers/shuttle_lab.ts";

const TRANSFER_BYTES = 50_000_000;
const PINGS = 100;
/** Broadcasts of the kernels, as ARP: they belong to all hosts. */
const OTHER_FRAMES = 20;
const OTHER_BYTES = 4_000;

async function counters(host: Host): Promise<Readonly<Record<string, number>>> {
  return JSON.parse(await host.api.get("/status", "json")).counters;
}

Deno.test("traffic between two containers of one host does not reach its router", async (t) => {
  using lab = new Lab();
  const { hosts: [host], containers: [one, two, far] } = await pair(lab, { password: "rosebud" });
  // Nobody's address has to be asked for any more.
  equal(await one.ping(addressOf(1), 3), 3);

  await t.step("pings and TCP between them leave its counters as they are", async () => {
    const before = await counters(host);
    equal(await one.ping(addressOf(1), PINGS), PINGS);
    await tcpIntact(one, two, addressOf(1), TRANSFER_BYTES);
    const after = await counters(host);
    const grown = (name: string): number => (after[name] ?? 0) - (before[name] ?? 0);
    const read = `${grown("tapReads")} frames, ${grown("tapReadBytes")} bytes read from the TAP`;
    figure(
      `${read} while ${2 * TRANSFER_BYTES} bytes of TCP and ${PINGS} pings stayed on the host`,
    );
    ok(grown("tapReads") <= OTHER_FRAMES, `${grown("tapReads")} frames were read`);
    ok(grown("tapReadBytes") <= OTHER_BYTES, `${grown("tapReadBytes")} bytes were read`);
    ok(grown("dropLocal") <= OTHER_FRAMES, `${grown("dropLocal")} were found to be local`);
  });

  await t.step("the same to another host is counted", async () => {
    const before = await counters(host);
    equal(await one.ping(addressOf(2), PINGS), PINGS);
    const after = await counters(host);
    ok(
      (after["tapReads"] ?? 0) - (before["tapReads"] ?? 0) >= PINGS,
      "what goes to a host is read",
    );
    equal(await far.ping(addressOf(0)), 1);
  });
});
