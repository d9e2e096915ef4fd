/**
 * `weft connect`.
 *
 * @module
 */

import { UsageError } from "../../router/config/mod.ts";
import { postForm } from "../client.ts";
import type { Command } from "../command.ts";

/** Adds targets. */
export const command: Command = {
  name: "connect",
  summary: "Connects to further peers",
  operands: [{ name: "PEER", optional: true, many: true }],
  flags: [{
    name: "replace",
    summary: "forgets all earlier ones first; then no peer need be named",
  }],
  detail: "A PEER is HOST or HOST:PORT. Those connected to are stored.",
  async run({ words: peers, flags, places }): Promise<number> {
    const replace = flags.has("replace");
    if (peers.length === 0 && !replace) {
      throw new UsageError("Cannot connect: no peer given; HOST or HOST:PORT", true);
    }
    await postForm(places, "/connect", [
      ...peers.map((peer) => ["peer", peer] as const),
      ["replace", `${replace}`],
    ]);
    return 0;
  },
};
