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

import { type Cidr, formatCidr, parseCidr, WireError } from "../base/mod.ts";
import { parseSubnet, UsageError } from "./config/mod.ts";

/** What gives addresses; what takes them away takes whatever is there. */
const GIVING: ReadonlySet<string> = new Set(["attach", "expose"]);
/** First byte of the addresses of groups; those above are reserved. */
const FIRST_MULTICAST = 224;

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
  try {
    const cidr = parseCidr(text);
    if (GIVING.has(verb)) refuseUnusable(cidr, verb);
    return cidr;
  } catch (error) {
    if (!(error instanceof WireError)) throw error;
    throw new UsageError(`Cannot ${verb}: invalid CIDR address "${text}"; write it as 10.2.1.5/24`);
  }
}

/** The kernel takes them all, and some without a word that nothing came of it. */
function refuseUnusable(cidr: Cidr, verb: string): void {
  const words = `Cannot ${verb} ${formatCidr(cidr)}`;
  if (cidr.length === 0) {
    throw new UsageError(
      `${words}: with that prefix it would take all traffic; write it as 10.2.1.5/24`,
    );
  }
  const first = Math.floor(cidr.address / 2 ** 24);
  if (first !== 0 && first !== 127 && first < FIRST_MULTICAST) return;
  throw new UsageError(`${words}: no container can have it; take one such as 10.2.1.5/24`);
}

function noAllocation(verb: string, words: readonly string[], word: string): string {
  const what = words.length === 0 ? "without an address" : word;
  return `Cannot ${verb} ${what}: IP allocation must be enabled, and --ipalloc-range turned it off; ` +
    "give an address, as 10.2.1.5/24";
}
