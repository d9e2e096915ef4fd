/**
 * Files of a router that `launch` and the router itself handle.
 *
 * @module
 */

import type { Places } from "../router/config/mod.ts";

const RUNTIME_MODE = 0o750;
const STATE_MODE = 0o700;

/** Makes the directories that are missing; those that are there keep their rights. */
export function makePlaces({ runtimeDir, stateDir }: Places): void {
  makeDirectory(runtimeDir, RUNTIME_MODE);
  makeDirectory(stateDir, STATE_MODE);
}

/** Leaves the reason why a router could not start, for the `launch` that waits for it. */
export function leaveReason(places: Places, reason: string): void {
  const line = reason.split("\n")[0] ?? "";
  Deno.writeTextFileSync(reasonFile(places), line, { mode: 0o600 });
}

/** Takes the reason that a router has left, if there is one. */
export function takeReason(places: Places): string | undefined {
  const reason = readIfThere(reasonFile(places));
  if (reason !== undefined) removeIfThere(reasonFile(places));
  return reason || undefined;
}

function reasonFile({ runtimeDir }: Places): string {
  return `${runtimeDir}/launch.error`;
}

function makeDirectory(path: string, mode: number): void {
  try {
    Deno.mkdirSync(path, { recursive: true, mode });
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new Error(`Cannot launch: cannot make ${path}: ${reason}`);
  }
}

function readIfThere(path: string): string | undefined {
  try {
    return Deno.readTextFileSync(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}

function removeIfThere(path: string): void {
  try {
    Deno.removeSync(path);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
}
