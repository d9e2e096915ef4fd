/**
 * Words to strings by option: argv and environment of `launch`, in the spellings of all eras.
 *
 * @module
 */

import { isCidrText } from "./cidr_text.ts";
import { type LaunchOption, OPTIONS } from "./options.ts";
import { UsageError } from "./usage_error.ts";

/** Returns the value of an environment variable, `undefined` if it is not set. */
export type Environment = (name: string) => string | undefined;

/** What the user wrote, nothing checked but the names. */
export interface RawOptions {
  /** Value by option name; flags are "true" or "false". */
  readonly values: ReadonlyMap<string, string>;
  /** Where each value comes from, as "--port" or "WEFT_PORT", for errors. */
  readonly origins: ReadonlyMap<string, string>;
  /** Peers to connect to. */
  readonly peers: readonly string[];
  /** The leading CIDR of Weave Net's first era. */
  readonly network: string | undefined;
  /** What to tell the user about old spellings. */
  readonly notes: readonly string[];
}

/**
 * Reads the words behind `launch`.
 *
 * @throws {UsageError} for an unknown option, a missing value, a flag with another value than true or false
 */
export function parseLaunch(argv: readonly string[], env: Environment): RawOptions {
  const values = new Map<string, string>();
  const origins = new Map<string, string>();
  const words: string[] = [];
  const notes: string[] = [];
  const rest = [...argv];
  for (let word = rest.shift(); word !== undefined; word = rest.shift()) {
    if (word === "--") {
      words.push(...rest.splice(0));
    } else if (word.startsWith("-") && word !== "-") {
      const { option, spelling, given } = lookUp(word, notes);
      values.set(option.name, valueOf(option, spelling, given, rest));
      origins.set(option.name, spelling);
    } else words.push(word);
  }
  fromEnvironment(env, values, origins);
  const network = isCidrText(words[0] ?? "") ? words.shift() : undefined;
  return { values, origins, peers: words, network, notes };
}

interface Found {
  readonly option: LaunchOption;
  readonly spelling: string;
  readonly given: string | undefined;
}

function lookUp(word: string, notes: string[]): Found {
  const [, dashes = "", name = "", equals, given] = /^(--?)([^=]*)(=([\s\S]*))?$/.exec(word) ?? [];
  const option = OPTIONS.find((option) => option.name === name) ??
    OPTIONS.find((option) => option.aliases?.includes(name));
  const spelling = dashes + name;
  if (option === undefined) throw new UsageError(`Unknown option "${spelling}"`, true);
  const modern = option.name.length === 1 ? `-${option.name}` : `--${option.name}`;
  if (spelling !== modern) notes.push(`"${spelling}" is an old spelling: use ${modern}`);
  return { option, spelling: modern, given: equals === undefined ? undefined : given ?? "" };
}

function valueOf(
  option: LaunchOption,
  spelling: string,
  given: string | undefined,
  rest: string[],
): string {
  if (option.value !== undefined) {
    const value = given ?? rest.shift();
    if (value === undefined) throw new UsageError(`${spelling} needs a value: ${option.value}`);
    return value;
  }
  if (given === undefined || given === "true" || given === "false") return given ?? "true";
  throw new UsageError(`${spelling} takes true or false, not "${given}"`);
}

function fromEnvironment(
  env: Environment,
  values: Map<string, string>,
  origins: Map<string, string>,
): void {
  for (const option of OPTIONS) {
    if (values.has(option.name)) continue;
    const variable = option.env?.find((name) => env(name) !== undefined);
    const value = variable === undefined ? undefined : env(variable);
    if (variable === undefined || value === undefined) continue;
    const text = option.value === undefined ? flagText(value) : value;
    values.set(option.name, text);
    origins.set(option.name, variable);
  }
}

function flagText(value: string): string {
  return ["", "0", "false", "no"].includes(value) ? "false" : "true";
}
