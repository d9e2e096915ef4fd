/**
 * The listeners of the API: the unix socket, the read-only pages on TCP, and, if asked for, the calls of Weave Net on TCP.
 *
 * @module
 */

import type { Logger } from "../base/mod.ts";
import type { ListenAddress } from "./config/mod.ts";
import type { RequestHandler } from "./http_routes.ts";

/** Requests that still run when a listener closes get so long. */
const GRACE_MS = 1000;
/** Nobody but root talks to the router. */
const SOCKET_MODE = 0o600;

/** An open listener. */
export interface Listener {
  /** Closes it; requests that do not end in time are cut off. */
  close(): Promise<void>;
}

/** Serves the control API on a unix socket. One that a dead router has left is taken away first. */
export function serveSocket(path: string, handle: RequestHandler): Listener {
  try {
    Deno.removeSync(path);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
  const { signal, abort } = cutter();
  const server = Deno.serve({ path, signal, onListen: () => {} }, handle);
  Deno.chmodSync(path, SOCKET_MODE);
  return listener(server, abort);
}

/** Serves the read-only pages; says so in the log and goes on if the address cannot be used. */
export function serveStatus(
  address: ListenAddress,
  handle: RequestHandler,
  log: Logger,
): Listener | undefined {
  const { host: hostname, port } = address;
  const { signal, abort } = cutter();
  try {
    return listener(Deno.serve({ hostname, port, signal, onListen: () => {} }, handle), abort);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    log.warn("status pages are not served; --status-addr moves them", {
      address: `${hostname}:${port}`,
      reason,
    });
    return undefined;
  }
}

/** Serves the calls of Weave Net. @throws {Error} if the address cannot be used: whoever asked for it needs it */
export function serveOpen(
  { host: hostname, port }: ListenAddress,
  handle: RequestHandler,
): Listener {
  const { signal, abort } = cutter();
  try {
    return listener(Deno.serve({ hostname, port, signal, onListen: () => {} }, handle), abort);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new Error(
      `Cannot listen on ${hostname}:${port}, which --http-addr asks for: ${reason}; choose another address`,
    );
  }
}

function cutter(): { signal: AbortSignal; abort: () => void } {
  const controller = new AbortController();
  return { signal: controller.signal, abort: () => controller.abort() };
}

function listener(server: Deno.HttpServer<Deno.Addr>, abort: () => void): Listener {
  return {
    async close(): Promise<void> {
      const timer = setTimeout(abort, GRACE_MS);
      await server.shutdown();
      clearTimeout(timer);
    },
  };
}
