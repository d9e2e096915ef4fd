/**
 * The command line of a router in the background.
 *
 * @module
 */

import type { Places, RawOptions } from "../router/config/mod.ts";

/** Options that do not go on: what `launch` itself did with them is done, and a password would show in a list of processes. */
const KEPT_BACK = new Set(["password", "foreground", "detached", "runtime-dir", "state-dir"]);

/** Where the program lies. */
export interface Program {
  /** Path of `deno.json`. */
  readonly config: string;
  /** Path of `cli/main.ts`. */
  readonly main: string;
}

/**
 * Returns the arguments that make Deno a router: its permissions named one by one, the program, what the user asked for.
 *
 * @param cwd what relative paths count from: the router has another directory
 */
export function routerArgv(
  program: Program,
  raw: RawOptions,
  places: Places,
  cwd: string,
): string[] {
  return [
    "run",
    "--quiet",
    "--no-prompt",
    "--cached-only",
    "--config",
    program.config,
    ...routerPermissions(places),
    program.main,
    "launch",
    "--foreground",
    "--detached",
    `--runtime-dir=${places.runtimeDir}`,
    `--state-dir=${places.stateDir}`,
    ...givenOptions(raw, cwd),
    "--",
    ...raw.network === undefined ? [] : [raw.network],
    ...raw.peers,
  ];
}

/** Returns what a router may do, as flags of Deno. `scripts/weft` has the same list. */
export function routerPermissions({ runtimeDir, stateDir }: Places): string[] {
  return [
    // Pointers and views need the whole flag.
    "--allow-ffi",
    "--allow-net",
    "--allow-env",
    "--allow-read",
    "--allow-sys=hostname,networkInterfaces",
    `--allow-write=${runtimeDir},${stateDir}`,
    "--allow-run=iptables,nft",
  ];
}

/** Returns the password that goes on in the environment, because it was given as an argument. */
export function givenPassword(raw: RawOptions): string | undefined {
  return raw.origins.get("password") === "--password" ? raw.values.get("password") : undefined;
}

/** What variables say, the router reads itself. */
function givenOptions(raw: RawOptions, cwd: string): string[] {
  const given = [...raw.values].filter(([name]) =>
    !KEPT_BACK.has(name) && raw.origins.get(name)?.startsWith("-")
  );
  return given.map(([name, value]) => {
    const path = name === "password-file" && !value.startsWith("/") ? `${cwd}/${value}` : value;
    return name.length === 1 ? `-${name}=${path}` : `--${name}=${path}`;
  });
}
