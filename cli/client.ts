/**
 * Calls the local router over its unix socket.
 *
 * @module
 */

import { CommandError } from "./command.ts";
import { EXIT_NO_ROUTER } from "./exit_codes.ts";

/** Is thrown when no router answers. */
export class NoRouterError extends CommandError {
  /** Name of the class. */
  override name = "NoRouterError";

  /** Makes one. @param socket where it was looked for */
  constructor(socket: string) {
    const place = socket.slice(0, socket.lastIndexOf("/"));
    super(
      `Cannot reach the router: not present or not running in ${place}; ` +
        "was it launched? Try: weft launch",
      EXIT_NO_ROUTER,
    );
  }
}

/** The calls of a command. */
export interface RouterClient {
  /** Gets a page. @returns its text @throws as `post` */
  get(path: string, accept?: "json"): Promise<string>;
  /**
   * Posts JSON, or a form.
   *
   * @returns the answer's text
   * @throws {NoRouterError} if nobody answers
   * @throws {CommandError} with the router's words if it refuses
   */
  post(path: string, body: Record<string, unknown> | URLSearchParams): Promise<string>;
  /** Deletes, with an answer in JSON. @throws as `post` */
  delete(path: string): Promise<string>;
}

/** Is thrown when the router knows no such page. */
export class NotFoundError extends CommandError {
  /** Name of the class. */
  override name = "NotFoundError";

  /** Makes one. @param path of the page */
  constructor(path: string) {
    const [page] = path.split("?");
    super(
      `Cannot ask the router for ${page}: addresses or names are off, as weft status says, ` +
        "or it is of another version",
    );
  }
}

/** Returns a client of the router behind a socket. Nothing is opened before the first call. */
export function routerClient(socket: string): RouterClient {
  return {
    get: (path, accept) =>
      call(socket, path, accept === undefined ? {} : { headers: { accept: "application/json" } }),
    delete: (path) =>
      call(socket, path, { method: "DELETE", headers: { accept: "application/json" } }),
    post: (path, body) =>
      call(socket, path, {
        method: "POST",
        ...(body instanceof URLSearchParams ? { body } : {
          body: JSON.stringify(body),
          headers: { "content-type": "application/json" },
        }),
      }),
  };
}

async function call(socket: string, path: string, init: RequestInit): Promise<string> {
  look(socket);
  using client = Deno.createHttpClient({ proxy: { transport: "unix", path: socket } });
  let response: Response;
  let text: string;
  try {
    response = await fetch(`http://localhost${path}`, { ...init, client });
    text = await response.text();
  } catch (error) {
    if (error instanceof Deno.errors.NotCapable) throw error;
    if (/permission denied/i.test(`${(error as Error).cause}`)) throw notAllowed(socket);
    throw new NoRouterError(socket);
  }
  if (response.ok) return text;
  const words = text.trim() || `Cannot call the router: it answers ${response.status} to ${path}`;
  throw response.status === 404 && words === "404 page not found"
    ? new NotFoundError(path)
    : new CommandError(words);
}

/** A socket that is not there, or may not be seen, is worth better words than those of `fetch`. */
function look(socket: string): void {
  try {
    Deno.statSync(socket);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) throw new NoRouterError(socket);
    if (error instanceof Deno.errors.PermissionDenied) throw notAllowed(socket);
    throw error;
  }
}

function notAllowed(socket: string): CommandError {
  return new CommandError(`Cannot reach the router: ${socket} is root's; try sudo`);
}
