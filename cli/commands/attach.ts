/**
 * `weft attach`: gives a container addresses on the network.
 *
 * @module
 */

import { command, JSON_OPTION } from "../command.ts";
import {
  dockerHost,
  printAddresses,
  printNotes,
  splitWords,
  WAIT_OPTION,
  waitMs,
} from "./_containers.ts";

/** `weft attach [ADDR...] CONTAINER`. */
export const attachCommand = command({
  name: "attach",
  summary: "give a container addresses on the network",
  args: "[ADDR...] CONTAINER",
  count: [1, Infinity],
  options: {
    wait: WAIT_OPTION,
    "no-multicast-route": { summary: "no route for multicast in the container" },
    "without-dns": { summary: "do not register its name" },
    "rewrite-hosts": { summary: "put its addresses into its /etc/hosts" },
    "add-host": {
      value: "NAME:IP",
      many: true,
      summary: "put this there as well; may be given several times",
    },
    "or-die": { summary: "accepted; a failed attach changes nothing" },
    json: JSON_OPTION,
  },
  details: [
    "ADDR is an address with its prefix, as 10.2.1.5/24 or ip:10.2.1.5/24, or asks for a free one: net:default,",
    "net:10.2.7.0/24. Without one it is net:default.",
  ].join("\n"),
  async run(words, options, io): Promise<void> {
    const { addresses, container } = splitWords(words, io);
    const extra = options["add-host"];
    const answer = await io.client.post("/attach", {
      container,
      addresses,
      dockerHost: dockerHost(io),
      multicastRoute: options["no-multicast-route"] === undefined,
      dns: options["without-dns"] === undefined,
      waitMs: waitMs(options.wait),
      ...(options["rewrite-hosts"] === undefined
        ? {}
        : { hosts: extra === undefined ? [] : `${extra}`.split("\n") }),
    });
    const { addresses: given, notes } = JSON.parse(answer);
    printNotes(notes, io);
    if (options.json) io.out(answer);
    else printAddresses(given, false, io);
  },
});
