/**
 * Starts and stops a router many times in one process and tells what that left: one line of JSON at the end.
 *
 * ```
 *   deno run -A --v8-flags=--expose-gc router_rounds.ts ROUNDS RUNTIME_DIR STATE_DIR PEER
 * ```
 *
 * The first rounds are not measured: code is compiled and pools are filled in them.
 *
 * @module
 */

import { openFileCount, rssBytes } from "../../ffi/mod.ts";
import { createLogger } from "../../base/mod.ts";
import { parseLaunch, resolveConfig, Router } from "../../mod.ts";

const WARM_UP = 3;

/** What the rounds left. */
export interface Rounds {
  /** Open descriptors after the warm-up and after the last round. */
  readonly descriptors: readonly [number, number];
  /** Resident memory in bytes, likewise. */
  readonly rss: readonly [number, number];
  /** Threads, likewise. */
  readonly threads: readonly [number, number];
}

if (import.meta.main) {
  const [rounds = "5", runtimeDir = "", stateDir = "", peer = ""] = Deno.args;
  const argv = [
    "--runtime-dir",
    runtimeDir,
    "--state-dir",
    stateDir,
    "--password",
    "rosebud",
    peer,
  ];
  const { config } = resolveConfig(parseLaunch(argv, () => undefined), {
    env: () => undefined,
    cwd: "/",
    hostname: () => "rounds",
    readTextFile: Deno.readTextFileSync,
  });
  const log = createLogger("rounds", {
    level: "error",
    write: (line) => Deno.stderr.writeSync(new TextEncoder().encode(line + "\n")),
    now: () => new Date(),
  });
  const round = async (): Promise<void> => {
    const router = await Router.start(config, { log });
    await router.stop();
  };
  for (let i = 0; i < WARM_UP; i++) await round();
  const before = measure();
  for (let i = 0; i < Number(rounds); i++) await round();
  const after = measure();
  const result: Rounds = {
    descriptors: [before.descriptors, after.descriptors],
    rss: [before.rss, after.rss],
    threads: [before.threads, after.threads],
  };
  Deno.stdout.writeSync(new TextEncoder().encode(JSON.stringify(result) + "\n"));
}

function measure(): { descriptors: number; rss: number; threads: number } {
  (globalThis as { gc?: () => void }).gc?.();
  return {
    descriptors: openFileCount(),
    rss: rssBytes(),
    threads: [...Deno.readDirSync("/proc/self/task")].length,
  };
}
