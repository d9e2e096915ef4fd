import assert from "node:assert/strict";
import { countingDescriptors } from "./_testing.ts";
import { fileExists, listDir, readLinkProc, readProc, writeProc } from "./procfs.ts";

Deno.test("readProc() reads a file of any size, and undefined when there is none", () => {
  countingDescriptors(() => {
    assert.match(readProc("/proc/self/status") ?? "", /^Pid:\s+[0-9]+$/m);
    assert.equal(readProc("/proc/self/nothing"), undefined);
    assert.equal(readProc("/proc/self"), undefined);
    const path = Deno.makeTempFileSync();
    try {
      const text = "ä".repeat(100_000);
      Deno.writeTextFileSync(path, text);
      assert.equal(readProc(path), text);
    } finally {
      Deno.removeSync(path);
    }
  });
});

Deno.test("writeProc() returns false when the file is missing", () => {
  assert.ok(!writeProc("/proc/sys/net/nothing", "1"));
});

Deno.test("readLinkProc() reads a link, and undefined when there is none", () => {
  assert.match(readLinkProc("/proc/self/ns/net") ?? "", /^net:\[[0-9]+\]$/);
  assert.equal(readLinkProc("/proc/self/status"), undefined);
});

Deno.test("listDir() lists names, however many, without dots", () => {
  countingDescriptors(() => {
    const path = Deno.makeTempDirSync();
    try {
      const names = Array.from({ length: 3000 }, (_, i) => `a-rather-long-file-name-${i}`);
      names.forEach((name) => Deno.writeTextFileSync(`${path}/${name}`, ""));
      assert.deepEqual(listDir(path).sort(), names.sort());
    } finally {
      Deno.removeSync(path, { recursive: true });
    }
    assert.deepEqual(listDir("/nowhere"), []);
    assert.deepEqual(listDir("/dev/null"), []);
  });
});

Deno.test("fileExists() tells what is there", () => {
  assert.ok(fileExists("/dev/null"));
  assert.ok(!fileExists("/dev/nothing"));
});
