/**
 * `weft forget`: removes targets.
 *
 * @module
 */

import { command } from "../command.ts";

/** `weft forget PEER...`. */
export const forgetCommand = command({
  name: "forget",
  summary: "do not connect to these peers again",
  args: "PEER...",
  count: [1, Infinity],
  options: {},
  async run(peers, _options, io): Promise<void> {
    await io.client.post("/forget", new URLSearchParams(peers.map((peer) => ["peer", peer])));
  },
});
