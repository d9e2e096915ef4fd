/**
 * `weft detach`: takes addresses from a container.
 *
 * @module
 */

import { command, JSON_OPTION } from "../command.ts";
import { dockerHost, printAddresses, splitWords } from "./_containers.ts";

/** `weft detach [ADDR...] CONTAINER`. */
export const detachCommand = command({
  name: "detach",
  summary: "take addresses from a container; with the last the interface goes",
  args: "[ADDR...] CONTAINER",
  count: [1, Infinity],
  options: { json: JSON_OPTION },
  async run(words, options, io): Promise<void> {
    const { addresses, container } = splitWords(words, io);
    const body = { container, addresses, dockerHost: dockerHost(io) };
    const answer = JSON.parse(await io.client.post("/detach", body));
    printAddresses(answer.addresses, options.json === true, io);
  },
});
