/**
 * The name server: listens where it is told, answers from the table of names, asks others for the rest.
 *
 * ```
 *   container --> listener (UDP, TCP; one for each address) --> resolver --> answer
 *                                                                  |
 *                                                               upstream --> servers of the host
 * ```
 *
 * An address that cannot be had is a line in the status; it is tried again and again, and nothing else stops for it.
 *
 * @module
 */

import {
  type Endpoint,
  formatEndpoint,
  formatIp,
  type Logger,
  parseEndpoint,
  parseIp,
} from "../../base/mod.ts";
import { DnsListener, wordsOf } from "./listener_shell.ts";
import type { NameLookup } from "./records.ts";
import { DNS_PORT } from "./resolv_conf.ts";
import { type DnsTransport, Resolver } from "./resolver.ts";
import type { UpstreamCounters } from "./upstream.ts";
import type { ServerState } from "./upstream_servers.ts";
import { type UpstreamConfig, UpstreamDriver } from "./upstream_shell.ts";

/** An address that is taken or not there is tried again so often. */
const RETRY_MS = 5_000;

/** How the name server is set up. */
export interface DnsConfig extends UpstreamConfig {
  /** Our domain with the dot at its end. */
  readonly domain: string;
  /** How long clients may remember our answers, in seconds. */
  readonly ttlSeconds: number;
  /** Addresses to listen on, with or without port; more may come by {@link DnsServer.listen}. */
  readonly listen: readonly string[];
}

/** What the name server needs of others. */
export interface DnsHooks {
  /** Takes log lines. */
  readonly log: Logger;
  /** The table of names. */
  readonly names: NameLookup;
}

/** What the status shows. */
export interface DnsStatus {
  /** Our domain. */
  readonly domain: string;
  /** Time to live of our answers, in seconds. */
  readonly ttlSeconds: number;
  /** Where it listens, as `172.17.0.1:53`. */
  readonly listening: readonly string[];
  /** What is wrong. */
  readonly problem: string | undefined;
  /** The servers that are asked for the rest. */
  readonly upstream: readonly { readonly address: string; readonly state: ServerState }[];
  /** Counters since the start. */
  readonly counters: Readonly<DnsCounters & UpstreamCounters>;
}

/** Counters of the server itself. */
export interface DnsCounters {
  /** Queries that came. */
  queries: number;
  /** Those that were answered from the table of names. */
  local: number;
  /** Those that other servers were asked for. */
  forwarded: number;
  /** What was no query and got no answer. */
  ignored: number;
  /** Queries that the kernel dropped because more came than were answered. */
  dropped: number;
  /** Answers that could not be sent. */
  unsent: number;
}

/** The running name server. */
export interface DnsServer extends AsyncDisposable {
  /** The first address that it listens on, without port; undefined if there is none. */
  readonly address: string | undefined;
  /** Port of that address. */
  readonly port: number | undefined;
  /** What is wrong, in one line; undefined if nothing is. */
  readonly problem: string | undefined;
  /**
   * Listens on an address as well; with or without port. One that it has already is no change.
   *
   * @throws {WireError} if it is no address
   */
  listen(address: string): void;
  /** No longer listens on an address. */
  unlisten(address: string): Promise<void>;
  /** Returns what the status shows. */
  status(): DnsStatus;
}

/**
 * Starts the name server. An address that it cannot have is no error: see {@link DnsServer.problem}.
 *
 * @throws {WireError} if an address does not parse
 */
export function startDns(config: DnsConfig, hooks: DnsHooks): DnsServer {
  const server = new Server(config, hooks);
  for (const address of config.listen) server.listen(address);
  return server;
}

interface Place {
  readonly at: Endpoint;
  listener: DnsListener | undefined;
  problem: string | undefined;
}

