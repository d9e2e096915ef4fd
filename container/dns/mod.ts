/**
 * The names of containers: a table that all peers share, and the name server that answers from it.
 *
 * ```
 *   names_shell    startNames -> Names            add, remove, died; timers, disk
 *     names        NamesCore                      whom to believe, for how long, whom to tell
 *       records    Records: NameLookup            the table
 *       entry, domain                             one entry; what may be registered
 *     names_channel <- records_wire               the gossip channel "nameserver"
 *     names_store_shell                           names that were added by hand
 *
 *   server_shell   startDns -> DnsServer            listens, retries, counts
 *     listener_shell, tcp_shell                     queries by UDP and by TCP
 *       datagrams_shell                             many by UDP with one system call
 *     resolver                                      query + NameLookup -> answer, or "ask others"
 *     upstream_shell, resolv_conf                   sockets to other servers; who they are
 *       upstream   Upstream                         whom to ask, for how long, who waits
 *         upstream_servers, cache                   who is well; what was answered
 *     message, reply                                DNS messages as they come in and go out
 * ```
 *
 * The table is in memory; each peer has all of it, and alone changes what it registered itself. It registers nothing by
 * itself and knows no container engine. The server knows the table by `NameLookup` alone.
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
export {
  type DnsConfig,
  type DnsCounters,
  type DnsHooks,
  type DnsServer,
  type DnsStatus,
  startDns,
} from "./server_shell.ts";
export type { UpstreamCounters } from "./upstream.ts";
export type { ServerState } from "./upstream_servers.ts";
export type { UpstreamConfig } from "./upstream_shell.ts";
