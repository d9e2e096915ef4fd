/**
 * Runs the name service: joins the core with the mesh, the clock and the disk.
 *
 * ```
 *   router ── add, remove, died ──> NamesCore ──> broadcast, gossip ──> mesh
 *   mesh ──── NamesChannel ────────────┘  └──> lookup ──> resolver
 *             names added by hand <──> NamesStore
 * ```
 *
 * @module
 */

import { drive, type Driver, type Ipv4, type Logger, type PeerName } from "../../base/mod.ts";
import type { Channel } from "../../mesh/mod.ts";
import { RefusedError } from "../refused.ts";
import { nameIn, normalDomain, withDot } from "./domain.ts";
import type { NameEntry } from "./entry.ts";
import { NamesCore, type NamesInput, type NamesOutput, type NamesPeer } from "./names.ts";
import { NAMES_CHANNEL, NamesChannel, namesItem } from "./names_channel.ts";
import { NamesStore, type StoredName } from "./names_store_shell.ts";
import type { NameFilter, NameLookup } from "./records.ts";

/** Who has the names that belong to no container here (`dns-add IP… -h NAME`). */
export const EXTERN_ID = "weave:extern";

/** How names are set up. */
export interface NamesConfig {
  /** Our name. */
  readonly self: PeerName;
  /** The domain that all peers share, as `weave.local.`. */
  readonly domain: string;
  /** Where names that were added by hand are kept. */
  readonly stateDir: string;
}

/** What names need. */
export interface NamesHooks {
  /** Where lines go. */
  readonly log: Logger;
  /** Returns the unix time in seconds, better with their fraction. */
  wallSeconds(): number;
  /** Gossips an item of a channel. */
  gossip(channel: string, item: unknown): void;
  /** Broadcasts an item of a channel. */
  broadcast(channel: string, item: unknown): void;
}

/** Which of our names are to go: those that agree with all that is given, which is something at least. */
export interface RemoveFilter {
  /** Who has the name. */
  readonly container?: string;
  /** The address. */
  readonly ip?: Ipv4;
  /** The name, in any case, with or without the dot at its end. */
  readonly fqdn?: string;
  /** Says that all of ours are meant, where nothing else is given. */
  readonly all?: boolean;
}

/** What is shown of names. */
export interface NamesStatus {
  /** Live entries of all peers. */
  readonly live: number;
  /** Live entries of ours. */
  readonly own: number;
  /** What an operator should know, a line each. */
  readonly warnings: readonly string[];
}

/** The running name service. */
export interface Names extends Disposable {
  /** Its channel, for the mesh. */
  readonly channel: Channel;
  /** In lower case, with the dot at its end. */
  readonly domain: string;
  /** What answers are made of. */
  readonly lookup: NameLookup;
  /**
   * Registers a name and tells everybody; again, it changes nothing but the time of it.
   *
   * @param options `keep`: it was added by hand and survives a restart of the router, as names of `weave:extern` do
   * @throws {RefusedError} if it is outside the domain, or no name
   */
  add(fqdn: string, container: string, ip: Ipv4, options?: { readonly keep?: boolean }): void;
  /** Removes names of ours. @returns how many @throws {RefusedError} if nothing says which */
  remove(filter: RemoveFilter): number;
  /**
   * Removes the names of a container that has died.
   *
   * @param startedBefore unix seconds: names registered at that time or later belong to another start of it, and stay
   */
  died(container: string, startedBefore?: number): void;
  /** Returns all entries, removed ones too, in table order. */
  entries(): readonly NameEntry[];
  /** Takes the peers that the mesh knows. */
  topologyChanged(peers: readonly NamesPeer[]): void;
  /** Returns what is shown. */
  status(): NamesStatus;
}

/**
 * Starts the name service with the names that were kept.
 *
 * @param store where they are; closed in the end; default: in the state directory
 * @throws {Error} if they cannot be read
 */
export function startNames(
  config: NamesConfig,
  hooks: NamesHooks,
  store: NamesStore = NamesStore.open(config.stateDir),
): Names {
  return new RunningNames(config, hooks, store);
}

class RunningNames implements Names {
  readonly channel: NamesChannel;
  readonly domain: string;
  #core: NamesCore;
  #driver: Driver<NamesInput>;
  #store: NamesStore;
  #self: PeerName;

  constructor(config: NamesConfig, hooks: NamesHooks, store: NamesStore) {
    this.#self = config.self;
    this.domain = normalDomain(config.domain);
    this.#store = store;
    const { self } = config;
    const options = { self, wallSeconds: () => hooks.wallSeconds() };
    this.#core = new NamesCore(options, performance.now());
    this.#driver = drive<NamesInput, NamesOutput>(
      this.#core,
      { kind: "tick" },
      ({ kind, entries }) => hooks[kind](NAMES_CHANNEL, namesItem(entries)),
    );
    this.channel = new NamesChannel(this.#core, {
      now: () => performance.now(),
      changed: () => this.#drain(),
    });
    this.#restore(hooks.log);
  }

  #restore(log: Logger): void {
    const outside: StoredName[] = [];
    for (const name of this.#store.names()) {
      const isInside = `.${name.hostname}`.endsWith(`.${this.domain}`);
      if (isInside) this.#core.add(name.hostname, name.container, name.ip, performance.now());
      else outside.push(name);
    }
    if (outside.length > 0) {
      log.warn("stored names are not in the domain and stay away", { count: outside.length });
    }
    this.#drain();
  }

  get lookup(): NameLookup {
    return this.#core.records;
  }

  add(fqdn: string, container: string, ip: Ipv4, options: { keep?: boolean } = {}): void {
    const hostname = nameIn(this.domain, fqdn);
    if (options.keep || container === EXTERN_ID) this.#store.add({ hostname, container, ip });
    this.#core.add(hostname, container, ip, performance.now());
    this.#drain();
  }

  remove(filter: RemoveFilter): number {
    const { container, ip, fqdn, all } = filter;
    const isEmpty = container === undefined && ip === undefined && fqdn === undefined;
    if (isEmpty && all !== true) {
      throw new RefusedError(
        "not-possible",
        "Cannot remove names: nothing says which; name a container, an address or a name, or all",
      );
    }
    return this.#remove({
      ...(container === undefined ? {} : { container }),
      ...(ip === undefined ? {} : { ip }),
      ...(fqdn === undefined ? {} : { hostname: withDot(fqdn) }),
    });
  }

  died(container: string, startedBefore: number = Infinity): void {
    this.#remove({ container, registeredBefore: startedBefore });
  }

  #remove(filter: NameFilter): number {
    const removed = this.#core.remove(filter, performance.now());
    if (removed.length > 0) this.#store.remove(removed);
    this.#drain();
    return removed.length;
  }

  entries(): readonly NameEntry[] {
    return this.#core.records.entries();
  }

  topologyChanged(peers: readonly NamesPeer[]): void {
    this.#driver.feed({ kind: "peers", peers });
  }

  status(): NamesStatus {
    const live = this.entries().filter((entry) => entry.tombstone === 0);
    const own = live.filter((entry) => entry.origin === this.#self).length;
    return { live: live.length, own, warnings: this.#core.warnings() };
  }

  /** Performs what the core wants, and sets the timer. */
  #drain(): void {
    this.#driver.feed({ kind: "tick" });
  }

  [Symbol.dispose](): void {
    this.#driver.stop();
    this.#store[Symbol.dispose]();
  }
}
