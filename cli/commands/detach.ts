/**
 * `weft detach`.
 *
 * @module
 */

import { post } from "../client.ts";
import { type Command, JSON_FLAG } from "../command.ts";
import { addressLine, needAddresses, oneContainer, splitAddresses } from "../operands.ts";

/** Takes addresses from a container. */
export const command: Command = {
  name: "detach",
  summary: "Takes addresses from a container, and with the last its interface",
  operands: [{ name: "ADDR", optional: true, many: true }, { name: "CONTAINER" }],
  flags: [JSON_FLAG],
  detail: "Prints the addresses that were removed. One that is not attached is no error.",
  async run({ words, flags, env, cwd, places, out }): Promise<number> {
    const { addresses, others } = splitAddresses("detach", words);
    const container = oneContainer("detach", others, cwd);
    needAddresses("detach", addresses, " CONTAINER");
    // That engine knows the container.
    const dockerHost = env("DOCKER_HOST") || undefined;
    const answer = await post(places, "/detach", { container, addresses, dockerHost });
    out(flags.has("json") ? `${JSON.stringify(answer)}\n` : addressLine(answer["addresses"]));
    return 0;
  },
};
