/**
 * `weft status`: what the router tells about itself.
 *
 * @module
 */

import { NotFoundError } from "../client.ts";
import { command, JSON_OPTION } from "../command.ts";
import { usageOf, WordsError } from "../framework.ts";

/** `weft status [WHAT]`. */
export const statusCommand = command({
  name: "status",
  summary: "show the router, its connections, the peers, or its targets",
  args: "[connections|peers|targets]",
  count: [0, 1],
  options: { json: JSON_OPTION },
  async run([what], options, io): Promise<void> {
    const path = what === undefined ? "/status" : `/status/${encodeURIComponent(what)}`;
    try {
      if (options.json) {
        const value: unknown = JSON.parse(await io.client.get(path, "json"));
        return io.out(`${JSON.stringify(value, undefined, 2)}\n`);
      }
      const text = await io.client.get(path);
      io.out(what === undefined ? `\n${text}\n` : text);
    } catch (error) {
      if (!(error instanceof NotFoundError)) throw error;
      throw new WordsError(`Unknown status "${what}"`, usageOf(statusCommand));
    }
  },
});
