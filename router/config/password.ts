/**
 * Tells a password that can be guessed.
 *
 * @module
 */

/** Shorter ones fall to a search on one machine in hours, whatever they are made of. */
const MIN_LENGTH = 12;
/** A run of one letter, or "abababab", is long and worthless. */
const MIN_DISTINCT = 6;

/** Returns why a password is weak, `undefined` for one that is not obviously so. */
export function passwordWeakness(password: string): string | undefined {
  const letters = [...password];
  if (letters.length < MIN_LENGTH) return `shorter than ${MIN_LENGTH} characters`;
  if (new Set(letters).size < MIN_DISTINCT) {
    return `fewer than ${MIN_DISTINCT} different characters`;
  }
  return undefined;
}
