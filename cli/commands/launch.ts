/**
 * `weft launch`: starts the router, in the background unless told otherwise.
 *
 * @module
 */

import {
  type ConfigSystem,
  OPTIONS,
  parseLaunch,
  resolveConfig,
  type Resolved,
  UsageError,
} from "../../router/config/mod.ts";
import { command, CommandError, type Io } from "../command.ts";
import { exitCodeOf, lineOf } from "../exit_codes.ts";
import { table, usageOf, WordsError } from "../framework.ts";
import { launchInBackground } from "./_background.ts";

/** `weft launch [options] [PEER...]`. */
export const launchCommand = command({
  name: "launch",
  aliases: ["launch-router"],
  summary: "start the router and connect to peers",
  args: "[PEER...]",
  count: [0, Infinity],
  options: {},
  passThrough: true,
  details: optionHelp(),
  async run(words, _options, io): Promise<number | void> {
    const { resolved, raw } = resolve(words, io);
    if (resolved.mode.foreground) return await launchInForeground(resolved, io);
    if (Deno.uid() !== 0) {
      throw new CommandError("Cannot launch: must run as root; try: sudo weft launch");
    }
    return await launchInBackground(raw, resolved, io);
  },
});

function resolve(
  words: readonly string[],
  io: Io,
): { resolved: Resolved; raw: ReturnType<typeof parseLaunch> } {
  const system: ConfigSystem = {
    env: io.env,
    cwd: io.cwd,
    hostname: () => Deno.hostname(),
    readTextFile: (path) => Deno.readTextFileSync(path),
  };
  try {
    const raw = parseLaunch(words, io.env);
    return { raw, resolved: resolveConfig(raw, system) };
  } catch (error) {
    if (!(error instanceof UsageError) || !error.unknown) throw error;
    throw new WordsError(error.message, usageOf(launchCommand));
  }
}

async function launchInForeground({ config, mode, notes }: Resolved, io: Io): Promise<number> {
  const { runDaemon } = await import("../../router/mod.ts");
  // What the router starts shall not find the password in its environment.
  for (const name of ["WEFT_PASSWORD", "WEAVE_PASSWORD"]) Deno.env.delete(name);
  const watchdog = Number(io.env("WATCHDOG_USEC"));
  try {
    const reason = await runDaemon(config, {
      detached: mode.detached,
      notes,
      notifySocket: io.env("NOTIFY_SOCKET"),
      watchdogUs: watchdog > 0 ? watchdog : undefined,
    });
    return reason === undefined ? 0 : 1;
  } catch (error) {
    // The reason is in the log already, as its last line.
    if (mode.detached && lineOf(error) !== undefined) return exitCodeOf(error);
    throw error;
  }
}

function optionHelp(): string {
  const rows = OPTIONS.flatMap(({ name, value, summary }) =>
    summary === undefined
      ? []
      : [[value === undefined ? `--${name}` : `--${name} ${value}`, summary] as const]
  );
  return ["Options (default in parentheses):", ...table(rows)].join("\n");
}
