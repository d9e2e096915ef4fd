/**
 * Strings to the configuration: everything parsed, every default in, every conflict refused.
 *
 * @module
 */

import {
  formatIp,
  type LogLevel,
  type Millis,
  parseCidr,
  parseIp,
  parsePeerName,
  type PeerName,
  UNKNOWN_PEER,
} from "../../base/mod.ts";
import type { Priority } from "../../switch/mod.ts";
import { OPTIONS } from "./options.ts";
import type { Environment, RawOptions } from "./parse.ts";
import { absolutePath, type Places, resolvePlaces } from "./places.ts";
import { type DnsSettings, dnsSettings } from "./dns_options.ts";
import { type IpamSettings, ipamSettings } from "./ipam_options.ts";
import { Taker } from "./taker.ts";
import { UsageError } from "./usage_error.ts";

const PORT = 6783;
const STATUS_ADDRESS = "127.0.0.1:6782";
const CONNECTION_LIMIT = 200;
const TAP = "weft-tap";
/** The kernel's limit for the name of an interface, `IFNAMSIZ - 1`. */
const MAX_INTERFACE_NAME = 15;
/** What Weave Net accepts, and long enough for a label. */
const MAX_NICKNAME_BYTES = 255;
/** `sun_path` of `sys/un.h`, less the zero at its end. */
const MAX_SOCKET_PATH_BYTES = 107;
const MIN_MTU_BYTES = 576;
const MAX_MTU_BYTES = 65521;

/** Makes a router agree on keys more often than once an hour. */
const TEST_REKEY = "WEFT_TEST_REKEY_SECONDS";
const MAX_TEST_REKEY_SECONDS = 3600;

/** Longer, it only takes CPU time from those who would answer. */
const MAX_SPIN_US = 1000;
/** An answer from the next host takes so long; Linux polls as long before it halts a virtual CPU. */
const SPIN_US = 200;

/** An address to listen on. */
export interface ListenAddress {
  /** IP address. */
  readonly host: string;
  /** TCP port. */
  readonly port: number;
}

/** Everything that decides how a router behaves. Frozen. */
export interface RouterConfig extends Places {
  /** Peer name that the user wants; `undefined`: the stored one, or a new one. */
  readonly name: PeerName | undefined;
  /** Label beside the name. */
  readonly nickname: string;
  /** Underlay address to listen on and connect from, `undefined` for all. */
  readonly host: string | undefined;
  /** TCP and UDP port. */
  readonly port: number;
  /** Passwords: dial with the first, accept any; none: in clear. */
  readonly passwords: readonly string[];
  /** Networks within which data need not be encrypted. */
  readonly trustedSubnets: readonly string[];
  /** Connect to peers that others tell of. */
  readonly discovery: boolean;
  /** Most connections, 0 for no limit. */
  readonly connectionLimit: number;
  /** Targets that the user named. */
  readonly targets: readonly string[];
  /** Take the stored targets instead. */
  readonly resume: boolean;
  /** Name of an overlay: `sleeve` is used alone, `shuttle` where the peer has it; `undefined` for all. */
  readonly overlay: string | undefined;
  /** Bridge; `undefined`: "weave" if it is there, else "weft". */
  readonly bridge: string | undefined;
  /** TAP device. */
  readonly tap: string;
  /** MTU of bridge and containers in bytes of IP packet; `undefined`: the bridge's, or the default. */
  readonly mtuBytes: number | undefined;
  /** Lines below it are not logged. */
  readonly logLevel: LogLevel;
  /** "never" takes the portable cipher. */
  readonly libsodium: "auto" | "never";
  /** What the data plane asks the scheduler for. */
  readonly priority: Priority;
  /** So long after work the data plane looks for more before it sleeps, in microseconds. */
  readonly spinUs: number;
  /** Between frames that come close to each other the data plane keeps their ways in the CPU's caches. */
  readonly rehearsal: boolean;
  /** Age of a key of shuttle at which the next is agreed on; `undefined`: as the protocol says. For tests only. */
  readonly rekeyMs: Millis | undefined;
  /** Where status pages are served read only; `undefined`: nowhere. */
  readonly statusAddress: ListenAddress | undefined;
  /** Where the calls of Weave Net are answered, to anybody; `undefined`: on the unix socket alone. */
  readonly httpAddress: ListenAddress | undefined;
  /** The network that a launch of Weave Net's first era named; recorded only. */
  readonly network: string | undefined;
  /** How addresses are allocated; `undefined`: not at all. */
  readonly ipam: IpamSettings | undefined;
  /** How names are answered; `undefined`: not at all. */
  readonly dns: DnsSettings | undefined;
}

