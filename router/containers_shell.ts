/**
 * What users do with containers and with the host's own addresses: attach, detach, expose, hide, ps.
 *
 * ```
 *   words ──> leases (addresses) ──> attach (interface) ──> names          detach goes the other way
 * ```
 *
 * The router has one of these; a command that needs no router makes its own and does the very same with addresses that the user
 * names. What is attached is kept by the kernel, so there is nothing to bring back after a restart.
 *
 * @module
 */

import { type Cidr, formatCidr, formatMac, type Ipv4 } from "../base/mod.ts";
import {
  attach,
  type Attached,
  type ContainerRef,
  detach,
  EXPOSE_ID,
  findAttached,
  findContainer,
  fullName,
  listAttached,
  ownName,
  RefusedError,
  rewriteHosts,
} from "../container/mod.ts";
import type { OpOptions } from "../container/ipam/mod.ts";
import { exposeAddress, hideAddress } from "../switch/mod.ts";
import { type AddressWord, routeNotes } from "./addresses.ts";
import { routesBeside } from "./host_view_shell.ts";
import { KeyedLock } from "./keyed_lock.ts";
import { type Lease, Leases } from "./leases_shell.ts";
import { takenElsewhere, withOwners } from "./owners.ts";
import type { NamePart } from "./parts.ts";

/** Interfaces and addresses outlive the router, and so do the names that come with them. */
const KEEP = { keep: true };

/** What {@link Containers} works on. */
export interface ContainersOptions {
  /** Name of the bridge. */
  readonly bridge: string;
  /** MTU of containers; that of the bridge if missing. */
  readonly mtuBytes?: number;
  /** Where addresses come from; missing: only those that the user names. */
  readonly leases?: Leases;
  /** Where names go; missing: nowhere. */
  readonly names?: NamePart | undefined;
  /** Returns what a container's addresses are held under; missing: nothing is held. */
  readonly identOf?: (ref: ContainerRef) => string;
  /** Asks the network whether somebody uses an address; missing: nobody is asked. */
  readonly isUsed?: (address: Ipv4) => Promise<boolean>;
  /** Hears of each container that was attached. */
  readonly onAttached?: (ident: string, portIndex: number) => void;
  /** Hears of each address that the host was given. */
  readonly onExposed?: (address: Ipv4) => void;
  /** Hears of each address that the host has no more. */
  readonly onHidden?: (address: Ipv4) => void;
  /** Hears of what failed without failing the request. */
  readonly warn?: (line: string) => void;
}

/** One container, or the host, as `ps` shows it. */
export interface ContainerRow {
  /** 12 hex digits, `pid:N` or `netns:PATH`; the operand if one was given; `weave:expose` for the host. */
  readonly id: string;
  /** MAC of its interface. */
  readonly mac: string;
  /** `IP/LEN` in the order in which they came. */
  readonly addresses: readonly string[];
}

/** How long and for whom a request waits for addresses, and who hears what the user should know. */
export interface Patience extends Pick<OpOptions, "waitMs" | "signal"> {
  /** Hears it, a line each. */
  readonly onNote?: (line: string) => void;
}

/** How one container is attached or detached. */
export interface ContainerOptions extends Patience {
  /** `DOCKER_HOST` of who asks: that engine knows the container. */
  readonly dockerHost?: string | undefined;
  /** Adds a route for multicast; default true. */
  readonly multicastRoute?: boolean | undefined;
  /** Registers its name, if it has one with a domain; default true. */
  readonly dns?: boolean | undefined;
  /** Puts its addresses into its `/etc/hosts`, and these `NAME:IP`; missing: the file is left alone. */
  readonly hosts?: readonly string[] | undefined;
}

/** How the host gets addresses. */
export interface ExposeOptions extends Patience {
  /** Name to register for them. */
  readonly fqdn?: string | undefined;
}

/** Containers and addresses on one bridge. */
export class Containers {
  readonly #options: ContainersOptions;
  readonly #leases: Leases;
  readonly #locks = new KeyedLock();
  /** One container may be called by several names: by its own, its id, its process. */
  readonly #identLocks = new KeyedLock();

