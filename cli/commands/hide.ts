/**
 * `weft hide`.
 *
 * @module
 */

import { NotRunningError, post } from "../client.ts";
import { type Command, JSON_FLAG } from "../command.ts";
import { addressLine, needAddresses, splitAddresses } from "../operands.ts";
import { UsageError } from "../../router/config/mod.ts";

/** Takes addresses of the host away. */
export const command: Command = {
  name: "hide",
  summary: "Takes addresses of this host out of the network",
  operands: [{ name: "ADDR", optional: true, many: true }],
  flags: [
    JSON_FLAG,
    { name: "fqdn", short: "h", value: "FQDN", refused: "is not in this version" },
  ],
  detail:
    "Prints the addresses that were removed. One that is not exposed is no error. Works without a router.",
  async run({ words, flags, env, places, out }): Promise<number> {
    const { addresses, others } = splitAddresses("hide", words);
    if (others.length > 0) {
      throw new UsageError(`Cannot hide "${others[0]}": write IP/LEN, as 10.32.0.1/12`);
    }
    needAddresses("hide", addresses, "");
    let done: unknown;
    try {
      done = (await post(places, "/hide", { addresses }))["addresses"] ?? addresses;
    } catch (error) {
      if (!(error instanceof NotRunningError)) throw error;
      const { localContainers } = await import("../../router/mod.ts");
      done = localContainers(env("WEFT_BRIDGE") || undefined).hide(addresses);
    }
    out(flags.has("json") ? `${JSON.stringify({ addresses: done })}\n` : addressLine(done));
    return 0;
  },
};