/** How `launch` goes about it; no part of the router. */
export interface LaunchMode {
  /** Stay in the foreground. */
  readonly foreground: boolean;
  /** The router was put into the background: its output is the log file. */
  readonly detached: boolean;
}

/** What {@link resolveConfig} found. */
export interface Resolved {
  /** The configuration. */
  readonly config: RouterConfig;
  /** How to launch. */
  readonly mode: LaunchMode;
  /** What the user should know: old spellings. */
  readonly notes: readonly string[];
}

/** What of the system the configuration depends on. */
export interface ConfigSystem {
  /** Environment variables. */
  readonly env: Environment;
  /** Directory that relative paths count from. */
  readonly cwd: string;
  /** Returns the host name. */
  readonly hostname: () => string;
  /** Reads a file. @throws if it cannot be read */
  readonly readTextFile: (path: string) => string;
}

/**
 * Makes the configuration.
 *
 * @throws {UsageError} for a value that cannot be, with what to write instead
 */
export function resolveConfig(raw: RawOptions, system: ConfigSystem): Resolved {
  refuseWhatIsMissing(raw);
  const take = new Taker(raw);
  const runtimeDir = raw.values.get("runtime-dir");
  const stateDir = raw.values.get("state-dir");
  const places = resolvePlaces(system.env, system.cwd, {
    ...(runtimeDir === undefined ? {} : { runtimeDir }),
    ...(stateDir === undefined ? {} : { stateDir }),
  });
  checkSocket(places);
  const passwords = passwordsOf(raw, system);
  const resume = take.flag("resume");
  if (resume && raw.peers.length > 0) {
    throw new UsageError("Cannot resume: --resume takes the stored peers, so name none");
  }
  for (const peer of raw.peers) checkPeer(peer);
  const config: RouterConfig = Object.freeze({
    ...places,
    name: take.parsed("name", peerName),
    nickname: take.parsed("nickname", nickname) ?? system.hostname(),
    host: take.parsed("host", (text) => formatIp(parseIp(text))),
    port: take.number("port", 1, 65535) ?? PORT,
    passwords: Object.freeze(passwords),
    trustedSubnets: Object.freeze(take.parsed("trusted-subnets", subnets) ?? []),
    discovery: !take.flag("no-discovery"),
    connectionLimit: take.number("conn-limit", 0, 65535) ?? CONNECTION_LIMIT,
    targets: Object.freeze([...raw.peers]),
    resume,
    overlay: take.parsed("overlay", nonEmpty),
    bridge: take.parsed("bridge", interfaceName),
    tap: TAP,
    mtuBytes: take.number("mtu", MIN_MTU_BYTES, MAX_MTU_BYTES),
    logLevel: logLevelOf(take, system.env),
    libsodium: take.flag("no-libsodium") ? "never" : "auto",
    priority: take.parsed("priority", priority) ?? "realtime",
    spinUs: take.number("spin", 0, MAX_SPIN_US) ?? SPIN_US,
    rehearsal: !take.flag("no-rehearsal"),
    rekeyMs: testRekeyMs(system.env),
    statusAddress: take.parsed("status-addr", listenAddress) ?? statusDefault(raw),
    httpAddress: take.parsed("http-addr", listenAddress),
    network: raw.network === undefined ? undefined : networkOf(raw.network),
    ipam: ipamSettings(take),
    dns: dnsSettings(take, system.cwd),
  });
  const mode = { foreground: take.flag("foreground"), detached: take.flag("detached") };
  return { config, mode, notes: raw.notes };
}

/** Found out when the socket is opened, it would be the last thing of a start. */
function checkSocket({ runtimeDir, socket }: Places): void {
  if (new TextEncoder().encode(socket).length <= MAX_SOCKET_PATH_BYTES) return;
  throw new UsageError(
    `Cannot use the runtime directory "${runtimeDir}": the path of a socket has at most ` +
      `${MAX_SOCKET_PATH_BYTES} bytes; name a shorter one`,
  );
}

function refuseWhatIsMissing(raw: RawOptions): void {
  for (const { name, refused, harmless } of OPTIONS) {
    const value = raw.values.get(name);
    if (refused === undefined || value === undefined || harmless?.includes(value)) continue;
    throw new UsageError(`Cannot launch with ${raw.origins.get(name)}: it ${refused}`);
  }
}

