/**
 * What works on this host without a router.
 *
 * @module
 */

import { fileExists, geteuid } from "../ffi/mod.ts";
import { currentBridge, removeHost } from "../switch/mod.ts";
import type { Places } from "./config/mod.ts";
import { Containers } from "./containers_shell.ts";

/**
 * Returns the containers of the bridge that is in use.
 *
 * @param bridge the one that the user named, if any
 * @throws {Error} if this is not root
 */
export function localContainers(bridge: string | undefined): Containers {
  if (geteuid() !== 0) throw new Error("Cannot look at the bridge: must run as root; try sudo");
  return new Containers({ bridge: bridge ?? currentBridge() });
}

const TAP = "weft-tap";
/** What lies in the two directories; a directory with more in it stays. */
const OURS = /^(weft|ipam|names|ipam-.*)\.db(-wal|-shm)?$|^(weft\.sock|router\.(pid|log|log\.1))$/;

/** Tells whether a router has left state here. */
export function hostTraces({ stateDir }: Places): boolean {
  return fileExists(stateDir) && ours(stateDir).length > 0;
}

/**
 * Removes what weft has made on this host: interfaces, the bridge if it is ours, stored state, socket and log.
 *
 * @param bridge the one that the user named, if any
 * @returns a line for each directory that stays since others keep something there
 */
export function removeTraces({ stateDir, runtimeDir }: Places, bridge?: string): string[] {
  if (geteuid() !== 0) throw new Error("Cannot reset: must run as root; try sudo");
  removeHost(bridge ?? currentBridge(), TAP);
  return [...new Set([stateDir, runtimeDir])].filter(fileExists).flatMap((directory) => {
    for (const name of ours(directory)) Deno.removeSync(`${directory}/${name}`);
    const left = [...Deno.readDirSync(directory)].length;
    if (left === 0) Deno.removeSync(directory);
    return left === 0 ? [] : [`Note: ${directory} stays: ${left} files in it are not ours`];
  });
}

function ours(directory: string): string[] {
  return [...Deno.readDirSync(directory)].map(({ name }) => name).filter((name) => OURS.test(name));
}
