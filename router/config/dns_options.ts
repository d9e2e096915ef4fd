/**
 * Options of the name service: its domain, where it listens, and who answers what it does not know.
 *
 * @module
 */

import { formatIp, parseIp } from "../../base/mod.ts";
import { absolutePath } from "./places.ts";
import type { Taker } from "./taker.ts";
import { UsageError } from "./usage_error.ts";

const DOMAIN = "weave.local.";
const PORT = 53;
const TTL_S = 1;
const FALLBACK_TIMEOUT_MS = 5000;
const RESOLV_CONF = "/etc/resolv.conf";
const DOCKER_BRIDGE = "docker0";
/** A week: longer, an answer would outlive every container. */
const MAX_TTL_S = 604_800;
const MAX_TIMEOUT_MS = 60_000;
/** RFC 1035 2.3.4, without the dot at the end. */
const MAX_DOMAIN_BYTES = 200;

/** How names are answered. */
export interface DnsSettings {
  /** Domain of containers' names, in lower case and with a dot at its end. */
  readonly domain: string;
  /** `IP:PORT` to listen on; `undefined`: that of Docker's bridge, else the exposed ones as they come. */
  readonly listen: string | undefined;
  /** Docker's bridge. */
  readonly dockerBridge: string;
  /** How long answers may be kept, in seconds. */
  readonly ttlS: number;
  /** Patience with one name server, in milliseconds. */
  readonly fallbackTimeoutMs: number;
  /** Where the host's name servers are read. */
  readonly resolvConf: string;
  /** Name servers to use in their place, `IP:PORT` each. */
  readonly upstreams: readonly string[];
}

/** Returns the settings, `undefined` with `--no-dns`. @throws {UsageError} */
export function dnsSettings(take: Taker, cwd: string): DnsSettings | undefined {
  const settings: DnsSettings = {
    domain: take.parsed("dns-domain", domainName) ?? DOMAIN,
    listen: take.parsed("dns-listen-address", (text) => withPort(text, 0)),
    dockerBridge: take.parsed("docker-bridge", (text) => text) ?? DOCKER_BRIDGE,
    ttlS: take.number("dns-ttl", 0, MAX_TTL_S) ?? TTL_S,
    fallbackTimeoutMs: take.parsed("dns-fallback-timeout", duration) ?? FALLBACK_TIMEOUT_MS,
    resolvConf: absolutePath(take.parsed("resolv-conf", path) ?? RESOLV_CONF, cwd),
    upstreams: take.parsed(
      "dns-upstream",
      (text) =>
        text.split(",").map((part) => part.trim()).filter((part) => part !== "")
          .map((part) => withPort(part, PORT)),
    ) ?? [],
  };
  return take.flag("no-dns") ? undefined : settings;
}

function domainName(text: string): string {
  const name = text.toLowerCase().replace(/\.$/, "");
  const labels = name.split(".");
  const good = name.length <= MAX_DOMAIN_BYTES &&
    labels.every((label) => /^[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?$/.test(label));
  if (!good) throw new UsageError("a domain such as weave.local");
  return `${name}.`;
}

/** @param port for a text without one; 0: it must have one */
function withPort(text: string, port: number): string {
  const bracketed = /^\[([^\]]+)\](?::([0-9]{1,5}))?$/.exec(text);
  const bare = text.split(":").length > 2 ? [text, text] : /^([^:]*)(?::([0-9]{1,5}))?$/.exec(text);
  const [, host, digits] = bracketed ?? bare ?? [];
  const number = digits === undefined ? port : Number(digits);
  const expected = port === 0 ? "IP:PORT" : "IP or IP:PORT";
  if (host === undefined || number < 1 || number > 65535) throw new UsageError(expected);
  try {
    const ip = formatIp(parseIp(host === "" ? "0.0.0.0" : host));
    return ip.includes(":") ? `[${ip}]:${number}` : `${ip}:${number}`;
  } catch {
    throw new UsageError(expected);
  }
}

/** A time as Go writes it, with one unit. */
function duration(text: string): number {
  const [, digits, unit = ""] = /^([0-9]+(?:\.[0-9]+)?)(ms|s|m)$/.exec(text) ?? [];
  const ms = Number(digits) * ({ ms: 1, s: 1000, m: 60_000 }[unit] ?? NaN);
  if (ms > 0 && ms <= MAX_TIMEOUT_MS) return ms;
  throw new UsageError(`a time such as 5s or 500ms, at most ${MAX_TIMEOUT_MS / 1000}s`);
}

function path(text: string): string {
  if (text === "") throw new UsageError("a file");
  return text;
}
