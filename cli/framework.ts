/**
 * Words to operands and flags. The one file that knows the library for it.
 *
 * @module
 */

import { Command as Parser, CommanderError, Option } from "commander";
import { UsageError } from "../router/config/mod.ts";
import type { Command, Flag } from "./command.ts";

/** What {@link parseWords} found. */
export interface Parsed {
  /** Operands in their order. */
  readonly words: string[];
  /** Flags that were given. */
  readonly flags: Map<string, string>;
}

/**
 * Splits the words behind a subcommand.
 *
 * @throws {UsageError} for an unknown flag, a missing or superfluous operand, a flag that cannot be used
 */
export function parseWords(command: Command, words: readonly string[]): Parsed {
  if (command.passThrough) return { words: [...words], flags: new Map() };
  const parser = new Parser(command.name).helpOption(false).exitOverride()
    .configureOutput({ writeErr: () => {}, writeOut: () => {} });
  for (const flag of command.flags) parser.addOption(optionOf(flag));
  for (const { name, optional, many } of command.operands) {
    const text = `${name}${many ? "..." : ""}`;
    parser.argument(optional ? `[${text}]` : `<${text}>`);
  }
  try {
    parser.parse([...words], { from: "user" });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    throw new UsageError(sentence(error), true);
  }
  const flags = new Map<string, string>();
  for (const flag of command.flags) {
    const key = keyOf(flag);
    if (parser.getOptionValueSource(key) !== "cli") continue;
    if (flag.refused !== undefined) {
      throw new UsageError(`Cannot ${command.name} with --${flag.name}: it ${flag.refused}`);
    }
    const value: unknown = parser.getOptionValue(key);
    flags.set(flag.name, typeof value === "string" ? value : "");
  }
  return { words: parser.args, flags };
}

function optionOf({ name, short, value }: Flag): Option {
  const spelling = short === undefined ? `--${name}` : `-${short}, --${name}`;
  return new Option(value === undefined ? spelling : `${spelling} <${value}>`);
}

/** The library reads `--no-x` as the negation of `x`, and calls it by that name in camel case. */
function keyOf(flag: Flag): string {
  return optionOf(flag).attributeName();
}

function sentence(error: CommanderError): string {
  const text = error.message.replace(/^error: /, "").replaceAll("'", '"').replace(/\n.*/s, "");
  return text.charAt(0).toUpperCase() + text.slice(1);
}
