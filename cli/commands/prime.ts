/**
 * `weft prime`: waits until addresses can be given out.
 *
 * @module
 */

import { command } from "../command.ts";
import { callPart } from "./_parts.ts";

/** `weft prime [--without ADDR]`. */
export const primeCommand = command({
  name: "prime",
  summary: "wait until addresses can be given out",
  args: "",
  count: [0, 0],
  options: {
    without: {
      value: "ADDR",
      many: true,
      summary: "give up this target, which will never come; may be given several times",
    },
  },
  async run(_words, { without }, io): Promise<void> {
    const targets = without === undefined ? [] : `${without}`.split("\n");
    const query = new URLSearchParams(targets.map((target) => ["without", target]));
    const path = query.size === 0 ? "/ring" : `/ring?${query}`;
    await callPart("addresses", "prime", () => io.client.get(path));
  },
});
