/**
 * The repository as the architecture tests see it: its files, and which module imports which.
 *
 * @module
 */

import { fileURLToPath } from "node:url";

/** Root of the repository, with a slash at the end. */
export const ROOT = fileURLToPath(new URL("../../", import.meta.url));

/** Folders of the product, lowest first. Each has a `mod.ts`. */
export const FOLDERS = ["base", "ffi", "mesh", "switch", "container", "router", "cli"] as const;

/** One import of one module. */
export interface Import {
  /** Importing file, relative to the root. */
  readonly from: string;
  /** What the source says. */
  readonly specifier: string;
  /** Imported file relative to the root; `npm:…`, `node:…` or a path outside as it is. */
  readonly to: string;
  /** Only types are taken: nothing is loaded at run time. */
  readonly typeOnly: boolean;
  /** Line in the importing file, from 1. */
  readonly line: number;
}

const SKIPPED = new Set([".git", "node_modules", "dist", "coverage", ".tools"]);

/** Returns all files of the repository, relative to the root, sorted. */
export function files(folder = ""): string[] {
  const found: string[] = [];
  for (const entry of Deno.readDirSync(ROOT + folder)) {
    if (SKIPPED.has(entry.name)) continue;
    const path = folder === "" ? entry.name : `${folder}/${entry.name}`;
    if (entry.isDirectory) found.push(...files(path));
    else if (entry.isFile) found.push(path);
  }
  return found.sort();
}

/** Returns the text of a file. */
export function read(path: string): string {
  return Deno.readTextFileSync(ROOT + path);
}

/** Returns the folder of the product that a file belongs to, or its first folder, or "" for a file in the root. */
export function folderOf(path: string): string {
  return path.includes("/") ? path.slice(0, path.indexOf("/")) : "";
}

/** Tells whether a file is a test, a benchmark, or only helps them. */
export function isTest(path: string): boolean {
  return /_(test|bench)\.ts$/.test(path) || folderOf(path) === "tests" ||
    path.endsWith("/conformance.ts");
}

/** Tells whether a file may do I/O because of its name. */
export function isShell(path: string): boolean {
  return /(^|[/_])shell\.ts$/.test(path);
}

/** Shape of `deno info --json`, as far as it is used. */
interface Info {
  readonly modules: readonly {
    readonly specifier: string;
    readonly error?: string;
    readonly dependencies?: readonly {
      readonly specifier: string;
      readonly code?: Resolved;
      readonly type?: Resolved;
    }[];
  }[];
}
interface Resolved {
  readonly specifier?: string;
  readonly error?: string;
  readonly span: { readonly start: { readonly line: number } };
}

/** Asks Deno for all imports between the TypeScript files of the repository. @throws if one does not resolve */
export function imports(): Import[] {
  const entry = Deno.makeTempFileSync({ suffix: ".ts" });
  try {
    const modules = files().filter((path) => path.endsWith(".ts"));
    const lines = modules.map((path) => `import ${JSON.stringify(`file://${ROOT}${path}`)};\n`);
    Deno.writeTextFileSync(entry, lines.join(""));
    return edges(info(entry)).filter((edge) => !edge.from.startsWith("/"));
  } finally {
    Deno.removeSync(entry);
  }
}

function info(entry: string): Info {
  const { code, stdout, stderr } = new Deno.Command(Deno.execPath(), {
    args: ["info", "--json", "--no-lock", "--config", `${ROOT}deno.json`, entry],
    stdout: "piped",
    stderr: "piped",
  }).outputSync();
  if (code !== 0) {
    throw new Error(`Cannot read the imports: deno info: ${new TextDecoder().decode(stderr)}`);
  }
  return JSON.parse(new TextDecoder().decode(stdout));
}

function edges(graph: Info): Import[] {
  const found: Import[] = [];
  for (const module of graph.modules) {
    if (module.error !== undefined) throw new Error(`Cannot read an import: ${module.error}`);
    for (const dependency of module.dependencies ?? []) {
      const resolved = dependency.code ?? dependency.type;
      if (resolved === undefined) continue;
      found.push({
        from: relative(module.specifier),
        specifier: dependency.specifier,
        to: relative(resolved.specifier ?? dependency.specifier),
        typeOnly: dependency.code === undefined,
        line: resolved.span.start.line + 1,
      });
    }
  }
  return found;
}

function relative(specifier: string): string {
  if (!specifier.startsWith("file://")) return specifier;
  const path = fileURLToPath(specifier);
  return path.startsWith(ROOT) ? path.slice(ROOT.length) : path;
}
