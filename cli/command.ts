/**
 * What a command is: a record, from which parsing, help and completion come.
 *
 * @module
 */

import type { Environment, Places } from "../router/config/mod.ts";
import type { RouterClient } from "./client.ts";

/** One option of a command. */
export interface CommandOption {
  /** What its value is called in the help; without it the option is a flag. */
  readonly value?: string;
  /** The value may be missing and is given with "=" alone: `--watch`, `--watch=5`. Missing is the empty text. */
  readonly optional?: true;
  /** It may be given several times: its text is then all values, a line each. */
  readonly many?: true;
  /** One letter that stands for it. */
  readonly short?: string;
  /** One line for the help. */
  readonly summary: string;
}

/** Where a command reads and writes; tests hand in their own. */
export interface Io {
  /** Writes to standard output as it is. */
  readonly out: (text: string) => void;
  /** Writes a line to standard error. */
  readonly err: (line: string) => void;
  /** Environment variables. */
  readonly env: Environment;
  /** Directory that relative paths count from. */
  readonly cwd: string;
  /** Where the router's things lie. */
  readonly places: Places;
  /** Calls the router. */
  readonly client: RouterClient;
  /** Standard output is a terminal. */
  readonly terminal: boolean;
  /** Returns the time. */
  readonly now: () => Date;
  /** Waits. @returns false if the user ends the command meanwhile, as with ^C */
  readonly pause: (ms: number) => Promise<boolean>;
}

/** Options as they were given: a flag is true, a value is its text; what was not given is missing. */
export type Given<Names extends string> = { readonly [Name in Names]?: string | true };

/** One command. */
export interface Command<Names extends string = string> {
  /** Its word. */
  readonly name: string;
  /** Other words for it. */
  readonly aliases?: readonly string[];
  /** One line for the list of commands. */
  readonly summary: string;
  /** Operands as the help shows them: `[ADDR...] CONTAINER`. */
  readonly args: string;
  /** Fewest and most operands. */
  readonly count: readonly [number, number];
  /** Options by name without dashes. */
  readonly options: Readonly<Record<Names, CommandOption>>;
  /** More for the help of this command. */
  readonly details?: string;
  /** All words go to `run` as they are: the command has a grammar of its own. */
  readonly passThrough?: boolean;
  /** Its operands are words of another program: `--help` among them is not ours. */
  readonly foreign?: true;
  /** Does it. @returns exit code, 0 if missing */
  run(words: readonly string[], options: Given<Names>, io: Io): Promise<number | void>;
}

/** Returns the record as it is, with its options known to the type checker. */
export function command<const Names extends string>(record: Command<Names>): Command<Names> {
  return record;
}

/** The option of each command that prints data. */
export const JSON_OPTION: CommandOption = { summary: "print JSON" };

/** Is thrown by a command that cannot do what was asked; the text is all that the user sees. */
export class CommandError extends Error {
  /** Name of the class. */
  override name = "CommandError";

  /**
   * Makes one.
   *
   * @param message what failed, why, what to do
   * @param exitCode 1, or one of `exit_codes.ts`
   */
  constructor(message: string, readonly exitCode: number = 1) {
    super(message);
  }
}
