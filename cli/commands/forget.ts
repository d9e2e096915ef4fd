/**
 * `weft forget`.
 *
 * @module
 */

import { postForm } from "../client.ts";
import type { Command } from "../command.ts";

/** Removes targets. */
export const command: Command = {
  name: "forget",
  summary: "Stops trying to connect to peers",
  operands: [{ name: "PEER", many: true }],
  flags: [],
  detail: "Connections that are there stay until they break. An unknown peer is no error.",
  async run({ words: peers, places }): Promise<number> {
    await postForm(places, "/forget", peers.map((peer) => ["peer", peer]));
    return 0;
  },
};
