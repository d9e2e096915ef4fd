/**
 * The daemon: the only folder that knows every part.
 *
 * ```
 *   config/  ──> router.ts ──┬── mesh       who is there
 *   store.ts ──>   |  |      ├── switch     frames
 *                  |  |      └── container  interfaces and addresses of containers
 *                  |  ├── services                         addresses, names, who lives on this host
 *                  |  ├── forwarding_state, link_board     joins mesh and switch (pure)
 *                  |  ├── pair_keys, pair_board            keys of pairs, and how frames to each go (pure)
 *                  |  ├── overlays                         which are offered (pure)
 *                  |  └── status/                          pages, report, metrics (pure)
 *                  └── http_api on a unix socket           what the CLI calls
 *   daemon_shell.ts                                        the process around a router
 * ```
 *
 * It does not decide how frames travel, who is a peer or what a container gets: it hands each part its slice of the
 * configuration and passes on what they say to each other.
 *
 * Callers: the CLI and embedders. `config/` and `status/` are folders of their own, since commands that only ask the router need
 * no more of it.
 *
 * @module
 */

export {
  type ContainerOptions,
  type ContainerRow,
  Containers,
  type ContainersOptions,
  type ExposeOptions,
  type Patience,
  psText,
} from "./containers_shell.ts";
export type { AddressWord } from "./addresses.ts";
export { type Lease, Leases } from "./leases_shell.ts";
export type { AddressPart, NamePart } from "./parts.ts";
export { addressesOfLink } from "./host_view_shell.ts";
export { type DaemonOptions, runDaemon } from "./daemon_shell.ts";
export { hostTraces, localContainers, removeTraces } from "./local_shell.ts";
export { AlreadyRunningError, processRuns } from "./machine_shell.ts";
export { Router, type RouterHooks } from "./router.ts";
export { VERSION } from "./version.ts";
