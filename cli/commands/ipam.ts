/**
 * `weft ipam explain` and `repair`: why addresses are as they are, and the end of a conflict.
 *
 * @module
 */

import { command, JSON_OPTION } from "../command.ts";
import { usageOf, WordsError } from "../framework.ts";
import { callPart } from "./_parts.ts";

/** `weft ipam explain|repair ...`. */
export const ipamCommand = command({
  name: "ipam",
  summary: "explain what addresses wait for, or end a conflict of two rings",
  args: "explain | repair ours | repair theirs [PEER]",
  count: [1, 3],
  options: {
    force: { summary: "repair even if addresses in use here are lost to us" },
    json: JSON_OPTION,
  },
  details: [
    "Two rings that were founded apart do not go together; no address is given to peers until one yields.",
    "'repair theirs' takes the other ring and keeps ours aside, 'repair ours' makes ours count.",
  ].join("\n"),
  async run([what, ...choice], options, io): Promise<void> {
    if (what === "explain" && choice.length === 0) {
      const accept = options.json === true ? "json" : undefined;
      const call = (): Promise<string> => io.client.get("/ipam/explain", accept);
      return io.out(await callPart("addresses", "explain", call));
    }
    if (what !== "repair" || choice.length === 0) {
      throw new WordsError("Cannot tell what to do with ipam", usageOf(ipamCommand));
    }
    const words = [...choice, ...(options.force === true ? ["force"] : [])].join(" ");
    const call = (): Promise<string> => io.client.post("/ipam/repair", { choice: words });
    const answer = await callPart("addresses", "repair", call);
    const { text } = JSON.parse(answer);
    if (options.json) io.out(answer);
    else if (text !== "") io.out(`${text}\n`);
  },
});
