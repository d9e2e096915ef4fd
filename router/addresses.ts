/**
 * Addresses as users write them: `IP/LEN`, `ip:IP/LEN`, and those that need the allocator.
 *
 * @module
 */

import { type Cidr, parseCidr, WireError } from "../base/mod.ts";
import { UsageError } from "./config/mod.ts";

/**
 * Parses the addresses of one request.
 *
 * @param verb what is to be done, for errors: "attach"
 * @returns in the order given, each once
 * @throws {UsageError} if there is none, one is no address, or one asks for allocation
 */
export function parseAddresses(words: readonly string[], verb: string): Cidr[] {
  if (words.length === 0) throw new UsageError(allocation(verb, "without an address"));
  const found = new Map<string, Cidr>();
  for (const word of words) {
    if (word.startsWith("net:")) throw new UsageError(allocation(verb, word));
    const text = word.replace(/^ip:/, "");
    found.set(text, parseAddress(text, verb));
  }
  return [...found.values()];
}

function parseAddress(text: string, verb: string): Cidr {
  try {
    return parseCidr(text);
  } catch (error) {
    if (!(error instanceof WireError)) throw error;
    throw new UsageError(`Cannot ${verb}: invalid CIDR address "${text}"; write it as 10.2.1.5/24`);
  }
}

function allocation(verb: string, what: string): string {
  return `Cannot ${verb} ${what}: IP allocation must be enabled, and this version has none; ` +
    `give an address, as 10.2.1.5/24`;
}
