/**
 * All subcommands.
 *
 * A command is a file here and a line in the list; usage and help follow. Only the one that is run is loaded.
 *
 * @module
 */

import { UsageError } from "../../router/config/mod.ts";
import type { Command } from "../command.ts";

type Load = () => Promise<{ readonly command: Command }>;

/** Commands in the order of the help. */
export const COMMANDS: ReadonlyMap<string, Load> = new Map<string, Load>([
  ["launch", () => import("./launch.ts")],
  ["stop", () => import("./stop.ts")],
  ["status", () => import("./status.ts")],
  ["attach", () => import("./attach.ts")],
  ["detach", () => import("./detach.ts")],
  ["expose", () => import("./expose.ts")],
  ["hide", () => import("./hide.ts")],
  ["ps", () => import("./ps.ts")],
  ["connect", () => import("./connect.ts")],
  ["forget", () => import("./forget.ts")],
  ["report", () => import("./report.ts")],
  ["logs", () => import("./logs.ts")],
  ["version", () => import("./version.ts")],
  ["help", () => import("./help.ts")],
]);

/** Other spellings that Weave Net had. */
export const ALIASES: ReadonlyMap<string, string> = new Map([
  ["launch-router", "launch"],
  ["stop-router", "stop"],
  ["--version", "version"],
  ["--help", "help"],
  ["-h", "help"],
]);

/** Returns the command of a name. @throws {UsageError} if there is none */
export async function findCommand(name: string): Promise<Command> {
  const load = COMMANDS.get(ALIASES.get(name) ?? name);
  if (load === undefined) throw new UsageError(`Unknown command "${name}"`, true);
  return (await load()).command;
}

/** Returns all commands in the order of the help. */
export async function loadAll(): Promise<Command[]> {
  return await Promise.all([...COMMANDS.values()].map(async (load) => (await load()).command));
}
