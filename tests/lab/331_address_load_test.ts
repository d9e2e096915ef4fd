/** Many requests for addresses at once, on three hosts: nobody gets the address of another, not even when routers are killed. */

import { deepEqual, equal, ok } from "node:assert/strict";
import { must } from "../../base/mod.ts";
import { type Asked, askForAddresses, heldAt, spread } from "../helpers/address_load.ts";
import { figure } from "../helpers/cluster.ts";
import { type Host, Lab } from "../helpers/lab.ts";

/** 600 are asked for at an acceptance. */
const COUNT = Number(Deno.env.get("WEFT_REQUESTS") ?? 120);
const IN_FLIGHT = 12;
const READY_MS = 30_000;
const PASSWORD = "rosebud";

async function threeHosts(lab: Lab): Promise<[Host, Host, Host]> {
  const [first, second, third] = [lab.host(), lab.host(), lab.host()];
  await first.launch({ password: PASSWORD });
  await Promise.all(
    [second, third].map((host) => host.launch({ password: PASSWORD, peers: [first.address] })),
  );
  await first.established(2, READY_MS);
  return [first, second, third];
}

/** What was answered is what is held, each by one: all of it, and nothing twice. */
async function checkHeld(hosts: readonly Host[], asked: readonly Asked[]): Promise<void> {
  const answered = asked.filter(({ address }) => address !== undefined);
  const addresses = answered.map(({ address }) => address);
  equal(new Set(addresses).size, answered.length, "an address was answered twice");
  for (const host of hosts) {
    const held = await heldAt(host);
    const expected = answered.filter((each) => each.host === host)
      .map(({ ident, address }) => `${ident} ${address}`);
    deepEqual(held.sort(), expected.sort(), host.name);
  }
}

Deno.test(`${COUNT} addresses are asked for on three hosts at once`, async (t) => {
  using lab = new Lab();
  const hosts = await threeHosts(lab);
  let asked: Asked[] = [];

  await t.step("each ident gets one of its own, and its router holds it", async () => {
    asked = await askForAddresses(hosts, { count: COUNT, inFlight: IN_FLIGHT });
    deepEqual(asked.filter(({ reason }) => reason !== undefined), []);
    equal(asked.length, COUNT);
    await checkHeld(hosts, asked);
    figure(`${COUNT} requests, ${IN_FLIGHT} in flight at each router: ${spread(asked)}`);
  });

  await t.step("asking again gives the same", async () => {
    const again = await askForAddresses(hosts, { count: COUNT, inFlight: IN_FLIGHT });
    const answers = (of: readonly Asked[]): string[] =>
      of.map(({ ident, address }) => `${ident} ${address}`).sort();
    deepEqual(answers(again), answers(asked));
    figure(`the same again: ${spread(again)}`);
  });
});

Deno.test("routers are killed, one after the other, in the middle of many requests", async () => {
  using lab = new Lab();
  const hosts = await threeHosts(lab);
  const relaunched: Promise<unknown>[] = [];
  // The first is the one that the others were told of.
  const at = hosts.map((_, i) => Math.floor(COUNT * (i + 1) / 4));
  const tries = await askForAddresses(hosts, {
    count: COUNT,
    inFlight: IN_FLIGHT,
    onDone: (done) => {
      const victim = hosts[at.indexOf(done)];
      if (victim === undefined) return;
      Deno.kill(victim.routerPid(), "SIGKILL");
      const peers = victim === hosts[0] ? [] : [must(hosts[0], "host").address];
      relaunched.push(victim.launch({ password: PASSWORD, peers }));
    },
  });
  await Promise.all(relaunched);
  equal(relaunched.length, hosts.length);

  const gone = tries.filter((each) => each.gone);
  ok(gone.length > 0, "nothing was in flight at a router that was killed");
  for (const { reason } of gone) ok(reason);
  const ended = tries.filter((each) => !each.gone);
  deepEqual(ended.filter(({ reason }) => reason !== undefined), []);
  equal(ended.length, COUNT);
  await checkHeld(hosts, ended);
  figure(`${COUNT} requests, ${gone.length} tries cut off by three kills: ${spread(ended)}`);
});