class Server implements DnsServer {
  #config: DnsConfig;
  #log: Logger;
  #resolver: Resolver;
  #upstream: UpstreamDriver;
  #places = new Map<string, Place>();
  #counters: DnsCounters = {
    queries: 0,
    local: 0,
    forwarded: 0,
    ignored: 0,
    dropped: 0,
    unsent: 0,
  };
  #retry: ReturnType<typeof setTimeout> | undefined;
  #stopped = false;

  constructor(config: DnsConfig, { log, names }: DnsHooks) {
    const { domain, ttlSeconds } = config;
    this.#config = config;
    this.#log = log;
    this.#resolver = new Resolver({ domain, ttlSeconds, names, random: Math.random });
    this.#upstream = new UpstreamDriver(config, () => this.#listening(), log);
  }

  get address(): string | undefined {
    const first = this.#open()[0];
    return first === undefined ? undefined : formatIp(first.at.ip);
  }

  get port(): number | undefined {
    return this.#open()[0]?.listener?.port;
  }

  get problem(): string | undefined {
    const problems = [...this.#places.values()].flatMap((each) => each.problem ?? []);
    if (problems.length > 0) return problems.join("; ");
    return this.#places.size === 0 ? "no address to listen on" : undefined;
  }

  listen(address: string): void {
    const at = endpointOf(address);
    const key = formatEndpoint(at);
    if (this.#stopped || this.#places.has(key)) return;
    const place: Place = { at, listener: undefined, problem: undefined };
    this.#places.set(key, place);
    this.#bind(place);
  }

  async unlisten(address: string): Promise<void> {
    const key = formatEndpoint(endpointOf(address));
    const place = this.#places.get(key);
    this.#places.delete(key);
    if (place !== undefined) await this.#close(place);
  }

  status(): DnsStatus {
    const { domain, ttlSeconds } = this.#config;
    return {
      domain,
      ttlSeconds,
      listening: this.#listening().map(formatEndpoint),
      problem: this.problem,
      upstream: this.#upstream.servers(),
      counters: { ...this.#counters, ...this.#lost(), ...this.#upstream.counters() },
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stopped = true;
    clearTimeout(this.#retry);
    const listeners = this.#open().map((each) => each.listener?.[Symbol.asyncDispose]());
    this.#places.clear();
    this.#upstream[Symbol.dispose]();
    await Promise.all(listeners);
  }

  /** What was lost on all sockets, with those that are closed. */
  #lost(): Pick<DnsCounters, "dropped" | "unsent"> {
    let { dropped, unsent } = this.#counters;
    for (const { listener } of this.#open()) {
      dropped += listener?.dropped ?? 0;
      unsent += listener?.unsent ?? 0;
    }
    return { dropped, unsent };
  }

  #close({ listener }: Place): Promise<void> {
    if (listener === undefined) return Promise.resolve();
    this.#counters.dropped += listener.dropped;
    this.#counters.unsent += listener.unsent;
    return listener[Symbol.asyncDispose]();
  }

  #open(): Place[] {
    return [...this.#places.values()].filter((each) => each.listener !== undefined);
  }

  #listening(): Endpoint[] {
    return this.#open().map(({ at, listener }) => ({ ip: at.ip, port: listener?.port ?? at.port }));
  }

  #bind(place: Place): void {
    const address = formatEndpoint(place.at);
    try {
      place.listener = new DnsListener(
        place.at,
        (bytes, transport, later) => this.#serve(bytes, transport, later),
        (reason) => this.#lose(place, reason),
      );
      place.problem = undefined;
      this.#log.info("names are served", { address });
    } catch (error) {
      this.#fail(place, wordsOf(error));
    }
  }

  #lose(place: Place, reason: string): void {
    void this.#close(place);
    place.listener = undefined;
    this.#fail(place, reason);
  }

  #fail(place: Place, reason: string): void {
    const address = formatEndpoint(place.at);
    const problem = `Cannot listen on ${address}: ${reason}`;
    if (place.problem !== problem) this.#log.warn("names are not served", { address, reason });
    place.problem = problem;
    if (this.#retry !== undefined || this.#stopped) return;
    this.#retry = setTimeout(() => this.#bindAgain(), RETRY_MS);
  }

  #bindAgain(): void {
    this.#retry = undefined;
    for (const place of this.#places.values()) if (place.listener === undefined) this.#bind(place);
  }

  #serve(
    bytes: Uint8Array,
    transport: DnsTransport,
    later: () => (answer: Uint8Array) => void,
  ): Uint8Array | "later" | "never" {
    this.#counters.queries++;
    const decision = this.#resolver.resolve(bytes, transport);
    switch (decision.kind) {
      case "answer":
        this.#counters.local++;
        return decision.bytes;
      case "forward":
        this.#counters.forwarded++;
        this.#upstream.query(decision.query, transport, decision.limitBytes, later());
        return "later";
      case "silence":
        this.#counters.ignored++;
        return "never";
    }
  }
}

function endpointOf(text: string): Endpoint {
  try {
    return parseEndpoint(text);
  } catch {
    return { ip: parseIp(text), port: DNS_PORT };
  }
}
