/**
 * The router: builds the parts, joins them, starts them in order and stops them in reverse.
 *
 * ```
 *   checks -> store -> bridge, TAP -> addresses, names -> switch -> mesh -> API         start; stop goes the other way
 *
 *   mesh  linkUp, linkDown, changed ──> keys, configure ──> switch
 *         overlayControl            <──> control
 *         overlayEstablished/Failed <── tunnel
 *   pair_keys      unicast <── keys of pairs ──> pairKeys, pairNews
 *   services       gossip  <── addresses, names                 containers of this host
 * ```
 *
 * @module
 */

import { formatEndpoint, formatPeerName, type Logger, type PeerName } from "../base/mod.ts";
import { meshCrypto } from "../ffi/mod.ts";
import {
  type ConnectionStatus,
  type ForwardingPeer,
  KEYS_CHANNEL,
  type Mesh,
  type MeshEvent,
  type PeerStatus,
  startMesh,
} from "../mesh/mod.ts";
import {
  type FromWorker,
  opensTunnels,
  OVERLAY_LABELS,
  type PairState,
  priorityWarning,
  shuttleAvailable,
  startSwitch,
  type Switch,
  type Tables,
  type TunnelState,
} from "../switch/mod.ts";
import type { RouterConfig } from "./config/mod.ts";
import { Containers } from "./containers_shell.ts";
import { ForwardingState } from "./forwarding_state.ts";
import { type Ground, openStore, prepare } from "./ground_shell.ts";
import { controlApi, openApi, statusApi } from "./http_api.ts";
import { Leases } from "./leases_shell.ts";
import { LinkBoard } from "./link_board.ts";
import { AlreadyRunningError, answers, checkMachine } from "./machine_shell.ts";
import { offeredOverlays } from "./overlays.ts";
import { PairBoard } from "./pair_board.ts";
import { type PairKeysDriver, startPairKeys } from "./pair_keys_shell.ts";
import { Round } from "./round_shell.ts";
import { serveOpen, serveSocket, serveStatus } from "./servers_shell.ts";
import { Services } from "./services_shell.ts";
import { connectionRows } from "./status/connection_rows.ts";
import type { ConnectionRow, MacRow, PairRow, StatusSnapshot } from "./status/mod.ts";
import { VERSION } from "./version.ts";

/** A change of the mesh seldom comes alone; the worker hears of all that come within this time at once. */
const CONFIGURE_DELAY_MS = 2;
/** Peers and targets also change without a word of the mesh. */
const LOOK_MS = 1000;
/** Only root enters. */
const RUNTIME_DIR_MODE = 0o750;

/** What a router needs beside its configuration. */
export interface RouterHooks {
  /** Where lines go. */
  readonly log: Logger;
}

/** One running router. */
export class Router {
  /** Resolves when the router has ended: with the reason, or `undefined` if it was asked to. */
  readonly ended: Promise<string | undefined>;
  /** The containers of this host. */
  readonly containers: Containers;
  readonly #ground: Ground;
  readonly #services: Services;
  readonly #since = Date.now();
  readonly #links = new LinkBoard();
  readonly #pairs: PairBoard;
  readonly #forwarding: ForwardingState;
  readonly #resources = new AsyncDisposableStack();
  readonly #finish: (reason: string | undefined) => void;
  #switch: Switch | undefined;
  #mesh: Mesh | undefined;
  #pairKeys: PairKeysDriver | undefined;
  #macs: MacRow[] = [];
  #terminations = 0;
  #pending: ReturnType<typeof setTimeout> | undefined;
  #round: Round | undefined;
  #stopping: Promise<void> | undefined;

  private constructor(ground: Ground) {
    this.#ground = ground;
    this.#forwarding = new ForwardingState(ground.name);
    this.#pairs = new PairBoard(!ground.overlays.every(opensTunnels));
    const { bridge, mtuBytes } = ground.host;
    const { config, log, name: self, targets, store } = ground;
    const services = new Services({
      config,
      log,
      self,
      bridge,
      targets,
      store,
      mesh: () => this.#mesh,
      isBusy: (ident) => this.containers.isBusy(ident),
    });
    this.#services = services;
    this.containers = new Containers({
      bridge,
      mtuBytes,
      leases: new Leases(services.ipam),
      names: services.names,
      identOf: (ref) => services.idents.of(ref),
      isUsed: (address) => services.isUsed(address),
      onAttached: (ident, portIndex) => services.attached(ident, portIndex),
      onExposed: (address) => services.exposed(address),
      onHidden: (address) => services.hidden(address),
      warn: (line) => log.warn(line),
    });
    const { promise, resolve } = Promise.withResolvers<string | undefined>();
    this.ended = promise;
    this.#finish = resolve;
  }

