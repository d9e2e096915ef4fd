/**
 * `weft version`: the command's, and the router's if one runs.
 *
 * @module
 */

import { VERSION } from "../../router/config/mod.ts";
import { NoRouterError } from "../client.ts";
import { command, type Io, JSON_OPTION } from "../command.ts";

/** `weft version`. */
export const versionCommand = command({
  name: "version",
  summary: "show the version of the command and of the router",
  args: "",
  count: [0, 0],
  options: { json: JSON_OPTION },
  async run(_words, options, io): Promise<void> {
    const router = await routerVersion(io);
    if (options.json) return io.out(`${JSON.stringify({ command: VERSION, router })}\n`);
    io.out(`weft ${VERSION}\n`);
    if (router !== undefined) io.out(`router ${router}\n`);
  },
});

async function routerVersion({ client }: Io): Promise<string | undefined> {
  try {
    return JSON.parse(await client.get("/status", "json")).version;
  } catch (error) {
    if (error instanceof NoRouterError) return undefined;
    throw error;
  }
}
