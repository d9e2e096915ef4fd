/**
 * What users do with containers and with the host's own addresses: attach, detach, expose, hide, ps.
 *
 * The router has one of these; a command that needs no router makes its own and does the very same. What is attached is kept
 * by the kernel alone, so there is nothing to bring back after a restart.
 *
 * @module
 */

import { type Cidr, formatCidr, formatMac } from "../base/mod.ts";
import {
  attach,
  type Attached,
  detach,
  EXPOSE_ID,
  findAttached,
  findContainer,
  listAttached,
  RefusedError,
} from "../container/mod.ts";
import { exposeAddress, hideAddress } from "../switch/mod.ts";
import { parseAddresses } from "./addresses.ts";
import { KeyedLock } from "./keyed_lock.ts";

/** What {@link Containers} works on. */
export interface ContainersOptions {
  /** Name of the bridge. */
  readonly bridge: string;
  /** MTU of containers; that of the bridge if missing. */
  readonly mtuBytes?: number;
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

/** How one container is attached or detached. */
export interface ContainerOptions {
  /** `DOCKER_HOST` of who asks: that engine knows the container. */
  readonly dockerHost?: string | undefined;
  /** Adds a route for multicast; default true. */
  readonly multicastRoute?: boolean | undefined;
}

/** Containers and addresses on one bridge. */
export class Containers {
  readonly #options: ContainersOptions;
  readonly #locks = new KeyedLock();

  /** Touches nothing yet. */
  constructor(options: ContainersOptions) {
    this.#options = options;
  }

  /**
   * Attaches a container.
   *
   * @param words addresses as the user wrote them
   * @returns the container; its `addresses` are those asked for
   * @throws {UsageError} for words that are no addresses
   * @throws {RefusedError} if an address is held by another, the container is not there, ...
   */
  attach(
    container: string,
    words: readonly string[],
    options: ContainerOptions = {},
  ): Promise<ContainerRow> {
    const addresses = parseAddresses(words, "attach");
    return this.#locks.run(container, async () => {
      const ref = await findContainer(container, { dockerHost: options.dockerHost });
      const result = attach(ref, addresses, {
        ...this.#options,
        multicastRoute: options.multicastRoute ?? true,
      });
      return { ...toRow(result), addresses: addresses.map(formatCidr) };
    });
  }

  /** Detaches a container from addresses. @returns those that it had. @throws as `attach` */
  detach(
    container: string,
    words: readonly string[],
    options: ContainerOptions = {},
  ): Promise<string[]> {
    const addresses = parseAddresses(words, "detach");
    return this.#locks.run(container, async () => {
      const ref = await findContainer(container, { dockerHost: options.dockerHost });
      return detach(ref, addresses, { bridge: this.#options.bridge }).map(formatCidr);
    });
  }

  /**
   * Gives the host addresses on the bridge; those that it has stay.
   *
   * @returns the addresses
   * @throws {RefusedError} if a container holds one
   * @throws {HostError} if there is no bridge
   */
  expose(words: readonly string[]): string[] {
    const { bridge } = this.#options;
    const addresses = parseAddresses(words, "expose");
    const attached = listAttached(bridge).filter(({ id }) => id !== EXPOSE_ID);
    for (const cidr of addresses) refuseHeld(cidr, attached);
    for (const cidr of addresses) exposeAddress(bridge, cidr);
    return addresses.map(formatCidr);
  }

  /** Takes addresses of the host from the bridge. @returns those that were there */
  hide(words: readonly string[]): string[] {
    const addresses = parseAddresses(words, "hide");
    return addresses.filter((cidr) => hideAddress(this.#options.bridge, cidr)).map(formatCidr);
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
        : findAttached(await findContainer(operand, { dockerHost: options.dockerHost }), bridge);
      if (attached !== undefined) rows.push({ ...toRow(attached), id: operand });
    }
    return rows;
  }
}

/** Returns the lines of `ps`. */
export function psText(rows: readonly ContainerRow[]): string {
  return rows.map(({ id, mac, addresses }) => `${[id, mac, ...addresses].join(" ")}\n`).join("");
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
