/**
 * A subcommand as data; help, usage and completion come from it.
 *
 * @module
 */

import type { Environment, Places } from "../router/config/mod.ts";

/** An operand. */
export interface Operand {
  /** As the help shows it: "PEER". */
  readonly name: string;
  /** May be left out. */
  readonly optional?: boolean;
  /** Takes all that follow; the last operand only. */
  readonly many?: boolean;
}

/** A flag. */
export interface Flag {
  /** Name without dashes. */
  readonly name: string;
  /** One letter. */
  readonly short?: string;
  /** What its value is called; without it the flag takes none. */
  readonly value?: string;
  /** One line for the help; without it the help does not show the flag. */
  readonly summary?: string;
  /** Why the flag cannot be used. */
  readonly refused?: string;
}

/** Flags that were given: name without dashes to value, "" for those that take none. */
export type FlagValues = ReadonlyMap<string, string>;

/** What a command works with. */
export interface Context {
  /** Operands; all words as they are for a command that passes them through. */
  readonly words: readonly string[];
  /** Flags. */
  readonly flags: FlagValues;
  /** Environment variables. */
  readonly env: Environment;
  /** Directory that relative paths count from. */
  readonly cwd: string;
  /** Where the router of this command is. */
  readonly places: Places;
  /** Writes to standard output, as it is. */
  readonly out: (text: string) => void;
  /** Writes a line to standard error. */
  readonly note: (line: string) => void;
}

/** A subcommand. */
export interface Command {
  /** Its name. */
  readonly name: string;
  /** One line. */
  readonly summary: string;
  /** Operands in their order. */
  readonly operands: readonly Operand[];
  /** Flags. */
  readonly flags: readonly Flag[];
  /** More text for the help. */
  readonly detail?: string;
  /** The command parses its words itself. */
  readonly passThrough?: boolean;
  /** Does it. @returns the exit code */
  run(context: Context): Promise<number> | number;
}

/** Exit codes (a part of the interface: scripts look at them). */
export const EXIT = { done: 0, failed: 1, alreadyRunning: 3, notRunning: 7 } as const;

/** Is thrown by a command to end with one line and an exit code. */
export class CommandError extends Error {
  override name = "CommandError";

  /** @param message what failed, why, and what to do */
  constructor(message: string, readonly exitCode: number = EXIT.failed) {
    super(message);
  }
}

/** The flag that makes a command print JSON. */
export const JSON_FLAG: Flag = { name: "json", summary: "print JSON" };
