/** Two hosts with a network between them that loses, repeats, delays and reorders: what arrives is whole. */

import { ok } from "node:assert/strict";
import { BadPath } from "../helpers/bad_path.ts";
import { Lab } from "../helpers/lab.ts";
import { byShuttle, tcpIntact } from "../helpers/shuttle_lab.ts";
import { until } from "../helpers/until.ts";

/** A few seconds at what TCP makes of such a network. */
const TRANSFER_BYTES = 3_000_000;
const FAULTS = { loss: 0.01, reorder: 0.05, duplication: 0.01, jitterMs: 10 };
const READY_MS = 60_000;

for (const [name, options] of [["encrypted", { password: "rosebud" }], ["in clear", {}]] as const) {
  Deno.test(`a bad network between two hosts by shuttle, ${name}`, async (t) => {
    using lab = new Lab();
    await using path = new BadPath(lab);
    await path.open(FAULTS);
    const { ends: [near, far], address } = await path.weft(options);
    await byShuttle(path.hosts, READY_MS);

    await t.step("TCP arrives intact each way", async () => {
      await tcpIntact(near, far, address, TRANSFER_BYTES);
    });

    await t.step("packets that are sent in many fragments come through", async () => {
      await until(
        async () => await near.ping(address, 5, "-s", "8000") > 0,
        READY_MS,
        "a ping of 8000 bytes",
      );
    });

    await t.step("it was shuttle all the time", async () => {
      await byShuttle(path.hosts, 1_000);
      for (const host of path.hosts) ok(!/by sleeve/.test(host.log()), host.log());
    });
  });
}
