/**
 * Where a router keeps what it needs while it runs and what survives it.
 *
 * @module
 */

import type { Environment } from "./parse.ts";

const RUNTIME_DIR = "/run/weft";
const STATE_DIR = "/var/lib/weft";

/** Directories and files of one router. */
export interface Places {
  /** What lasts while the router runs. */
  readonly runtimeDir: string;
  /** What survives restart and reboot. */
  readonly stateDir: string;
  /** The control API. */
  readonly socket: string;
  /** Its process id. */
  readonly pidFile: string;
  /** The log of a background router. */
  readonly logFile: string;
}

/**
 * Returns the places of the router that the environment names.
 *
 * @param env `WEFT_RUNTIME_DIR` and `WEFT_STATE_DIR` move them
 * @param cwd what relative paths count from
 */
export function resolvePlaces(
  env: Environment,
  cwd: string,
  options: { readonly runtimeDir?: string; readonly stateDir?: string } = {},
): Places {
  const runtimeDir = options.runtimeDir ?? (env("WEFT_RUNTIME_DIR") || RUNTIME_DIR);
  const stateDir = options.stateDir ?? (env("WEFT_STATE_DIR") || STATE_DIR);
  const runtime = absolutePath(runtimeDir, cwd);
  return {
    runtimeDir: runtime,
    stateDir: absolutePath(stateDir, cwd),
    socket: `${runtime}/weft.sock`,
    pidFile: `${runtime}/router.pid`,
    logFile: `${runtime}/router.log`,
  };
}

/** Returns a path that does not depend on the directory we are in, without a slash at its end. */
export function absolutePath(path: string, cwd: string): string {
  const whole = path.startsWith("/") ? path : `${cwd}/${path}`;
  return whole.replace(/(?<=.)\/+$/, "");
}
