/**
 * The words that all parts of weft share: bytes, addresses, names, errors, log lines and the shape of a core.
 *
 * ```
 *   bytes  mac  ip  peer_name        what travels
 *   machine  drive_shell             how a core looks and who drives it
 *   graph                            the walk over peers that mesh and switch must agree on
 *   gob                              Go's encoding, used by three protocols
 *   bug  log                         what is said when something is wrong, and how
 *   sqlite_shell                     what stores do alike
 * ```
 *
 * It imports nothing and knows neither frames nor peers' connections. Everybody imports it.
 *
 * @module
 */

export * from "./bug.ts";
export * from "./bytes.ts";
export * from "./drive_shell.ts";
export * from "./gob.ts";
export * from "./graph.ts";
export * from "./ip.ts";
export * from "./log.ts";
export * from "./mac.ts";
export * from "./machine.ts";
export * from "./peer_name.ts";
export * from "./sqlite_shell.ts";
