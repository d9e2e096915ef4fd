/**
 * What each file owes: a size that can be read in one go, a module doc where a folder begins, nothing of the machine it
 * was written on.
 *
 * @module
 */

import { deepEqual, ok } from "node:assert/strict";
import { files, FOLDERS, read } from "./source_tree.ts";

const MAX_LINES = 500;

/** Files that may be longer, each with the reason. */
const LONG: Readonly<Record<string, string>> = {};

/** Places of one machine; split so that this file does not name them. */
const PLACES = ["work", "root", "home", "tmp/weft"].join("|");
const MACHINE = new RegExp(`(^|[\\s"'\`(=:])/(${PLACES})/\\w|\\.\\./sha${"red"}\\b`);

const all = files();
const sources = all.filter((path) => path.endsWith(".ts"));

Deno.test("no source file is longer than 500 lines", () => {
  const long = sources.filter((path) => !(path in LONG) && lines(path) > MAX_LINES);
  deepEqual(long.map((path) => `${path}: ${lines(path)} lines`), []);
});

Deno.test("each exception to the length is needed", () => {
  deepEqual(
    Object.keys(LONG).filter((path) => !sources.includes(path) || lines(path) <= MAX_LINES),
    [],
  );
});

Deno.test("each folder of the product begins with a mod.ts that says what it is", () => {
  for (const folder of FOLDERS) {
    const entries = sources.filter((path) =>
      path.startsWith(`${folder}/`) && path.endsWith("/mod.ts")
    );
    ok(entries.length > 0, `${folder}/ has no mod.ts`);
    for (const path of entries) {
      const doc = /^\/\*\*[\s\S]*?\*\//.exec(read(path))?.[0] ?? "";
      ok(doc.includes("@module"), `${path} does not begin with a module doc`);
      ok(doc.split("\n").length >= 4, `${path}: the module doc says too little`);
    }
  }
});

Deno.test("file names are snake_case", () => {
  deepEqual(sources.filter((path) => !/^([a-z0-9_]+\/)*[a-z0-9_]+\.ts$/.test(path)), []);
});

Deno.test("no file names a place of the machine it was written on", () => {
  const text = all.filter((path) => /\.(ts|md|json|html|c|sh)$|^scripts\/|^\.ci\//.test(path));
  const wrong = text.flatMap((path) =>
    read(path).split("\n").flatMap((line, i) =>
      MACHINE.test(line) ? [`${path}:${i + 1}: ${line.trim()}`] : []
    )
  );
  deepEqual(wrong, []);
});

Deno.test("scripts are executable and answer --help", () => {
  for (const path of all.filter((path) => /^scripts\/[a-z_-]+$/.test(path))) {
    const mode = Deno.statSync(new URL(`../../${path}`, import.meta.url)).mode ?? 0;
    ok((mode & 0o111) !== 0, `${path} is not executable`);
    ok(read(path).includes("--help"), `${path} does not answer --help`);
  }
});

function lines(path: string): number {
  return read(path).split("\n").length - 1;
}
