/**
 * `weft attach`: gives a container addresses on the network.
 *
 * @module
 */

import { command, CommandError, JSON_OPTION } from "../command.ts";
import { dockerHost, printAddresses, splitWords } from "./_containers.ts";

/** `weft attach [ADDR...] CONTAINER`. */
export const attachCommand = command({
  name: "attach",
  summary: "give a container addresses on the network",
  args: "[ADDR...] CONTAINER",
  count: [1, Infinity],
  options: {
    "no-multicast-route": { summary: "no route for multicast in the container" },
    "without-dns": { summary: "accepted; there is no DNS in this version" },
    "or-die": { summary: "accepted; a failed attach changes nothing" },
    "rewrite-hosts": { summary: "refused; not in this version" },
    "add-host": { value: "NAME:IP", summary: "refused; not in this version" },
    json: JSON_OPTION,
  },
  async run(words, options, io): Promise<void> {
    for (const name of ["rewrite-hosts", "add-host"] as const) {
      if (options[name]) {
        throw new CommandError(`Cannot attach with --${name}: it is not in this version`);
      }
    }
    const { addresses, container } = splitWords(words, io);
    const answer = await io.client.post("/attach", {
      container,
      addresses,
      dockerHost: dockerHost(io),
      multicastRoute: options["no-multicast-route"] === undefined,
    });
    if (options.json) io.out(answer);
    else printAddresses(JSON.parse(answer).addresses, false, io);
  },
});
