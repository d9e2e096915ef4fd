/**
 * Help and usage from the command records.
 *
 * @module
 */

import type { Command, Flag, Operand } from "./command.ts";

/** Returns how a command is written, on one line. */
export function usageLine(command: Command): string {
  const flags = command.flags.some((flag) => flag.summary !== undefined) ? ["[OPTION...]"] : [];
  return ["Usage: weft", command.name, ...flags, ...command.operands.map(operandText)].join(" ");
}

/** Returns the help of one command, with a line end. */
export function commandHelp(command: Command): string {
  const shown = command.flags.filter((flag) => flag.summary !== undefined);
  const rows = shown.map((flag): [string, string] => [flagText(flag), flag.summary ?? ""]);
  const parts = [usageLine(command), `${command.summary}.`];
  if (command.detail !== undefined) parts.push(command.detail.trim());
  if (rows.length > 0) parts.push(table(rows));
  return `${parts.join("\n\n")}\n`;
}

/** Returns the help of the program, with a line end. */
export function programHelp(commands: readonly Command[]): string {
  const rows = commands.map((command): [string, string] => [
    [command.name, ...command.operands.map(operandText)].join(" "),
    command.summary,
  ]);
  return `Usage: weft COMMAND [OPTION...] [OPERAND...]

Connects containers on several hosts to one network.

${table(rows)}

An ADDR is IP/LEN, as 10.32.0.1/12. A CONTAINER is a name or id, pid:N or netns:PATH.
"weft help COMMAND" tells more. WEFT_RUNTIME_DIR and WEFT_STATE_DIR move /run/weft and /var/lib/weft.
`;
}

function operandText({ name, optional, many }: Operand): string {
  const text = `${name}${many ? "..." : ""}`;
  return optional ? `[${text}]` : text;
}

function flagText({ name, short, value }: Flag): string {
  const spelling = short === undefined ? `--${name}` : `-${short}, --${name}`;
  return value === undefined ? spelling : `${spelling} ${value}`;
}

function table(rows: readonly (readonly [string, string])[]): string {
  const width = Math.max(...rows.map(([left]) => left.length));
  return rows.map(([left, right]) => `  ${left.padEnd(width)}  ${right}`).join("\n");
}
