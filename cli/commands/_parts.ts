/**
 * Calls of parts that a router may have been launched without: their pages do not exist then.
 *
 * @module
 */

import { NotFoundError } from "../client.ts";
import { CommandError } from "../command.ts";

/** Why a part is not there, and how it would be. */
const MISSING = {
  addresses: "IP allocation is off here; launch without an empty --ipalloc-range",
  names: "there is no name service; launch without --no-dns",
} as const;

/**
 * Calls a part.
 *
 * @param what is to be done, for the error: "prime"
 * @throws {CommandError} if the part is not there, and as the call does
 */
export async function callPart<T>(
  part: keyof typeof MISSING,
  what: string,
  call: () => Promise<T>,
): Promise<T> {
  try {
    return await call();
  } catch (error) {
    if (!(error instanceof NotFoundError)) throw error;
    throw new CommandError(`Cannot ${what}: ${MISSING[part]}`);
  }
}
