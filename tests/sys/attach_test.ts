import assert from "node:assert/strict";
import { type Cidr, parseCidr, parseMac } from "../../base/mod.ts";
import { attach, detach, findAttached, listAttached } from "../../container/attach/shell.ts";
import { type ContainerRef } from "../../container/attach/ref.ts";
import { RefusedError } from "../../container/refused.ts";
import { inFreshNetns } from "../../ffi/_testing.ts";
import {
  createNetns,
  ERRNO,
  type Fd,
  netnsInode,
  openPidNetns,
  PacketSocket,
  readProc,
  SysError,
  withNetns,
} from "../../ffi/mod.ts";
import { exposeAddress } from "../../switch/host_shell.ts";
import { ipAddresses, ipLink, MTU, ping, prepare, run, startSleeper } from "./net_helpers.ts";

const A = parseCidr("10.1.0.5/24");
const B = parseCidr("10.1.0.6/24");
const FAR = parseCidr("10.2.0.5/16");
const ON = { bridge: "weft" };

/** A namespace as container; `/proc/self/fd` gives it a path. */
interface Box extends Disposable {
  readonly fd: Fd;
  readonly ref: ContainerRef;
}

function box(): Box {
  const fd = createNetns();
  const ref: ContainerRef = { kind: "netns", path: `/proc/self/fd/${fd.number}` };
  return { fd, ref, [Symbol.dispose]: () => fd.close() };
}

function inHost(fn: () => void): void {
  inFreshNetns(() => {
    prepare();
    fn();
  });
}

function refused(code: string, words: RegExp, act: () => unknown): void {
  assert.throws(
    act,
    (error) =>
      error instanceof RefusedError && error.code === code && words.test(error.message) ||
      assert.fail(String(error)),
  );
}

function guestAddresses(container: Box): string[] {
  return withNetns(container.fd, () => ipAddresses("ethwe"));
}

function isShielded(pid: number): boolean {
  try {
    openPidNetns(pid).close();
    return false;
  } catch (error) {
    return error instanceof SysError && error.errno === ERRNO.EACCES;
  }
}

/** Everything that attach could change, as iproute2 tells it. */
function picture(container: Box): string {
  const show = (): string => run("ip", "-j", "-4", "address") + run("ip", "-j", "route");
  return show() + withNetns(container.fd, show);
}

Deno.test("attach() gives a container its interface, address, settings and multicast route", () => {
  inHost(() => {
    using web = box();
    const result = attach(web.ref, [A], ON);
    assert.deepEqual(result.added, [A]);
    assert.deepEqual(result.addresses, [A]);
    assert.equal(result.netnsInode, netnsInode(web.fd));
    assert.match(result.port, /^vethwepln[0-9a-z]{1,6}$/);
    const port = ipLink(result.port);
    assert.equal(port.master, "weft");
    assert.equal(port.mtu, MTU);
    assert.equal(port.linkinfo?.info_slave_data?.["hairpin"], true);
    assert.equal(port.linkinfo?.info_slave_data?.["state"], "forwarding");
    withNetns(web.fd, () => {
      const guest = ipLink("ethwe");
      assert.equal(parseMac(guest.address), result.mac);
      assert.equal(guest.mtu, MTU);
      assert.ok(guest.flags.includes("LOWER_UP"));
      assert.deepEqual(ipAddresses("ethwe"), ["10.1.0.5/24"]);
      assert.match(run("ip", "route"), /^224\.0\.0\.0\/4 dev ethwe scope link/m);
      assert.doesNotMatch(run("ip", "route"), /default/);
      const neigh = "/proc/sys/net/ipv4/neigh/ethwe";
      assert.equal(readProc(`${neigh}/base_reachable_time`), "5\n");
      assert.equal(readProc(`${neigh}/delay_first_probe_time`), "2\n");
      assert.equal(readProc(`${neigh}/ucast_solicit`), "1\n");
      assert.equal(readProc("/proc/sys/net/ipv6/conf/ethwe/accept_ra"), "0\n");
      assert.match(run("ethtool", "-k", "ethwe"), /^tcp-segmentation-offload: on/m);
    });
  });
});

