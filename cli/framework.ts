/**
 * Command records on top of commander: the only file that knows that library.
 *
 * @module
 */

import { Command as Commander, CommanderError, Option } from "commander";
import type { Command, Given, Io } from "./command.ts";
import { UsageError } from "../router/config/mod.ts";

const PROGRAM = "weft";

/** Is thrown for words that no command takes; behind the line the usage is shown. */
export class WordsError extends UsageError {
  /** Makes one. @param usage the line that shows how it is written */
  constructor(message: string, readonly usage: string) {
    super(message, true);
  }
}

/**
 * Finds the command of a line and runs it.
 *
 * @returns its exit code
 * @throws {WordsError} for an unknown command or option, or too few or too many operands
 */
export async function dispatch(
  commands: readonly Command[],
  argv: readonly string[],
  io: Io,
): Promise<number> {
  // The script of Weave Net took it to say: not in a container.
  const words = argv[0] === "--local" ? argv.slice(1) : [...argv];
  const [first, second] = words;
  if (first === undefined || first === "help" || first === "--help" || first === "-h") {
    io.out(helpText(commands, second));
    return 0;
  }
  const command = find(commands, first === "--version" ? "version" : first);
  if (ownWords(command, words.slice(1)).includes("--help")) {
    io.out(helpText(commands, command.name));
    return 0;
  }
  const run = command.passThrough === true
    ? () => command.run(words.slice(1), {}, io)
    : parsed(command, words.slice(1), io);
  return await run() ?? 0;
}

/** Returns the usage line of a command. */
export function usageOf(command: Command): string {
  const options = Object.keys(command.options).length > 0 || command.passThrough === true;
  const parts = [PROGRAM, command.name, ...(options ? ["[options]"] : []), command.args];
  const usage = `Usage: ${parts.filter((part) => part !== "").join(" ")}`;
  return `${usage}\n'${PROGRAM} help ${command.name}' says more`;
}

function find(commands: readonly Command[], word: string): Command {
  const found = commands.find(({ name, aliases }) => name === word || aliases?.includes(word));
  if (found !== undefined) return found;
  const names = commands.map(({ name }) => name).join(", ");
  const usage = `Usage: ${PROGRAM} COMMAND ...\nCommands: ${names}; '${PROGRAM} help' says more`;
  throw new WordsError(`Unknown command "${word}"`, usage);
}

/** Returns the words that may be options of the command. */
function ownWords(command: Command, words: readonly string[]): readonly string[] {
  const own = words.slice(0, untilOperands(words));
  const first = command.foreign === true ? own.findIndex((word) => !word.startsWith("-")) : -1;
  return first === -1 ? own : own.slice(0, first);
}

function untilOperands(words: readonly string[]): number {
  const end = words.indexOf("--");
  return end === -1 ? words.length : end;
}

function parsed(command: Command, words: readonly string[], io: Io): () => Promise<number | void> {
  const commander = build(command);
  try {
    commander.parse(optionalValues(command, words), { from: "user" });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    throw new WordsError(sentence(error.message), usageOf(command));
  }
  const operands = commander.args;
  const [least, most] = command.count;
  if (operands.length < least || operands.length > most) {
    const wrong = operands.length < least ? "something is missing" : "too many words";
    throw new WordsError(`Cannot ${command.name}: ${wrong}`, usageOf(command));
  }
  return () => command.run(operands, given(command, commander), io);
}

/** commander would take the next word for a value that may be missing. */
function optionalValues(command: Command, words: readonly string[]): string[] {
  const end = untilOperands(words);
  return words.map((word, i) => {
    const option = word.startsWith("--") ? command.options[word.slice(2)] : undefined;
    return option?.optional === true && i < end ? `${word}=` : word;
  });
}

function build(command: Command): Commander {
  const commander = new Commander(command.name);
  commander.exitOverride().helpOption(false).allowExcessArguments(true).argument("[words...]");
  commander.configureOutput({ writeErr: () => {}, writeOut: () => {} });
  for (const [name, { value, many, short, summary }] of Object.entries(command.options)) {
    const dashes = name.length === 1 ? `-${name}` : `--${name}`;
    const flags = [...(short === undefined ? [] : [`-${short}`]), dashes].join(", ");
    const option = new Option(value === undefined ? flags : `${flags} <${value}>`, summary);
    if (many) option.argParser((text, before?: string) => before ? `${before}\n${text}` : text);
    commander.addOption(option);
  }
  return commander;
}

/** commander takes `--no-x` for the negation of `--x`: what was given is asked of it, not what it made of it. */
function given(command: Command, commander: Commander): Given<string> {
  const options: Record<string, string | true> = {};
  for (const [name, { value }] of Object.entries(command.options)) {
    const positive = name.startsWith("no-") ? name.slice("no-".length) : name;
    const key = positive.replace(/-(.)/g, (_, letter: string) => letter.toUpperCase());
    if (commander.getOptionValueSource(key) !== "cli") continue;
    options[name] = value === undefined ? true : String(commander.getOptionValue(key));
  }
  return options;
}

function helpText(commands: readonly Command[], name: string | undefined): string {
  if (name === undefined) return overview(commands);
  const command = find(commands, name);
  const rows = Object.entries(command.options).map(
    ([name, { value, optional, short, summary }]) => {
      const dashes = name.length === 1 ? `-${name}` : `--${name}`;
      const flags = [...(short === undefined ? [] : [`-${short}`]), dashes].join(", ");
      const shown = optional === true ? `${flags}[=${value}]` : `${flags} ${value}`;
      return [value === undefined ? flags : shown, summary] as const;
    },
  );
  return [
    usageOf(command).split("\n")[0],
    "",
    command.summary,
    ...(rows.length > 0 ? ["", "Options:", ...table(rows)] : []),
    ...(command.details === undefined ? [] : ["", command.details]),
    "",
  ].join("\n");
}

function overview(commands: readonly Command[]): string {
  const rows = commands.map(({ name, args, summary }) => [`${name} ${args}`, summary] as const);
  return [
    `Usage: ${PROGRAM} COMMAND ...`,
    "",
    ...table(rows),
    "",
    `'${PROGRAM} help COMMAND' shows its options. Containers are a Docker name or id, pid:N or netns:PATH.`,
    "",
  ].join("\n");
}

/** Returns two columns. */
export function table(rows: readonly (readonly [string, string])[]): string[] {
  const width = Math.max(...rows.map(([left]) => left.length));
  return rows.map(([left, right]) => `  ${left.padEnd(width)}  ${right}`.trimEnd());
}

/** commander says "error: unknown option '--x'". */
function sentence(message: string): string {
  const text = message.replace(/^error: /, "").split("\n")[0] ?? "";
  return text.charAt(0).toUpperCase() + text.slice(1);
}
