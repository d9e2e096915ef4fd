/**
 * `weft help`: the framework answers it; the record is for the list.
 *
 * @module
 */

import { command } from "../command.ts";

/** `weft help [COMMAND]`. */
export const helpCommand = command({
  name: "help",
  summary: "show the commands, or the options of one",
  args: "[COMMAND]",
  count: [0, 1],
  options: {},
  run: () => Promise.resolve(),
});
