/**
 * The command line: argv in, text and exit code out.
 *
 * ```
 *   main.ts ── framework.ts ── commands/*.ts ──┬── client.ts ──> router, unix socket
 *              (commander)     command.ts      └── router/mod.ts, loaded only by what needs it:
 *                                                  launch --foreground, and what works without a router
 * ```
 *
 * A command is a record; parsing and help come from it. Results go to standard output and nothing else does; an error is one line
 * with the remedy on standard error.
 *
 * Nobody imports it; `scripts/weft` runs `main.ts`.
 *
 * @module
 */

export type { CommandOption, Given, Io } from "./command.ts";
export type { RouterClient } from "./client.ts";
export { main, systemIo } from "./main.ts";
