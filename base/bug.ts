/**
 * The error for a broken invariant of our own.
 *
 * @module
 */

/**
 * Is thrown when an invariant of weft itself does not hold.
 *
 * Nobody catches it on purpose: the process ends with the stack, because state can no longer be trusted.
 * Faults of a peer, a user or the kernel are never a `Bug`.
 */
export class Bug extends Error {
  /** Name of the class. */
  override name = "Bug";
}

/**
 * Narrows away `undefined` and `null` where weft itself guarantees a value.
 *
 * @param value the value that must be there
 * @param what names the value in the message
 * @throws {Bug} if the value is missing
 */
export function must<T>(value: T | undefined | null, what: string): T {
  if (value === undefined || value === null) throw new Bug(`Missing ${what}`);
  return value;
}

/**
 * Marks a branch of a `switch` over a union as impossible.
 *
 * @param value what arrived there, of type `never` if all cases are handled
 * @throws {Bug} always
 */
export function unreachable(value: never): never {
  // JSON knows no bigint, and a TypeError here would hide the bug.
  const plain = (_key: string, part: unknown): unknown =>
    typeof part === "bigint" ? part.toString() : part;
  throw new Bug(`Unexpected ${JSON.stringify(value, plain)}`);
}
