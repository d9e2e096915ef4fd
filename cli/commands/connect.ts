/**
 * `weft connect`: adds targets.
 *
 * @module
 */

import { command } from "../command.ts";
import { usageOf, WordsError } from "../framework.ts";

/** `weft connect [--replace] PEER...`. */
export const connectCommand = command({
  name: "connect",
  summary: "connect to peers, now and after a relaunch with --resume",
  args: "PEER...",
  count: [0, Infinity],
  options: { replace: { summary: "forget all earlier peers first" } },
  async run(peers, options, io): Promise<void> {
    if (peers.length === 0 && !options.replace) {
      throw new WordsError("Cannot connect: name a peer", usageOf(connectCommand));
    }
    const form = new URLSearchParams(peers.map((peer) => ["peer", peer]));
    if (options.replace) form.set("replace", "true");
    await io.client.post("/connect", form);
  },
});
