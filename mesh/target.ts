/**
 * Targets as users type them: `HOST[:PORT]`, HOST being a name, an IPv4 address or an IPv6 address in brackets or bare.
 *
 * @module
 */

import { type Endpoint, formatIp, parseIp, toHex, WireError } from "../base/mod.ts";

/** A target, parsed. */
export interface Target {
  /** As typed; what `forget` must repeat. */
  readonly text: string;
  /** Name or address, without brackets. */
  readonly host: string;
  /** `undefined` if none was given. */
  readonly port: number | undefined;
  /** 16 bytes if the host is an address, `undefined` if it is a name. */
  readonly ip: Uint8Array | undefined;
}

/** Parses a target. @throws {WireError} if it is none */
export function parseTarget(text: string): Target {
  const bracketed = /^\[([^\]]*)\](?::([0-9]*))?$/.exec(text);
  const bare = text.split(":").length > 2 ? [text, text] : /^([^:]*)(?::([0-9]*))?$/.exec(text);
  const [, host = "", digits = ""] = bracketed ?? bare ?? [];
  const port = Number(digits);
  // Brackets are for IPv6 addresses only.
  const name = bracketed === null && /^[A-Za-z0-9_]([A-Za-z0-9_.-]*[A-Za-z0-9_.])?$/.test(host);
  if ((!name && !host.includes(":")) || port > 65535 || host.length > 255) fail(text);
  return { text, host, port: port === 0 ? undefined : port, ip: addressOf(host, text) };
}

/** Returns the bytes of an address; what looks like one must be one. */
function addressOf(host: string, text: string): Uint8Array | undefined {
  if (!host.includes(":") && !/^[0-9.]+$/.test(host)) return undefined;
  try {
    return parseIp(host);
  } catch {
    return fail(text);
  }
}

function fail(text: string): never {
  throw new WireError(`target "${text}"`, 0, "HOST or HOST:PORT");
}

/** Returns a text that is equal for equal endpoints, to be used as key. */
export function endpointKey(endpoint: Endpoint): string {
  return `${toHex(endpoint.ip)}:${endpoint.port}`;
}

/** Returns a text that is equal for equal addresses (16 bytes), to be used as key. */
export function ipKey(ip: Uint8Array): string {
  return formatIp(ip);
}
