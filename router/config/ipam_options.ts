/**
 * Options of the allocator: its range, the subnet of those who ask for none, and who shares the range out first.
 *
 * @module
 */

import {
  type Cidr,
  cidrContains,
  formatCidr,
  networkOf,
  parseCidr,
  parsePeerName,
} from "../../base/mod.ts";
import type { InitMode } from "../../container/ipam/mod.ts";
import type { Taker } from "./taker.ts";
import { UsageError } from "./usage_error.ts";

const RANGE = "10.32.0.0/12";
/** Network and broadcast address, and two to give out. */
const LONGEST_PREFIX = 30;
const MAX_PEERS = 10_000;

/** How addresses are allocated. */
export interface IpamSettings {
  /** All addresses there are. */
  readonly range: Cidr;
  /** The user named the range. */
  readonly rangeGiven: boolean;
  /** Where an address comes from if none is asked for. */
  readonly defaultSubnet: Cidr;
  /** Who shares the range out first. */
  readonly init: InitMode;
}

/** Returns the settings, `undefined` if there is no range. @throws {UsageError} */
export function ipamSettings(take: Taker): IpamSettings | undefined {
  const given = take.parsed("ipalloc-range", (text) => text === "" ? null : parseSubnet(text));
  const defaultSubnet = take.parsed("ipalloc-default-subnet", parseSubnet);
  const init = initOf(take);
  if (given === null) {
    const needless = defaultSubnet !== undefined
      ? "ipalloc-default-subnet"
      : init.kind === "founding"
      ? undefined
      : "ipalloc-init";
    if (needless === undefined) return undefined;
    throw new UsageError(
      `Cannot use ${take.origin(needless)}: IP allocation is off, since --ipalloc-range is empty`,
    );
  }
  const range = given ?? parseCidr(RANGE);
  if (defaultSubnet !== undefined && !overlaps(range, defaultSubnet)) {
    throw new UsageError(
      `Cannot use ${take.origin("ipalloc-default-subnet")} "${formatCidr(defaultSubnet)}": ` +
        `out of bounds: it has no address of the range ${formatCidr(range)}`,
    );
  }
  return {
    range,
    rangeGiven: given !== undefined,
    defaultSubnet: defaultSubnet ?? range,
    init,
  };
}

/**
 * Parses a subnet that addresses can be taken from.
 *
 * @throws {UsageError} with what was expected: no CIDR, host bits, or fewer than 4 addresses
 */
export function parseSubnet(text: string): Cidr {
  let cidr: Cidr;
  try {
    cidr = parseCidr(text);
  } catch {
    throw new UsageError(`a subnet such as 10.32.0.0/12 (invalid CIDR address "${text}")`);
  }
  if (networkOf(cidr) !== cidr.address) {
    const meant = formatCidr({ address: networkOf(cidr), length: cidr.length });
    throw new UsageError(
      `a subnet such as ${meant} (bits after network prefix are not all zero)`,
    );
  }
  if (cidr.length > LONGEST_PREFIX) {
    throw new UsageError(`a prefix of at most /${LONGEST_PREFIX} (smaller than minimum size 4)`);
  }
  return cidr;
}

/** Tells whether two subnets have an address in common. */
export function overlaps(a: Cidr, b: Cidr): boolean {
  return cidrContains(a, b.address) || cidrContains(b, a.address);
}

function initOf(take: Taker): InitMode {
  const mode = take.parsed("ipalloc-init", parseInit);
  const count = take.number("init-peer-count", 0, MAX_PEERS);
  if (mode !== undefined && count !== undefined) {
    throw new UsageError("Cannot use --ipalloc-init and --init-peer-count: give one of them");
  }
  return mode ?? consensusOf(count ?? 0);
}

function parseInit(text: string): InitMode {
  const [, mode, equals, value = ""] = /^([a-z]+)(=(.*))?$/s.exec(text) ?? [];
  if (mode === "observer" && equals === undefined) return { kind: "observer" };
  if (mode === "consensus" && (equals === undefined || /^-?[0-9]{1,5}$/.test(value))) {
    return consensusOf(Number(value));
  }
  if (mode === "seed" && equals !== undefined) {
    const names = value.split(",").filter((name) => name !== "").map(parsePeerName);
    return names.length === 0 ? consensusOf(0) : { kind: "seed", names };
  }
  throw new UsageError("consensus=N, seed=NAME,NAME... or observer");
}

/** Without a number nothing is guessed: the first router without peers begins, or those who know of each other. */
function consensusOf(peers: number): InitMode {
  return peers > 0 ? { kind: "consensus", peers } : { kind: "founding" };
}
