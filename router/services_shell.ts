/**
 * Addresses and names in the router: starts allocator, name service and name server, and joins them with mesh and host.
 *
 * ```
 *   mesh ── channels, peers, targets ──> ipam, names       bridge ── in use, ARP ──> ipam
 *   lives ── died, started, destroyed ──> ipam, names      names ──> dns <── addresses of the host
 * ```
 *
 * @module
 */

import type { Ipv4, Logger, PeerName } from "../base/mod.ts";
import { formatIpv4 } from "../base/mod.ts";
import { type DnsServer, type Names, startDns, startNames } from "../container/dns/mod.ts";
import { EXPOSE_ID } from "../container/mod.ts";
import {
  Absence,
  type Ipam,
  type KnownPeer,
  startIpam,
  WEFT_CHANNEL,
} from "../container/ipam/mod.ts";
import type { Channel, Mesh, ReachedTarget } from "../mesh/mod.ts";
import type { RouterConfig } from "./config/mod.ts";
import { ArpProbes } from "./arp_probes_shell.ts";
import { addressesInUse, addressesOfLink } from "./host_view_shell.ts";
import { Idents } from "./idents_shell.ts";
import { Lives } from "./lives_shell.ts";
import type { DnsSnapshot } from "./status/mod.ts";
import type { Store } from "./store.ts";

/** An answer from the other side of the world takes so long. */
const USED_MS = 200;
/** Docker may start after us, or give its bridge another address. If the kernel did not tell, it is found after this time. */
const DOCKER_MS = 60_000;

/** What the services are made from. */
export interface ServicesParts {
  /** How the router is set up. */
  readonly config: RouterConfig;
  /** Where lines go. */
  readonly log: Logger;
  /** Our name. */
  readonly self: PeerName;
  /** Name of the bridge. */
  readonly bridge: string;
  /** Whom we are told of at the start. */
  readonly targets: readonly string[];
  /** What survives. */
  readonly store: Store;
  /** Returns the mesh, `undefined` before it runs. */
  readonly mesh: () => Mesh | undefined;
  /** Tells whether a container is being attached or detached. */
  readonly isBusy: (ident: string) => boolean;
}

/** Running services. */
export class Services implements AsyncDisposable {
  /** The allocator; `undefined`: off. */
  readonly ipam: Ipam | undefined;
  /** The names; `undefined`: off. */
  readonly names: Names | undefined;
  /** The name server; `undefined`: off. */
  readonly dns: DnsServer | undefined;
  /** What containers hold their addresses under. */
  readonly idents: Idents;
  readonly #parts: ServicesParts;
  readonly #probes: ArpProbes;
  #lives: Lives | undefined;
  /** Where names are answered on Docker's bridge. */
  #docker: string | undefined;
  #dockerAt = -Infinity;
  readonly #absence: Absence;
  /** What was told last of peers and targets. */
  #told = "";

  /** Starts them; what needs the mesh waits for it. @throws {Error} if stored addresses or names cannot be read */
  constructor(parts: ServicesParts) {
    this.#parts = parts;
    this.#probes = new ArpProbes(parts.bridge);
    this.idents = new Idents(parts.store);
    this.ipam = this.#startIpam();
    this.#absence = new Absence(parts.self);
    try {
      this.names = this.#startNames();
      this.dns = this.#startDns();
    } catch (error) {
      // What is open would stay locked as long as this process lives.
      this[Symbol.asyncDispose]().catch((failure: unknown) =>
        parts.log.error("cannot end what was started", { error: String(failure) })
      );
      throw error;
    }
  }

  /** Channels for the mesh. */
  get channels(): readonly Channel[] {
    return [...this.ipam?.channels ?? [], ...this.names === undefined ? [] : [this.names.channel]];
  }

