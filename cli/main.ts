/**
 * The command line: finds the command, runs it, maps errors to exit codes.
 *
 * @module
 */

import { resolvePlaces } from "../router/config/mod.ts";
import { routerClient } from "./client.ts";
import type { Io } from "./command.ts";
import { COMMANDS } from "./commands/mod.ts";
import { exitCodeOf, lineOf } from "./exit_codes.ts";
import { dispatch, WordsError } from "./framework.ts";

const END_SIGNALS = ["SIGINT", "SIGTERM"] as const;

/** Runs one line. @returns the exit code */
export async function main(argv: readonly string[], io: Io): Promise<number> {
  try {
    return await dispatch(COMMANDS, argv, io);
  } catch (error) {
    const line = lineOf(error);
    // A fault of ours: the stack is what a report needs.
    if (line === undefined) throw error;
    io.err(line);
    if (error instanceof WordsError) io.err(error.usage);
    return exitCodeOf(error);
  }
}

/** Returns the terminal, and the router that the environment names. */
export function systemIo(): Io {
  const encoder = new TextEncoder();
  const env = (name: string): string | undefined => Deno.env.get(name);
  const cwd = currentDirectory();
  const places = resolvePlaces(env, cwd);
  return {
    out: (text) => writeAll(Deno.stdout, encoder.encode(text)),
    err: (line) => writeAll(Deno.stderr, encoder.encode(`${line}\n`)),
    env,
    cwd,
    places,
    client: routerClient(places.socket),
    terminal: Deno.stdout.isTerminal(),
    now: () => new Date(),
    pause,
  };
}

/** While nothing waits, ^C ends the process as ever. */
function pause(ms: number): Promise<boolean> {
  return new Promise((resolve) => {
    const end = (waited: boolean): void => {
      clearTimeout(timer);
      for (const signal of END_SIGNALS) Deno.removeSignalListener(signal, onSignal);
      resolve(waited);
    };
    const onSignal = (): void => end(false);
    const timer = setTimeout(() => end(true), ms);
    for (const signal of END_SIGNALS) Deno.addSignalListener(signal, onSignal);
  });
}

function currentDirectory(): string {
  try {
    return Deno.cwd();
  } catch {
    // It was removed; absolute paths still work.
    return "/";
  }
}

function writeAll(stream: { writeSync(bytes: Uint8Array): number }, bytes: Uint8Array): void {
  for (let at = 0; at < bytes.length;) at += stream.writeSync(bytes.subarray(at));
}

if (import.meta.main) Deno.exit(await main(Deno.args, systemIo()));
