/**
 * `weft report`.
 *
 * @module
 */

import { get } from "../client.ts";
import { type Command, JSON_FLAG } from "../command.ts";

/** Prints the whole state. */
export const command: Command = {
  name: "report",
  summary: "Prints the whole state as JSON",
  operands: [],
  flags: [
    JSON_FLAG,
    {
      name: "format",
      short: "f",
      value: "FORMAT",
      refused: "is not in this version; the JSON can be picked apart with jq",
    },
  ],
  async run({ places, out }): Promise<number> {
    const text = await get(places, "/report", { json: true });
    out(text.endsWith("\n") ? text : `${text}\n`);
    return 0;
  },
};
