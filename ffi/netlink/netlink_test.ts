import assert from "node:assert/strict";
import { parseCidr, parseIpv4, parseMac } from "../../base/mod.ts";
import { countingDescriptors, inFreshNetns } from "../_testing.ts";
import { SysError } from "../errno.ts";
import { createNetns, withNetns } from "../netns.ts";
import {
  addrAdd,
  addrDelete,
  addrList,
  addrReplace,
  fdbDelete,
  fdbList,
  fdbReplace,
  linkAdd,
  linkDelete,
  linkGet,
  linkList,
  linkSet,
  LinkWatch,
  neighDelete,
  neighList,
  neighReplace,
  Netlink,
  netnsId,
  NUD,
  routeAdd,
  routeDelete,
  routeList,
} from "./mod.ts";

const MAC = parseMac("02:00:00:00:05:01");

function inNetlink(fn: (nl: Netlink) => void): void {
  inFreshNetns(() => {
    using nl = Netlink.open();
    fn(nl);
  });
}

function mustLink(nl: Netlink, name: string): NonNullable<ReturnType<typeof linkGet>> {
  const link = linkGet(nl, name);
  assert.ok(link !== undefined, `no ${name}`);
  return link;
}

function failsWith(code: string, act: () => void, words = /./): void {
  assert.throws(
    act,
    (error) => error instanceof SysError && error.code === code && words.test(error.message),
  );
}

Deno.test("linkAdd() makes a bridge that linkSet() changes and linkDelete() removes", () => {
  inNetlink((nl) => {
    linkAdd(nl, { kind: "bridge", name: "br-t" });
    linkSet(nl, "br-t", { mac: MAC, stp: false, multicastSnooping: false, alias: "a text" });
    linkSet(nl, "br-t", { mtuBytes: 1376, up: true });
    const link = mustLink(nl, "br-t");
    assert.deepEqual(
      [link.kind, link.mac, link.mtuBytes, link.up, link.alias, link.port, link.masterIndex],
      ["bridge", MAC, 1376, true, "a text", undefined, 0],
    );
    assert.deepEqual(linkGet(nl, link.index), link);
    assert.ok(linkDelete(nl, "br-t"));
    assert.ok(!linkDelete(nl, "br-t"));
    assert.ok(!linkDelete(nl, link.index));
    assert.equal(linkGet(nl, "br-t"), undefined);
  });
});

Deno.test("linkAdd() makes a veth whose other end is born in another namespace", () => {
  inNetlink((nl) => {
    using there = createNetns();
    linkAdd(nl, { kind: "bridge", name: "br-t" });
    const bridge = mustLink(nl, "br-t");
    linkAdd(nl, {
      kind: "veth",
      name: "v-here",
      mtuBytes: 1400,
      masterIndex: bridge.index,
      peer: { name: "v-there", netns: there, mac: MAC },
    });
    const here = mustLink(nl, "v-here");
    assert.equal(here.masterIndex, bridge.index);
    assert.equal(here.mtuBytes, 1400);
    assert.equal(linkGet(nl, "v-there"), undefined);
    withNetns(there, () => {
      using inside = Netlink.open();
      const peer = mustLink(inside, "v-there");
      assert.equal(peer.index, here.peerIndex);
      assert.equal(peer.mac, MAC);
      assert.equal(peer.mtuBytes, 1400);
    });
  });
});

Deno.test("netnsId() numbers the namespace of a veth's other end, and links and addresses are seen through it", () => {
  inNetlink((nl) => {
    using there = createNetns();
    assert.equal(netnsId(nl, there), undefined);
    linkAdd(nl, { kind: "veth", name: "va", mtuBytes: 1376, peer: { name: "vb", netns: there } });
    const here = mustLink(nl, "va");
    assert.equal(netnsId(nl, there), here.peerNetnsId);
    withNetns(there, () => {
      using inside = Netlink.open();
      addrAdd(inside, here.peerIndex, parseCidr("192.0.2.9/24"));
    });
    const seen = { ifindex: here.peerIndex, netnsId: here.peerNetnsId ?? -1 };
    assert.equal(linkGet(nl, here.peerIndex, here.peerNetnsId)?.name, "vb");
    assert.deepEqual(linkList(nl, { netnsId: seen.netnsId }).map((link) => link.name), [
      "lo",
      "vb",
    ]);
    assert.deepEqual(addrList(nl, seen).map((a) => a.cidr), [parseCidr("192.0.2.9/24")]);
  });
});

