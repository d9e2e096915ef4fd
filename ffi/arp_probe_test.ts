import { equal } from "node:assert/strict";
import { parseCidr, parseIpv4, parseMac } from "../base/mod.ts";
import { countingDescriptors, inFreshNetns } from "./_testing.ts";
import { arpAnnouncement, pause } from "./arp.ts";
import { ArpProbe, arpProbe, tellsOf } from "./arp_probe.ts";
import { addrAdd, linkAdd, linkGet, linkSet, Netlink } from "./netlink/mod.ts";
import { createNetns, withNetns } from "./netns.ts";

const MAC = parseMac("02:00:00:00:05:01");
const HELD = parseIpv4("192.0.2.7");

Deno.test("tellsOf() believes who has the address and who wants it, and nobody else", () => {
  equal(tellsOf(arpAnnouncement(MAC, HELD), HELD), true);
  equal(tellsOf(arpProbe(MAC, HELD), HELD), true);
  equal(tellsOf(arpAnnouncement(MAC, HELD + 1), HELD), false);
  equal(tellsOf(arpProbe(MAC, HELD + 1), HELD), false);
  equal(tellsOf(arpProbe(MAC, HELD).subarray(0, 41), HELD), false);
});

Deno.test("ArpProbe hears of an address that is held across a link, and of no other", () => {
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
      const answered = (address: number): boolean => {
        using probe = new ArpProbe(index, mac, address);
        for (let i = 0; i < 50; i++) {
          if (probe.answered()) return true;
          pause(1);
        }
        return false;
      };
      equal(answered(HELD), true);
      equal(answered(HELD + 1), false);
    })
  );
});