Deno.test("attach() connects two containers of one host at full frame size", () => {
  inHost(() => {
    using web = box();
    using db = box();
    attach(web.ref, [A], ON);
    attach(db.ref, [B], ON);
    ping(web.fd, "10.1.0.6");
    ping(db.fd, "10.1.0.5", "-M", "do", "-s", String(MTU - 28));
  });
});

Deno.test("attach() changes nothing when the container has the address already", () => {
  inHost(() => {
    using web = box();
    const first = attach(web.ref, [A], ON);
    const before = picture(web);
    const again = attach(web.ref, [A, A], ON);
    assert.deepEqual(again, { ...first, added: [] });
    assert.equal(picture(web), before);
  });
});

Deno.test("attach() adds addresses to a container, and announces only the new ones", () => {
  inHost(() => {
    using web = box();
    using ear = box();
    attach(ear.ref, [], ON);
    attach(web.ref, [A], ON);
    using socket = withNetns(ear.fd, () => PacketSocket.open({ etherType: 0x0806 }));
    const { added, addresses } = attach(web.ref, [A, FAR, B], ON);
    const heard = [1000, 1000, 20].map((ms) => socket.receive(ms)?.slice(28, 32).join("."));
    assert.deepEqual(heard, ["10.2.0.5", "10.1.0.6", undefined]);
    assert.deepEqual(added, [FAR, B]);
    assert.deepEqual(addresses.length, 3);
  });
});

Deno.test("attach() refuses an address that another container or the host holds", () => {
  inHost(() => {
    using web = box();
    using db = box();
    attach(web.ref, [A], ON);
    const owner = new RegExp(`Cannot attach 10.1.0.5/24: held by "netns:${path(web)}";`);
    refused("address-in-use", owner, () => attach(db.ref, [B, A], ON));
    assert.equal(findAttached(db.ref, "weft"), undefined);
    // Another prefix length is the same address all the same.
    refused("address-in-use", /held by/, () => attach(db.ref, [parseCidr("10.1.0.5/16")], ON));
    exposeAddress("weft", B);
    refused("address-in-use", /held by "weave:expose"; hide it/, () => attach(db.ref, [B], ON));
    detach(web.ref, [A], ON);
    assert.deepEqual(attach(db.ref, [A], ON).added, [A]);
  });
});

Deno.test("attach() undoes what it did when a step fails", () => {
  inHost(() => {
    using web = box();
    const impossible: Cidr = { address: 0x0a01_0009, length: 40 };
    assert.throws(() => attach(web.ref, [A, impossible], ON), { name: "SysError" });
    assert.doesNotMatch(withNetns(web.fd, () => run("ip", "link")), /ethwe/);
    assert.doesNotMatch(run("ip", "link"), /vethwepl/);
    attach(web.ref, [A], ON);
    const before = picture(web);
    assert.throws(() => attach(web.ref, [B, impossible], ON), { name: "SysError" });
    assert.equal(picture(web), before);
  });
});

Deno.test("attach() completes what a killed attempt left, and replaces a stale interface", () => {
  inHost(() => {
    using web = box();
    const { port } = attach(web.ref, [A], ON);
    run("ip", "link", "set", port, "nomaster", "down");
    attach(web.ref, [A], ON);
    using db = box();
    attach(db.ref, [B], ON);
    ping(web.fd, "10.1.0.6");
    detach(web.ref, [A], ON);
    run("ip", "link", "add", port, "type", "veth", "peer", "name", "vethwepg1");
    assert.equal(attach(web.ref, [A], ON).port, port);
    ping(db.fd, "10.1.0.5");
  });
});

