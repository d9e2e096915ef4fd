/**
 * A router in the background: starts it, waits until it serves, says what the user should know.
 *
 * @module
 */

import type { RawOptions, Resolved } from "../../router/config/mod.ts";
import { NoRouterError, routerClient } from "../client.ts";
import { CommandError, type Io } from "../command.ts";
import { EXIT_ALREADY_RUNNING } from "../exit_codes.ts";

/** A start takes about a second; on a machine that is busy, many. */
const PATIENCE_MS = 60_000;
const POLL_MS = 25;

/** What of the router's status counts here. */
interface Ready {
  readonly pid: number;
  readonly name: string;
  readonly warnings: readonly string[];
}

/**
 * Starts a router as a process of its own and returns when it serves; prints its name.
 *
 * @throws {CommandError} with the router's reason if it does not come up; exit code 3 if one runs already
 */
export async function launchInBackground(
  raw: RawOptions,
  { config, notes }: Resolved,
  io: Io,
): Promise<void> {
  const { runtimeDir, logFile, socket } = config;
  const running = `Cannot launch: already running in ${runtimeDir}; weft stop ends it`;
  if (await status(socket) !== undefined) throw new CommandError(running, EXIT_ALREADY_RUNNING);
  const logged = sizeOf(logFile);
  const child = start(raw, io);
  const ready = await waitFor(child, socket);
  if (typeof ready === "number") {
    if (ready === EXIT_ALREADY_RUNNING) throw new CommandError(running, EXIT_ALREADY_RUNNING);
    throw new CommandError(failure(logFile, logged, ready));
  }
  if (ready === undefined) {
    child.kill("SIGTERM");
    throw new CommandError(
      `Cannot launch: the router is not ready after ${PATIENCE_MS / 1000} s; see ${logFile}`,
    );
  }
  io.out(`${ready.name}\n`);
  for (const note of [...notes, ...ready.warnings]) io.err(`Note: ${note}`);
}

/** Returns the words for the router: those of the user, in their modern spelling, without the password. */
export function childWords(raw: RawOptions): string[] {
  const options = [...raw.values].filter(([name]) =>
    raw.origins.get(name)?.startsWith("-") === true && name !== "password"
  );
  return [
    "launch",
    "--foreground",
    "--detached",
    ...options.map(([name, value]) => `--${name}=${value}`),
    "--",
    ...(raw.network === undefined ? [] : [raw.network]),
    ...raw.peers,
  ];
}

/** Returns the reason in what a router has logged: its last error, else its last words. */
export function reasonIn(log: string): string | undefined {
  const lines = log.split("\n").filter((line) => line.trim() !== "").reverse();
  const logged = lines.map((line) => /^\S+Z error \S+ (.*)$/.exec(line)?.[1]);
  return logged.find((line) => line !== undefined) ??
    lines.find((line) => line.startsWith("error: ")) ?? lines[0];
}

function start(raw: RawOptions, { env }: Io): Deno.ChildProcess {
  const password = raw.origins.get("password") === "--password"
    ? raw.values.get("password")
    : undefined;
  // The launcher knows what the router may do; a process list shows words, so the password goes another way.
  const launcher = env("WEFT_LAUNCHER") ??
    decodeURIComponent(new URL("../../scripts/weft", import.meta.url).pathname);
  const child = new Deno.Command(launcher, {
    args: childWords(raw),
    env: password === undefined ? {} : { WEFT_PASSWORD: password },
    stdin: "null",
    stdout: "null",
    stderr: "null",
  }).spawn();
  child.unref();
  return child;
}

/** Returns the status, the exit code if the router has ended, `undefined` if neither in time. */
async function waitFor(
  child: Deno.ChildProcess,
  socket: string,
): Promise<Ready | number | undefined> {
  let ended: number | undefined;
  void child.status.then(({ code }) => ended = code);
  const end = performance.now() + PATIENCE_MS;
  while (performance.now() < end) {
    const ready = await status(socket);
    if (ready?.pid === child.pid) return ready;
    if (ended !== undefined) return ended;
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
  return undefined;
}

async function status(socket: string): Promise<Ready | undefined> {
  try {
    return JSON.parse(await routerClient(socket).get("/status", "json"));
  } catch (error) {
    if (error instanceof NoRouterError) return undefined;
    throw error;
  }
}

function sizeOf(path: string): number {
  try {
    return Deno.statSync(path).size;
  } catch {
    return 0;
  }
}

function failure(logFile: string, logged: number, code: number): string {
  let reason: string | undefined;
  try {
    const bytes = Deno.readFileSync(logFile);
    // It is put aside when it is long: then all of it is new.
    const fresh = bytes.subarray(bytes.length < logged ? 0 : logged);
    reason = reasonIn(new TextDecoder().decode(fresh));
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
  const words = reason ?? `Cannot launch: the router ended with exit code ${code}`;
  return `${words} (log: ${logFile})`;
}
