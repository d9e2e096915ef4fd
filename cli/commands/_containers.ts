/**
 * What the commands about containers share: operands, answers, and the way without a router.
 *
 * @module
 */

import type { Containers } from "../../router/mod.ts";
import { NoRouterError } from "../client.ts";
import type { Io } from "../command.ts";

/** Takes the container, the last word, from the addresses before it. */
export function splitWords(
  words: readonly string[],
  io: Io,
): { addresses: string[]; container: string } {
  const addresses = words.slice(0, -1);
  return { addresses, container: absoluteContainer(words.at(-1) ?? "", io) };
}

/** Returns a container as the router can find it: a relative path means nothing to it. */
export function absoluteContainer(word: string, { cwd }: Io): string {
  const path = /^netns:([^/].*)$/s.exec(word)?.[1];
  return path === undefined ? word : `netns:${cwd}/${path}`;
}

/** `DOCKER_HOST` of the caller: that engine knows the containers. */
export function dockerHost({ env }: Io): string | undefined {
  return env("DOCKER_HOST") || undefined;
}

/** Prints addresses without their prefixes on one line; `json` prints them with. */
export function printAddresses(addresses: readonly string[], json: boolean, { out }: Io): void {
  if (json) out(`${JSON.stringify({ addresses })}\n`);
  else out(`${addresses.map((address) => address.replace(/\/.*/, "")).join(" ")}\n`);
}

/** Asks the router; without one does it in this process, by the same code. */
export async function withOrWithoutRouter<T>(
  io: Io,
  ask: () => Promise<T>,
  act: (containers: Containers) => T | Promise<T>,
): Promise<T> {
  try {
    return await ask();
  } catch (error) {
    if (!(error instanceof NoRouterError)) throw error;
  }
  const { localContainers } = await import("../../router/mod.ts");
  return await act(localContainers(io.env("WEFT_BRIDGE") || undefined));
}
