/**
 * `weft help`.
 *
 * @module
 */

import type { Command } from "../command.ts";
import { commandHelp, programHelp } from "../help.ts";

/** Prints help. */
export const command: Command = {
  name: "help",
  summary: "Tells about all commands, or about one",
  operands: [{ name: "COMMAND", optional: true }],
  flags: [],
  async run({ words: [name], out }): Promise<number> {
    const { findCommand, loadAll } = await import("./mod.ts");
    out(name === undefined ? programHelp(await loadAll()) : commandHelp(await findCommand(name)));
    return 0;
  },
};
