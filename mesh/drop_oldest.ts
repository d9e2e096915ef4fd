/**
 * A bound for maps and sets that others can fill.
 *
 * @module
 */

/** Removes what came first until no more than `limit` are left. */
export function dropOldest(
  all: Map<unknown, unknown> | Set<unknown>,
  limit: number,
): void {
  // Both keep the order in which keys came.
  for (const oldest of all.keys()) {
    if (all.size <= limit) return;
    all.delete(oldest);
  }
}
