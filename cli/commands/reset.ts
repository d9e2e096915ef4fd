/**
 * `weft reset`: leaves the network for good and takes away all that weft has made on this host.
 *
 * @module
 */

import { NoRouterError, NotFoundError } from "../client.ts";
import { command, CommandError, type Io } from "../command.ts";
import { EXIT_NOT_RUNNING } from "../exit_codes.ts";
import { stopCommand } from "./stop.ts";

/** `weft reset [--force]`. */
export const resetCommand = command({
  name: "reset",
  summary: "leave the network, and remove bridge, interfaces and stored state",
  args: "",
  count: [0, 0],
  options: {
    force: { summary: "also if nobody can be told, so that our addresses stay ours: see rmpeer" },
  },
  details: "An adopted bridge stays. Another peer gets our addresses and says so before they go.",
  async run(_words, options, io): Promise<void> {
    const { hostTraces, removeTraces } = await import("../../router/mod.ts");
    const running = await leave(io);
    if (!running && hostTraces(io.places) && options.force !== true) {
      throw new CommandError(
        "Cannot reset: the router is not running, so nobody would get its addresses; " +
          "launch it first, or go ahead with --force",
        EXIT_NOT_RUNNING,
      );
    }
    if (running) await stopCommand.run([], {}, io);
    for (const line of removeTraces(io.places, io.env("WEFT_BRIDGE") || undefined)) io.err(line);
  },
});

/** Returns what has become of our addresses, and what is left to do. */
export function fateOf(
  { heir, confirmed }: { readonly heir: string | null; readonly confirmed: boolean },
): string {
  if (heir === null) {
    return "Note: no other peer took our addresses; if there are others, run rmpeer for us on one of them";
  }
  if (confirmed) return `Our addresses went to ${heir}`;
  return `Note: our addresses were given to ${heir}, which has not confirmed it; ` +
    "if its status ipam still shows us, run rmpeer for us there";
}

/** Hands our addresses to another peer. @returns whether a router runs */
async function leave({ client, err }: Io): Promise<boolean> {
  try {
    err(fateOf(JSON.parse(await client.delete("/peer"))));
    return true;
  } catch (error) {
    if (error instanceof NoRouterError) return false;
    // Without an allocator there is nothing to hand over.
    if (error instanceof NotFoundError) return true;
    throw error;
  }
}
