/**
 * The host's list of name servers, as `/etc/resolv.conf` has it (resolv.conf(5)).
 *
 * ```
 *   nameserver 192.0.2.1        asked, in this order
 *   nameserver 2001:db8::1
 *   search, domain, options     not ours: the containers have their own
 * ```
 *
 * @module
 */

import { type Endpoint, formatEndpoint, parseEndpoint, parseIp } from "../../base/mod.ts";
import type { Millis } from "../../base/mod.ts";

/** Where name servers listen. */
export const DNS_PORT = 53;
/** The file is looked at no more often. */
export const LOOK_MS = 5_000;

/** Returns the servers of a file in order, as `192.0.2.1:53` and `[2001:db8::1]:53`; what is no address is left out. */
export function parseResolvConf(text: string): string[] {
  const servers: string[] = [];
  for (const line of text.split("\n")) {
    const [word, value] = line.trim().split(/\s+/);
    if (word !== "nameserver" || value === undefined) continue;
    const server = serverOf(value);
    if (server !== undefined && !servers.includes(server)) servers.push(server);
  }
  return servers;
}

/** Returns a server in the form of {@link parseResolvConf}, `undefined` if it is none. The port may be left out. */
export function serverOf(text: string): string | undefined {
  try {
    return formatEndpoint({ ip: parseIp(text.replace(/^\[(.*)\]$/, "$1")), port: DNS_PORT });
  } catch {
    try {
      return formatEndpoint(parseEndpoint(text));
    } catch {
      return undefined;
    }
  }
}

/** What is known of our own addresses. */
export interface OwnAddresses {
  /** Where we listen. */
  readonly listening: readonly Endpoint[];
  /** Addresses of all interfaces of this host. */
  readonly interfaces: readonly Uint8Array[];
}

/** Leaves out those that are ourselves: a listen address, or any of this host if we listen on all. */
export function withoutOurselves(servers: readonly string[], own: OwnAddresses): string[] {
  return servers.filter((text) => {
    const server = parseEndpoint(text);
    return !own.listening.some((each) =>
      each.port === server.port &&
      (same(each.ip, server.ip) || (isAny(each.ip) && isHost(server.ip, own.interfaces)))
    );
  });
}

/** What tells one state of the file from another: a clock with ticks of some ms alone does not. */
export interface FileState {
  /** When it was changed, in ms of unix time. */
  readonly mtimeMs: number;
  /** How many bytes it has. */
  readonly size: number;
  /** Which file it is. */
  readonly inode: number;
}

/** Decides when the file is read. */
export class ResolvConfWatch {
  #lookedAt = -Infinity;
  #read: FileState | undefined;

  /** Tells whether it is time to look at the file's time of change; counts as having looked. */
  due(now: Millis): boolean {
    if (now < this.#lookedAt + LOOK_MS) return false;
    this.#lookedAt = now;
    return true;
  }

  /** Tells whether the file has to be read, given its state. */
  isNew({ mtimeMs, size, inode }: FileState): boolean {
    const read = this.#read;
    return mtimeMs !== read?.mtimeMs || size !== read.size || inode !== read.inode;
  }

  /** Notes that the file was read in a state. One that could not be is tried again. */
  wasRead(state: FileState): void {
    this.#read = state;
  }
}

function isHost(ip: Uint8Array, interfaces: readonly Uint8Array[]): boolean {
  const loopback = isAny(ip) || ip.slice(10, 13).every((byte, i) => byte === [255, 255, 127][i]);
  return loopback || interfaces.some((each) => same(each, ip));
}

/** `0.0.0.0` or `::`. */
function isAny(ip: Uint8Array): boolean {
  const mapped = ip[10] === 255 && ip[11] === 255;
  return ip.every((byte, i) => byte === 0 || (mapped && (i === 10 || i === 11)));
}

function same(a: Uint8Array, b: Uint8Array): boolean {
  return a.every((byte, i) => byte === b[i]);
}
