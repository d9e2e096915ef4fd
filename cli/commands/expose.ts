/**
 * `weft expose`: gives the host addresses on the network.
 *
 * @module
 */

import { command, CommandError, JSON_OPTION } from "../command.ts";
import { printAddresses, withOrWithoutRouter } from "./_containers.ts";

/** `weft expose [ADDR...]`. */
export const exposeCommand = command({
  name: "expose",
  summary: "give this host addresses on the network",
  args: "[ADDR...]",
  count: [0, Infinity],
  options: {
    "without-masquerade": { summary: "accepted; this version makes no NAT rules" },
    h: { value: "FQDN", summary: "refused; there is no DNS in this version" },
    json: JSON_OPTION,
  },
  async run(words, options, io): Promise<void> {
    if (options.h) throw new CommandError("Cannot expose with -h: DNS is not in this version");
    const addresses = await withOrWithoutRouter(
      io,
      async () => JSON.parse(await io.client.post("/expose", { addresses: words })).addresses,
      (containers) => containers.expose(words),
    );
    printAddresses(addresses, options.json === true, io);
  },
});
