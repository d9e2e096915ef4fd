/**
 * `weft dns-add`, `dns-remove`, `dns-lookup`, `dns-args`: names by hand.
 *
 * @module
 */

import { command, CommandError, type Given, type Io, JSON_OPTION } from "../command.ts";
import { absoluteContainer, dockerHost, printNotes } from "./_containers.ts";
import { nameArguments } from "./_docker.ts";
import { callPart } from "./_parts.ts";
import { EXIT_FAILED } from "../exit_codes.ts";

const NAME_OPTION = { value: "FQDN", summary: "the name; without it the container's own" } as const;
const IPV4 = /^[0-9]+(\.[0-9]+){3}$/;

/** `weft dns-add [IP...] [CONTAINER] [-h FQDN]`. */
export const dnsAddCommand = command({
  name: "dns-add",
  summary: "register a name for addresses, or for all that a container has",
  args: "[IP...] [CONTAINER]",
  count: [1, Infinity],
  options: { h: NAME_OPTION },
  details: "Addresses without a container belong to nobody: the name stays until dns-remove.",
  async run(words, options, io): Promise<void> {
    const request = nameRequest(words, options, io);
    if (request["container"] === undefined && options.h === undefined) {
      throw new CommandError("Cannot add a name: give one with -h, or a container that has one");
    }
    await io.client.post("/dns/add", request);
  },
});

/** `weft dns-remove [IP...] [CONTAINER] [-h FQDN]`. */
export const dnsRemoveCommand = command({
  name: "dns-remove",
  summary: "remove names of addresses, or of all that a container has",
  args: "[IP...] [CONTAINER]",
  count: [1, Infinity],
  options: { h: { ...NAME_OPTION, summary: "only this name; without it all" } },
  async run(words, options, io): Promise<void> {
    await io.client.post("/dns/remove", nameRequest(words, options, io));
  },
});

/** `weft dns-lookup NAME`. */
export const dnsLookupCommand = command({
  name: "dns-lookup",
  summary: "print the addresses of a name of the network",
  args: "NAME",
  count: [1, 1],
  options: { json: JSON_OPTION },
  async run([name = ""], options, io): Promise<void> {
    const path = `/dns/lookup/${encodeURIComponent(name)}`;
    const answer = await callPart("names", "look up a name", () => io.client.get(path, "json"));
    if (options.json) return io.out(answer);
    const { addresses } = JSON.parse(answer) as { addresses: string[] };
    io.out(addresses.map((address) => `${address}\n`).join(""));
  },
});

/** `weft dns-args [DOCKER-RUN-ARGS...]`. */
export const dnsArgsCommand = command({
  name: "dns-args",
  summary: "print the options that give a container of Docker our name service",
  args: "[DOCKER-RUN-ARGS...]",
  count: [0, Infinity],
  options: {},
  passThrough: true,
  details: [
    "Told of what goes to docker run, it adds --hostname for --name, and minds --hostname and --dns-search:",
    "  docker run $(weft dns-args --name web) --name web IMAGE",
  ].join("\n"),
  async run(words, _options, io): Promise<void> {
    const server = await dnsArguments(io);
    if (words.length === 0 || server.length === 0) return io.out(server.join(" "));
    const { words: options, notes } = nameArguments(words, server);
    printNotes(notes, io);
    io.out(options.join(" "));
  },
});

/** Is thrown when names are kept, and there is no address yet where they could be asked for. */
export class NoDnsAddressError extends CommandError {
  /** Name of the class. */
  override name = "NoDnsAddressError";

  /** Makes one. @param search the option that names our domain */
  constructor(message: string, readonly search: string) {
    super(message);
  }
}

/** Returns those options; none if there is no name service. @throws {NoDnsAddressError} */
export async function dnsArguments({ client }: Io): Promise<string[]> {
  const { dns } = JSON.parse(await client.get("/status", "json"));
  if (dns === null) return [];
  const search = `--dns-search=${dns.domain}`;
  try {
    return [`--dns=${await client.get("/dns-address")}`, search];
  } catch (error) {
    if (!(error instanceof CommandError) || error.exitCode !== EXIT_FAILED) throw error;
    throw new NoDnsAddressError(error.message, search);
  }
}

function nameRequest(
  words: readonly string[],
  { h }: Given<"h">,
  io: Io,
): Record<string, unknown> {
  const addresses = words.filter((word) => IPV4.test(word));
  const [container, ...more] = words.filter((word) => !IPV4.test(word));
  if (more.length > 0) throw new CommandError("Cannot change names: give one container");
  return {
    addresses,
    fqdn: h,
    ...(container === undefined
      ? {}
      : { container: absoluteContainer(container, io), dockerHost: dockerHost(io) }),
  };
}
