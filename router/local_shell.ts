/**
 * What works on this host without a router.
 *
 * @module
 */

import { geteuid } from "../ffi/mod.ts";
import { currentBridge } from "../switch/mod.ts";
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
