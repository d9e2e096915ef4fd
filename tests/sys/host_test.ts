import assert from "node:assert/strict";
import { parseCidr, parseMac } from "../../base/mod.ts";
import { indexOf, inFreshNetns } from "../../ffi/_testing.ts";
import { Arena, PacketSocket, pause, readProc, SysError, Tap } from "../../ffi/mod.ts";
import { HostError } from "../../switch/host_plan.ts";
import {
  currentBridge,
  exposeAddress,
  exposedAddresses,
  hideAddress,
  removeHost,
} from "../../switch/host_shell.ts";
import { ipAddresses, ipLink, ipLinks, MTU, PEER, prepare, run } from "./net_helpers.ts";

const MAC_TEXT = "02:00:00:00:0a:01";

function sysctl(path: string): string | undefined {
  return readProc(`/proc/sys/net/${path}`)?.trim();
}

Deno.test("prepareHost() makes bridge and TAP, and changes nothing when called again", () => {
  inFreshNetns(() => {
    const state = prepare();
    assert.deepEqual(
      { ...state, tapMac: 0 },
      { bridge: "weft", bridgeMac: PEER, tapMac: 0, mtuBytes: MTU, adopted: false },
    );
    const bridge = ipLink("weft");
    assert.equal(bridge.linkinfo?.info_kind, "bridge");
    assert.equal(bridge.address, MAC_TEXT);
    assert.equal(bridge.mtu, MTU);
    assert.ok(bridge.flags.includes("UP"));
    assert.equal(bridge.linkinfo?.info_data?.["stp_state"], 0);
    assert.equal(bridge.linkinfo?.info_data?.["mcast_snooping"], 0);
    const tap = ipLink("weft-tap");
    assert.equal(parseMac(tap.address), state.tapMac);
    assert.equal(tap.master, "weft");
    assert.equal(tap.mtu, MTU);
    assert.ok(tap.flags.includes("UP"));
    assert.equal(tap.linkinfo?.info_data?.["type"], "tap");
    assert.equal(tap.linkinfo?.info_data?.["persist"], true);
    assert.equal(tap.linkinfo?.info_slave_data?.["hairpin"], false);
    assert.equal(sysctl("ipv6/conf/weft-tap/disable_ipv6"), "1");
    assert.equal(sysctl("ipv6/conf/weft/accept_ra"), "0");
    assert.equal(sysctl("ipv4/neigh/weft/base_reachable_time"), "5");
    const picture = (): unknown =>
      ipLinks().map(({ ifname, mtu, address, master }) => ({ ifname, mtu, address, master }));
    const before = picture();
    assert.deepEqual(prepare(), state);
    assert.deepEqual(picture(), before);
  });
});

Deno.test("prepareHost() keeps the bridge's MAC when ports come and go", () => {
  inFreshNetns(() => {
    prepare();
    run("ip", "link", "add", "low", "address", "02:00:00:00:00:01", "type", "veth");
    run("ip", "link", "set", "low", "master", "weft");
    assert.equal(ipLink("weft").address, MAC_TEXT);
    assert.equal(ipLink("weft").mtu, MTU);
  });
});

Deno.test("prepareHost() sets any MTU on a bridge that has no other port, before and after it exists", () => {
  inFreshNetns(() => {
    assert.equal(prepare(8914).mtuBytes, 8914);
    assert.equal(ipLink("weft").mtu, 8914);
    assert.equal(ipLink("weft-tap").mtu, 8914);
    assert.equal(prepare().mtuBytes, MTU);
    assert.equal(ipLink("weft").mtu, MTU);
    assert.equal(ipLink("weft-tap").mtu, MTU);
    assert.equal(prepare(1500).mtuBytes, 1500);
    assert.equal(ipLink("weft").mtu, 1500);
  });
});

Deno.test("prepareHost() repairs what a killed router left", () => {
  inFreshNetns(() => {
    prepare();
    exposeAddress("weft", parseCidr("10.1.0.1/16"));
    run(
      "ip",
      "link",
      "add",
      "vethwepl77",
      "mtu",
      String(MTU),
      "master",
      "weft",
      "type",
      "veth",
      "peer",
      "name",
      "x",
    );
    run("bridge", "link", "set", "dev", "weft-tap", "hairpin", "on");
    run("ip", "link", "set", "weft", "down");
    run("ip", "link", "set", "weft-tap", "down", "nomaster");
    prepare();
    assert.ok(ipLink("weft").flags.includes("UP"));
    assert.equal(ipLink("weft-tap").master, "weft");
    assert.equal(ipLink("weft-tap").linkinfo?.info_slave_data?.["hairpin"], false);
    assert.equal(ipLink("vethwepl77").master, "weft");
    assert.deepEqual(exposedAddresses("weft"), [parseCidr("10.1.0.1/16")]);
    assert.equal(ipLinks().length, 5);
  });
});

Deno.test("prepareHost() works while a data plane is attached to the TAP", () => {
  inFreshNetns(() => {
    prepare();
    using arena = Arena.open(1 << 20);
    using _tap = Tap.open("weft-tap", arena, { offloads: "none" });
    prepare();
    assert.ok(ipLink("weft-tap").flags.includes("LOWER_UP"));
  });
});

