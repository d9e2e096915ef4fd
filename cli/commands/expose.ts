/**
 * `weft expose`.
 *
 * @module
 */

import { NotRunningError, post } from "../client.ts";
import { type Command, JSON_FLAG } from "../command.ts";
import { addressLine, needAddresses, splitAddresses } from "../operands.ts";
import { UsageError } from "../../router/config/mod.ts";

/** Gives the host addresses. */
export const command: Command = {
  name: "expose",
  summary: "Gives this host addresses in the network",
  operands: [{ name: "ADDR", optional: true, many: true }],
  flags: [
    JSON_FLAG,
    { name: "fqdn", short: "h", value: "FQDN", refused: "is not in this version" },
    // It leaves out what is not done here.
    { name: "without-masquerade" },
  ],
  detail: "Prints the addresses. Works without a router, as long as the bridge is there.",
  async run({ words, flags, env, places, out }): Promise<number> {
    const { addresses, others } = splitAddresses("expose", words);
    if (others.length > 0) {
      throw new UsageError(`Cannot expose "${others[0]}": write IP/LEN, as 10.32.0.1/12`);
    }
    needAddresses("expose", addresses, "");
    let done: unknown;
    try {
      done = (await post(places, "/expose", { addresses }))["addresses"] ?? addresses;
    } catch (error) {
      if (!(error instanceof NotRunningError)) throw error;
      const { localContainers } = await import("../../router/mod.ts");
      done = localContainers(env("WEFT_BRIDGE") || undefined).expose(addresses);
    }
    out(flags.has("json") ? `${JSON.stringify({ addresses: done })}\n` : addressLine(done));
    return 0;
  },
};