  /**
   * Starts a router and returns when it serves. What was started is undone if a part fails; bridge and TAP stay.
   *
   * @throws {AlreadyRunningError} if one serves this runtime directory
   * @throws {Error} one line that says what failed and what to do
   */
  static async start(config: RouterConfig, hooks: RouterHooks): Promise<Router> {
    const { log } = hooks;
    checkMachine();
    const overlays = offeredOverlays(config.overlay, shuttleAvailable);
    Deno.mkdirSync(config.runtimeDir, { recursive: true, mode: RUNTIME_DIR_MODE });
    if (await answers(config.socket)) throw new AlreadyRunningError(config.runtimeDir);
    const store = openStore(config.stateDir);
    let router: Router | undefined;
    try {
      router = new Router(prepare(config, log, store, overlays));
      router.#resources.use(store);
      router.#resources.use(router.#services);
      await router.#startParts();
      return router;
    } catch (error) {
      if (router === undefined) store[Symbol.dispose]();
      else await router.#end(undefined);
      throw error;
    }
  }

  /** Our name. */
  get name(): PeerName {
    return this.#ground.name;
  }

  /** Stops everything and returns when nothing is left; may be called again. */
  stop(): Promise<void> {
    return this.#end(undefined);
  }

  /** Adds targets and stores them. @returns a line for each that does not resolve; the others are added */
  async connect(targets: string[], options: { replace: boolean }): Promise<string[]> {
    const failures = await this.#running().connect(targets, options);
    this.#storeTargets();
    return failures;
  }

  /** Removes targets, spelt as they were given, and forgets them. */
  forget(targets: string[]): void {
    this.#running().forget(targets);
    this.#storeTargets();
  }

  /** Returns the present state. */
  status(): StatusSnapshot {
    const { config, host, name, warnings } = this.#ground;
    const plane = this.#plane();
    const mesh = this.#running();
    const { uid, targets, connections, peers, collisions } = mesh.snapshot();
    const forwarding = mesh.forwarding();
    const ofPlane = [
      config.passwords.length > 0 ? plane.ready.warning : undefined,
      priorityWarning(plane.ready.priority),
    ];
    return {
      version: VERSION,
      pid: Deno.pid,
      logFile: config.logFile,
      stateDir: config.stateDir,
      since: this.#since,
      name,
      nickname: config.nickname,
      uid,
      port: config.port,
      encryption: config.passwords.length > 0,
      cipher: plane.ready.cipher,
      priority: plane.ready.priority,
      discovery: config.discovery,
      trustedSubnets: config.trustedSubnets,
      bridge: host.bridge,
      mtuBytes: host.mtuBytes,
      warnings: [
        ...warnings,
        ...ofPlane.filter((line) => line !== undefined),
        ...collisions.map(({ text }) => text),
      ],
      targets,
      connections: this.#connectionRows(connections),
      peers,
      pairs: this.#pairRows(peers, forwarding),
      collisions,
      forwarding,
      macs: this.#macs,
      terminations: this.#terminations,
      ipam: this.#services.ipam?.status(),
      dns: this.#services.dnsStatus(),
      counters: plane.counters(),
    };
  }

  // ---- below this line the system is touched ----