Deno.test("attach() takes another name when its first leads to a living container", async () => {
  await using sleeper = await startSleeper();
  inHost(() => {
    using other = box();
    const { port } = attach(other.ref, [B], ON);
    run("ip", "link", "set", port, "down");
    run("ip", "link", "set", port, "name", `vethwepl${sleeper.pid}`, "up");
    const result = attach({ kind: "pid", pid: sleeper.pid }, [A], ON);
    assert.match(result.port, /^vethwepln/);
    ping(other.fd, "10.1.0.5");
    detach({ kind: "pid", pid: sleeper.pid }, [A], ON);
  });
});

Deno.test("attach() gives an engine's container its address again while its last namespace is still there", async () => {
  await using last = await startSleeper();
  await using now = await startSleeper();
  inHost(() => {
    const web = { kind: "docker", id: "4f5e".repeat(16), name: "web" } as const;
    const before = attach({ ...web, pid: last.pid }, [A], ON);
    const { port } = attach({ ...web, pid: now.pid }, [A], ON);
    assert.notEqual(port, before.port);
    assert.deepEqual(listAttached("weft").map((entry) => entry.port), [port]);
    // Another container is none of its runs.
    const other: ContainerRef = { ...web, id: "6d7c".repeat(16), pid: last.pid };
    refused("address-in-use", /held by "web"/, () => attach(other, [A], ON));
  });
});

Deno.test("attach() refuses an interface of its name that leads elsewhere", () => {
  inHost(() => {
    using web = box();
    withNetns(web.fd, () => run("ip", "link", "add", "ethwe", "type", "bridge"));
    refused("foreign-interface", /does not lead to bridge "weft"/, () => attach(web.ref, [A], ON));
    withNetns(web.fd, () => run("ip", "address", "add", "10.1.0.5/24", "dev", "ethwe"));
    assert.deepEqual(detach(web.ref, [A], ON), []);
  });
});

Deno.test("attach() follows when the bridge is another one", () => {
  inHost(() => {
    using web = box();
    const { port } = attach(web.ref, [A], ON);
    prepare(1400, "br-x");
    const result = attach(web.ref, [A], { bridge: "br-x" });
    assert.equal(result.port, port);
    assert.equal(ipLink(port).master, "br-x");
    assert.equal(ipLink(port).mtu, 1400);
    assert.equal(withNetns(web.fd, () => ipLink("ethwe").mtu), 1400);
  });
});

Deno.test("attach() leaves a multicast route alone, and makes none when told so", () => {
  inHost(() => {
    using web = box();
    attach(web.ref, [A], { ...ON, multicastRoute: false });
    withNetns(web.fd, () => {
      assert.doesNotMatch(run("ip", "route"), /224/);
      run("ip", "route", "add", "224.0.0.0/4", "via", "10.1.0.9");
    });
    attach(web.ref, [A], ON);
    assert.match(withNetns(web.fd, () => run("ip", "route")), /224\.0\.0\.0\/4 via 10\.1\.0\.9/);
  });
});

Deno.test("attach() refuses the host, what does not run, what is no namespace, and a missing bridge", () => {
  inHost(() => {
    using web = box();
    const own: ContainerRef = { kind: "netns", path: "/proc/thread-self/ns/net" };
    refused("host-network", /host network namespace/, () => attach(own, [A], ON));
    refused(
      "not-running",
      /"pid:4194305": not running/,
      () => attach({ kind: "pid", pid: 4194305 }, [A], ON),
    );
    if (isShielded(1)) {
      const first: ContainerRef = { kind: "pid", pid: 1 };
      refused("bad-container", /"pid:1": .*EACCES/, () => attach(first, [A], ON));
    }
    const named = (text: string): ContainerRef => ({ kind: "netns", path: text });
    refused("no-such-container", /no such file/, () => attach(named("/none"), [A], ON));
    refused("bad-container", /no network namespace/, () => attach(named("/dev/null"), [A], ON));
    refused(
      "no-bridge",
      /bridge "gone" not present/,
      () => attach(web.ref, [A], { bridge: "gone" }),
    );
  });
});

