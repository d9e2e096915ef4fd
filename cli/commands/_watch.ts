/**
 * Shows something again and again: on a terminal in one place, else one below the other.
 *
 * ```
 *   terminal     clear, title with time, page         pipe     "# title, time", page, "# title, time", page ...
 * ```
 *
 * A router that is away is said to be away until it is back, so that a restart can be looked at.
 *
 * @module
 */

import { NoRouterError } from "../client.ts";
import { CommandError, type Io } from "../command.ts";
import { WordsError } from "../framework.ts";

/** To the upper left corner, and nothing below it. */
const CLEAR = "\x1b[H\x1b[J";

/** How it is shown. */
export interface WatchOptions {
  /** What it is, for the line above. */
  readonly title: string;
  /** The page is for programs: nothing is written around it, and each is on one line. */
  readonly json: boolean;
  /** How long between two. */
  readonly everyMs: number;
}

/**
 * Shows a page until the user has enough.
 *
 * @throws {WordsError} if there is no such page
 */
export async function watch(
  page: () => Promise<string>,
  { title, json, everyMs }: WatchOptions,
  io: Io,
): Promise<void> {
  do {
    const shown = await pageOrReason(page, json);
    const time = io.now().toISOString().replace(/\.\d+Z$/, "Z");
    const head = io.terminal ? `${CLEAR}${title}, ${time}; ^C ends it\n` : `# ${title}, ${time}\n`;
    if (!write(json ? shown : `${head}${shown}`, io)) return;
  } while (await io.pause(everyMs));
}

/** Returns false if nobody reads any more, as behind `| head`. */
function write(text: string, io: Io): boolean {
  try {
    io.out(text);
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.BrokenPipe) return false;
    throw error;
  }
}

async function pageOrReason(page: () => Promise<string>, json: boolean): Promise<string> {
  let reason: string;
  try {
    const text = await page();
    return json ? `${JSON.stringify(JSON.parse(text))}\n` : text;
  } catch (error) {
    if (error instanceof WordsError || !(error instanceof CommandError)) throw error;
    reason = error instanceof NoRouterError ? "the router is not running" : error.message;
  }
  return `${json ? JSON.stringify({ error: reason }) : reason}\n`;
}