Deno.test("prepareHost() adopts the bridge of Weave Net with its MAC and MTU", () => {
  inFreshNetns(() => {
    run(
      "ip",
      "link",
      "add",
      "weave",
      "address",
      "02:00:00:00:0b:0b",
      "mtu",
      "1410",
      "type",
      "bridge",
    );
    const state = prepare(1376);
    assert.deepEqual(
      { ...state, tapMac: 0 },
      { bridge: "weave", bridgeMac: 0x0200_0000_0b0b, tapMac: 0, mtuBytes: 1410, adopted: true },
    );
    assert.equal(ipLink("weft-tap").master, "weave");
    assert.equal(ipLink("weft-tap").mtu, 1410);
    assert.equal(ipLink("weave").mtu, 1410);
    assert.deepEqual(prepare(1376), state);
    assert.equal(currentBridge(), "weave");
    assert.equal(prepare(1376, "weft").bridge, "weft");
    assert.equal(currentBridge(), "weft");
  });
});

Deno.test("prepareHost() knows a bridge of another name as its own when it comes again", () => {
  inFreshNetns(() => {
    assert.equal(prepare(1400, "br-x").adopted, false);
    assert.equal(prepare(1376, "br-x").adopted, false);
    assert.equal(ipLink("br-x").mtu, 1376);
  });
});

Deno.test("prepareHost() throws a HostError with the remedy when a name is taken", () => {
  inFreshNetns(() => {
    run("ip", "link", "add", "weft", "type", "veth", "peer", "name", "other");
    assert.throws(() => prepare(), { name: "HostError", message: /"weft".*--bridge NAME/ });
    run("ip", "link", "set", "other", "name", "weft-tap");
    assert.throws(() => prepare(undefined, "br-x"), { message: /"weft-tap".*no TAP/ });
    assert.throws(() => exposeAddress("weft", parseCidr("10.1.0.1/16")), HostError);
  });
});

Deno.test("prepareHost() throws when a value is impossible", () => {
  inFreshNetns(() => {
    assert.throws(() => prepare(60), HostError);
    assert.throws(() => prepare(undefined, "a-name-that-is-too-long"), SysError);
  });
});

/** Waits until the bridge knows that a port has a carrier: the kernel may take a second to tell it. */
function untilForwarding(port: string): void {
  for (let tries = 0; tries < 100; tries++) {
    if (run("ip", "-d", "link", "show", port).includes("state forwarding")) return;
    pause(50);
  }
  throw new Error(`Port ${port} does not forward`);
}

Deno.test("exposeAddress() gives the host the address and announces it; hideAddress() leaves the others", () => {
  inFreshNetns(() => {
    prepare();
    run("ip", "link", "add", "vethwepl1", "master", "weft", "type", "veth", "peer", "name", "ear");
    run("ip", "link", "set", "vethwepl1", "up");
    run("ip", "link", "set", "ear", "up");
    untilForwarding("vethwepl1");
    using ear = PacketSocket.open({ ifindex: indexOf("ear"), etherType: 0x0806 });
    assert.ok(exposeAddress("weft", parseCidr("10.1.0.1/16")));
    const heard = ear.receive(1000);
    assert.deepEqual(heard?.slice(28, 32), new Uint8Array([10, 1, 0, 1]));
    assert.ok(!exposeAddress("weft", parseCidr("10.1.0.1/16")));
    assert.ok(exposeAddress("weft", parseCidr("10.1.0.2/16")));
    assert.ok(exposeAddress("weft", parseCidr("10.2.0.1/24")));
    assert.ok(run("ip", "route").includes("10.1.0.0/16 dev weft"));
    assert.ok(hideAddress("weft", parseCidr("10.1.0.1/16")));
    assert.ok(!hideAddress("weft", parseCidr("10.1.0.1/16")));
    assert.deepEqual(ipAddresses("weft").sort(), ["10.1.0.2/16", "10.2.0.1/24"]);
    assert.ok(!hideAddress("none", parseCidr("10.1.0.1/16")));
    assert.deepEqual(exposedAddresses("none"), []);
  });
});

Deno.test("removeHost() removes what is ours and leaves an adopted bridge", () => {
  inFreshNetns(() => {
    run("ip", "link", "add", "weave", "type", "bridge");
    run("ip", "link", "add", "theirs", "master", "weave", "type", "veth", "peer", "name", "x");
    prepare();
    removeHost("weave", "weft-tap");
    removeHost("weave", "weft-tap");
    assert.deepEqual(ipLinks().map((link) => link.ifname).sort(), ["lo", "theirs", "weave", "x"]);
    prepare(undefined, "weft");
    run("ip", "link", "add", "vethwepl77", "master", "weft", "type", "veth", "peer", "name", "y");
    removeHost("weft", "weft-tap");
    assert.deepEqual(ipLinks().map((link) => link.ifname).sort(), ["lo", "theirs", "weave", "x"]);
  });
});
