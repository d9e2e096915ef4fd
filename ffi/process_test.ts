import assert from "node:assert/strict";
import { countingDescriptors } from "./_testing.ts";
import { SysError } from "./errno.ts";
import { OPEN, openFd } from "./fd.ts";
import {
  dup2,
  geteuid,
  getpid,
  kill,
  notifySystemd,
  openFileCount,
  rssBytes,
  setsid,
} from "./process.ts";
import { monotonicMs } from "./clock.ts";
import { Arena } from "./arena.ts";
import { setNice, setRealtime, threadId, yieldThread } from "./sched.ts";
import { readProc } from "./procfs.ts";

Deno.test("geteuid(), getpid() and threadId() agree with the runtime", () => {
  assert.equal(geteuid(), Deno.uid());
  assert.equal(getpid(), Deno.pid);
  assert.ok(threadId() > 0);
});

Deno.test("kill() with 0 tells whether a process is there", () => {
  assert.ok(kill(Deno.pid, 0));
  assert.ok(!kill(2 ** 22 + 1, 0));
  assert.throws(() => kill(Deno.pid, 9999), (error) => error instanceof SysError);
});

Deno.test("dup2() makes a descriptor a copy of another", () => {
  countingDescriptors(() => {
    const path = Deno.makeTempFileSync();
    try {
      using file = openFd(path, OPEN.O_WRONLY);
      using copy = openFd("/dev/null", OPEN.O_WRONLY);
      dup2(file.number, copy.number);
      assert.throws(() => dup2(-1, copy.number), /EBADF/);
    } finally {
      Deno.removeSync(path);
    }
  });
});

Deno.test("openFileCount() counts what is open", () => {
  const before = openFileCount();
  using _fd = openFd("/dev/null", OPEN.O_RDONLY);
  assert.equal(openFileCount(), before + 1);
});

Deno.test("rssBytes() is that of a process with a runtime in it", () => {
  assert.ok(rssBytes() > 10e6 && rssBytes() < 10e9);
});

/** Runs a program in a runtime of its own: what it does cannot be undone. */
function run(program: string): { code: number; stdout: string; stderr: string } {
  const args = ["eval", "--no-lock", "--ext=ts", program];
  const output = new Deno.Command(Deno.execPath(), { args, stdin: "null" }).outputSync();
  const decode = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);
  return { code: output.code, stdout: decode(output.stdout), stderr: decode(output.stderr) };
}

Deno.test("redirectStandardStreams() appends output, errors and the last words of the runtime", () => {
  const directory = Deno.makeTempDirSync();
  try {
    const path = `${directory}/router.log`;
    const module = new URL("./process.ts", import.meta.url).href;
    Deno.writeTextFileSync(path, "before\n");
    const program = `import { redirectStandardStreams, setsid } from ${JSON.stringify(module)};
      setsid();
      redirectStandardStreams(${JSON.stringify(path)});
      console.log("out"); console.error("err"); throw new Error("last words");`;
    const { code, stdout, stderr } = run(program);
    assert.deepEqual([code, stdout, stderr], [1, "", ""]);
    assert.match(Deno.readTextFileSync(path), /^before\nout\nerr\n[^]*last words/);
  } finally {
    Deno.removeSync(directory, { recursive: true });
  }
});

Deno.test("withNetns() ends the process with 70 when the way home is gone", () => {
  const module = new URL("./netns.ts", import.meta.url).href;
  const libcModule = new URL("./libc.ts", import.meta.url).href;
  const program = `import { createNetns, withNetns } from ${JSON.stringify(module)};
    import { libc } from ${JSON.stringify(libcModule)};
    const namespace = createNetns();
    withNetns(namespace, () => { for (let fd = 3; fd < 100; fd++) libc().close(fd); });
    console.log("still here");`;
  const { code, stdout, stderr } = run(program);
  assert.equal(code, 70);
  assert.equal(stdout, "");
  assert.match(stderr, /Cannot return to the home namespace: EBADF/);
});

Deno.test("setsid() throws EPERM when the process leads a group", () => {
  // The test runner may or may not lead one; a second call always fails.
  const module = new URL("./process.ts", import.meta.url).href;
  const program = `import { setsid } from ${JSON.stringify(module)};
    try { setsid(); } catch { /* a leader already */ }
    try { setsid(); } catch (error) { console.log(error.code); }`;
  assert.equal(run(program).stdout, "EPERM\n");
  assert.equal(typeof setsid, "function");
});

Deno.test("notifySystemd() sends the state to a socket, by path or abstract name", async () => {
  const directory = Deno.makeTempDirSync();
  try {
    const path = `${directory}/notify`;
    const socket = Deno.listenDatagram({ transport: "unixpacket", path });
    assert.ok(notifySystemd("READY=1\nSTATUS=up", path));
    const [bytes] = await socket.receive();
    assert.equal(new TextDecoder().decode(bytes), "READY=1\nSTATUS=up");
    socket.close();
  } finally {
    Deno.removeSync(directory, { recursive: true });
  }
  countingDescriptors(() => {
    assert.ok(!notifySystemd("READY=1", "@weft-test-nobody-listens"));
    assert.ok(!notifySystemd("READY=1", undefined));
    assert.ok(!notifySystemd("READY=1", `/${"x".repeat(200)}`));
  });
});

Deno.test("setNice() and setRealtime() change this thread alone", () => {
  const tid = threadId();
  const stat = (): string[] => (readProc(`/proc/self/task/${tid}/stat`) ?? "").split(" ");
  const policy = 40;
  try {
    assert.ok(setRealtime(1));
    assert.equal(stat()[policy], "1");
  } finally {
    assert.ok(setRealtime(0));
  }
  assert.equal(stat()[policy], "0");
  assert.ok(setNice(0));
  yieldThread();
});

Deno.test("monotonicMs() moves with the runtime's clock", () => {
  using arena = Arena.open(65536);
  const at = arena.alloc(16);
  const [ours, theirs] = [monotonicMs(arena, at), performance.now()];
  while (performance.now() < theirs + 20) yieldThread();
  const passed = monotonicMs(arena, at) - ours;
  assert.ok(passed >= 19.9 && passed < 1000, String(passed));
});
