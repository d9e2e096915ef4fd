/**
 * Which names may be registered: those of our domain that a query can ask for.
 *
 * @module
 */

import { RefusedError } from "../refused.ts";

/** Longest label (RFC 1035 2.3.4). */
const MAX_LABEL = 63;
/** Longest name in text with its dot, which is two bytes less than on the wire and its limit of 255. */
const MAX_NAME = 254;
/**
 * What a label may hold; programs use underscores and more, so that only what no query can be typed with is refused, and
 * the backslash, which begins another byte there.
 */
const LABEL = /^[\x21-\x5b\x5d-\x7e]+$/;

/** Returns a domain in lower case with the dot at its end. */
export function normalDomain(domain: string): string {
  return withDot(domain).toLowerCase();
}

/** Returns a name with the dot at its end. */
export function withDot(name: string): string {
  return name.endsWith(".") ? name : `${name}.`;
}

/**
 * Returns a name as it is registered: in lower case, with the dot at its end.
 *
 * @param domain as {@link normalDomain} returns it
 * @throws {RefusedError} if it is not in the domain, or is no name
 */
export function nameIn(domain: string, name: string): string {
  const full = withDot(name).toLowerCase();
  if (full !== domain && !full.endsWith(`.${domain}`)) {
    throw new RefusedError(
      "outside-domain",
      `Cannot register "${name}": it is not in the domain "${domain}"`,
    );
  }
  if (!isDnsName(full)) {
    throw new RefusedError(
      "not-possible",
      `Cannot register "${name}": parts between dots have 1 to ${MAX_LABEL} printable ` +
        `characters, and all together ${MAX_NAME} at most`,
    );
  }
  return full;
}

/** Tells whether a name with the dot at its end fits into a DNS message. */
export function isDnsName(name: string): boolean {
  if (name.length > MAX_NAME || !name.endsWith(".")) return false;
  return name.slice(0, -1).split(".").every((label) =>
    label.length <= MAX_LABEL && LABEL.test(label)
  );
}
