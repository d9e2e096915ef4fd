import { deepEqual, equal } from "node:assert/strict";
import plugin, { isCore } from "./pure_core_plugin.ts";

function complaints(source: string, file = "mesh/example.ts"): string[] {
  return Deno.lint.runPlugin(plugin, file, source).map((d) => d.message);
}

Deno.test("isCore() tells cores from shells, tests and folders of I/O", () => {
  equal(isCore("mesh/topology.ts"), true);
  equal(isCore("switch/overlay/sleeve.ts"), true);
  equal(isCore("mesh/shell.ts"), false);
  equal(isCore("switch/worker_shell.ts"), false);
  equal(isCore("switch/frame_test.ts"), false);
  equal(isCore("ffi/tap.ts"), false);
  equal(isCore("container/docker/find_shell.ts"), false);
  equal(isCore("mesh/eggshell.ts"), true);
});

const IMPURE: readonly [string, string][] = [
  ["a file", `Deno.readTextFileSync("x");`],
  ["a timer", `setTimeout(() => {}, 1);`],
  ["a clock", `export const t = Date.now();`],
  ["today", `export const t = new Date();`],
  ["another clock", `export const t = performance.now();`],
  ["dice", `export const r = Math.random();`],
  ["random bytes", `export const r = crypto.getRandomValues(new Uint8Array(1));`],
  ["a log line", `console.log("x");`],
  ["waiting", `export async function f(p: Promise<void>): Promise<void> { await p; }`],
  ["a system module", `import { hostname } from "node:os"; export { hostname };`],
];
for (const [what, source] of IMPURE) {
  Deno.test(`pure-core reports ${what} in a core`, () => {
    equal(complaints(source).length, 1);
    deepEqual(complaints(source, "mesh/shell.ts"), []);
  });
}

const PURE: readonly [string, string][] = [
  [
    "a parameter named crypto",
    `export function f(crypto: { x: number }): number { return crypto.x; }`,
  ],
  ["a member named fetch", `export function f(o: { fetch: number }): number { return o.fetch; }`],
  ["a date of a given time", `export const f = (now: number): Date => new Date(now);`],
  ["arithmetic", `export const f = (x: number): number => Math.max(x, 1);`],
];
for (const [what, source] of PURE) {
  Deno.test(`pure-core accepts ${what}`, () => deepEqual(complaints(source), []));
}
