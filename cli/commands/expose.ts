/**
 * `weft expose`: gives the host addresses on the network.
 *
 * @module
 */

import { command, CommandError, JSON_OPTION } from "../command.ts";
import {
  needsRouter,
  printAddresses,
  printNotes,
  WAIT_OPTION,
  waitMs,
  withOrWithoutRouter,
} from "./_containers.ts";

/** `weft expose [ADDR...]`. */
export const exposeCommand = command({
  name: "expose",
  summary: "give this host addresses on the network",
  args: "[ADDR...]",
  count: [0, Infinity],
  options: {
    h: { value: "FQDN", summary: "register this name for them" },
    wait: WAIT_OPTION,
    "without-masquerade": { summary: "accepted; this version makes no NAT rules" },
    json: JSON_OPTION,
  },
  async run(words, options, io): Promise<void> {
    const fqdn = options.h;
    if (fqdn === true) throw new CommandError("Cannot expose: -h needs a name");
    const body = { addresses: words, fqdn, waitMs: waitMs(options.wait) };
    const { addresses, notes } = await withOrWithoutRouter(
      io,
      async () => JSON.parse(await io.client.post("/expose", body)),
      needsRouter(words) || fqdn !== undefined ? undefined : async (containers) => {
        const notes: string[] = [];
        const onNote = (line: string): void => void notes.push(line);
        return { addresses: await containers.expose(words, { onNote }), notes };
      },
    );
    printNotes(notes, io);
    printAddresses(addresses, options.json === true, io);
  },
});