  /** Begins to watch the containers of this host. */
  watch(): void {
    const { log, bridge, isBusy } = this.#parts;
    this.#lives = new Lives({
      log: log.area("containers"),
      bridge,
      dockerHost: Deno.env.get("DOCKER_HOST"),
      idents: this.idents,
      holders: () => this.#holders(),
      isBusy,
      mourner: {
        died: (ident, at) => {
          this.ipam?.died(ident);
          this.names?.died(ident, at);
        },
        started: (ident) => this.ipam?.started(ident),
        destroyed: (ident) => {
          this.ipam?.destroyed(ident);
          this.names?.died(ident);
        },
      },
    });
  }

  /** Looks what has changed on this host, the bridge of Docker as well; to be called about once a second. */
  look(): void {
    const changed = this.#lives?.look() === true;
    const now = performance.now();
    if (!changed && now - this.#dockerAt < DOCKER_MS) return;
    this.#dockerAt = now;
    this.#followDocker();
  }

  /** Takes the mesh as it is now. @param weft tells whether a peer is one of us */
  meshChanged(weft: (peer: PeerName) => boolean): void {
    const mesh = this.#parts.mesh();
    if (mesh === undefined) return;
    const { peers, reached } = mesh.snapshot();
    const routes = new Map(mesh.forwarding().map(({ name, nextHop }) => [name, nextHop]));
    const known = peers.map(({ name, nickname }): KnownPeer => ({
      name,
      nickname,
      reachable: name === this.#parts.self || routes.get(name) !== undefined,
      weft: name === this.#parts.self || weft(name),
    }));
    this.#tell(known, reached);
  }

  /** Asks on the network whether somebody uses an address. */
  async isUsed(address: Ipv4): Promise<boolean> {
    try {
      return await this.#probes.probe(address, USED_MS);
    } catch (error) {
      // Who gave the address wants it; nobody is known to have it.
      const fields = { address: formatIpv4(address), error: String(error) };
      this.#parts.log.debug("cannot ask who uses an address", fields);
      return false;
    }
  }

  /** Notes that a container was attached. */
  attached(ident: string, portIndex: number): void {
    this.#lives?.attached(ident, portIndex);
  }

  /** Notes that the host has an address on the bridge: without a better one, names are answered there. */
  exposed(address: Ipv4): void {
    if (this.#dnsFollowsHost()) this.dns?.listen(formatIpv4(address));
  }

  /** Notes that the host has an address no more. */
  hidden(address: Ipv4): void {
    const text = formatIpv4(address);
    // Exposed before Docker came, it was served; Docker's own is not given up with it.
    if (this.#parts.config.dns?.listen === undefined && text !== this.#docker) {
      void this.dns?.unlisten(text);
    }
  }

  /** Returns what status pages show of names; `undefined`: off. */
  dnsStatus(): DnsSnapshot | undefined {
    if (this.dns === undefined || this.names === undefined) return undefined;
    return { ...this.dns.status(), names: this.names.status(), entries: this.names.entries() };
  }

  /** Ends them. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#lives?.[Symbol.dispose]();
    await this.dns?.[Symbol.asyncDispose]();
    this.names?.[Symbol.dispose]();
    await this.ipam?.[Symbol.asyncDispose]();
    this.#probes[Symbol.dispose]();
  }

  #startIpam(): Ipam | undefined {
    const { config, log, self, bridge, targets } = this.#parts;
    if (config.ipam === undefined) return undefined;
    const { range, defaultSubnet, init } = config.ipam;
    const [uid = 0n] = crypto.getRandomValues(new BigUint64Array(1));
    return startIpam({
      self,
      uid,
      nickname: config.nickname,
      range,
      defaultSubnet,
      init,
      stateDir: config.stateDir,
      targets: () => targets,
    }, {
      log: log.area("ipam"),
      ...this.#gossip(),
      wallSeconds: () => Date.now() / 1000,
      random: Math.random,
      arpProbe: (address, withinMs) => this.#probes.probe(address, withinMs),
      reserved: () => Promise.resolve(addressesInUse(bridge)),
    });
  }

  #startNames(): Names | undefined {
    const { config, log, self } = this.#parts;
    if (config.dns === undefined) return undefined;
    const { domain } = config.dns;
    return startNames({ self, domain, stateDir: config.stateDir }, {
      log: log.area("names"),
      ...this.#gossip(),
      wallSeconds: () => Date.now() / 1000,
    });
  }

  #startDns(): DnsServer | undefined {
    const { config, log, bridge } = this.#parts;
    if (config.dns === undefined || this.names === undefined) return undefined;
    const { dns } = config;
    const docker = addressesOfLink(dns.dockerBridge).slice(0, 1);
    this.#docker = docker[0];
    const listen = dns.listen !== undefined
      ? [dns.listen]
      : docker.length > 0
      ? docker
      : addressesOfLink(bridge);
    return startDns({
      domain: dns.domain,
      ttlSeconds: dns.ttlS,
      listen,
      resolvConf: dns.resolvConf,
      servers: dns.upstreams.length === 0 ? undefined : dns.upstreams,
      timeoutMs: dns.fallbackTimeoutMs,
    }, { log: log.area("dns"), names: this.names.lookup });
  }

  /** Answers names on Docker's bridge as well when it comes, or has another address. */
  #followDocker(): void {
    const { config, log } = this.#parts;
    if (this.dns === undefined || config.dns === undefined || config.dns.listen !== undefined) {
      return;
    }
    try {
      const [address] = addressesOfLink(config.dns.dockerBridge);
      if (address === undefined || address === this.#docker) return;
      if (this.#docker !== undefined) void this.dns.unlisten(this.#docker);
      this.#docker = address;
      this.dns.listen(address);
    } catch (error) {
      log.debug("cannot look at the bridge of Docker", { error: String(error) });
    }
  }

  #dnsFollowsHost(): boolean {
    const { dns } = this.#parts.config;
    return dns !== undefined && dns.listen === undefined &&
      addressesOfLink(dns.dockerBridge).length === 0;
  }

  #gossip(): Pick<Mesh, "gossip" | "broadcast" | "unicast"> {
    const { mesh } = this.#parts;
    return {
      gossip: (channel, item) => mesh()?.gossip(channel, item),
      broadcast: (channel, item) => mesh()?.broadcast(channel, item),
      unicast: (channel, to, payload) => mesh()?.unicast(channel, to, payload),
    };
  }

  #holders(): string[] {
    const owned = this.ipam?.owned().filter(({ isContainer }) => isContainer) ?? [];
    const named =
      this.names?.entries().filter(({ origin, tombstone }) =>
        origin === this.#parts.self && tombstone === 0
      ) ?? [];
    const all = new Set([
      ...owned.map(({ ident }) => ident),
      ...named.map(({ container }) => container),
    ]);
    all.delete(EXPOSE_ID);
    return [...all];
  }

  /** Others would wait for us to say whom we were told of. */
  #sayAbsent(peers: readonly KnownPeer[]): void {
    for (const name of this.#absence.topologyChanged(peers)) {
      this.#parts.mesh()?.unicast(WEFT_CHANNEL, name, this.#absence.message);
    }
  }

  /** Most of the time nothing of it has changed. */
  #tell(peers: readonly KnownPeer[], reached: readonly ReachedTarget[]): void {
    const telling = JSON.stringify([peers, reached]);
    if (telling === this.#told) return;
    this.#told = telling;
    this.ipam?.targetsChanged(reached);
    this.ipam?.topologyChanged(peers);
    if (this.ipam === undefined) this.#sayAbsent(peers);
    this.names?.topologyChanged(peers);
  }
}
