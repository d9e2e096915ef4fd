/**
 * `weft status`: what the router tells about itself, once or again and again.
 *
 * @module
 */

import { NoRouterError, NotFoundError } from "../client.ts";
import { command, CommandError, type Io, JSON_OPTION } from "../command.ts";
import { usageOf, WordsError } from "../framework.ts";
import { watch } from "./_watch.ts";

const WATCH_SECONDS = 1;
const MIN_WATCH_SECONDS = 0.1;
const MAX_WATCH_SECONDS = 86_400;

/** `weft status [WHAT]`. */
export const statusCommand = command({
  name: "status",
  summary: "show the router, its connections, peers or targets, addresses or names",
  args: "[connections|peers|targets|ipam|dns]",
  count: [0, 1],
  options: {
    json: JSON_OPTION,
    watch: {
      value: "SECONDS",
      optional: true,
      summary: "show it again every second, or every so many, until ^C",
    },
  },
  async run([what], options, io): Promise<void> {
    const json = options.json === true;
    if (options.watch === undefined) return io.out(await page(what, json, io));
    const seconds = secondsOf(`${options.watch}`);
    const title = ["weft status", ...(what === undefined ? [] : [what])].join(" ");
    await watch(() => page(what, json, io), { title, json, everyMs: seconds * 1000 }, io);
  },
});

async function page(what: string | undefined, json: boolean, { client }: Io): Promise<string> {
  const path = what === undefined ? "/status" : `/status/${encodeURIComponent(what)}`;
  try {
    if (json) {
      return `${JSON.stringify(JSON.parse(await client.get(path, "json")), undefined, 2)}\n`;
    }
    const text = await client.get(path);
    return what === undefined ? `\n${text}\n` : text;
  } catch (error) {
    const unknown = error instanceof NotFoundError ||
      // Whether a router runs or not is beside the point then.
      error instanceof NoRouterError && what !== undefined && !await isPage(what);
    if (!unknown) throw error;
    throw new WordsError(`Unknown status "${what}"`, usageOf(statusCommand));
  }
}

async function isPage(what: string): Promise<boolean> {
  const { STATUS_PAGES } = await import("../../router/status/mod.ts");
  return what !== "" && STATUS_PAGES.some(({ name }) => name === what);
}

function secondsOf(text: string): number {
  if (text === "") return WATCH_SECONDS;
  const seconds = /^[0-9]+(\.[0-9]+)?$/.test(text) ? Number(text) : NaN;
  if (seconds >= MIN_WATCH_SECONDS && seconds <= MAX_WATCH_SECONDS) return seconds;
  throw new CommandError(
    `Cannot use --watch "${text}": expected seconds, ${MIN_WATCH_SECONDS} to ${MAX_WATCH_SECONDS}`,
  );
}
