/**
 * What `check-alive` asks of a call: whether the container that it is about runs (spec/dns.md 8, spec/ipam.md 18).
 *
 * @module
 */

import { RefusedError } from "../container/mod.ts";
import type { RouterCalls } from "./router_calls.ts";

/**
 * Tells whether a container runs.
 *
 * @returns `unknown` if nobody can tell: then nobody would tell of its death either
 */
export async function lifeOf(
  { containers }: Pick<RouterCalls, "containers">,
  id: string,
): Promise<"runs" | "ended" | "unknown"> {
  try {
    await containers.look(id);
    return "runs";
  } catch (error) {
    if (!(error instanceof RefusedError)) throw error;
    return error.code === "not-running" ? "ended" : "unknown";
  }
}