function passwordsOf(raw: RawOptions, system: ConfigSystem): string[] {
  const file = raw.values.get("password-file");
  const origin = raw.origins.get("password") ?? "";
  const password = raw.values.get("password");
  if (file === undefined) {
    if (password === undefined || (password === "" && origin !== "--password")) return [];
    if (password === "") throw new UsageError("Cannot use --password: it is empty");
    return [password];
  }
  if (origin === "--password") {
    throw new UsageError("Cannot use --password and --password-file: give one of them");
  }
  let text: string;
  try {
    text = system.readTextFile(absolutePath(file, system.cwd));
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new UsageError(`Cannot read the password file "${file}": ${reason}`);
  }
  const passwords = text.split("\n").map((line) => line.replace(/\r$/, "")).filter((l) => l !== "");
  if (passwords.length === 0) {
    throw new UsageError(
      `Cannot use the password file "${file}": it is empty; one password a line`,
    );
  }
  return passwords;
}

function checkPeer(peer: string): void {
  if (peer === "" || /[/\s]/.test(peer)) {
    throw new UsageError(`Cannot connect to "${peer}": a peer is HOST or HOST:PORT`);
  }
}

function peerName(text: string): PeerName {
  const name = parsePeerName(text);
  if (name === UNKNOWN_PEER) throw new UsageError("another name than all zero");
  if (Math.floor(name / 2 ** 40) % 2 === 1) {
    throw new UsageError("an even first byte: an odd one is a multicast address");
  }
  return name;
}

function nickname(text: string): string {
  const bytes = new TextEncoder().encode(text).length;
  // It is printed as it is.
  const control = [...text].some((char) => char < " " || char === "\x7f");
  if (text === "" || bytes > MAX_NICKNAME_BYTES || control) {
    throw new UsageError(`a label of 1 to ${MAX_NICKNAME_BYTES} bytes`);
  }
  return text;
}

function nonEmpty(text: string): string {
  if (text === "") throw new UsageError("a name");
  return text;
}

function priority(text: string): Priority {
  if (text === "realtime" || text === "nice" || text === "normal") return text;
  throw new UsageError("realtime, nice or normal");
}

function interfaceName(text: string): string {
  if (text.length > MAX_INTERFACE_NAME || !/^[^\s/:]+$/.test(text) || /^\.\.?$/.test(text)) {
    throw new UsageError(`the name of an interface, 1 to ${MAX_INTERFACE_NAME} characters`);
  }
  return text;
}

function subnets(text: string): string[] {
  const parts = text.split(",").map((part) => part.trim()).filter((part) => part !== "");
  for (const part of parts) parseCidr(part);
  return parts;
}

function networkOf(text: string): string {
  try {
    parseCidr(text);
  } catch {
    throw new UsageError(`Cannot use "${text}": invalid CIDR address`);
  }
  return text;
}

function listenAddress(text: string): ListenAddress | undefined {
  if (text === "") return undefined;
  const [, six, four, port = ""] = /^(?:\[([^\]]+)\]|([^:]*)):([0-9]{1,5})$/.exec(text) ?? [];
  const host = six ?? four;
  if (host === undefined || Number(port) > 65535) throw new UsageError("IP:PORT, or nothing");
  return { host: host === "" ? "0.0.0.0" : formatIp(parseIp(host)), port: Number(port) };
}

function statusDefault(raw: RawOptions): ListenAddress | undefined {
  // Empty means none, as a flag or as a variable.
  return raw.values.has("status-addr") ? undefined : listenAddress(STATUS_ADDRESS);
}

/** A test of rekeying cannot wait for an hour. */
function testRekeyMs(env: Environment): Millis | undefined {
  const text = env(TEST_REKEY);
  if (text === undefined || text === "") return undefined;
  if (/^[0-9]{1,4}$/.test(text) && Number(text) >= 1 && Number(text) <= MAX_TEST_REKEY_SECONDS) {
    return Number(text) * 1000;
  }
  const range = `1 to ${MAX_TEST_REKEY_SECONDS}`;
  throw new UsageError(
    `Cannot use ${TEST_REKEY} ${JSON.stringify(text)}: expected a number from ${range}`,
  );
}

function logLevelOf(take: Taker, env: Environment): LogLevel {
  const named = take.parsed("log-level", (text): LogLevel => {
    if (text === "warning" || text === "warn") return "warn";
    if (text === "debug" || text === "info" || text === "error") return text;
    throw new UsageError("debug, info, warning or error");
  });
  if (named !== undefined) return named;
  return take.flag("debug") || env("WEAVE_DEBUG") ? "debug" : "info";
}
