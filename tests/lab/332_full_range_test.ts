/** A range that is used to its last address, on three hosts. */

import { deepEqual, equal, match } from "node:assert/strict";
import { must } from "../../base/mod.ts";
import { type Asked, askForAddress, askForAddresses } from "../helpers/address_load.ts";
import { figure } from "../helpers/cluster.ts";
import { Lab } from "../helpers/lab.ts";
import { until } from "../helpers/until.ts";

const RANGE = "10.9.0.0/24";
/** Without the first and the last one. */
const HOST_ADDRESSES = 254;
const IN_FLIGHT = 12;
const READY_MS = 30_000;
const WAIT_SECONDS = 30;
const PASSWORD = "rosebud";

Deno.test("a /24 over three hosts is used to its last address", async (t) => {
  using lab = new Lab();
  const hosts = [lab.host(), lab.host(), lab.host()] as const;
  const [first, second, third] = hosts;
  const args = ["--ipalloc-range", RANGE];
  await first.launch({ password: PASSWORD, args });
  await Promise.all(
    [second, third].map((host) =>
      host.launch({ password: PASSWORD, args, peers: [first.address] })
    ),
  );
  await first.established(2, READY_MS);
  const given: Asked[] = [];
  const ofHost = (host: unknown): Asked =>
    must(given.find((each) => each.host === host), "an address of that host");

  await t.step("each address is given out once", async () => {
    given.push(...await askForAddresses(hosts, { count: HOST_ADDRESSES, inFlight: IN_FLIGHT }));
    deepEqual(given.flatMap(({ reason }) => reason ?? []), []);
    equal(new Set(given.map(({ address }) => address)).size, HOST_ADDRESSES);
  });

  await t.step("the next request fails on each host, with the reason", async () => {
    for (const host of hosts) {
      const { reason = "", ms } = await askForAddress(host, "late", WAIT_SECONDS);
      match(reason, /^503 Cannot allocate in 10\.9\.0\.0\/24: no address is free here/);
      figure(`refused after ${ms.toFixed(0)} ms: ${reason}`);
    }
  });

  await t.step("an address that one host takes back may go to another", async () => {
    const { ident, address } = ofHost(second);
    await second.api.delete(`/ip/${ident}`);
    const start = performance.now();
    let next = await askForAddress(third, "heir", WAIT_SECONDS);
    // That something is free again is told once a second at most; who has not heard of it refuses.
    const granted = async (): Promise<boolean> => {
      if (next.reason !== undefined) next = await askForAddress(third, "heir", WAIT_SECONDS);
      return next.reason === undefined;
    };
    await until(granted, READY_MS, "an address of another host");
    equal(next.address, address);
    given.splice(given.indexOf(ofHost(second)), 1);
    figure(`an address of another host after ${(performance.now() - start).toFixed(0)} ms`);
  });

  await t.step(
    "a request waits for a host that is away, and goes on when another frees one",
    async () => {
      Deno.kill(third.routerPid(), "SIGKILL");
      await first.established(1, READY_MS);
      const asked = askForAddress(first, "patient", WAIT_SECONDS);
      const waits = async (): Promise<boolean> => {
        const { IPAM } = JSON.parse(await first.api.get("/report", "json"));
        return (IPAM.PendingAllocates ?? []).length === 1;
      };
      await until(waits, READY_MS, "a request that waits");
      const { ident, address } = ofHost(second);
      const start = performance.now();
      await second.api.delete(`/ip/${ident}`);
      const answer = await asked;
      equal(answer.reason, undefined);
      equal(answer.address, address);
      figure(`a waiting request went on ${(performance.now() - start).toFixed(0)} ms after a free`);
    },
  );

  await t.step("without that it ends with the reason when its time is over", async () => {
    const { reason = "", ms } = await askForAddress(first, "hopeless", 3);
    match(reason, /^503 .*waited 3 s for .*cannot be reached/);
    figure(`gave up after ${ms.toFixed(0)} ms: ${reason}`);
  });
});