Deno.test("linkSet() makes a port of a bridge with hairpin, renames, moves, and frees it", () => {
  inNetlink((nl) => {
    using there = createNetns();
    linkAdd(nl, { kind: "bridge", name: "br-t" });
    linkAdd(nl, { kind: "veth", name: "va", mtuBytes: 1500, peer: { name: "vb" } });
    const bridge = mustLink(nl, "br-t");
    linkSet(nl, "va", { masterIndex: bridge.index });
    linkSet(nl, "va", { hairpin: true, isolated: false });
    assert.equal(mustLink(nl, "va").port?.hairpin, true);
    linkSet(nl, mustLink(nl, "va").index, { hairpin: false });
    assert.equal(mustLink(nl, "va").port?.hairpin, false);
    assert.deepEqual(linkList(nl, { masterIndex: bridge.index }).map((l) => l.name), ["va"]);
    linkSet(nl, "va", { masterIndex: 0, name: "vc" });
    assert.equal(mustLink(nl, "vc").masterIndex, 0);
    linkSet(nl, "vc", { netns: there });
    assert.equal(linkGet(nl, "vc"), undefined);
    assert.equal(mustLink(nl, "vb").peerNetnsId, netnsId(nl, there));
  });
});

Deno.test("linkAdd() throws the kernel's error and words when a name is taken or impossible", () => {
  inNetlink((nl) => {
    linkAdd(nl, { kind: "bridge", name: "br-t" });
    failsWith("EEXIST", () => linkAdd(nl, { kind: "bridge", name: "br-t" }), /add bridge br-t/);
    failsWith("ERANGE", () => linkAdd(nl, { kind: "bridge", name: "sixteen-letters-" }), /;/);
    failsWith("ENODEV", () => linkSet(nl, "none", { hairpin: true }));
    failsWith("ENODEV", () => linkSet(nl, "none", { up: true }));
  });
});

Deno.test("linkList() lists more than fits one datagram", () => {
  inNetlink((nl) => {
    for (let i = 0; i < 60; i++) linkAdd(nl, { kind: "bridge", name: `br-${i}` });
    assert.equal(linkList(nl).filter((link) => link.kind === "bridge").length, 60);
  });
});

Deno.test("addrAdd() keeps host bits, addrReplace() is idempotent, addrDelete() tells what was there", () => {
  inNetlink((nl) => {
    const cidr = parseCidr("10.1.2.3/16");
    addrAdd(nl, 1, cidr);
    failsWith("EEXIST", () => addrAdd(nl, 1, cidr));
    addrReplace(nl, 1, cidr);
    addrReplace(nl, 1, parseCidr("10.1.2.4/16"));
    const found = addrList(nl, { ifindex: 1 }).filter((a) => a.cidr.length === 16);
    assert.deepEqual(found.map((a) => [a.cidr, a.secondary, a.label]), [
      [cidr, false, "lo"],
      [parseCidr("10.1.2.4/16"), true, "lo"],
    ]);
    assert.equal(found[0]?.broadcast, parseIpv4("10.1.255.255"));
    assert.ok(!addrDelete(nl, 1, parseCidr("10.1.2.3/24")));
    assert.ok(addrDelete(nl, 1, cidr));
    assert.ok(!addrDelete(nl, 1, cidr));
    failsWith("ENODEV", () => addrList(nl, { ifindex: 999 }));
  });
});

Deno.test("routeAdd() and routeDelete() change the main table alone", () => {
  inNetlink((nl) => {
    linkAdd(nl, { kind: "bridge", name: "br-t" });
    linkSet(nl, "br-t", { up: true });
    const { index } = mustLink(nl, "br-t");
    const route = { destination: parseCidr("224.0.0.0/4"), ifindex: index };
    routeAdd(nl, route);
    failsWith("EEXIST", () => routeAdd(nl, route));
    addrAdd(nl, index, parseCidr("192.0.2.1/24"));
    const gateway = parseIpv4("192.0.2.254");
    const far = { destination: parseCidr("198.51.100.7/24"), ifindex: index, gateway };
    routeAdd(nl, far);
    assert.deepEqual(
      routeList(nl, index).map((r) => [r.destination, r.scope, r.gateway]),
      [
        [parseCidr("192.0.2.0/24"), 253, undefined],
        [parseCidr("198.51.100.0/24"), 0, gateway],
        [parseCidr("224.0.0.0/4"), 253, undefined],
      ],
    );
    assert.ok(routeDelete(nl, far));
    const wrong = { ...far, gateway: parseIpv4("203.0.113.1") };
    failsWith("ENETUNREACH", () => routeAdd(nl, wrong), /invalid gateway/);
    assert.ok(routeDelete(nl, route));
    assert.ok(!routeDelete(nl, route));
    assert.deepEqual(routeList(nl, index + 1), []);
  });
});

