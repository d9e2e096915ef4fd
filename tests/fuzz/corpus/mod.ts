/**
 * Inputs that once broke something, as short as they could be made, by target. Each is tried in every run.
 *
 * @module
 */

/** Hex by name of the target. */
export const CORPUS: Readonly<Record<string, readonly string[]>> = {};
