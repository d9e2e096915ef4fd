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
import { pause } from "./until.ts";

const WARM_UP = 20;
/** Sockets that were closed are gone after this. */
const SETTLE_MS = 500;

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
  const before = await measure();
  for (let i = 0; i < Number(rounds); i++) await round();
  const after = await measure();
  const result: Rounds = {
    descriptors: [before.descriptors, after.descriptors],
    rss: [before.rss, after.rss],
    threads: [before.threads, after.threads],
  };
  Deno.stdout.writeSync(new TextEncoder().encode(JSON.stringify(result) + "\n"));
}

async function measure(): Promise<{ descriptors: number; rss: number; threads: number }> {
  await pause(SETTLE_MS);
  (globalThis as { gc?: () => void }).gc?.();
  return {
    descriptors: openFileCount(),
    rss: rssBytes(),
    threads: [...Deno.readDirSync("/proc/self/task")].length,
  };
}