Deno.test("neighReplace() sets, neighDelete() removes an entry of the ARP table", () => {
  inNetlink((nl) => {
    linkAdd(nl, { kind: "bridge", name: "br-t" });
    linkSet(nl, "br-t", { up: true });
    const { index } = mustLink(nl, "br-t");
    const address = parseIpv4("192.0.2.5");
    neighReplace(nl, index, address, MAC);
    neighReplace(nl, index, address, MAC + 1);
    assert.deepEqual(neighList(nl, index), [
      { ifindex: index, address, mac: MAC + 1, state: NUD.PERMANENT },
    ]);
    assert.ok(neighDelete(nl, index, address));
    assert.ok(!neighDelete(nl, index, parseIpv4("192.0.2.6")));
  });
});

Deno.test("fdbReplace() sets, fdbDelete() removes a forwarding entry of a bridge", () => {
  inNetlink((nl) => {
    linkAdd(nl, { kind: "bridge", name: "br-t" });
    const bridge = mustLink(nl, "br-t");
    linkAdd(nl, {
      kind: "veth",
      name: "va",
      mtuBytes: 1500,
      masterIndex: bridge.index,
      peer: { name: "vb" },
    });
    const { index } = mustLink(nl, "va");
    fdbReplace(nl, { ifindex: index, mac: MAC });
    fdbReplace(nl, { ifindex: index, mac: MAC });
    const found = (): number => fdbList(nl, index).filter((entry) => entry.mac === MAC).length;
    assert.equal(found(), 1);
    assert.ok(fdbDelete(nl, { ifindex: index, mac: MAC }));
    assert.ok(!fdbDelete(nl, { ifindex: index, mac: MAC }));
    assert.equal(found(), 0);
  });
});

Deno.test("Netlink stays in the namespace that it was opened in", () => {
  countingDescriptors(() => {
    using there = createNetns();
    using nl = withNetns(there, () => Netlink.open());
    linkAdd(nl, { kind: "bridge", name: "br-there" });
    using home = Netlink.open();
    assert.equal(linkGet(home, "br-there"), undefined);
    nl.close();
    failsWith("EBADF", () => linkList(nl));
  });
});

Deno.test("LinkWatch hears of interfaces that are deleted, and not of those that leave a bridge", () => {
  inNetlink((nl) => {
    using watch = LinkWatch.open();
    linkAdd(nl, { kind: "bridge", name: "br-t" });
    linkAdd(nl, { kind: "veth", name: "one", mtuBytes: 1500, peer: { name: "two" } });
    const [one, two] = [mustLink(nl, "one"), mustLink(nl, "two")];
    linkSet(nl, "one", { masterIndex: mustLink(nl, "br-t").index });
    linkSet(nl, "one", { masterIndex: 0 });
    assert.deepEqual(watch.take(), { deleted: [], changed: true, lost: false });
    linkDelete(nl, "one");
    assert.deepEqual(
      [...watch.take().deleted].sort((a, b) => a - b),
      [one.index, two.index].sort((a, b) => a - b),
    );
  });
});

Deno.test("LinkWatch says whether an interface or an address has changed", () => {
  inNetlink((nl) => {
    linkAdd(nl, { kind: "bridge", name: "br-t" });
    using watch = LinkWatch.open();
    assert.deepEqual(watch.take(), { deleted: [], changed: false, lost: false });
    addrAdd(nl, mustLink(nl, "br-t").index, parseCidr("192.0.2.9/24"));
    assert.deepEqual(watch.take(), { deleted: [], changed: true, lost: false });
    assert.equal(watch.take().changed, false);
  });
});
