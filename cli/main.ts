/**
 * Entry of the program `weft`.
 *
 * @module
 */

import { resolvePlaces } from "../router/config/mod.ts";
import type { Context } from "./command.ts";
import { dispatch } from "./dispatch.ts";

const encoder = new TextEncoder();

/** Writes all of it; a reader that has gone, as `head`, is no error. */
function write(stream: typeof Deno.stdout, text: string): void {
  const bytes = encoder.encode(text);
  try {
    for (let at = 0; at < bytes.length;) at += stream.writeSync(bytes.subarray(at));
  } catch (error) {
    if (!(error instanceof Deno.errors.BrokenPipe)) throw error;
  }
}

if (import.meta.main) {
  const env = (name: string): string | undefined => Deno.env.get(name);
  const cwd = Deno.cwd();
  const context: Omit<Context, "words" | "flags"> = {
    env,
    cwd,
    places: resolvePlaces(env, cwd),
    out: (text) => write(Deno.stdout, text),
    note: (line) => write(Deno.stderr, `${line}\n`),
  };
  Deno.exit(await dispatch(Deno.args, context));
}
