/**
 * From the words of the user to a command, and from its errors to a line and an exit code.
 *
 * @module
 */

import { UsageError } from "../router/config/mod.ts";
import { type Command, CommandError, type Context, EXIT } from "./command.ts";
import { findCommand, loadAll } from "./commands/mod.ts";
import { parseWords } from "./framework.ts";
import { commandHelp, programHelp, usageLine } from "./help.ts";

/** A {@link Context} before the words are parsed. */
export type Surroundings = Omit<Context, "words" | "flags">;

/** Does what the words say. @returns the exit code; errors are told on standard error and never thrown */
export async function dispatch(argv: readonly string[], around: Surroundings): Promise<number> {
  // Weave Net's script ran itself in a container unless told so.
  const [name, ...words] = argv[0] === "--local" ? argv.slice(1) : argv;
  let command: Command | undefined;
  try {
    if (name === undefined) throw new UsageError("Cannot run: no command given", true);
    command = await findCommand(name);
    if (asksForHelp(command, words)) {
      around.out(commandHelp(command));
      return EXIT.done;
    }
    return await command.run({ ...around, ...parseWords(command, words) });
  } catch (error) {
    around.note(errorText(error, around.env));
    if (error instanceof UsageError && error.unknown) {
      around.note(command === undefined ? programHelp(await loadAll()) : usageLine(command));
    }
    return exitCodeOf(error);
  }
}

/** Returns the exit code of an error. */
export function exitCodeOf(error: unknown): number {
  if (error instanceof CommandError) return error.exitCode;
  // The router's own class for it is not worth loading the router.
  if (error instanceof Error && error.name === "AlreadyRunningError") return EXIT.alreadyRunning;
  return EXIT.failed;
}

function asksForHelp(command: Command, words: readonly string[]): boolean {
  const own = words.includes("--") ? words.slice(0, words.indexOf("--")) : words;
  if (own.includes("--help")) return true;
  return own.includes("-h") && !command.flags.some((flag) => flag.short === "h");
}

/** One line; all there is to know with `WEFT_DEBUG`. */
function errorText(error: unknown, env: Context["env"]): string {
  if (env("WEFT_DEBUG")) return error instanceof Error ? error.stack ?? error.message : `${error}`;
  const text = error instanceof Error ? error.message : String(error);
  return text.trim().split("\n")[0] || "Cannot go on: unknown error";
}
