/** A switch carries frames, whatever is in them: unassigned ethertypes, IPv6, multicast, broadcast. */

import { deepEqual, equal, match } from "node:assert/strict";
import { addressOf, Lab, pair } from "../helpers/lab.ts";
import type { Background, Namespace } from "../helpers/namespace.ts";
import { copies, receiver, sender } from "../helpers/tools.ts";
import { pause, until } from "../helpers/until.ts";

const GROUP = "239.1.2.3";
/** Local experimental ethertype 1 of IEEE 802. */
const ETHERTYPE = "88b5";
const BROADCAST = "ff:ff:ff:ff:ff:ff";
const COUNT = 5;
/** After the last expected copy: time for one too many. */
const QUIET_MS = 400;

/** Sends from the first and tells how many copies each of the others got. */
async function everyCopy(
  others: readonly Namespace[],
  receive: (at: Namespace, index: number) => Promise<Background>,
  send: () => Promise<unknown>,
): Promise<Record<string, number>[]> {
  const heard = await Promise.all(others.map((at, i) => receive(at, i + 1)));
  try {
    await send();
    await until(
      () => heard.every(({ output }) => output.includes(`-${COUNT - 1}`)),
      10_000,
      "the last copy at each container",
    );
    await pause(QUIET_MS);
    return heard.map(({ output }) => copies(output));
  } finally {
    await Promise.all(heard.map((process) => process.stop()));
  }
}

function once(text: string): Record<string, number> {
  return Object.fromEntries(Array.from({ length: COUNT }, (_, i) => [`${text}-${i}`, 1]));
}

function linkLocal(container: Namespace): string {
  return /inet6 (fe80:[0-9a-f:]+)/.exec(container.ip("addr", "show", "ethwe"))?.[1] ?? "none";
}

Deno.test("any protocol crosses", async (t) => {
  using lab = new Lab();
  const { containers } = await pair(lab, { password: "rosebud" });
  const [first, ...others] = containers;
  const far = containers[2];

  await t.step("frames of an unassigned ethertype arrive once everywhere", async () => {
    const heard = await everyCopy(
      others,
      (at) => receiver(at, "frames-in", "ethwe", ETHERTYPE),
      () => sender(first, "frames-out", "ethwe", BROADCAST, ETHERTYPE, "raw", `${COUNT}`),
    );
    deepEqual(heard, others.map(() => once("raw")));
  });

  await t.step("a unicast frame reaches the container that has the MAC", async () => {
    const mac = /link\/ether (\S+)/.exec(far.ip("link", "show", "ethwe"))?.[1] ?? "";
    await using there = await receiver(far, "frames-in", "ethwe", ETHERTYPE);
    await sender(first, "frames-out", "ethwe", mac, ETHERTYPE, "one", "1");
    await there.says(/one-0/);
  });

  await t.step("a multicast datagram arrives once everywhere", async () => {
    const heard = await everyCopy(
      others,
      (at, i) => receiver(at, "datagrams-in", "5007", GROUP, addressOf(i)),
      () => sender(first, "datagrams-out", GROUP, "5007", "group", `${COUNT}`),
    );
    deepEqual(heard, others.map(() => once("group")));
  });

  await t.step("a broadcast datagram arrives once everywhere", async () => {
    const heard = await everyCopy(
      others,
      (at) => receiver(at, "datagrams-in", "5008"),
      () => sender(first, "datagrams-out", "10.2.1.255", "5008", "all", `${COUNT}`),
    );
    deepEqual(heard, others.map(() => once("all")));
  });

  await t.step("an IPv6 link-local ping passes", async () => {
    await until(() => linkLocal(far) !== "none", 10_000, "a link-local address");
    const address = `${linkLocal(far)}%ethwe`;
    await until(async () => await first.ping(address, 1) === 1, 10_000, "the first IPv6 ping");
    equal(await first.ping(address, 5), 5);
  });

  await t.step("ARP across hosts answers with the container's own MAC", async () => {
    first.ip("neigh", "flush", "dev", "ethwe");
    equal(await first.ping(addressOf(2)), 1);
    const mac = /link\/ether (\S+)/.exec(far.ip("link", "show", "ethwe"))?.[1] ?? "nothing";
    match(first.ip("neigh", "show", addressOf(2)), new RegExp(mac));
  });
});
