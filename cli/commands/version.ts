/**
 * `weft version`.
 *
 * @module
 */

import { VERSION } from "../../router/config/mod.ts";
import { get, NotRunningError } from "../client.ts";
import { type Command, JSON_FLAG } from "../command.ts";

/** Prints versions. */
export const command: Command = {
  name: "version",
  summary: "Prints the versions of this command and of the router",
  operands: [],
  flags: [JSON_FLAG],
  async run({ flags, places, out }): Promise<number> {
    const router = await routerVersion(() => get(places, "/status", { json: true }));
    if (flags.has("json")) out(`${JSON.stringify({ weft: VERSION, router: router ?? null })}\n`);
    else out(`weft ${VERSION}\n${router === undefined ? "" : `weft router ${router}\n`}`);
    return 0;
  },
};

async function routerVersion(ask: () => Promise<string>): Promise<string | undefined> {
  try {
    return String(JSON.parse(await ask()).version);
  } catch (error) {
    if (error instanceof NotRunningError) return undefined;
    throw error;
  }
}
