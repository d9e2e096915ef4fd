/**
 * `weft launch`.
 *
 * @module
 */

import {
  type ConfigSystem,
  OPTIONS,
  parseLaunch,
  type RawOptions,
  resolveConfig,
  type Resolved,
} from "../../router/config/mod.ts";
import { launchRouter } from "../background.ts";
import { answers } from "../client.ts";
import { type Command, CommandError, type Context, EXIT, type Flag } from "../command.ts";
import { leaveReason, makePlaces } from "../places.ts";

/** Launches the router. */
export const command: Command = {
  name: "launch",
  summary: "Starts the router, and returns when it is ready",
  operands: [{ name: "PEER", optional: true, many: true }],
  flags: OPTIONS.filter((option) => option.summary !== undefined).map(toFlag),
  passThrough: true,
  detail: `
Prints the name of this peer. A PEER is HOST or HOST:PORT; those named are stored. Options of all
versions of Weave Net are known, with one dash too; variables WEFT_X stand for options.

  weft launch --password-file /etc/weft-password 192.0.2.1`,
  async run(context): Promise<number> {
    const raw = parseLaunch(context.words, context.env);
    const resolved = resolveConfig(raw, system(context));
    if (resolved.mode.foreground) return await runHere(resolved, context);
    await check(resolved);
    return await startInBackground(raw, resolved, context);
  },
};

function toFlag({ name, value, summary }: (typeof OPTIONS)[number]): Flag {
  return {
    name,
    ...(value === undefined ? {} : { value }),
    ...(summary === undefined ? {} : { summary }),
  };
}

function system({ env, cwd }: Context): ConfigSystem {
  return {
    env,
    cwd,
    hostname: () => Deno.hostname(),
    readTextFile: (path) => Deno.readTextFileSync(path),
  };
}

/** Becomes the router. A background one leaves the reason why it does not start for the `launch` that waits. */
async function runHere({ config, mode, notes }: Resolved, { env }: Context): Promise<number> {
  makePlaces(config);
  try {
    const { runDaemon } = await import("../../router/mod.ts");
    const watchdogUs = Number(env("WATCHDOG_USEC"));
    const reason = await runDaemon(config, {
      detached: mode.detached,
      notes,
      notifySocket: env("NOTIFY_SOCKET"),
      watchdogUs: watchdogUs > 0 ? watchdogUs : undefined,
    });
    return reason === undefined ? EXIT.done : EXIT.failed;
  } catch (error) {
    if (!mode.detached) throw error;
    leaveReason(config, error instanceof Error ? error.message : String(error));
    return EXIT.failed;
  }
}

/** Finds out what would fail anyway, before anything is made. */
async function check({ config }: Resolved): Promise<void> {
  if (Deno.uid() !== 0) {
    throw new CommandError("Cannot launch: must run as root; try: sudo weft launch");
  }
  if (await answers(config)) {
    throw new CommandError(
      `Cannot launch: already running in ${config.runtimeDir}; weft stop ends it`,
      EXIT.alreadyRunning,
    );
  }
}

async function startInBackground(
  raw: RawOptions,
  { config, notes }: Resolved,
  { cwd, note, out }: Context,
): Promise<number> {
  for (const line of notes) note(line);
  if (config.passwords.length === 0) note("no password: data is sent in clear");
  const { name, warnings } = await launchRouter(raw, config, cwd);
  for (const line of warnings) note(line);
  out(`${name}\n`);
  return EXIT.done;
}
