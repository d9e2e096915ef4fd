import assert from "node:assert/strict";
import { arpRequest, indexOf, inFreshNetns, setMtu, setUp } from "./_testing.ts";
import { Arena } from "./arena.ts";
import { EPOLL, Epoll } from "./epoll.ts";
import { ERRNO, SysError } from "./errno.ts";
import { PacketSocket } from "./packet.ts";
import { fileExists, readProc, writeProc } from "./procfs.ts";
import { setIovec, Tap, TUN_F } from "./tap.ts";

const NAME = "weft-test";
const HEADER = 10;
const ARP = 0x0806;

function withTap(fn: (tap: Tap, arena: Arena) => void, offloads: "none" | "tso" = "none"): void {
  inFreshNetns(() => {
    using arena = Arena.open(1 << 20);
    using tap = Tap.open(NAME, arena, { offloads });
    writeProc(`/proc/sys/net/ipv6/conf/${NAME}/disable_ipv6`, "1");
    setUp(NAME);
    fn(tap, arena);
  });
}

function exists(name: string): boolean {
  return (readProc("/proc/thread-self/net/dev") ?? "").includes(`${name}:`);
}

Deno.test("Tap.write() hands a frame to the kernel", () => {
  withTap((tap, arena) => {
    using packets = PacketSocket.open({ ifindex: indexOf(NAME), etherType: ARP });
    const frame = arpRequest([2, 0, 0, 0, 0, 9]);
    const at = arena.alloc(100);
    arena.bytes.set(frame, at + HEADER);
    assert.equal(tap.write(at, HEADER + frame.length), HEADER + frame.length);
    assert.deepEqual(packets.receive(1000), frame);
  });
});

Deno.test("Tap.writev() joins pieces to one frame", () => {
  withTap((tap, arena) => {
    using packets = PacketSocket.open({ ifindex: indexOf(NAME), etherType: ARP });
    const frame = arpRequest([2, 0, 0, 0, 0, 7]);
    const at = arena.alloc(200);
    const iov = arena.alloc(32);
    arena.bytes.set(frame.subarray(0, 20), at + HEADER);
    arena.bytes.set(frame.subarray(20), at + 100);
    setIovec(arena, iov, at, HEADER + 20);
    setIovec(arena, iov + 16, at + 100, frame.length - 20);
    assert.equal(tap.writev(iov, 2), HEADER + frame.length);
    assert.deepEqual(packets.receive(1000), frame);
  });
});

Deno.test("Tap.read() gives what the kernel sends, behind a virtio-net header", () => {
  withTap((tap, arena) => {
    using packets = PacketSocket.open();
    using epoll = Epoll.open(arena);
    epoll.add(tap.fd, EPOLL.IN, 3);
    const at = arena.alloc(66_000);
    assert.equal(tap.read(at, 66_000), -ERRNO.EAGAIN);
    assert.equal(epoll.wait(0), 0);
    const frame = arpRequest([2, 0, 0, 0, 0, 8]);
    packets.send(indexOf(NAME), frame);
    assert.equal(epoll.wait(1000), 1);
    assert.equal(tap.read(at, 66_000), HEADER + frame.length);
    assert.deepEqual([...arena.bytes.subarray(at, at + HEADER)], new Array(HEADER).fill(0));
    assert.deepEqual(arena.bytes.slice(at + HEADER, at + HEADER + frame.length), frame);
  });
});

Deno.test("Tap.write() returns -EINVAL for a malformed frame and -EIO when the device is down", () => {
  inFreshNetns(() => {
    using arena = Arena.open(65536);
    using tap = Tap.open(NAME, arena, { offloads: "none" });
    const at = arena.alloc(100);
    assert.equal(tap.write(at, 70), -ERRNO.EIO);
    setUp(NAME);
    assert.equal(tap.write(at, 15), -ERRNO.EINVAL);
  });
});

Deno.test("Tap.open() reports the offloads that the kernel accepted", () => {
  inFreshNetns(() => {
    using arena = Arena.open(65536);
    for (const [wish, least] of [["none", 0], ["csum", TUN_F.CSUM], ["tso", TUN_F.TSO4]] as const) {
      using tap = Tap.open(NAME, arena, { offloads: wish });
      assert.equal(tap.offloads & least, least);
      if (wish === "csum") assert.equal(tap.offloads, TUN_F.CSUM);
    }
  });
});

Deno.test("Tap.open() throws EBUSY with the remedy when somebody is attached", () => {
  withTap((_tap, arena) => {
    assert.throws(() => Tap.open(NAME, arena, { offloads: "none" }), (error) => {
      assert.ok(error instanceof SysError);
      assert.deepEqual([error.code, error.call], ["EBUSY", `ioctl TUNSETIFF ${NAME}`]);
      assert.match(error.message, /another process is attached/);
      return true;
    });
  });
});

Deno.test("Tap.open() throws TypeError for a name that no interface can have", () => {
  inFreshNetns(() => {
    using arena = Arena.open(65536);
    for (const name of ["", "sixteen-bytes-xx", "a b", "a/b", "tap%d"]) {
      assert.throws(() => Tap.open(name, arena, { offloads: "none" }), TypeError, name);
    }
  });
});

Deno.test("Tap.create() makes a device that stays, and remove() takes it away", () => {
  inFreshNetns(() => {
    using arena = Arena.open(65536);
    {
      using _tap = Tap.open(NAME, arena, { offloads: "none" });
    }
    assert.ok(!exists(NAME), "without create it goes with its descriptor");
    Tap.create(NAME);
    Tap.create(NAME);
    {
      using _tap = Tap.open(NAME, arena, { offloads: "tso" });
    }
    assert.ok(exists(NAME));
    Tap.remove(NAME);
    Tap.remove(NAME);
    assert.ok(!exists(NAME));
  });
});

Deno.test("PacketSocket.receive() gives undefined after the time, and not what was sent here", () => {
  withTap(() => {
    const ifindex = indexOf(NAME);
    using packets = PacketSocket.open({ ifindex });
    packets.send(ifindex, arpRequest([2, 0, 0, 0, 0, 1]));
    const begin = performance.now();
    assert.equal(packets.receive(30), undefined);
    assert.ok(performance.now() - begin >= 29);
    assert.equal(packets.receive(0), undefined);
  });
});

Deno.test("PacketSocket.send() throws EMSGSIZE above the MTU and ENXIO without interface", () => {
  withTap(() => {
    setMtu(NAME, 100);
    using packets = PacketSocket.open();
    const frame = new Uint8Array(200);
    assert.throws(() => packets.send(indexOf(NAME), frame), /EMSGSIZE/);
    assert.throws(() => packets.send(9999, frame), /ENXIO/);
    assert.throws(() => PacketSocket.open({ ifindex: 9999 }), /ENODEV/);
  });
});

Deno.test("Tap.open() tells what to do when there is no device file", {
  ignore: !fileExists("/bin/true"),
}, () => {
  // In a mount namespace of its own the file is covered by an empty directory.
  const module = new URL("./tap.ts", import.meta.url).href;
  const program = `import { Tap } from ${JSON.stringify(module)};
    try { Tap.create("x"); } catch (error) { console.log(error.code, error.message); }`;
  const command = new Deno.Command("unshare", {
    args: [
      "--mount",
      "sh",
      "-c",
      'mount -t tmpfs none /dev/net && exec "$0" eval --no-lock --ext=ts "$1"',
      Deno.execPath(),
      program,
    ],
  });
  const output = new TextDecoder().decode(command.outputSync().stdout);
  assert.match(output, /^ENOENT Cannot open \/dev\/net\/tun: .*modprobe tun/);
});
