/**
 * Addresses as users write them.
 *
 * ```
 *   (nothing)  net:default      one of the default subnet      net:10.2.7.0/24       one of that subnet
 *   10.2.1.1/24                 that one                       ip:10.2.1.1/24        the same
 * ```
 *
 * @module
 */

import { type Cidr, cidrContains, formatCidr, parseCidr, WireError } from "../base/mod.ts";
import { parseSubnet, UsageError } from "./config/mod.ts";

/** Of no network: this host, loopback, groups and what is reserved beside them (RFC 6890). */
const NOBODYS = ["0.0.0.0/8", "127.0.0.0/8", "224.0.0.0/3"].map(parseCidr);

/** What gives addresses; what takes them away takes whatever is there. */
const GIVING: ReadonlySet<string> = new Set(["attach", "expose"]);

/** What one word asks for. */
export type AddressWord =
  /** Any address of a subnet. */
  | { readonly kind: "subnet"; readonly subnet: Cidr }
  /** This one. */
  | { readonly kind: "address"; readonly cidr: Cidr };

/**
 * Parses the addresses of one request.
 *
 * @param verb what is to be done, for errors: "attach"
 * @param defaultSubnet what `net:default` means; `undefined`: nothing is allocated here
 * @returns in the order given, each once; the default subnet if nothing was given
 * @throws {UsageError} if a word is no address, or asks for allocation and there is none
 */
export function parseAddresses(
  words: readonly string[],
  verb: string,
  defaultSubnet: Cidr | undefined,
): AddressWord[] {
  const found = new Map<string, AddressWord>();
  for (const word of words.length === 0 ? ["net:default"] : words) {
    if (word.startsWith("net:")) {
      if (defaultSubnet === undefined) throw new UsageError(noAllocation(verb, words, word));
      const subnet = word === "net:default" ? defaultSubnet : subnetIn(word, verb);
      found.set(`net:${formatCidr(subnet)}`, { kind: "subnet", subnet });
    } else {
      const text = word.replace(/^ip:/, "");
      const cidr = addressIn(text, verb);
      found.set(formatCidr(cidr), { kind: "address", cidr });
    }
  }
  return [...found.values()];
}

/**
 * Returns a line for each address that the user named and that the host has another way to.
 *
 * @param routes of the host, the bridge's own left out
 */
export function routeNotes(words: readonly AddressWord[], routes: readonly Cidr[]): string[] {
  return words.flatMap((word) => {
    if (word.kind !== "address") return [];
    const route = routes.find((destination) => cidrContains(destination, word.cidr.address));
    if (route === undefined) return [];
    return `${formatCidr(word.cidr)} overlaps with existing route ${
      formatCidr(route)
    } of this host: ` +
      "the host itself takes that way";
  });
}

function subnetIn(word: string, verb: string): Cidr {
  const text = word.slice("net:".length);
  try {
    return parseSubnet(text);
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    throw new UsageError(`Cannot ${verb} ${word}: expected net: and ${error.message}`);
  }
}

function addressIn(text: string, verb: string): Cidr {
  let cidr: Cidr;
  try {
    cidr = parseCidr(text);
  } catch (error) {
    if (!(error instanceof WireError)) throw error;
    throw new UsageError(`Cannot ${verb}: invalid CIDR address "${text}"; write it as 10.2.1.5/24`);
  }
  const nobody = cidr.length === 0 || NOBODYS.some((range) => cidrContains(range, cidr.address));
  if (!nobody || !GIVING.has(verb)) return cidr;
  throw new UsageError(
    `Cannot ${verb}: invalid CIDR address "${text}": no host can have it in a network; write it as 10.2.1.5/24`,
  );
}

function noAllocation(verb: string, words: readonly string[], word: string): string {
  const what = words.length === 0 ? "without an address" : word;
  return `Cannot ${verb} ${what}: IP allocation must be enabled, and --ipalloc-range turned it off; ` +
    "give an address, as 10.2.1.5/24";
}
