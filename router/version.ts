/**
 * The version of this tree; `deno.json` says the same.
 *
 * @module
 */

/** What `weft version` prints. */
export const VERSION = "0.1.0";
