/**
 * `weft status`.
 *
 * @module
 */

import { UsageError } from "../../router/config/mod.ts";
import { STATUS_PAGES } from "../../router/status/mod.ts";
import { get } from "../client.ts";
import { type Command, JSON_FLAG } from "../command.ts";

const NAMES = STATUS_PAGES.map((page) => page.name).filter((name) => name !== "");

/** Prints a status page. */
export const command: Command = {
  name: "status",
  summary: "Tells how the router and its connections are",
  operands: [{ name: NAMES.join("|"), optional: true }],
  flags: [JSON_FLAG],
  async run({ words, flags, places, out }): Promise<number> {
    const page = words[0];
    if (page !== undefined && !NAMES.includes(page)) {
      throw new UsageError(`Unknown status page "${page}"`, true);
    }
    const path = page === undefined ? "/status" : `/status/${page}`;
    out(await get(places, path, { json: flags.has("json") }));
    return 0;
  },
};
