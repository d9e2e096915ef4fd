/**
 * A bound for maps that others can fill.
 *
 * @module
 */

/** Removes the entries that were set first until no more than `limit` are left. */
export function dropOldest(map: Map<unknown, unknown>, limit: number): void {
  // A map keeps the order in which keys came.
  for (const oldest of map.keys()) {
    if (map.size <= limit) return;
    map.delete(oldest);
  }
}
