/**
 * The command `weft`: words in, one request to the router, its answer out.
 *
 * ```
 *   main.ts -> dispatch.ts -> commands/NAME.ts ──client.ts──> router (unix socket)
 *                  |                 └─ launch ─> background.ts ── starts ──> launch --foreground, which is the Router
 *              framework.ts  words to operands and flags
 *              help.ts       help from the same records
 * ```
 *
 * A command is a record (`command.ts`); adding one is a file and a line in `commands/mod.ts`. It decides nothing about the
 * network: what a request means, the router says. Only `launch`, and `expose`, `hide` and `ps` without a router, touch the
 * system, through `router/`.
 *
 * Callers: `main.ts` is the entry; embedders use `router/` instead.
 *
 * @module
 */

export { type Command, CommandError, type Context, EXIT } from "./command.ts";
export { dispatch, exitCodeOf, type Surroundings } from "./dispatch.ts";
