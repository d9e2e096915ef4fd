import assert from "node:assert/strict";
import { Bug } from "../base/mod.ts";
import { countingDescriptors, inFreshNetns } from "./_testing.ts";
import { SysError } from "./errno.ts";
import { OPEN, openFd } from "./fd.ts";
import {
  createNetns,
  hostnameOf,
  netnsCookie,
  netnsInode,
  openNetns,
  openOwnNetns,
  openPidNetns,
  withNetns,
} from "./netns.ts";
import { readProc, writeProc } from "./procfs.ts";

const OWN = "/proc/thread-self/ns/net";

Deno.test("withNetns() runs there and comes back when the function returns", () => {
  countingDescriptors(() => {
    using namespace = createNetns();
    const home = netnsInode(OWN);
    const there = withNetns(namespace, () => netnsInode(OWN));
    assert.equal(there, netnsInode(namespace));
    assert.notEqual(there, home);
    assert.equal(netnsInode(OWN), home);
  });
});

Deno.test("netnsCookie() tells a namespace from one that has got its inode", () => {
  countingDescriptors(() => {
    const cookies = new Set<bigint | undefined>();
    for (let i = 0; i < 3; i++) {
      using namespace = createNetns();
      cookies.add(netnsCookie(namespace));
      assert.equal(cookies.has(netnsCookie(namespace.number)), true);
    }
    assert.equal(cookies.size, 3);
  });
});

Deno.test("withNetns() comes back when the function throws", () => {
  countingDescriptors(() => {
    using namespace = createNetns();
    const home = netnsInode(OWN);
    assert.throws(() =>
      withNetns(namespace.number, () => {
        throw new RangeError("inside");
      }), RangeError);
    assert.equal(netnsInode(OWN), home);
  });
});

Deno.test("withNetns() returns to the namespace that it was called in when nested", () => {
  countingDescriptors(() => {
    using outer = createNetns();
    using inner = createNetns();
    withNetns(outer, () => {
      withNetns(inner, () => assert.equal(netnsInode(OWN), netnsInode(inner)));
      assert.equal(netnsInode(OWN), netnsInode(outer));
    });
  });
});

Deno.test("withNetns() throws Bug when the function is asynchronous", () => {
  using namespace = createNetns();
  assert.throws(() => withNetns(namespace, () => Promise.resolve(1)), Bug);
});

Deno.test("withNetns() throws EINVAL and stays home when the descriptor is no namespace", () => {
  countingDescriptors(() => {
    using file = openFd("/dev/null", OPEN.O_RDONLY);
    const home = netnsInode(OWN);
    const act = (): void => withNetns(file, () => assert.fail("was run"));
    assert.throws(act, (error) => error instanceof SysError && error.code === "EINVAL");
    assert.equal(netnsInode(OWN), home);
  });
});

Deno.test("openPidNetns() opens the namespace of a process, and throws ENOENT without one", () => {
  countingDescriptors(() => {
    using own = openPidNetns(Deno.pid);
    using same = openOwnNetns();
    using path = openNetns(OWN);
    assert.equal(netnsInode(own), netnsInode(same));
    assert.equal(netnsInode(path.number), netnsInode(same));
    assert.throws(
      () => openPidNetns(2 ** 22 + 1),
      (error) => error instanceof SysError && error.code === "ENOENT",
    );
  });
});

Deno.test("netnsInode() throws TypeError when it is given something else", () => {
  assert.throws(() => netnsInode("/dev/null"), /needed, not \/dev\/null/);
});

Deno.test("writeProc() changes a setting of the namespace that the thread is in", () => {
  const path = "/proc/sys/net/ipv4/ip_forward";
  const before = readProc(path);
  inFreshNetns(() => {
    const flipped = readProc(path) === "1\n" ? "0" : "1";
    assert.ok(writeProc(path, flipped));
    assert.equal(readProc(path), `${flipped}\n`);
    assert.ok(!writeProc(path, "x"));
  });
  assert.equal(readProc(path), before);
});

Deno.test("hostnameOf() tells the host name that a process sees, if it is not ours", async () => {
  const home = readProc("/proc/sys/kernel/hostname");
  const script = "hostname db.example.org && echo ready && exec cat";
  await using child = new Deno.Command("unshare", {
    args: ["--uts", "sh", "-c", script],
    stdin: "piped",
    stdout: "piped",
  }).spawn();
  const reader = child.stdout.getReader();
  await reader.read();
  countingDescriptors(() => {
    assert.equal(hostnameOf(child.pid), "db.example.org");
    assert.equal(hostnameOf(Deno.pid), undefined);
    assert.equal(hostnameOf(4_194_305), undefined);
  });
  assert.equal(readProc("/proc/sys/kernel/hostname"), home);
  await child.stdin.close();
  await reader.cancel();
});
