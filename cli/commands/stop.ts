/**
 * `weft stop`: ends the router; containers of this host go on talking.
 *
 * @module
 */

import { NoRouterError } from "../client.ts";
import { command, CommandError } from "../command.ts";

/** A router that has not ended after this is stuck. */
const PATIENCE_MS = 15_000;
const POLL_MS = 20;

/** `weft stop`. */
export const stopCommand = command({
  name: "stop",
  aliases: ["stop-router"],
  summary: "stop the router; bridge, interfaces and addresses stay",
  args: "",
  count: [0, 0],
  options: {},
  async run(_words, _options, io): Promise<void> {
    let pid: number;
    try {
      pid = JSON.parse(await io.client.post("/stop", {})).pid;
    } catch (error) {
      if (!(error instanceof NoRouterError)) throw error;
      return io.err("The router is not running");
    }
    const { processRuns } = await import("../../router/mod.ts");
    const end = performance.now() + PATIENCE_MS;
    while (processRuns(pid)) {
      if (performance.now() > end) {
        throw new CommandError(
          `Cannot stop the router: process ${pid} has not ended; see ${io.places.logFile}, ` +
            `or end it with: kill -9 ${pid}`,
        );
      }
      await new Promise((resolve) => setTimeout(resolve, POLL_MS));
    }
  },
});
