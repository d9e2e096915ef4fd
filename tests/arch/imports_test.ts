/**
 * Who may import whom.
 *
 * ```
 *   mod.ts, cli -> router -> container, mesh, switch       all -> base
 *   container -> mesh (types)    shells of container and switch, and router -> ffi -> base -> nothing
 *   tests, scripts -> anything
 * ```
 *
 * @module
 */

import { deepEqual } from "node:assert/strict";
import { folderOf, FOLDERS, type Import, imports, isShell, isTest } from "./source_tree.ts";

/** Folders that a folder may import. "" is the root: `mod.ts`. */
const ALLOWED: Readonly<Record<string, readonly string[]>> = {
  base: [],
  ffi: ["base"],
  mesh: ["base"],
  switch: ["base", "ffi"],
  container: ["base", "ffi", "mesh"],
  router: ["base", "ffi", "mesh", "switch", "container"],
  cli: ["base", "router"],
  "": ["base", "router"],
};

/** Why an edge that looks handy is refused. A pair that is not here is refused because it points upwards. */
const REFUSED: Readonly<Record<string, string>> = {
  "mesh -> switch": "the router joins them: either can be tested and replaced without the other",
  "switch -> mesh":
    "the router joins them: the data plane is told peers, links and keys as plain data",
  "mesh -> ffi":
    "the mesh needs no system call that Deno does not offer; cryptography is passed in",
  "switch -> container": "a bare switch runs without any container",
  "container -> switch":
    "containers hang on a bridge; who carries its frames is not their business",
  "ffi -> switch": "ffi speaks of Linux and knows nothing of weft",
  "ffi -> mesh": "ffi speaks of Linux and knows nothing of weft",
  "cli -> ffi": "what a command does to the system it does through router/, so that both agree",
  "cli -> mesh": "the CLI asks the router; its view is the one that is true",
  "cli -> switch": "the CLI asks the router; its view is the one that is true",
  "cli -> container":
    "what a command does to the system it does through router/, so that both agree",
  " -> cli": "the public API is for programs, not for terminals",
};

/** The one file that may import a third-party package. */
const PACKAGES: Readonly<Record<string, string>> = {
  "commander": "cli/framework.ts",
  "tweetnacl-es6": "ffi/crypto.ts",
};
/** Packages for tests, in as many of them as need it. */
const TEST_PACKAGES = new Set(["dns-packet", "fast-check"]);

/** Files of the router that touch the system themselves. */
const ROUTER_FFI = /^router\/(router|.*shell)\.ts$/;

const all = imports();
const product = all.filter((edge) => !isTest(edge.from) && folderOf(edge.from) !== "scripts");

Deno.test("imports point downwards only", () => {
  const wrong = product.filter((edge) => crosses(edge) && !isAllowed(edge)).map((edge) => {
    const pair = `${folderOf(edge.from)} -> ${folderOf(edge.to)}`;
    return `${at(edge)}: ${pair} is refused: ${REFUSED[pair] ?? "it points upwards"}`;
  });
  deepEqual(wrong, []);
});

Deno.test("only shells import ffi", () => {
  const wrong = product.filter((edge) =>
    crosses(edge) && folderOf(edge.to) === "ffi" && !edge.typeOnly && !isShell(edge.from) &&
    !ROUTER_FFI.test(edge.from)
  );
  deepEqual(wrong.map((edge) => `${at(edge)}: a core makes no system call`), []);
});

Deno.test("container takes only types from mesh", () => {
  const wrong = product.filter((edge) =>
    folderOf(edge.from) === "container" && folderOf(edge.to) === "mesh" && !edge.typeOnly
  );
  deepEqual(wrong.map(at), []);
});

Deno.test("other folders import a folder's mod.ts and nothing else of it", () => {
  const wrong = product.filter((edge) => crosses(edge) && !/^(\w+\/)+mod\.ts$/.test(edge.to));
  deepEqual(wrong.map((edge) => `${at(edge)}: imports ${edge.to}`), []);
});

Deno.test("no folder and no file imports itself in a circle", () => {
  deepEqual(circle(product.filter(crosses).map((e) => [folderOf(e.from), folderOf(e.to)])), []);
  deepEqual(circle(product.filter((e) => !e.typeOnly).map((e) => [e.from, e.to])), []);
});

Deno.test("each third-party package is imported in its one file", () => {
  const wrong: string[] = [];
  for (const edge of all) {
    const name = /^npm:\/?((?:@[^/]+\/)?[^@/]+)/.exec(edge.to)?.[1];
    if (name === undefined || edge.from.startsWith("npm:")) continue;
    const home = Object.keys(PACKAGES).find((key) => edge.specifier.startsWith(key));
    if (
      TEST_PACKAGES.has(name)
        ? isTest(edge.from)
        : home !== undefined && PACKAGES[home] === edge.from
    ) {
      continue;
    }
    wrong.push(`${at(edge)}: imports ${edge.specifier}`);
  }
  deepEqual(wrong, []);
});

Deno.test("nothing imports from the network or from outside the repository", () => {
  const wrong = all.filter((edge) =>
    edge.to.startsWith("/") || /^(https?|jsr|data):/.test(edge.to)
  );
  deepEqual(wrong.map((edge) => `${at(edge)}: imports ${edge.specifier}`), []);
});

Deno.test("the product imports neither tests nor scripts", () => {
  const wrong = product.filter((edge) => isTest(edge.to) || folderOf(edge.to) === "scripts");
  deepEqual(wrong.map((edge) => `${at(edge)}: imports ${edge.to}`), []);
});

/** The edge goes from one folder of the product, or the root, to another folder of the product. */
function crosses(edge: Import): boolean {
  const to = folderOf(edge.to);
  return FOLDERS.some((folder) => folder === to) && folderOf(edge.from) !== to;
}

function isAllowed(edge: Import): boolean {
  return ALLOWED[folderOf(edge.from)]?.includes(folderOf(edge.to)) ?? false;
}

function at(edge: Import): string {
  return `${edge.from}:${edge.line}`;
}

/** Returns a circle in the graph, or nothing. */
function circle(pairs: readonly (readonly [string, string])[]): string[] {
  const next = new Map<string, Set<string>>();
  for (const [from, to] of pairs) next.set(from, (next.get(from) ?? new Set()).add(to));
  const done = new Set<string>();
  const walk = (name: string, path: string[]): string[] => {
    if (path.includes(name)) return [...path.slice(path.indexOf(name)), name];
    if (done.has(name)) return [];
    for (const to of next.get(name) ?? []) {
      const found = walk(to, [...path, name]);
      if (found.length > 0) return found;
    }
    done.add(name);
    return [];
  };
  for (const name of next.keys()) {
    const found = walk(name, []);
    if (found.length > 0) return found;
  }
  return [];
}
