/**
 * `weft run`: starts a container with Docker and attaches it.
 *
 * @module
 */

import { command, type Io } from "../command.ts";
import { usageOf, WordsError } from "../framework.ts";
import { ADDRESS, dockerHost, printNotes } from "./_containers.ts";
import { docker, nameArguments, valuesOf } from "./_docker.ts";
import { dnsArguments, NoDnsAddressError } from "./dns.ts";

/** How a container is to be run. */
export interface RunPlan {
  /** Addresses as they were given. */
  readonly addresses: readonly string[];
  /** Words for `docker run`, `-d` included. */
  readonly docker: readonly string[];
  /** Register its name. */
  readonly dns: boolean;
  /** What goes into its `/etc/hosts` beside its addresses; `undefined`: the file is left alone. */
  readonly hosts: readonly string[] | undefined;
  /** What the user should know. */
  readonly notes: readonly string[];
}

/** `weft run [options] [ADDR...] DOCKER-RUN-ARGS...`. */
export const runCommand = command({
  name: "run",
  summary: "start a container with docker run -d, and attach it",
  args: "[ADDR...] DOCKER-RUN-ARGS...",
  count: [1, Infinity],
  options: {},
  passThrough: true,
  foreign: true,
  details: [
    "Options before the first address or word of Docker's:",
    "  --without-dns        do not register its name, leave its name servers alone",
    "  --no-rewrite-hosts   leave its /etc/hosts to Docker",
    "Prints the container's id. With --name NAME it is called NAME on the network.",
  ].join("\n"),
  async run(words, _options, io): Promise<void> {
    const server = await serverFor(words, io);
    const { addresses, docker: args, dns, hosts, notes } = planRun(words, server);
    printNotes(notes, io);
    const id = await docker(args);
    try {
      const answer = await io.client.post("/attach", {
        container: id,
        addresses,
        dockerHost: dockerHost(io),
        dns,
        ...(hosts === undefined ? {} : { hosts }),
      });
      printNotes(JSON.parse(answer).notes, io);
    } catch (error) {
      await new Deno.Command("docker", { args: ["kill", id], stdout: "null", stderr: "null" })
        .output();
      throw error;
    }
    io.out(`${id}\n`);
  },
});

/** Names may have no address yet: the container gets its own name all the same, and finds others by address. */
async function dnsOrNone(io: Io): Promise<string[]> {
  try {
    return await dnsArguments(io);
  } catch (error) {
    if (!(error instanceof NoDnsAddressError)) throw error;
    printNotes([error.message], io);
    return ["", error.search];
  }
}

/** Asks the router in any case: without one no container is to be started. */
async function serverFor(words: readonly string[], io: Io): Promise<string[]> {
  if (!splitWords(words).own.has("--without-dns")) return await dnsOrNone(io);
  await io.client.get("/status", "json");
  return [];
}

/**
 * Sorts the words: ours, addresses, Docker's.
 *
 * @param server `--dns=IP`, empty if there is no address yet, and `--dns-search=DOMAIN` of our name service; none: there is none
 * @throws {WordsError} if nothing is left for Docker
 */
export function planRun(words: readonly string[], server: readonly string[]): RunPlan {
  const { own, addresses, rest } = splitWords(words);
  if (rest.length === 0) throw new WordsError("Cannot run: name an image", usageOf(runCommand));
  const dns = !own.has("--without-dns") && server.length > 0;
  const named = dns ? nameArguments(rest, server) : { words: [], notes: [] };
  return {
    addresses,
    // A Docker client that goes through a proxy of ours must not attach it twice.
    docker: ["run", "-d", "-e", "WEAVE_CIDR=none", ...named.words, ...rest],
    dns,
    hosts: own.has("--no-rewrite-hosts") ? undefined : valuesOf(rest, ["--add-host"]),
    notes: named.notes,
  };
}

/** Takes what is ours from the front. */
function splitWords(
  words: readonly string[],
): { own: ReadonlySet<string>; addresses: string[]; rest: string[] } {
  const rest = [...words];
  const own = new Set<string>();
  const addresses: string[] = [];
  for (;;) {
    const word = rest[0] ?? "";
    if (["--with-dns", "--without-dns", "--no-rewrite-hosts"].includes(word)) own.add(word);
    else if (ADDRESS.test(word)) addresses.push(word);
    else return { own, addresses, rest };
    rest.shift();
  }
}
