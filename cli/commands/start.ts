/**
 * `weft start`: starts a container that is there with Docker, and attaches it.
 *
 * @module
 */

import { command } from "../command.ts";
import { dockerHost, printNotes, splitWords, WAIT_OPTION, waitMs } from "./_containers.ts";
import { docker } from "./_docker.ts";

/** `weft start [ADDR...] CONTAINER`. */
export const startCommand = command({
  name: "start",
  summary: "start a container with docker start, and attach it",
  args: "[ADDR...] CONTAINER",
  count: [1, Infinity],
  options: {
    wait: WAIT_OPTION,
    "without-dns": { summary: "do not register its name" },
  },
  details: "Prints what docker start prints. A container that cannot be attached goes on running.",
  async run(words, options, io): Promise<void> {
    const { addresses, container } = splitWords(words, io);
    const answer = await docker(["start", container]);
    const { notes } = JSON.parse(
      await io.client.post("/attach", {
        container,
        addresses,
        dockerHost: dockerHost(io),
        dns: options["without-dns"] === undefined,
        waitMs: waitMs(options.wait),
      }),
    );
    printNotes(notes, io);
    io.out(`${answer}\n`);
  },
});
