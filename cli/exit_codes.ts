/**
 * What a command ends with (spec/cli.md 1).
 *
 * @module
 */

import { UsageError } from "../router/config/mod.ts";
import { CommandError } from "./command_error.ts";

/** Done. */
export const EXIT_DONE = 0;
/** Usage, refused, or failed. */
export const EXIT_FAILED = 1;
/** `reset`: the router is there and does not run. */
export const EXIT_NOT_RUNNING = 2;
/** `launch`: already running. */
export const EXIT_ALREADY_RUNNING = 3;
/** The router is not running or does not answer. */
export const EXIT_NO_ROUTER = 7;

/** Returns the exit code of an error. */
export function exitCodeOf(error: unknown): number {
  if (error instanceof CommandError) return error.exitCode;
  // By name: the class lies in a part that is loaded only where it is needed.
  if (error instanceof Error && error.name === "AlreadyRunningError") return EXIT_ALREADY_RUNNING;
  return EXIT_FAILED;
}

/** Returns the line for an error, `undefined` if it is a fault of ours, whose stack belongs into a report. */
export function lineOf(error: unknown): string | undefined {
  if (!(error instanceof Error)) return String(error);
  if (error instanceof CommandError || error instanceof UsageError) return error.message;
  const ours = ["Bug", "TypeError", "ReferenceError", "RangeError"].includes(error.name);
  return ours ? undefined : error.message;
}
