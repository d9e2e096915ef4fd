/**
 * Addresses and containers among the operands of attach, detach, expose and hide.
 *
 * @module
 */

import { formatCidr, parseCidr } from "../base/mod.ts";
import { isCidrText, UsageError } from "../router/config/mod.ts";

/** Operands, told apart. */
export interface Operands {
  /** `IP/LEN`, in the order in which they were given. */
  readonly addresses: readonly string[];
  /** All other words. */
  readonly others: readonly string[];
}

/**
 * Tells addresses from other words, in any order.
 *
 * @param action begins the error: "attach"
 * @throws {UsageError} for an address that cannot be, or one that an allocator would have to give
 */
export function splitAddresses(action: string, words: readonly string[]): Operands {
  const addresses: string[] = [];
  const others: string[] = [];
  for (const word of words) {
    const plain = word.replace(/^ip:/, "");
    if (word === "net:default" || (word.startsWith("net:") && isCidrText(word.slice(4)))) {
      throw new UsageError(noAllocator(action, word));
    }
    if (isCidrText(plain)) addresses.push(canonical(plain));
    else others.push(word);
  }
  return { addresses, others };
}

/**
 * Takes the one container out of what are no addresses.
 *
 * @param cwd what a relative `netns:PATH` counts from
 * @throws {UsageError} if there is none, or more than one
 */
export function oneContainer(action: string, others: readonly string[], cwd: string): string {
  const [container, ...more] = others;
  if (container === undefined) {
    throw new UsageError(
      `Cannot ${action}: no container given; NAME, ID, pid:N or netns:PATH`,
      true,
    );
  }
  if (more.length > 0) {
    throw new UsageError(
      `Cannot ${action}: ${quoteAll(others)} are several containers; an address is IP/LEN`,
    );
  }
  return containerText(container, cwd);
}

/** Makes the path of `netns:PATH` absolute; leaves all other names. */
export function containerText(container: string, cwd: string): string {
  const path = /^netns:(.+)$/s.exec(container)?.[1];
  return path === undefined || path.startsWith("/") ? container : `netns:${cwd}/${path}`;
}

/** Refuses a command without addresses. @param rest what follows the address in the example, as " CONTAINER" */
export function needAddresses(action: string, addresses: readonly string[], rest: string): void {
  if (addresses.length > 0) return;
  throw new UsageError(
    `${noAllocator(action, "net:default")}, as: weft ${action} 10.32.0.1/12${rest}`,
  );
}

/** Returns addresses as attach prints them: without prefix, on one line, with the line end. */
export function addressLine(addresses: unknown): string {
  const list = Array.isArray(addresses) ? addresses.map(String) : [];
  return `${list.map((address) => address.replace(/\/.*$/, "")).join(" ")}\n`;
}

function noAllocator(action: string, word: string): string {
  return `Cannot ${action}: automatic addresses (${word}) are not in this version; give IP/LEN`;
}

function canonical(text: string): string {
  try {
    return formatCidr(parseCidr(text));
  } catch {
    throw new UsageError(
      `Cannot use "${text}": invalid CIDR address; write IP/LEN, as 10.32.0.1/12`,
    );
  }
}

function quoteAll(words: readonly string[]): string {
  return words.map((word) => `"${word}"`).join(", ");
}