  /** Touches nothing yet. */
  constructor(options: ContainersOptions) {
    this.#options = options;
    this.#leases = options.leases ?? new Leases(undefined);
  }

  /**
   * Attaches a container.
   *
   * @param words addresses as the user wrote them; none: one of the default subnet
   * @returns the container; its `addresses` are those asked for
   * @throws {UsageError} for words that are no addresses
   * @throws {RefusedError} if an address is held by another, the container is not there, ...
   */
  attach(
    container: string,
    words: readonly string[],
    options: ContainerOptions = {},
  ): Promise<ContainerRow> {
    const wanted = this.#leases.parse(words, "attach");
    return this.#alone(container, options, async (ref, ident) => {
      const lease = await this.#take(ident, wanted, { ...patience(options), isContainer: true });
      let result: Attached;
      try {
        await this.#refuseUsed("attach", wanted);
        this.#rewriteHosts(ref, lease.cidrs, options);
        result = attach(ref, lease.cidrs, {
          ...this.#place(),
          multicastRoute: options.multicastRoute ?? true,
          ...(ident === "" ? {} : { ident }),
        });
      } catch (error) {
        await lease.undo();
        throw error;
      }
      // From here on the container has the addresses: whatever fails, they are not free.
      this.#options.onAttached?.(ident, result.portIndex);
      if (options.dns !== false) this.#register(ref, ident, lease.cidrs, options);
      this.#note(wanted, options);
      return { ...toRow(result), addresses: lease.cidrs.map(formatCidr) };
    });
  }

  /** Detaches a container from addresses. @returns those that it had. @throws as `attach` */
  detach(
    container: string,
    words: readonly string[],
    options: ContainerOptions = {},
  ): Promise<string[]> {
    const wanted = this.#leases.parse(words, "detach");
    return this.#alone(container, options, async (ref, ident) => {
      const { bridge } = this.#options;
      const has = findAttached(ref, bridge)?.addresses ?? [];
      const cidrs = this.#inAllForms(ident, wanted, has);
      const removed = detach(ref, cidrs, { bridge });
      await this.#giveBack(ident, cidrs, has);
      return removed.map(formatCidr);
    });
  }

  /**
   * Gives the host addresses on the bridge; those that it has stay.
   *
   * @param words none: one of the default subnet
   * @returns the addresses
   * @throws {RefusedError} if a container holds one
   * @throws {HostError} if there is no bridge
   */
  async expose(words: readonly string[], options: ExposeOptions = {}): Promise<string[]> {
    const { bridge, names, onExposed } = this.#options;
    const { fqdn } = options;
    if (fqdn !== undefined && names === undefined) throw noNames(`expose with the name "${fqdn}"`);
    const wanted = this.#leases.parse(words, "expose");
    return await this.#locks.run(EXPOSE_ID, async () => {
      const how = { ...patience(options), isContainer: false };
      const lease = await this.#take(EXPOSE_ID, wanted, how);
      const exposed: Cidr[] = [];
      try {
        await this.#refuseUsed("expose", wanted);
        const attached = listAttached(bridge).filter(({ id }) => id !== EXPOSE_ID);
        for (const cidr of lease.cidrs) refuseHeld(cidr, attached);
        for (const cidr of lease.cidrs) {
          if (exposeAddress(bridge, cidr)) exposed.push(cidr);
        }
        if (fqdn !== undefined) {
          for (const { address } of lease.cidrs) names?.add(fqdn, EXPOSE_ID, address, KEEP);
        }
      } catch (error) {
        for (const cidr of exposed) hideAddress(bridge, cidr);
        await lease.undo();
        throw error;
      }
      for (const { address } of lease.cidrs) onExposed?.(address);
      this.#note(wanted, options);
      return lease.cidrs.map(formatCidr);
    });
  }

  /** Takes addresses of the host from the bridge. @param words none: those of the default subnet @returns those that were there */
  async hide(words: readonly string[]): Promise<string[]> {
    const wanted = this.#leases.parse(words, "hide");
    return await this.#locks.run(EXPOSE_ID, async () => {
      const { bridge } = this.#options;
      const has = listAttached(bridge).find(({ id }) => id === EXPOSE_ID)?.addresses ?? [];
      const cidrs = this.#inAllForms(EXPOSE_ID, wanted, has);
      const hidden = cidrs.filter((cidr) => hideAddress(bridge, cidr));
      const left = has.filter((cidr) => !hidden.some((gone) => same(gone, cidr)));
      for (const { address } of hidden) {
        if (!left.some((cidr) => cidr.address === address)) this.#options.onHidden?.(address);
      }
      await this.#giveBack(EXPOSE_ID, cidrs, has);
      return hidden.map(formatCidr);
    });
  }

  /**
   * Lists what hangs on the bridge: the host's addresses first, if there are any.
   *
   * @param operands containers to list; none: all. One that is not attached is left out
   * @throws {RefusedError} if an operand names no container
   */
  async ps(operands: readonly string[], options: ContainerOptions = {}): Promise<ContainerRow[]> {
    const { bridge } = this.#options;
    if (operands.length === 0) return listAttached(bridge).map(toRow);
    const rows: ContainerRow[] = [];
    for (const operand of operands) {
      const attached = operand === EXPOSE_ID
        ? listAttached(bridge).find(({ id }) => id === EXPOSE_ID)
        : findAttached(await findContainer(operand, options), bridge);
      if (attached !== undefined) rows.push({ ...toRow(attached), id: operand });
    }
    return rows;
  }

  /**
   * Returns a container with its name and the addresses on its interface.
   *
   * @throws {RefusedError} if there is no such container
   */
  async look(container: string, options: ContainerOptions = {}): Promise<{
    readonly ident: string;
    readonly fqdn: string | undefined;
    readonly addresses: readonly Cidr[];
  }> {
    const ref = await findContainer(container, options);
    return {
      ident: this.#identOf(ref),
      fqdn: this.#fqdnOf(ref),
      addresses: findAttached(ref, this.#options.bridge)?.addresses ?? [],
    };
  }

  /** Tells whether a container is being attached or detached. */
  isBusy(ident: string): boolean {
    return this.#identLocks.has(ident);
  }

  /** Finds a container and does something while nothing else is done with it, under whatever name. */
  #alone<T>(
    container: string,
    options: ContainerOptions,
    act: (ref: ContainerRef, ident: string) => Promise<T>,
  ): Promise<T> {
    return this.#locks.run(container, async () => {
      const ref = await findContainer(container, options);
      const ident = this.#identOf(ref);
      return await this.#identLocks.run(ident, () => act(ref, ident));
    });
  }

  #place(): { bridge: string; mtuBytes?: number } {
    const { bridge, mtuBytes } = this.#options;
    return { bridge, ...(mtuBytes === undefined ? {} : { mtuBytes }) };
  }

  #identOf(ref: ContainerRef): string {
    return this.#options.identOf?.(ref) ?? "";
  }

  async #take(ident: string, words: readonly AddressWord[], options: OpOptions): Promise<Lease> {
    try {
      return await this.#leases.take(ident, words, options);
    } catch (error) {
      throw withOwners(error, () => listAttached(this.#options.bridge));
    }
  }

  /** No ring says who has an address outside the range: the network does. Who has it on this host is known better here. */
  async #refuseUsed(verb: string, words: readonly AddressWord[]): Promise<void> {
    const { isUsed, bridge, names } = this.#options;
    const cidrs = this.#leases.unwatched(words);
    if (isUsed === undefined || cidrs.length === 0) return;
    const here = new Set(
      listAttached(bridge).flatMap(({ addresses }) => addresses.map(({ address }) => address)),
    );
    const strange = cidrs.filter(({ address }) => !here.has(address));
    const used = await Promise.all(strange.map(({ address }) => isUsed(address)));
    const taken = strange.find((_, i) => used[i]);
    if (taken !== undefined) throw takenElsewhere(verb, taken, names?.entries() ?? []);
  }

  #note(words: readonly AddressWord[], { onNote }: Patience): void {
    if (onNote === undefined || words.every(({ kind }) => kind === "subnet")) return;
    for (const line of routeNotes(words, routesBeside(this.#options.bridge))) onNote(line);
  }

  /** A container on the network with Docker's file is better than none. */
  #rewriteHosts(ref: ContainerRef, cidrs: readonly Cidr[], { hosts }: ContainerOptions): void {
    if (hosts === undefined) return;
    const has = findAttached(ref, this.#options.bridge)?.addresses ?? [];
    const all = [...has, ...cidrs.filter((cidr) => !has.some((held) => same(held, cidr)))];
    const problem = rewriteHosts(ref, all, hosts);
    if (problem !== undefined) this.#options.warn?.(problem);
  }

  #fqdnOf(ref: ContainerRef): string | undefined {
    const { names } = this.#options;
    const name = names === undefined ? undefined : ownName(ref);
    return names === undefined || name === undefined ? undefined : fullName(name, names.domain);
  }

  /** A name of another domain is none of ours; the container keeps it. One that is no name keeps nobody off the network. */
  #register(
    ref: ContainerRef,
    ident: string,
    cidrs: readonly Cidr[],
    { onNote }: Patience,
  ): void {
    const fqdn = this.#fqdnOf(ref);
    if (fqdn === undefined) return;
    try {
      for (const { address } of cidrs) this.#options.names?.add(fqdn, ident, address, KEEP);
    } catch (error) {
      if (!(error instanceof RefusedError)) throw error;
      // A container on the network without a name is better than none.
      if (error.code !== "outside-domain") (onNote ?? this.#options.warn)?.(error.message);
    }
  }

  /** Returns what is to go: an address of a subnet with each prefix that it has on the interface. */
  #inAllForms(ident: string, wanted: readonly AddressWord[], has: readonly Cidr[]): Cidr[] {
    const subnets = wanted.filter(({ kind }) => kind === "subnet");
    const ours = new Set(this.#leases.find(ident, subnets).map(({ address }) => address));
    const cidrs = [
      ...this.#leases.find(ident, wanted),
      ...has.filter(({ address }) => ours.has(address)),
    ];
    return cidrs.filter((cidr, i) => cidrs.findIndex((other) => same(cidr, other)) === i);
  }

  /** An address that is there with another prefix as well is still in use. */
  async #giveBack(ident: string, cidrs: readonly Cidr[], had: readonly Cidr[]): Promise<void> {
    const left = had.filter((cidr) => !cidrs.some((gone) => same(cidr, gone)));
    const free = cidrs.filter(({ address }) => !left.some((cidr) => cidr.address === address));
    for (const { address } of free) this.#options.names?.remove({ container: ident, ip: address });
    await this.#leases.giveBack(ident, free);
  }
}

