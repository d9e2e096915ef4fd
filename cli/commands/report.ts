/**
 * `weft report`: the whole state as JSON.
 *
 * @module
 */

import { command } from "../command.ts";

/** `weft report`. */
export const reportCommand = command({
  name: "report",
  summary: "print the whole state as JSON",
  args: "",
  count: [0, 0],
  options: {},
  async run(_words, _options, io): Promise<void> {
    io.out(await io.client.get("/report", "json"));
  },
});
