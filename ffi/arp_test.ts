import assert from "node:assert/strict";
import { parseIpv4, parseMac, toHex } from "../base/mod.ts";
import { indexOf, inFreshNetns } from "./_testing.ts";
import { announceIpv4, arpAnnouncement } from "./arp.ts";
import { linkAdd, linkSet, Netlink } from "./netlink/mod.ts";
import { PacketSocket } from "./packet.ts";

const MAC = parseMac("02:00:00:00:05:01");
const ADDRESS = parseIpv4("192.0.2.7");
const FRAME = "ffffffffffff" + "020000000501" + "0806" + "00010800" + "0604" + "0001" +
  "020000000501" + "c0000207" + "000000000000" + "c0000207";

Deno.test("arpAnnouncement() asks for the address with the address", () => {
  assert.equal(toHex(arpAnnouncement(MAC, ADDRESS)), FRAME);
});

Deno.test("announceIpv4() is heard at the other end, and is silent when the interface is down", () => {
  inFreshNetns(() => {
    using nl = Netlink.open();
    linkAdd(nl, { kind: "veth", name: "va", mtuBytes: 1376, peer: { name: "vb" } });
    announceIpv4(indexOf("va"), MAC, [ADDRESS]);
    linkSet(nl, "va", { up: true });
    linkSet(nl, "vb", { up: true });
    using ear = PacketSocket.open({ ifindex: indexOf("vb"), etherType: 0x0806 });
    let heard: Uint8Array | undefined;
    // The kernel may take a second to notice that a new link has a carrier, and drops what is sent before.
    for (let tries = 0; heard === undefined && tries < 20; tries++) {
      announceIpv4(indexOf("va"), MAC, [ADDRESS]);
      heard = ear.receive(250);
    }
    assert.equal(toHex(heard ?? new Uint8Array()), FRAME);
  });
});
