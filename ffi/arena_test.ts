import assert from "node:assert/strict";
import { Bug } from "../base/mod.ts";
import "./_testing.ts";
import { Arena } from "./arena.ts";
import { libc } from "./libc.ts";
import { readProc } from "./procfs.ts";

const MIB = 1 << 20;

function mapped(base: number): boolean {
  const maps = readProc("/proc/self/maps") ?? "";
  return new RegExp(`^0*${base.toString(16)}-`, "m").test(maps);
}

Deno.test("Arena.open() maps below 2 GiB and passes its self-test", () => {
  using arena = Arena.open(8 * MIB);
  assert.ok(arena.base > 0 && arena.base + arena.size <= 2 ** 31);
  assert.equal(arena.size, 8 * MIB);
  assert.equal(arena.bytes.length, arena.size);
  const a = arena.alloc(16);
  const b = arena.alloc(16);
  arena.view.setUint32(a, 0x01020304);
  libc().memcpy(arena.base + b, arena.base + a, 16);
  assert.deepEqual([...arena.bytes.subarray(b, b + 4)], [1, 2, 3, 4]);
  assert.equal(arena.u32[b >> 2], 0x04030201);
});

Deno.test("Arena.open() takes the next place when the first is taken", () => {
  using first = Arena.open(MIB);
  using second = Arena.open(MIB, { populate: true });
  assert.notEqual(first.base, second.base);
  first.bytes[500] = 1;
  assert.equal(second.bytes[500], 0);
});

Deno.test("Arena.open() fails with EEXIST when every place is taken, and works after one is free", () => {
  const arenas: Arena[] = [];
  try {
    assert.throws(() => {
      for (let i = 0; i < 30; i++) arenas.push(Arena.open(65536));
    }, /EEXIST/);
    arenas.pop()?.[Symbol.dispose]();
    arenas.push(Arena.open(65536));
  } finally {
    arenas.forEach((arena) => arena[Symbol.dispose]());
  }
});

Deno.test("Arena.alloc() aligns, never returns 0 and throws Bug when it is full", () => {
  using arena = Arena.open(65536);
  assert.equal(arena.size, 65536);
  const a = arena.alloc(1);
  const b = arena.alloc(1, 64);
  assert.ok(a > 0);
  assert.equal(b % 64, 0);
  assert.ok(b > a);
  assert.throws(() => arena.alloc(65536), Bug);
});

Deno.test("Arena[Symbol.dispose]() unmaps once and empties the views", () => {
  const arena = Arena.open(MIB);
  const { base, bytes } = arena;
  assert.ok(mapped(base));
  arena[Symbol.dispose]();
  arena[Symbol.dispose]();
  assert.ok(!mapped(base));
  assert.equal(bytes.length, 0);
  assert.throws(() => arena.view.getUint8(0), TypeError);
});

Deno.test("Arena.open() works in several workers at once", async () => {
  const source = new URL("./_testing_worker.ts", import.meta.url);
  const workers = [0, 1].map((i) => new Worker(source, { type: "module", name: `arena-${i}` }));
  const ask = (kind: string): Promise<unknown[]> =>
    Promise.all(workers.map((worker) => {
      const answer = new Promise<unknown>((resolve, reject) => {
        worker.onmessage = (event: MessageEvent<unknown>) => resolve(event.data);
        worker.onerror = (event) => reject(new Error(event.message));
      });
      worker.postMessage({ kind });
      return answer;
    }));
  // Both hold theirs until both have answered.
  const bases = await ask("arena");
  await ask("release");
  for (const worker of workers) worker.terminate();
  assert.equal(new Set(bases).size, 2);
});
