/**
 * The names of containers: a table that all peers share.
 *
 * ```
 *   names_shell    startNames -> Names            add, remove, died; timers, disk
 *     names        NamesCore                      whom to believe, for how long, whom to tell
 *       records    Records: NameLookup            the table
 *       entry, domain                             one entry; what may be registered
 *     names_channel <- records_wire               the gossip channel "nameserver"
 *     names_store_shell                           names that were added by hand
 * ```
 *
 * The table is in memory; each peer has all of it, and alone changes what it registered itself. It registers nothing by
 * itself and knows no container engine.
 *
 * Callers: `router/`, which starts it, tells it of containers and peers, and hands its channel to the mesh.
 *
 * @module
 */

export type { NameEntry } from "./entry.ts";
export type { NamesPeer } from "./names.ts";
export {
  EXTERN_ID,
  type Names,
  type NamesConfig,
  type NamesHooks,
  type NamesStatus,
  type RemoveFilter,
  startNames,
} from "./names_shell.ts";
export type { NamesStore, StoredName } from "./names_store_shell.ts";
export type { NameAddress, NameLookup } from "./records.ts";