  async #startParts(): Promise<void> {
    const { config, log, name, host, targets, store, overlays } = this.#ground;
    const { libsodium, passwords, port, priority, spinUs, rehearsal } = config;
    const plane = await startSwitch({
      self: name,
      tap: config.tap,
      mtuBytes: host.mtuBytes,
      ownMacs: [host.bridgeMac, host.tapMac],
      host: config.host,
      port,
      libsodium,
      pairs: passwords.length === 0 ? "clear" : "sealed",
      priority,
      spinUs,
      rehearsal,
      onEvent: (event) => this.#onSwitch(event),
      log: log.area("switch"),
    });
    this.#switch = plane;
    const priorityLine = priorityWarning(plane.ready.priority);
    if (priorityLine !== undefined) log.warn(priorityLine);
    await this.#own(() => plane.stop());
    const pairKeys = overlays.every(opensTunnels) ? undefined : this.#startPairKeys();
    this.#pairKeys = pairKeys;
    this.#resources.defer(() => pairKeys?.stop());
    const mesh = await startMesh({
      name,
      nickname: config.nickname,
      host: config.host,
      port,
      passwords: passwords.map((password) => new TextEncoder().encode(password)),
      overlays,
      discovery: config.discovery,
      connectionLimit: config.connectionLimit,
      trustedSubnets: config.trustedSubnets,
      targets,
    }, {
      crypto: meshCrypto({ libsodium }),
      log: log.area("mesh"),
      onEvent: (event) => this.#onMesh(event),
      onAwake: () => this.#round?.awake(),
      channels: [
        ...(pairKeys === undefined ? [] : [pairKeys.channel]),
        ...this.#services.channels,
      ],
    });
    this.#mesh = mesh;
    await this.#own(() => mesh.stop());
    this.#configure();
    store.setTargets(targets);
    this.#services.watch();
    this.#round = this.#resources.use(new Round(LOOK_MS, () => this.#look()));
    this.#serve();
    log.info("ready", {
      peer: formatPeerName(name),
      port: plane.ready.port,
      bridge: host.bridge,
      mtu: host.mtuBytes,
      version: VERSION,
    });
  }

  #startPairKeys(): PairKeysDriver {
    const { config: { passwords, libsodium, rekeyMs }, log, name } = this.#ground;
    return startPairKeys({ self: name, passwords, libsodium, rekeyMs }, {
      unicast: (to, payload) => this.#mesh?.unicast(KEYS_CHANNEL, to, payload),
      pairKeys: (message) => {
        // The worker must know the peer before it hears of its keys.
        if (this.#pending !== undefined) this.#configure();
        const peer = formatPeerName(message.peer);
        if (message.act === "install") log.debug("new key", { peer });
        this.#plane().pairKeys(message);
      },
      state: (peer, state, reason) => this.#pairs.agreed(peer, state, reason),
    });
  }

  /** Takes charge of a part; one that comes up while the router goes down is stopped at once. */
  async #own(stop: () => Promise<void>): Promise<void> {
    if (this.#stopping === undefined) return this.#resources.defer(stop);
    await stop();
    throw new Error(await this.ended ?? "Cannot launch: it was stopped meanwhile");
  }

  #serve(): void {
    const { config, log } = this.#ground;
    const calls = {
      containers: this.containers,
      ipam: this.#services.ipam,
      names: this.#services.names,
      dns: this.#services.dns,
      status: () => this.status(),
      connect: (targets: string[], options: { replace: boolean }) => this.connect(targets, options),
      forget: (targets: string[]) => this.forget(targets),
      // The answer is on its way before the listener begins to close.
      requestStop: () => void setTimeout(() => void this.stop(), 0),
    };
    const onError = (error: unknown): void => log.error("request failed", { error: String(error) });
    const { statusAddress, httpAddress } = config;
    if (statusAddress !== undefined) {
      const listener = serveStatus(statusAddress, statusApi(calls, onError), log);
      if (listener !== undefined) this.#resources.defer(() => listener.close());
    }
    if (httpAddress !== undefined) {
      const listener = serveOpen(httpAddress, openApi(calls, onError));
      this.#resources.defer(() => listener.close());
    }
    // Last: who gets an answer here may rely on everything else.
    const socket = serveSocket(config.socket, controlApi(calls, onError));
    this.#resources.defer(() => socket.close());
  }

  #end(reason: string | undefined): Promise<void> {
    this.#stopping ??= this.#dispose().then(() => reason, (error: unknown) => {
      // Nobody waits for most stops: the reason is in the log, and what the router ended with.
      const problem = error instanceof Error ? error.message : String(error);
      this.#ground.log.error("cannot stop cleanly", { error: problem });
      return reason ?? problem;
    }).then((why) => this.#finish(why));
    return this.#stopping;
  }

  async #dispose(): Promise<void> {
    clearTimeout(this.#pending);
    await this.#resources.disposeAsync();
    clearTimeout(this.#pending);
  }

  #onMesh(event: MeshEvent): void {
    switch (event.kind) {
      case "linkUp":
        this.#links.up(event.link);
        if (event.link.sessionKey !== undefined) {
          this.#plane().keys(event.link.id, event.link.sessionKey);
        }
        return this.#configureSoon();
      case "linkDown":
        this.#terminations++;
        this.#links.down(event.id);
        return this.#configureSoon();
      case "overlayControl":
        // The worker must know the link before it hears from it.
        if (this.#pending !== undefined) this.#configure();
        return this.#plane().control(event.id, event.index, event.tag, event.body);
      case "changed":
        return this.#configureSoon();
    }
  }

  #onSwitch(event: FromWorker): void {
    switch (event.kind) {
      case "tunnel":
        return this.#onTunnel(event);
      case "control":
        return this.#mesh?.overlayControl(event.link, event.index, event.tag, event.body);
      case "pair":
        return this.#onPair(event);
      case "pairNews":
        return this.#pairKeys?.news(event);
      case "tables":
        this.#macs = this.#macRows(event);
        return;
      case "failed":
        this.#ground.log.error("the data plane has failed", { reason: event.message });
        return void this.#end(event.message);
      default:
        return;
    }
  }

  #onTunnel(tunnel: TunnelState): void {
    const link = this.#links.link(tunnel.link);
    const news = this.#links.tunnel(tunnel);
    if (news === undefined || link === undefined) return;
    const fields = {
      peer: formatPeerName(link.peer),
      connection: link.id,
      overlay: OVERLAY_LABELS[tunnel.overlay] ?? tunnel.overlay,
      remote: formatEndpoint(tunnel.remote ?? link.remote),
    };
    const { log } = this.#ground;
    if (news.kind === "failed") {
      log.warn("no overlay works", { ...fields, reason: news.reason });
      return this.#mesh?.overlayFailed(news.id, news.reason);
    }
    if (news.established) log.info("established", fields);
    else log.warn("no longer established", { ...fields, reason: tunnel.reason ?? "silence" });
    this.#mesh?.overlayEstablished(news.id, news.established);
  }

  #onPair(pair: PairState): void {
    const turn = this.#pairs.data(pair, Date.now());
    if (turn === undefined) return;
    const { log } = this.#ground;
    const peer = formatPeerName(pair.peer);
    if (turn.shuttle) log.info("by shuttle", { peer });
    else log.info("by sleeve", { peer, reason: turn.reason ?? "" });
  }

  #configureSoon(): void {
    if (this.#stopping !== undefined) return;
    this.#pending ??= setTimeout(() => this.#configure(), CONFIGURE_DELAY_MS);
  }

  #configure(): void {
    clearTimeout(this.#pending);
    this.#pending = undefined;
    // Events of a mesh that is still starting wait for it.
    if (this.#mesh === undefined) return;
    const peers = this.#mesh.forwarding();
    const others = peers.map((peer) => peer.name).filter((name) => name !== this.name);
    this.#pairs.peers(others, Date.now());
    this.#plane().configure(this.#forwarding.update(peers, this.#links.links()));
    this.#pairKeys?.topology(peers);
    this.#tellServices();
  }

  #look(): void {
    this.#services.look();
    this.#tellServices();
  }

  /** Neighbours say that they are weft; of others we know it by the keys that they agree on. */
  #tellServices(): void {
    const links = this.#links.links().filter(({ weft }) => weft);
    const weft = new Set(links.map(({ peer }) => peer));
    this.#services.meshChanged((peer) => weft.has(peer) || this.#pairs.speaks(peer));
  }

  #pairRows(peers: readonly PeerStatus[], forwarding: readonly ForwardingPeer[]): PairRow[] {
    const reachable = new Set(
      forwarding.filter(({ nextHop }) => nextHop !== undefined).map(({ name }) => name),
    );
    return this.#pairs.rows(peers.filter(({ name }) => reachable.has(name)));
  }

  #connectionRows(connections: readonly ConnectionStatus[]): ConnectionRow[] {
    return connectionRows(connections, this.#links, OVERLAY_LABELS, Date.now());
  }

  #macRows({ macs }: Tables): MacRow[] {
    const now = Date.now();
    const nicknames = new Map(
      this.#mesh?.snapshot().peers.map(({ name, nickname }) => [name, nickname]),
    );
    return macs.flatMap(({ mac, peer, ageMs }) => {
      const name = this.#forwarding.nameAt(peer);
      if (name === undefined) return [];
      return [{ mac, peer: name, nickname: nicknames.get(name) ?? "", lastSeen: now - ageMs }];
    });
  }

  #storeTargets(): void {
    this.#ground.store.setTargets(this.#running().snapshot().targets);
  }

  #plane(): Switch {
    return started(this.#switch);
  }

  #running(): Mesh {
    return started(this.#mesh);
  }
}

function started<T>(part: T | undefined): T {
  if (part === undefined) throw new Error("Cannot answer: the router is starting");
  return part;
}
