import { deepEqual, equal } from "node:assert/strict";
import { parseCidr, parseIpv4, parseMac } from "../base/mod.ts";
import { countingDescriptors, inFreshNetns } from "./_testing.ts";
import { arpAnnouncement, pause } from "./arp.ts";
import { addressTold, arpProbe, ArpProber } from "./arp_probe.ts";
import { addrAdd, linkAdd, linkGet, linkSet, Netlink } from "./netlink/mod.ts";
import { createNetns, withNetns } from "./netns.ts";

const MAC = parseMac("02:00:00:00:05:01");
const HELD = parseIpv4("192.0.2.7");

Deno.test("addressTold() reads who has the address and who wants it", () => {
  equal(addressTold(arpAnnouncement(MAC, HELD)), HELD);
  equal(addressTold(arpProbe(MAC, HELD)), HELD);
  equal(addressTold(arpProbe(MAC, HELD).subarray(0, 41)), undefined);
});

Deno.test("ArpProber hears of an address that is held across a link, and of no other", () => {
  countingDescriptors(() =>
    inFreshNetns(() => {
      using nl = Netlink.open();
      using other = createNetns();
      linkAdd(nl, {
        kind: "veth",
        name: "near",
        mtuBytes: 1500,
        peer: { name: "far", netns: other },
      });
      linkSet(nl, "near", { up: true });
      withNetns(other, () => {
        using inner = Netlink.open();
        linkSet(inner, "far", { up: true });
        addrAdd(inner, linkGet(inner, "far")?.index ?? 0, parseCidr("192.0.2.7/24"));
      });
      const { index, mac } = linkGet(nl, "near") ?? { index: 0, mac: 0 };
      using prober = new ArpProber(index);
      const heard = new Set<number>();
      // The kernel may take a second to notice that a new link has a carrier, and drops what is sent before.
      for (let i = 0; !heard.has(HELD) && i < 100; i++) {
        for (const address of [HELD, HELD + 1]) prober.ask(mac, address);
        pause(20);
        for (const address of prober.heard()) heard.add(address);
      }
      deepEqual([...heard], [HELD]);
    })
  );
});

Deno.test("ArpProber outlives an interface that goes down", () => {
  inFreshNetns(() => {
    using nl = Netlink.open();
    linkAdd(nl, { kind: "veth", name: "va", mtuBytes: 1376, peer: { name: "vb" } });
    linkSet(nl, "va", { up: true });
    const { index, mac } = linkGet(nl, "va") ?? { index: 0, mac: 0 };
    using prober = new ArpProber(index);
    linkSet(nl, "va", { up: false });
    prober.ask(mac, HELD);
    deepEqual([...prober.heard()], []);
    deepEqual([...prober.heard()], []);
  });
});
