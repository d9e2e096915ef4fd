/**
 * What the HTTP calls need of the router.
 *
 * @module
 */

import type { DnsServer } from "../container/dns/mod.ts";
import type { Ipam } from "../container/ipam/mod.ts";
import type { Containers } from "./containers_shell.ts";
import type { NamePart } from "./parts.ts";
import type { StatusSnapshot } from "./status/mod.ts";

/** What the calls need of the router. */
export interface RouterCalls {
  /** The containers of this host. */
  readonly containers: Pick<Containers, "attach" | "detach" | "expose" | "hide" | "ps" | "look">;
  /** The allocator; `undefined`: off. */
  readonly ipam: AllocatorCalls | undefined;
  /** The names; `undefined`: off. */
  readonly names: NamePart | undefined;
  /** The name server; `undefined`: off. */
  readonly dns: Pick<DnsServer, "address" | "port"> | undefined;
  /** Returns the present state. */
  status(): StatusSnapshot;
  /** Adds targets. @returns a line for each that does not resolve */
  connect(targets: string[], options: { replace: boolean }): Promise<string[]>;
  /** Removes targets. */
  forget(targets: string[]): void;
  /** Begins to stop. */
  requestStop(): void;
}

/** What the calls need of the allocator. */
export type AllocatorCalls = Omit<
  Ipam,
  "channels" | "topologyChanged" | "targetsChanged" | "status"
>;
