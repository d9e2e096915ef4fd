/**
 * `weft attach`.
 *
 * @module
 */

import { post } from "../client.ts";
import { type Command, JSON_FLAG } from "../command.ts";
import { addressLine, needAddresses, oneContainer, splitAddresses } from "../operands.ts";

const LATER = "is not in this version";

/** Gives a container addresses. */
export const command: Command = {
  name: "attach",
  summary: "Gives a container addresses, and with the first its interface ethwe",
  operands: [{ name: "ADDR", optional: true, many: true }, { name: "CONTAINER" }],
  flags: [
    { name: "no-multicast-route", summary: "adds no route for 224.0.0.0/4" },
    JSON_FLAG,
    // They switch off what is not here.
    { name: "without-dns" },
    { name: "no-rewrite-hosts" },
    { name: "rewrite-hosts", refused: LATER },
    { name: "add-host", value: "NAME:IP", refused: LATER },
    { name: "or-die", refused: LATER },
  ],
  detail: `
Prints the addresses. An address that the container has already is no error; one that another
container on this host has is refused.

  weft attach 10.32.0.1/12 web
  weft attach 10.32.0.2/12 netns:/run/netns/blue`,
  async run({ words, flags, env, cwd, places, out }): Promise<number> {
    const { addresses, others } = splitAddresses("attach", words);
    const container = oneContainer("attach", others, cwd);
    needAddresses("attach", addresses, " CONTAINER");
    const multicastRoute = !flags.has("no-multicast-route");
    // That engine knows the container.
    const dockerHost = env("DOCKER_HOST") || undefined;
    const answer = await post(places, "/attach", {
      container,
      addresses,
      dockerHost,
      multicastRoute,
    });
    out(flags.has("json") ? `${JSON.stringify(answer)}\n` : addressLine(answer["addresses"]));
    return 0;
  },
};
