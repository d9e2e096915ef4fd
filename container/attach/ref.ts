/**
 * How a container is named, and how the name is kept on the interface that leads to it.
 *
 * ```
 *   web, 4f5e…   docker    vethwepl + PID                 alias "weft docker 4f5e… web"
 *   pid:1234     pid       vethwepl + PID                 alias "weft pid IDENT 1234"
 *   netns:/x/y   netns     vethwepl + n + inode, short    alias "weft netns IDENT /x/y"
 * ```
 *
 * The alias of the interface tells who is at its other end: it needs no file, and goes when the container goes. IDENT is what
 * the container's addresses and names are held under; an engine's container has its id for that.
 *
 * @module
 */

import { RefusedError } from "../refused.ts";

/** One container, as it was found. */
export type ContainerRef =
  | {
    /** Found through a container engine. */
    readonly kind: "docker";
    /** Full id, 64 hex digits. */
    readonly id: string;
    /** Name without the leading slash. */
    readonly name: string;
    /** Its first process. */
    readonly pid: number;
    /** Its host name with domain; missing if it has no domain. */
    readonly fqdn?: string;
    /** The file on the host that is its `/etc/hosts`; missing if the engine does not tell. */
    readonly hostsPath?: string;
  }
  | {
    /** The namespace of a process. */
    readonly kind: "pid";
    /** The process. */
    readonly pid: number;
  }
  | {
    /** A namespace that somebody has given a name. */
    readonly kind: "netns";
    /** Absolute path of its file. */
    readonly path: string;
  };

/** How a container is called. */
export interface ContainerLabel {
  /** For `ps`: 12 hex digits, `pid:N` or `netns:PATH`. */
  readonly id: string;
  /** For messages: the container's name if it has one, else the id. */
  readonly name: string;
}

/** Name of the interface in a container. */
export const GUEST_NAME = "ethwe";
/** Names of interfaces on the bridge begin so. */
export const PORT_PREFIX = "vethwepl";

const ID_DIGITS = 12;
/** Longest alias (`linux/if.h`, IFALIASZ), in bytes. */
const ALIAS_BYTES = 255;
/** What fits behind the prefix and an `n` into the 15 bytes of an interface name. */
const HASH_SPACE = 36n ** 6n;

/**
 * Parses `pid:N` and `netns:PATH`.
 *
 * @returns `undefined` if the text is neither: then it names a container of an engine
 * @throws {RefusedError} `bad-container` if what follows the colon cannot be one
 */
export function parseContainerRef(text: string): ContainerRef | undefined {
  const pid = /^pid:(.*)$/s.exec(text)?.[1];
  if (pid !== undefined) {
    if (!/^[1-9][0-9]{0,8}$/.test(pid)) {
      throw new RefusedError(
        "bad-container",
        `Cannot use "${text}": a process id is needed, as pid:1234`,
      );
    }
    return { kind: "pid", pid: Number(pid) };
  }
  const path = /^netns:(.*)$/s.exec(text)?.[1];
  if (path === undefined) return undefined;
  if (!/^\/[^\0]+$/.test(path)) {
    throw new RefusedError(
      "bad-container",
      `Cannot use "${text}": an absolute path is needed, as netns:/run/netns/blue`,
    );
  }
  return { kind: "netns", path };
}

/** Returns how a container is called. */
export function labelOf(ref: ContainerRef): ContainerLabel {
  switch (ref.kind) {
    case "docker":
      return { id: ref.id.slice(0, ID_DIGITS), name: ref.name };
    case "pid":
      return { id: `pid:${ref.pid}`, name: `pid:${ref.pid}` };
    case "netns":
      return { id: `netns:${ref.path}`, name: `netns:${ref.path}` };
  }
}

/**
 * Returns the alias that keeps a container's name and ident.
 *
 * @param ident 64 hex digits; `undefined` if addresses are not held under one
 */
export function aliasOf(ref: ContainerRef, ident?: string): string {
  const held = ident === undefined ? "" : `${ident} `;
  const text = ref.kind === "docker"
    ? `weft docker ${ref.id} ${ref.name}`
    : ref.kind === "pid"
    ? `weft pid ${held}${ref.pid}`
    : `weft netns ${held}${ref.path}`;
  if (new TextEncoder().encode(text).length <= ALIAS_BYTES) return text;
  // Too long to be kept: whose addresses they are counts more than how it is called.
  if (ref.kind === "docker") return `weft docker ${ref.id} `;
  return ident === undefined ? "" : `weft ident ${ident}`;
}

/** Returns what the addresses of the container behind an interface are held under; `undefined` if its alias does not say. */
export function identOfAlias(alias: string): string | undefined {
  return /^weft (?:docker|pid|netns|ident) ([0-9a-f]{64})(?: |$)/.exec(alias)?.[1];
}

/** Reads what {@link aliasOf} wrote; `undefined` for any other alias. */
export function labelOfAlias(alias: string): ContainerLabel | undefined {
  const docker = /^weft docker ([0-9a-f]{12,}) (.*)$/s.exec(alias);
  if (docker?.[1] !== undefined && docker[2] !== undefined) {
    const id = docker[1].slice(0, ID_DIGITS);
    return { id, name: docker[2] === "" ? id : docker[2] };
  }
  const other = /^weft (pid|netns) (?:[0-9a-f]{64} )?(.+)$/s.exec(alias);
  if (other === null) return undefined;
  const id = `${other[1]}:${other[2]}`;
  return { id, name: id };
}

/**
 * Returns names for the interface on the bridge, best first: upstream's, then one that belongs to the namespace alone,
 * for when the first is taken because a process id was used again.
 *
 * @param inode of the network namespace
 */
export function portNames(ref: ContainerRef, inode: bigint): string[] {
  // A letter that no process id has keeps the two kinds apart.
  const ours = `${PORT_PREFIX}n${(inode % HASH_SPACE).toString(36)}`;
  return ref.kind === "netns" ? [ours] : [`${PORT_PREFIX}${ref.pid}`, ours];
}
