/**
 * `weft ps`: who is on the network of this host.
 *
 * @module
 */

import { command, JSON_OPTION } from "../command.ts";
import { absoluteContainer, dockerHost, withOrWithoutRouter } from "./_containers.ts";

/** `weft ps [CONTAINER...]`. */
export const psCommand = command({
  name: "ps",
  summary: "list containers with their MAC and addresses",
  args: "[CONTAINER...]",
  count: [0, Infinity],
  options: { json: JSON_OPTION },
  async run(words, options, io): Promise<void> {
    const operands = words.map((word) => absoluteContainer(word, io));
    const query = new URLSearchParams(operands.map((operand) => ["container", operand]));
    const host = dockerHost(io);
    if (host !== undefined) query.set("dockerHost", host);
    const json = options.json === true;
    const text = await withOrWithoutRouter(
      io,
      () => io.client.get(`/ps?${query}`, json ? "json" : undefined),
      async (containers) => {
        const rows = await containers.ps(operands, { dockerHost: host });
        const { psText } = await import("../../router/mod.ts");
        return json ? `${JSON.stringify(rows)}\n` : psText(rows);
      },
    );
    io.out(text);
  },
});
