/**
 * `weft logs`: what a background router has logged.
 *
 * @module
 */

import { command, CommandError } from "../command.ts";

const POLL_MS = 200;
const CHUNK_BYTES = 65536;

/** `weft logs [-f]`. */
export const logsCommand = command({
  name: "logs",
  summary: "show the log of a router in the background",
  args: "",
  count: [0, 0],
  options: { follow: { short: "f", summary: "go on as the log grows" } },
  async run(_words, options, io): Promise<void> {
    const { logFile } = io.places;
    using file = open(logFile);
    const decoder = new TextDecoder();
    const chunk = new Uint8Array(CHUNK_BYTES);
    for (;;) {
      const length = file.readSync(chunk);
      if (length !== null && length > 0) {
        io.out(decoder.decode(chunk.subarray(0, length), { stream: true }));
      } else if (!options.follow) return;
      else await new Promise((resolve) => setTimeout(resolve, POLL_MS));
    }
  },
});

function open(path: string): Deno.FsFile {
  try {
    return Deno.openSync(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) {
      throw new CommandError(
        `Cannot show the log: no ${path}; a router in the foreground logs to its supervisor, ` +
          "as in: journalctl -u weft",
      );
    }
    if (error instanceof Deno.errors.PermissionDenied) {
      throw new CommandError(`Cannot show the log: ${path} is root's; try sudo`);
    }
    throw error;
  }
}
