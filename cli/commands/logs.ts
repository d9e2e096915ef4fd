/**
 * `weft logs`.
 *
 * @module
 */

import { type Command, CommandError } from "../command.ts";

const POLL_MS = 200;

/** Prints the log of a background router. */
export const command: Command = {
  name: "logs",
  summary: "Prints the log of a router in the background",
  operands: [],
  flags: [{ name: "follow", short: "f", summary: "goes on as the log grows" }],
  detail: "A router that runs in the foreground logs to its supervisor: journalctl -u weft.",
  async run({ flags, places: { logFile } }): Promise<number> {
    let file: Deno.FsFile;
    try {
      file = await Deno.open(logFile);
    } catch (error) {
      const reason = error instanceof Deno.errors.NotFound
        ? "there is none; was the router launched in the background?"
        : error instanceof Error
        ? error.message
        : String(error);
      throw new CommandError(`Cannot read the log ${logFile}: ${reason}`);
    }
    using _closed = file;
    await copy(file, flags.has("follow"));
    return 0;
  },
};

async function copy(file: Deno.FsFile, follow: boolean): Promise<void> {
  const buffer = new Uint8Array(65536);
  for (;;) {
    const count = await file.read(buffer);
    if (count !== null) {
      for (let at = 0; at < count;) at += await Deno.stdout.write(buffer.subarray(at, count));
    } else if (follow) await new Promise((resolve) => setTimeout(resolve, POLL_MS));
    else return;
  }
}
