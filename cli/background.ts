/**
 * Puts a router into the background and waits until it is ready.
 *
 * @module
 */

import { fileURLToPath } from "node:url";
import type { Places, RawOptions } from "../router/config/mod.ts";
import { answers, get } from "./client.ts";
import { CommandError } from "./command.ts";
import { givenPassword, routerArgv } from "./launch_argv.ts";
import { makePlaces, takeReason } from "./places.ts";

/** Time that a router has to become ready. */
const READY_MS = 20_000;
const POLL_MS = 50;

/** What `launch` takes from the answer. */
export interface RouterStatus {
  /** Name of the peer. */
  readonly name: string;
  /** What the user should know. */
  readonly warnings: readonly string[];
}

/**
 * Starts a router as a process of its own.
 *
 * @returns what `GET /status` answers
 * @throws {CommandError} if it ends, or is not ready in time: then it is ended
 */
export async function launchRouter(
  raw: RawOptions,
  places: Places,
  cwd: string,
): Promise<RouterStatus> {
  makePlaces(places);
  takeReason(places);
  const program = { config: fileOf("../deno.json"), main: fileOf("./main.ts") };
  const password = givenPassword(raw);
  const child = new Deno.Command(Deno.execPath(), {
    args: routerArgv(program, raw, places, cwd),
    env: password === undefined ? {} : { WEFT_PASSWORD: password },
    // A directory that somebody wants to unmount is not held.
    cwd: "/",
    stdin: "null",
    stdout: "null",
    stderr: "null",
  }).spawn();
  let ended = false;
  const end = child.status.then(() => {
    ended = true;
  });
  const deadline = performance.now() + READY_MS;
  while (!await answers(places, READY_MS)) {
    if (ended) throw failure(places, takeReason(places) ?? "the router ended");
    if (performance.now() > deadline) {
      child.kill("SIGTERM");
      throw failure(places, `the router is not ready after ${READY_MS / 1000} s and was ended`);
    }
    await Promise.race([end, new Promise((resolve) => setTimeout(resolve, POLL_MS))]);
  }
  child.unref();
  return JSON.parse(await get(places, "/status", { json: true }));
}

/** A reason that is a whole sentence of the router's stays one. */
function failure({ logFile }: Places, reason: string): CommandError {
  const sentence = /^Cannot /.test(reason) ? reason : `Cannot launch: ${reason}`;
  return new CommandError(`${sentence} (log: ${logFile})`);
}

function fileOf(path: string): string {
  return fileURLToPath(new URL(path, import.meta.url));
}
