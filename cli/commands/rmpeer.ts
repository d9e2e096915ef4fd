/**
 * `weft rmpeer`: takes over the addresses of peers that are dead for good.
 *
 * @module
 */

import { command, CommandError, JSON_OPTION } from "../command.ts";
import { callPart } from "./_parts.ts";

/** `weft rmpeer ID...`. */
export const rmpeerCommand = command({
  name: "rmpeer",
  summary: "take over the addresses of peers that are dead for good",
  args: "PEER...",
  count: [1, Infinity],
  options: {
    force: { summary: "also of one that can be reached" },
    json: JSON_OPTION,
  },
  details: "PEER is a nickname or a peer name. For one peer, run it on one host only.",
  async run(peers, options, io): Promise<number> {
    const force = options.force === true ? "?force=true" : "";
    const took: unknown[] = [];
    let failed = 0;
    for (const peer of peers) {
      try {
        const path = `/peer/${encodeURIComponent(peer)}${force}`;
        const call = (): Promise<string> => io.client.delete(path);
        const answer = JSON.parse(await callPart("addresses", `take over "${peer}"`, call));
        took.push(answer);
        if (!options.json) io.out(`${answer.addresses} IPs taken over from ${peer}\n`);
      } catch (error) {
        if (!(error instanceof CommandError) || error.exitCode !== 1) throw error;
        io.err(error.message);
        failed++;
      }
    }
    if (options.json) io.out(`${JSON.stringify(took)}\n`);
    return failed === 0 ? 0 : 1;
  },
});
