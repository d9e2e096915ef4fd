/**
 * Versions of the programs that take part.
 *
 * @module
 */

import { run } from "../../helpers/namespace.ts";
import { versionIn } from "./parsers.ts";

/** Asks a program for its version; "unknown" if it does not tell. */
export async function programVersion(...command: readonly string[]): Promise<string> {
  const { stdout, stderr } = await run(command, { mayFail: true });
  return versionIn(`${stdout}${stderr}`);
}

/** Tells whether a command is there. */
export async function isInstalled(command: string): Promise<boolean> {
  const words = ["sh", "-c", 'command -v "$1"', "sh", command];
  return (await run(words, { mayFail: true })).code === 0;
}
