/**
 * Medians, percentiles and ratios.
 *
 * @module
 */

/** Returns the value in the middle; of two in the middle, their mean. `undefined` if there is none. */
export function median(values: readonly number[]): number | undefined {
  if (values.length === 0) return undefined;
  const sorted = values.toSorted((a, b) => a - b);
  const upper = sorted[sorted.length >> 1] ?? 0;
  return sorted.length % 2 === 1 ? upper : (upper + (sorted[(sorted.length >> 1) - 1] ?? 0)) / 2;
}

/**
 * Returns the smallest value that a share of all does not exceed (nearest rank).
 *
 * @param share above 0, 1 gives the largest value
 */
export function percentile(values: readonly number[], share: number): number | undefined {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)];
}

/**
 * Divides each round by the same round of the baseline.
 *
 * Rounds that one of the two lacks are left out: the machine was another one then.
 *
 * @param rounds value of each round, `undefined` where it failed
 */
export function ratios(
  rounds: readonly (number | undefined)[],
  baseline: readonly (number | undefined)[],
): number[] {
  return rounds.flatMap((value, i) => {
    const base = baseline[i];
    return value === undefined || base === undefined || base === 0 ? [] : [value / base];
  });
}

/** Returns a list that begins at another place each round, so that none is always the first. */
export function rotated<T>(list: readonly T[], round: number): T[] {
  if (list.length === 0) return [];
  const first = round % list.length;
  return [...list.slice(first), ...list.slice(0, first)];
}
