/**
 * `weft ps`.
 *
 * @module
 */

import { get, NotRunningError } from "../client.ts";
import { type Command, JSON_FLAG } from "../command.ts";
import { containerText } from "../operands.ts";

/** Lists what is attached. */
export const command: Command = {
  name: "ps",
  summary: "Lists attached containers with MAC and addresses",
  operands: [{ name: "CONTAINER", optional: true, many: true }],
  flags: [JSON_FLAG],
  detail: "The addresses of this host itself come first, as weave:expose. Works without a router.",
  async run({ words, flags, env, cwd, places, out }): Promise<number> {
    const json = flags.has("json");
    const containers = words.map((word) => containerText(word, cwd));
    const dockerHost = env("DOCKER_HOST") || undefined;
    const query = new URLSearchParams(containers.map((container) => ["container", container]));
    if (dockerHost !== undefined) query.set("dockerHost", dockerHost);
    try {
      out(await get(places, `/ps?${query}`, { json }));
    } catch (error) {
      if (!(error instanceof NotRunningError)) throw error;
      const { localContainers, psText } = await import("../../router/mod.ts");
      const rows = await localContainers(env("WEFT_BRIDGE") || undefined).ps(containers, {
        dockerHost,
      });
      out(json ? `${JSON.stringify(rows)}\n` : psText(rows));
    }
    return 0;
  },
};
