/**
 * The router's control API on its unix socket.
 *
 * @module
 */

import type { Places } from "../router/config/mod.ts";
import { CommandError, EXIT } from "./command.ts";

/** A router that does not answer within this is as good as none. Longer than an attachment that waits for a busy kernel. */
const ANSWER_MS = 30_000;

/** Options of a request. */
export interface RequestOptions {
  /** Asks for JSON instead of text. */
  readonly json?: boolean;
  /** Milliseconds to wait for the answer. */
  readonly timeoutMs?: number;
}

/** Is thrown when no router answers. */
export class NotRunningError extends CommandError {
  override name = "NotRunningError";

  /** @param path of the socket */
  constructor(path: string) {
    super(
      `weft is not present: no router answers at ${path}. Did you run "weft launch"?`,
      EXIT.notRunning,
    );
  }
}

/**
 * Asks for a page.
 *
 * @returns its body
 * @throws {NotRunningError} if no router answers
 * @throws {CommandError} with the router's line if it refuses
 */
export function get(places: Places, path: string, options: RequestOptions = {}): Promise<string> {
  const headers: Record<string, string> = options.json ? { accept: "application/json" } : {};
  return request(places, path, { headers }, options);
}

/** Sends a JSON object. @returns the JSON object of the answer, empty if it has none. @throws as {@link get} */
export async function post(
  places: Places,
  path: string,
  body: Readonly<Record<string, unknown>> = {},
  options: RequestOptions = {},
): Promise<Readonly<Record<string, unknown>>> {
  const headers = { "content-type": "application/json", accept: "application/json" };
  const init = { method: "POST", headers, body: JSON.stringify(body) };
  const text = await request(places, path, init, options);
  return /^\s*\{/.test(text) ? JSON.parse(text) : {};
}

/** Sends parameters as Weave Net's calls take them, each as often as it has values. @throws as {@link get} */
export async function postForm(
  places: Places,
  path: string,
  parameters: readonly (readonly [string, string])[],
): Promise<void> {
  const body = new URLSearchParams(parameters.map(([key, value]) => [key, value]));
  await request(places, path, { method: "POST", body }, {});
}

/** Tells whether a router answers. @throws {CommandError} if the socket may not be used */
export async function answers(places: Places, timeoutMs: number = ANSWER_MS): Promise<boolean> {
  try {
    await get(places, "/status", { timeoutMs });
    return true;
  } catch (error) {
    if (error instanceof NotRunningError) return false;
    throw error;
  }
}

async function request(
  places: Places,
  path: string,
  init: RequestInit,
  options: RequestOptions,
): Promise<string> {
  using client = Deno.createHttpClient({ proxy: { transport: "unix", path: places.socket } });
  const signal = AbortSignal.timeout(options.timeoutMs ?? ANSWER_MS);
  let response: Response;
  let text: string;
  try {
    response = await fetch(`http://localhost${path}`, { ...init, client, signal });
    text = await response.text();
  } catch (error) {
    throw failureOf(error, places.socket);
  }
  if (response.ok) return text;
  throw refusalOf(response.status, response.headers.get("x-weft-exit"), text);
}

/** Returns the error for an answer that is none. */
export function refusalOf(status: number, exit: string | null, text: string): CommandError {
  const line = text.trim().split("\n")[0] || `the router answers ${status}`;
  const code = /^[0-9]{1,3}$/.test(exit ?? "") ? Number(exit) : EXIT.failed;
  return new CommandError(line, code > 0 && code < 256 ? code : EXIT.failed);
}

/** Returns the error for a request that had no answer. */
export function failureOf(error: unknown, path: string): Error {
  if (!(error instanceof Error)) return new Error(String(error));
  const reason = `${error.message} ${error.cause instanceof Error ? error.cause.message : ""}`;
  if (/os error (1|13)\)/.test(reason)) {
    return new CommandError(`Cannot reach the router at ${path}: permission denied; try sudo`);
  }
  if (error.name === "TypeError" || error.name === "TimeoutError") return new NotRunningError(path);
  return error;
}
