/**
 * The process that one router lives in: its output, its signals, its supervisor.
 *
 * @module
 */

import { createLogger, type Logger } from "../base/mod.ts";
import { notifySystemd, redirectStandardStreams, setsid } from "../ffi/mod.ts";
import type { RouterConfig } from "./config/mod.ts";
import { Router } from "./router.ts";

/** A log above this is put aside when a router starts: it lies in memory. */
const MAX_LOG_BYTES = 8 * 1024 * 1024;
const STOP_SIGNALS = ["SIGTERM", "SIGINT"] as const;

/** How {@link runDaemon} runs. */
export interface DaemonOptions {
  /** In the background: a session of its own, output to the log file. */
  readonly detached: boolean;
  /** What the user should know, for the log. */
  readonly notes: readonly string[];
  /** `$NOTIFY_SOCKET`. */
  readonly notifySocket: string | undefined;
  /** `$WATCHDOG_USEC`: how often systemd wants to hear from us. */
  readonly watchdogUs: number | undefined;
}

/**
 * Runs a router until it is stopped, by a signal or over the API.
 *
 * @returns the reason if it ended by itself, which is in the log
 * @throws {Error} if it does not start; the reason of a detached one is in the log
 */
export async function runDaemon(
  config: RouterConfig,
  options: DaemonOptions,
): Promise<string | undefined> {
  if (options.detached) detach(config);
  const log = standardErrorLogger(config);
  for (const note of options.notes) log.warn(note);
  let router: Router;
  try {
    router = await Router.start(config, { log });
  } catch (error) {
    if (options.detached) log.error(error instanceof Error ? error.message : String(error));
    throw error;
  }
  return await supervise(router, config, options, log);
}

function detach({ runtimeDir, logFile }: RouterConfig): void {
  Deno.mkdirSync(runtimeDir, { recursive: true, mode: 0o750 });
  putAside(logFile);
  redirectStandardStreams(logFile);
  setsid();
  // Not to keep a file system busy.
  Deno.chdir("/");
}

function putAside(logFile: string): void {
  try {
    if (Deno.statSync(logFile).size > MAX_LOG_BYTES) Deno.renameSync(logFile, `${logFile}.1`);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
}

function standardErrorLogger({ logLevel: level }: RouterConfig): Logger {
  const encoder = new TextEncoder();
  const write = (line: string): void => writeLine(encoder.encode(`${line}\n`));
  return createLogger("router", { level, write, now: () => new Date() });
}

/** Frames are worth more than a line about them: a full disk, or a reader that has gone, ends no router. */
function writeLine(bytes: Uint8Array): void {
  try {
    for (let at = 0; at < bytes.length;) at += Deno.stderr.writeSync(bytes.subarray(at));
  } catch {
    // There is nowhere to say so.
  }
}

async function supervise(
  router: Router,
  config: RouterConfig,
  { notifySocket, watchdogUs }: DaemonOptions,
  log: Logger,
): Promise<string | undefined> {
  const onSignal = (): void => {
    log.info("stopping");
    void router.stop();
  };
  const ignore = (): void => {};
  for (const signal of STOP_SIGNALS) Deno.addSignalListener(signal, onSignal);
  Deno.addSignalListener("SIGHUP", ignore);
  Deno.writeTextFileSync(config.pidFile, `${Deno.pid}\n`);
  notifySystemd("READY=1", notifySocket);
  const watchdog = watchdogUs === undefined
    ? undefined
    : setInterval(() => notifySystemd("WATCHDOG=1", notifySocket), watchdogUs / 2000);
  try {
    return await router.ended;
  } finally {
    clearInterval(watchdog);
    notifySystemd("STOPPING=1", notifySocket);
    removeQuietly(config.pidFile);
    for (const signal of STOP_SIGNALS) Deno.removeSignalListener(signal, onSignal);
    Deno.removeSignalListener("SIGHUP", ignore);
    log.info("stopped");
  }
}

function removeQuietly(path: string): void {
  try {
    Deno.removeSync(path);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
}
