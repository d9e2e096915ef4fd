/**
 * The addresses of one request: taken from the allocator word by word, and given back if the request fails.
 *
 * @module
 */

import { type Cidr, cidrContains, formatCidr } from "../base/mod.ts";
import type { OpOptions } from "../container/ipam/mod.ts";
import { type AddressWord, parseAddresses } from "./addresses.ts";
import type { AddressPart } from "./parts.ts";

/** Addresses that a request has. */
export interface Lease {
  /** In the order of the words. */
  readonly cidrs: readonly Cidr[];
  /** Gives back those that the holder did not have before. */
  undo(): Promise<void>;
}

/** Takes addresses and gives them back; without an allocator, addresses are what the user says. */
export class Leases {
  readonly #ipam: AddressPart | undefined;

  /** Takes from an allocator, if there is one. */
  constructor(ipam: AddressPart | undefined) {
    this.#ipam = ipam;
  }

  /** Returns what words ask for. @throws {UsageError} as {@link parseAddresses} */
  parse(words: readonly string[], verb: string): AddressWord[] {
    return parseAddresses(words, verb, this.#ipam?.defaultSubnet);
  }

  /** Returns the addresses among words that no allocator watches over. */
  unwatched(words: readonly AddressWord[]): Cidr[] {
    const range = this.#ipam?.range;
    return words.flatMap((word) =>
      word.kind === "address" && !(range && cidrContains(range, word.cidr.address))
        ? [word.cidr]
        : []
    );
  }

  /**
   * Takes what is asked for; if one cannot be had, none is kept.
   *
   * @throws {RefusedError} if an address is another's, or there is none
   */
  async take(
    ident: string,
    words: readonly AddressWord[],
    options: OpOptions,
  ): Promise<Lease> {
    const before = new Set(this.#ipam?.lookup(ident).map(({ address }) => address));
    const cidrs: Cidr[] = [];
    const undo = (): Promise<void> =>
      this.giveBack(ident, cidrs.filter(({ address }) => !before.has(address)));
    try {
      for (const word of words) cidrs.push(await this.#one(ident, word, options));
    } catch (error) {
      await undo();
      throw error;
    }
    return { cidrs: distinct(cidrs), undo };
  }

  /** Returns what a holder has of what words name: a subnet stands for its addresses there. */
  find(ident: string, words: readonly AddressWord[]): Cidr[] {
    return distinct(
      words.flatMap((word) =>
        word.kind === "address" ? [word.cidr] : this.#ipam?.lookup(ident, word.subnet) ?? []
      ),
    );
  }

  /** Gives addresses back; those that the allocator does not know as the holder's are left. */
  async giveBack(ident: string, cidrs: readonly Cidr[]): Promise<void> {
    const held = new Set(this.#ipam?.lookup(ident).map(({ address }) => address));
    // One address may stand there with several prefixes.
    for (const { address } of cidrs) {
      if (held.delete(address)) await this.#ipam?.free(ident, address);
    }
  }

  async #one(ident: string, word: AddressWord, options: OpOptions): Promise<Cidr> {
    if (word.kind === "address") {
      await this.#ipam?.claim(ident, word.cidr, options);
      return word.cidr;
    }
    // Words that need it do not parse without it.
    if (this.#ipam === undefined) throw new Error("Cannot allocate: there is no allocator");
    return await this.#ipam.allocate(ident, word.subnet, options);
  }
}

function distinct(cidrs: readonly Cidr[]): Cidr[] {
  return [...new Map(cidrs.map((cidr) => [formatCidr(cidr), cidr])).values()];
}
