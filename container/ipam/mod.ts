/**
 * The address manager: one range of addresses shared by all peers, without a server (spec/ipam.md).
 *
 * ```
 *            router: startIpam(config, hooks) -> Ipam          channels for the mesh: IPallocation, weft
 *                          |
 *   shell.ts, store_shell.ts    promises, timers, commits to ipam.db
 *                          |   inputs, outputs
 *   allocator.ts    Allocator: one core that joins
 *                     requests <- waits, claims, leases              who gets which address
 *                     serving, asking                                space for peers, space from peers
 *                     territory <- ring, ring_merge, seeding, space  who owns what, and what of it is given out
 *                     bootstrap <- founding, consensus               the first ring
 *                     conflicts, repairs                             rings that do not go together
 *                     leaving <- departures                          dead peers, and leaving for good
 *   channel.ts <- state_wire, weft_channel                           what is said to whom, in bytes
 *   absence.ts                                                       what a router without an allocator says
 * ```
 *
 * It gives out addresses; who puts them on an interface is not its business (`attach/`), nor are their names (`dns/`).
 * Callers: `router/`.
 *
 * @module
 */

export { Absence } from "./absence.ts";
export type { InitMode, InUse, KnownPeer } from "./allocator_io.ts";
export { type Target, WEFT_CHANNEL } from "./weft_channel.ts";
export { type Ipam, type IpamConfig, type IpamHooks, type OpOptions, startIpam } from "./shell.ts";
export type { IpamEntry, IpamExplanation, IpamStatus, LockedSpace } from "./status.ts";
export { IpamStoreError } from "./store_shell.ts";
