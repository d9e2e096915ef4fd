/**
 * `weft hide`: takes addresses of the host from the network.
 *
 * @module
 */

import { command, JSON_OPTION } from "../command.ts";
import { needsRouter, printAddresses, withOrWithoutRouter } from "./_containers.ts";

/** `weft hide [ADDR...]`. */
export const hideCommand = command({
  name: "hide",
  summary: "take addresses of this host from the network",
  args: "[ADDR...]",
  count: [0, Infinity],
  options: { json: JSON_OPTION },
  async run(words, options, io): Promise<void> {
    const addresses = await withOrWithoutRouter(
      io,
      async () => JSON.parse(await io.client.post("/hide", { addresses: words })).addresses,
      needsRouter(words) ? undefined : (containers) => containers.hide(words),
    );
    printAddresses(addresses, options.json === true, io);
  },
});