Deno.test("detach() takes addresses, leaves others of the subnet, and with the last one the interface", () => {
  inHost(() => {
    using web = box();
    const { port } = attach(web.ref, [A, B, FAR], ON);
    assert.deepEqual(detach(web.ref, [parseCidr("10.1.0.5/16")], ON), []);
    assert.deepEqual(detach(web.ref, [A, parseCidr("10.9.0.1/24")], ON), [A]);
    assert.deepEqual(guestAddresses(web).sort(), ["10.1.0.6/24", "10.2.0.5/16"]);
    assert.deepEqual(detach(web.ref, [FAR, B], ON), [FAR, B]);
    assert.equal(run("ip", "-o", "link").includes(port), false);
    assert.deepEqual(detach(web.ref, [FAR, B], ON), []);
  });
});

Deno.test("listAttached() shows exposed addresses first, then each container under its name", async () => {
  await using sleeper = await startSleeper();
  inHost(() => {
    using web = box();
    assert.deepEqual(listAttached("weft"), []);
    assert.deepEqual(listAttached("none"), []);
    const id = "4f5e".repeat(16);
    const docker: ContainerRef = { kind: "docker", id, name: "db", pid: sleeper.pid };
    const first = attach(web.ref, [A, FAR], ON);
    const second = attach(docker, [B], ON);
    exposeAddress("weft", parseCidr("10.1.0.1/24"));
    assert.deepEqual(
      listAttached("weft").map((entry) => [entry.id, entry.name, entry.mac, entry.addresses]),
      [
        ["weave:expose", "weave:expose", parseMac("02:00:00:00:0a:01"), [parseCidr("10.1.0.1/24")]],
        [`netns:${path(web)}`, `netns:${path(web)}`, first.mac, [A, FAR]],
        ["4f5e4f5e4f5e", "db", second.mac, [B]],
      ],
    );
    assert.equal(second.port, `vethwepl${sleeper.pid}`);
    // Another name of the same namespace finds it all the same, and can detach it.
    const same: ContainerRef = { kind: "pid", pid: sleeper.pid };
    assert.equal(findAttached(same, "weft")?.name, "db");
    assert.deepEqual(attach(same, [B], ON).added, []);
    assert.deepEqual(detach(same, [B], ON), [B]);
    assert.equal(findAttached(same, "weft"), undefined);
  });
});

Deno.test("listAttached() names ports that others made by a process found behind them", async () => {
  await using sleeper = await startSleeper();
  inHost(() => {
    using netns = openPidNetns(sleeper.pid);
    run("ip", "link", "add", "vc1", "master", "weft", "type", "veth", "peer", "name", "ethwe");
    run("ip", "link", "set", "ethwe", "netns", String(sleeper.pid));
    withNetns(netns, () => run("ip", "address", "add", "10.1.0.5/24", "dev", "ethwe"));
    const [entry] = listAttached("weft");
    assert.equal(entry?.port, "vc1");
    assert.match(entry?.id ?? "", new RegExp(`^(pid:${sleeper.pid}|[0-9a-f]{12})$`));
    assert.deepEqual(entry?.addresses, [A]);
    using web = box();
    refused("address-in-use", /held by/, () => attach(web.ref, [A], ON));
  });
});

Deno.test("attach() works on a process, and nothing is left when it ends", async () => {
  await using sleeper = await startSleeper();
  using home = createNetns();
  withNetns(home, () => {
    prepare();
    using web = box();
    attach(web.ref, [B], ON);
    const result = attach({ kind: "pid", pid: sleeper.pid }, [A], ON);
    assert.equal(result.id, `pid:${sleeper.pid}`);
    assert.equal(result.port, `vethwepl${sleeper.pid}`);
    ping(web.fd, "10.1.0.5");
  });
  await sleeper.end();
  withNetns(home, () => {
    // The kernel takes a namespace down a little later.
    for (let i = 0; i < 200 && listAttached("weft").length > 0; i++) run("sleep", "0.01");
    assert.deepEqual(listAttached("weft"), []);
  });
});

function path(container: Box): string {
  return container.ref.kind === "netns" ? container.ref.path : "";
}