/** Returns the refusal of a request that needs names where there are none. */
export function noNames(what: string): RefusedError {
  return new RefusedError(
    "not-possible",
    `Cannot ${what}: there is no name service; launch without --no-dns`,
  );
}

function patience({ waitMs, signal }: Patience): Pick<OpOptions, "waitMs" | "signal"> {
  return {
    ...(waitMs === undefined ? {} : { waitMs }),
    ...(signal === undefined ? {} : { signal }),
  };
}

/** Returns the lines of `ps`. */
export function psText(rows: readonly ContainerRow[]): string {
  return rows.map(({ id, mac, addresses }) => `${[id, mac, ...addresses].join(" ")}\n`).join("");
}

function same(a: Cidr, b: Cidr): boolean {
  return a.address === b.address && a.length === b.length;
}

function toRow({ id, mac, addresses }: Attached): ContainerRow {
  return { id, mac: formatMac(mac), addresses: addresses.map(formatCidr) };
}

function refuseHeld(cidr: Cidr, attached: readonly Attached[]): void {
  const owner = attached.find(({ addresses }) =>
    addresses.some((held) => held.address === cidr.address)
  );
  if (owner === undefined) return;
  throw new RefusedError(
    "address-in-use",
    `Cannot expose ${formatCidr(cidr)}: held by "${owner.name}"; take another address, ` +
      "or detach it there first",
  );
}
