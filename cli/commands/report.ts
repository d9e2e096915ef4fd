/**
 * `weft report`: the whole state as JSON.
 *
 * @module
 */

import { command, JSON_OPTION } from "../command.ts";

/** `weft report`. */
export const reportCommand = command({
  name: "report",
  summary: "print the whole state as JSON",
  args: "",
  count: [0, 0],
  options: { json: { ...JSON_OPTION, summary: "accepted; it always does" } },
  async run(_words, _options, io): Promise<void> {
    io.out(await io.client.get("/report", "json"));
  },
});
