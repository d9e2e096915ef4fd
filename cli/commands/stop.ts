/**
 * `weft stop`.
 *
 * @module
 */

import { NotRunningError, post } from "../client.ts";
import { type Command, CommandError } from "../command.ts";

/** Time that a router has to end. */
const END_MS = 10_000;
const POLL_MS = 50;

/** Stops the router. */
export const command: Command = {
  name: "stop",
  summary: "Stops the router; containers of this host stay connected to each other",
  operands: [],
  flags: [],
  detail: "Bridge, interfaces and addresses stay. A router that does not run is no error.",
  async run({ places, note }): Promise<number> {
    let pid: number;
    try {
      pid = Number((await post(places, "/stop"))["pid"]);
    } catch (error) {
      if (!(error instanceof NotRunningError)) throw error;
      note(`weft is not running in ${places.runtimeDir}`);
      return 0;
    }
    const { processRuns } = await import("../../router/mod.ts");
    const deadline = performance.now() + END_MS;
    while (isThere(places.socket) || (pid > 0 && processRuns(pid))) {
      if (performance.now() > deadline) {
        throw new CommandError(
          `Cannot stop: the router${
            pid === undefined ? "" : `, process ${pid},`
          } still runs after ` +
            `${END_MS / 1000} s (log: ${places.logFile})`,
        );
      }
      await new Promise((resolve) => setTimeout(resolve, POLL_MS));
    }
    return 0;
  },
};

function isThere(path: string): boolean {
  try {
    Deno.lstatSync(path);
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}
