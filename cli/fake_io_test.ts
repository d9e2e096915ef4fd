/**
 * A terminal and a router for the tests of commands.
 *
 * @module
 */

import { resolvePlaces } from "../router/config/mod.ts";
import type { RouterClient } from "./client.ts";
import type { Io } from "./command.ts";

/** What a command is given, and what it said and asked. */
export interface FakeIo {
  /** For the command. */
  readonly io: Io;
  /** Standard output so far. */
  readonly out: () => string;
  /** Standard error so far. */
  readonly err: () => string;
  /** Calls: path, and the body of a POST. */
  readonly calls: unknown[][];
}

/**
 * Returns a terminal without a system behind it.
 *
 * @param answer answers each call; may throw
 * @param env environment variables
 * @param options whether standard output is a terminal, and after how many pauses the user ends the command
 */
export function fakeIo(
  answer: (path: string) => string = () => "",
  env: Readonly<Record<string, string>> = {},
  { terminal = false, pauses = 0 }: { terminal?: boolean; pauses?: number } = {},
): FakeIo {
  const out: string[] = [];
  const err: string[] = [];
  let [slept, left] = [0, pauses];
  const calls: unknown[][] = [];
  const client: RouterClient = {
    get: (path, accept) => {
      calls.push(accept === undefined ? [path] : [path, accept]);
      return Promise.try(answer, path);
    },
    delete: (path) => {
      calls.push(["DELETE", path]);
      return Promise.try(answer, path);
    },
    post: (path, body) => {
      calls.push([path, body instanceof URLSearchParams ? body.toString() : body]);
      return Promise.try(answer, path);
    },
  };
  const io: Io = {
    out: (text) => void out.push(text),
    err: (line) => void err.push(`${line}\n`),
    env: (name) => env[name],
    cwd: "/srv/me",
    places: resolvePlaces(() => undefined, "/"),
    client,
    terminal,
    now: () => new Date(Date.UTC(2026, 10, 27) + slept),
    pause: (ms) => {
      slept += ms;
      return Promise.resolve(left-- > 0);
    },
  };
  return { io, out: () => out.join(""), err: () => err.join(""), calls };
}
