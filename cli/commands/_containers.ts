/**
 * What the commands about containers share: operands, answers, and the way without a router.
 *
 * @module
 */

import type { Containers } from "../../router/mod.ts";
import { NoRouterError } from "../client.ts";
import { CommandError, type CommandOption, type Io } from "../command.ts";

/** An address, or what asks for one. */
export const ADDRESS = /^(net:default|(ip:|net:)?[0-9]+(\.[0-9]+){3}\/[0-9]{1,2})$/;

/** Takes the container, the last word, from the addresses before it. @throws {CommandError} if that is an address too */
export function splitWords(
  words: readonly string[],
  io: Io,
): { addresses: string[]; container: string } {
  const addresses = words.slice(0, -1);
  const last = words.at(-1) ?? "";
  if (ADDRESS.test(last)) {
    throw new CommandError(`Cannot use "${last}" as a container: name one behind the addresses`);
  }
  return { addresses, container: absoluteContainer(last, io) };
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

/** Prints what the router has to say beside its answer; an older one says nothing. */
export function printNotes(notes: readonly string[] | undefined, { err }: Io): void {
  for (const note of notes ?? []) err(`Note: ${note}`);
}

/** The option of each command that may have to wait for an address. */
export const WAIT_OPTION: CommandOption = {
  value: "SECONDS",
  summary: "longest wait for an address (60)",
};

/** Returns the wait as the router takes it. @throws {CommandError} for anything but seconds */
export function waitMs(wait: string | true | undefined): number | undefined {
  if (wait === undefined) return undefined;
  if (/^[0-9]{1,6}(\.[0-9]+)?$/.test(`${wait}`)) return Math.round(1000 * Number(wait));
  throw new CommandError(`Cannot use --wait "${wait}": expected seconds`);
}

/** Tells whether somebody has to choose an address, which only the router can. */
export function needsRouter(words: readonly string[]): boolean {
  return words.length === 0 || words.some((word) => word.startsWith("net:"));
}

/** Asks the router; without one does it in this process, by the same code. */
export async function withOrWithoutRouter<T>(
  io: Io,
  ask: () => Promise<T>,
  act: ((containers: Containers) => T | Promise<T>) | undefined,
): Promise<T> {
  try {
    return await ask();
  } catch (error) {
    if (!(error instanceof NoRouterError) || act === undefined) throw error;
  }
  const { localContainers } = await import("../../router/mod.ts");
  return await act(localContainers(io.env("WEFT_BRIDGE") || undefined));
}
