/**
 * The version of this tree, as `deno.json` has it.
 *
 * @module
 */

import manifest from "../deno.json" with { type: "json" };

/** What `weft version` prints. */
export const VERSION: string = manifest.version;
