/**
 * What commands share that go by Docker's own: words for it, and its answer.
 *
 * @module
 */

import { CommandError } from "../command.ts";

/** What the kernel takes for a host name. */
const MAX_HOSTNAME = 64;
/** Long options of `docker run` that take no value. */
const FLAGS: ReadonlySet<string> = new Set([
  "--detach",
  "--disable-content-trust",
  "--help",
  "--init",
  "--interactive",
  "--no-healthcheck",
  "--oom-kill-disable",
  "--privileged",
  "--publish-all",
  "--quiet",
  "--read-only",
  "--rm",
  "--sig-proxy",
  "--tty",
  "--use-api-socket",
]);

/**
 * Returns the options of `docker run` that give a container our name server, and a name if it has one of Docker's.
 *
 * @param rest words for `docker run`
 * @param server `--dns=IP`, empty if there is none yet, and `--dns-search=DOMAIN`
 * @returns those options, and what the user should know
 */
export function nameArguments(
  rest: readonly string[],
  [address = "", search = ""]: readonly string[],
): { words: string[]; notes: string[] } {
  const domain = search.replace(/^--dns-search=/, "").replace(/\.$/, "");
  const [name] = valuesOf(rest, ["--name"]);
  const [given] = valuesOf(rest, ["--hostname", "-h"]);
  const hostname = name === undefined || given !== undefined ? undefined : `${name}.${domain}`;
  const tooLong = hostname !== undefined && hostname.length > MAX_HOSTNAME;
  const words = address === "" ? [] : [address];
  if (hostname !== undefined && !tooLong) words.push(`--hostname=${hostname}`);
  if (address !== "" && valuesOf(rest, ["--dns-search"]).length === 0) {
    const own = given !== undefined || (hostname !== undefined && !tooLong);
    words.push(own ? "--dns-search=." : search);
  }
  const notes = tooLong ? [`the name "${hostname}" is too long for a host name`] : [];
  return { words, notes };
}

/** Returns the values of an option of Docker's, in both of its forms. @param words for `docker run`, the image and its words too */
export function valuesOf(words: readonly string[], names: readonly string[]): string[] {
  return optionsIn(words).flatMap((word, i) => {
    const name = names.find((name) => word === name || word.startsWith(`${name}=`));
    if (name === undefined) return [];
    const value = word === name ? words[i + 1] : word.slice(name.length + 1);
    return value === undefined ? [] : [value];
  });
}

/** Returns the words before the image: what stands behind it is the program's own. */
function optionsIn(words: readonly string[]): readonly string[] {
  let at = 0;
  for (let word = words[0]; word?.startsWith("-") && word !== "--"; word = words[at]) {
    at += takesNext(word) ? 2 : 1;
  }
  return words.slice(0, at);
}

function takesNext(word: string): boolean {
  if (word.startsWith("--")) return !word.includes("=") && !FLAGS.has(word);
  // Letters without a value may stand together, and before one whose value follows at once or as the next word.
  return /^-[diqtP]*[^diqtP]$/.test(word);
}

/**
 * Runs Docker's command; what it complains of goes to standard error.
 *
 * @returns the last line of what it prints, which is an id or a name
 * @throws {CommandError} if it fails, or is not there
 */
export async function docker(args: readonly string[]): Promise<string> {
  const [verb] = args;
  let output: Deno.CommandOutput;
  try {
    output = await new Deno.Command("docker", { args: [...args], stderr: "inherit" }).output();
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
    throw new CommandError(
      `Cannot ${verb}: there is no docker command; start the container, then attach it`,
    );
  }
  const answer = new TextDecoder().decode(output.stdout).trim().split("\n").at(-1) ?? "";
  if (output.success) return answer;
  throw new CommandError(`Cannot ${verb}: docker ${verb} ended with exit code ${output.code}`);
}
