import { deepEqual, equal } from "node:assert/strict";
import { parseCidr, parseIpv4 } from "../../base/mod.ts";
import "../../ffi/_testing.ts";
import { createNetns, openFileCount, withNetns } from "../../ffi/mod.ts";
import { addrAdd, linkAdd, linkGet, linkSet, Netlink } from "../../ffi/netlink/mod.ts";
import { ArpProbes } from "../../router/arp_probes_shell.ts";
import { until } from "../helpers/until.ts";

const HELD = parseIpv4("192.0.2.7");
const FREE = [1, 2, 3].map((i) => HELD + i);

Deno.test("ArpProbes asks many questions with one socket, and closes it at the end", async () => {
  using near = createNetns();
  using far = createNetns();
  withNetns(near, () => {
    using nl = Netlink.open();
    const peer = { name: "far", netns: far };
    linkAdd(nl, { kind: "veth", name: "weft", mtuBytes: 1500, peer });
    linkSet(nl, "weft", { up: true });
  });
  withNetns(far, () => {
    using nl = Netlink.open();
    linkSet(nl, "far", { up: true });
    addrAdd(nl, linkGet(nl, "far")?.index ?? 0, parseCidr("192.0.2.7/24"));
  });
  const before = openFileCount();
  {
    using probes = new ArpProbes("weft");
    const ask = (withinMs: number): Promise<boolean>[] =>
      withNetns(near, () => [HELD, ...FREE].map((address) => probes.probe(address, withinMs)));
    await until(async () => await ask(50)[0], 10_000, "an answer across a new link");
    const answers = ask(2000);
    equal(openFileCount(), before + 1);
    deepEqual(await Promise.all(answers), [true, false, false, false]);
  }
  equal(openFileCount(), before);
});

Deno.test("ArpProbes takes an address for free where there is no bridge", async () => {
  using probes = new ArpProbes("none");
  equal(await probes.probe(HELD, 20), false);
});
