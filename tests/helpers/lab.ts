/**
 * Test hosts as network namespaces of one machine.
 *
 * ```
 *            weft-ID-net:   [ bridge "under" ]               the underlay; nothing of it is in the machine's own namespace
 *                            |              |
 *   weft-ID-h1:  under 192.0.2.1      weft-ID-h2:  under 192.0.2.2        hosts, each runs scripts/weft
 *                            |
 *   weft-ID-c1:  ethwe 10.2.1.1                                           containers, attached by weft
 * ```
 *
 * `using lab = new Lab()` takes everything away at the end of the block, also when a test fails.
 *
 * @module
 */

import { fileURLToPath } from "node:url";
import { type RouterClient, routerClient } from "../../cli/client.ts";
import { Namespace, type Output, type RunOptions, runSync } from "./namespace.ts";
import { NAT_NETWORK, NatRouter, OUTSIDE, UNDERLAY } from "./nat_router.ts";
import { PacketFilter } from "./packet_filter.ts";
import { until } from "./until.ts";

/** The launcher of this tree. */
export const WEFT = fileURLToPath(new URL("../../scripts/weft", import.meta.url));

/** Last byte of the address of the first router that translates. */
const FIRST_NAT = 201;
/** How long a launch and the first handshake may take on a busy machine: three times what is promised. */
const READY_MS = 15_000;

/** What a router is launched with. */
export interface LaunchOptions {
  /** Password, given in the environment; none: plain. */
  readonly password?: string;
  /** Peers to connect to. */
  readonly peers?: readonly string[];
  /** Further words for `launch`. */
  readonly args?: readonly string[];
  /** Added to the environment. */
  readonly env?: Readonly<Record<string, string>>;
}

/** A peer, as the status page has it. */
export interface PeerRow {
  /** Peer name. */
  readonly name: string;
  /** Its label. */
  readonly nickname: string;
  /** UID of this run. */
  readonly uid: string;
  /** What it says of its connections. */
  readonly connections: readonly { readonly peer: string; readonly established: boolean }[];
}

/** A connection or a target without one, as the status page has it. */
export interface LinkRow {
  /** Number of the connection, while there is one. */
  readonly id?: number;
  /** Address and port. */
  readonly address: string;
  /** Our router dials it. */
  readonly outbound: boolean;
  /** Where it stands. */
  readonly state: string;
  /** Peer name, once known. */
  readonly peer?: string;
  /** Why it is not established. */
  readonly reason?: string;
  /** Since when, as ISO 8601. */
  readonly since: string;
}

/** How frames to a peer go, as the status page has it. */
export interface PairRow {
  /** Peer name. */
  readonly peer: string;
  /** What carries them. */
  readonly overlay: string;
  /** What seals them. */
  readonly cipher?: string;
  /** Largest inner packet, in bytes. */
  readonly mtu?: number;
  /** Why not by shuttle. */
  readonly reason?: string;
}

/** Which packets between two hosts get lost. */
export type Lost = "all" | "udp" | "tcp";

/** Where a host stands. */
export interface Place {
  /** The router that translates its addresses; none: it is on the underlay itself. */
  readonly behind?: NatRouter;
}

/** A host with a router of its own. */
export class Host extends Namespace {
  /** IPv6 address on the underlay. */
  readonly address6: string;
  /** Where its router keeps socket, process id and log. */
  readonly runtimeDir: string;
  /** Where its router keeps what survives. */
  readonly stateDir: string;
  readonly #filter: PacketFilter;
  #address: string;

  /** Makes it; the lab joins it to its network, `192.0.2` for the underlay. */
  constructor(name: string, number: number, directory: string, network: string) {
    super(name);
    this.#filter = new PacketFilter(name, UNDERLAY);
    this.#address = `${network}.${number}`;
    this.address6 = `2001:db8::${number}`;
    this.runtimeDir = `${directory}/run${number}`;
    this.stateDir = `${directory}/state${number}`;
  }

  /** IPv4 address on its network. */
  get address(): string {
    return this.#address;
  }

  /** Gives it another IPv4 address in the place of its own. */
  readdress(address: string): void {
    this.ip("addr", "del", `${this.#address}/24`, "dev", UNDERLAY);
    this.ip("addr", "add", `${address}/24`, "dev", UNDERLAY);
    this.#address = address;
  }

  /** Environment that makes the CLI talk to this host's router. */
  get env(): Record<string, string> {
    return { WEFT_RUNTIME_DIR: this.runtimeDir, WEFT_STATE_DIR: this.stateDir };
  }

  /** Runs the CLI on this host. @throws {Error} if it fails */
  weft(...args: string[]): Promise<Output> {
    return this.run([WEFT, ...args], { env: this.env });
  }

  /** Runs the CLI on this host, whatever its exit code. */
  tryWeft(args: readonly string[], options: RunOptions = {}): Promise<Output> {
    return this.run([WEFT, ...args], {
      ...options,
      env: { ...this.env, ...options.env },
      mayFail: true,
    });
  }

  /** Launches the router and waits until it is ready. @throws {Error} with its log if it does not start */
  async launch(options: LaunchOptions = {}): Promise<Output> {
    const secret: Record<string, string> = options.password === undefined
      ? {}
      : { WEFT_PASSWORD: options.password };
    const words = ["launch", ...(options.args ?? []), ...(options.peers ?? [])];
    const output = await this.tryWeft(words, { env: { ...secret, ...options.env } });
    if (output.code !== 0) {
      const said = `${output.stdout}${output.stderr}\n${this.log()}`;
      throw new Error(`Cannot launch on ${this.name}: exit code ${output.code}: ${said}`);
    }
    return output;
  }

  /** Process id of its router. @throws {Deno.errors.NotFound} if none was launched */
  routerPid(): number {
    return Number(Deno.readTextFileSync(`${this.runtimeDir}/router.pid`));
  }

  /** What its router has logged. */
  log(): string {
    try {
      return Deno.readTextFileSync(`${this.runtimeDir}/router.log`);
    } catch {
      return "";
    }
  }

  /** Calls its router, without the cost of a command. */
  get api(): RouterClient {
    return routerClient(`${this.runtimeDir}/weft.sock`);
  }

  /** Makes its router connect to peers. */
  async connect(...peers: string[]): Promise<void> {
    await this.api.post("/connect", new URLSearchParams(peers.map((peer) => ["peer", peer])));
  }

  /** All peers that its router knows of, itself first. */
  async peers(): Promise<PeerRow[]> {
    return JSON.parse(await this.api.get("/status/peers", "json"));
  }

  /** Connections of its router, then targets without one. */
  async links(): Promise<LinkRow[]> {
    return JSON.parse(await this.api.get("/status/connections", "json"));
  }

  /** How frames of its router go to each other one. */
  async pairs(): Promise<PairRow[]> {
    return JSON.parse(await this.api.get("/status", "json")).pairs;
  }

  /** Its peer name. */
  async peerName(): Promise<string> {
    return JSON.parse(await this.api.get("/status", "json")).name;
  }

  /** Lines of `status connections`. */
  async connections(): Promise<string[]> {
    const { stdout } = await this.tryWeft(["status", "connections"]);
    return stdout.split("\n").filter((line) => line.trim() !== "");
  }

  /** Waits until so many connections are established. */
  async established(count = 1, deadlineMs = READY_MS): Promise<void> {
    const ready = async (): Promise<boolean> =>
      (await this.connections()).filter((line) => /\bestablished\b/.test(line)).length >= count;
    await until(ready, deadlineMs, `${count} established connection(s) on ${this.name}`);
  }

  /** Attaches a container. */
  async attach(container: Namespace, ...addresses: string[]): Promise<void> {
    await this.weft("attach", ...addresses, `netns:${container.path}`);
  }

  /** Loses some datagrams that come in, at random. 0 stops it. */
  loss(percent: number): void {
    const rule = `meta l4proto udp numgen random mod 100 < ${percent} drop`;
    this.#filter.set("loss", percent === 0 ? [] : [rule]);
  }

  /** Drops the datagrams of shuttle that come in, and nothing else: their first byte is odd. */
  deafToShuttle(): void {
    this.#filter.set("shuttle", ["meta l4proto udp @th,71,1 1 drop"]);
  }

  /** Cuts it off without anybody being told: all that comes in is dropped. */
  cut(): void {
    this.#filter.set("cut", ["drop"]);
  }

  /** Drops what comes from another host, without telling. */
  ignore(other: Host, lost: Lost): void {
    const what = lost === "all" ? "" : `meta l4proto ${lost} `;
    const sources = [`ip saddr ${other.address}`, `ip6 saddr ${other.address6}`];
    this.#filter.set(other.name, sources.map((source) => `${source} ${what}drop`));
  }

  /** Ends what `ignore` did to one host. */
  heed(other: Host): void {
    this.#filter.set(other.name, []);
  }

  /** Lets nobody begin a conversation with it; answers to its own pass. */
  guard(): void {
    this.#filter.guard();
  }

  /** Ends what `loss`, `deafToShuttle`, `cut`, `ignore` and `guard` did. */
  heal(): void {
    this.#filter.clear();
  }

  /** Makes the link to the underlay carry packets of so many bytes at most. */
  linkMtu(bytes: number): void {
    this.ip("link", "set", UNDERLAY, "mtu", `${bytes}`);
  }
}

/** A set of hosts on one underlay. */
export class Lab implements Disposable {
  /** Beginning of the name of every namespace. */
  readonly prefix: string;
  /** Directory of its own for files. */
  readonly directory: string;
  readonly #hosts: Host[] = [];
  readonly #others: Namespace[] = [];
  readonly #underlay: Namespace;
  readonly #onSignal = (): never => {
    this[Symbol.dispose]();
    Deno.exit(130);
  };

  /** Makes an underlay without hosts. @throws {Error} if this is not root */
  constructor() {
    const mark = Deno.env.get("WEFT_LAB_ID") ?? "lab";
    const random = crypto.getRandomValues(new Uint8Array(3)).toHex();
    this.prefix = `weft-${mark}-${random}`;
    this.directory = Deno.makeTempDirSync({ prefix: `${this.prefix}-` });
    for (const signal of ["SIGINT", "SIGTERM"] as const) {
      Deno.addSignalListener(signal, this.#onSignal);
    }
    this.#underlay = new Namespace(`${this.prefix}-net`);
    this.#others.push(this.#underlay);
    this.#underlay.ip("link", "add", UNDERLAY, "type", "bridge", "forward_delay", "0");
    this.#underlay.ip("link", "set", UNDERLAY, "up");
  }

  /** Adds a host that no underlay joins to others; its addresses are set aside for it. */
  bareHost(network = "192.0.2"): Host {
    const number = this.#hosts.length + 1;
    const host = new Host(`${this.prefix}-h${number}`, number, this.directory, network);
    this.#hosts.push(host);
    return host;
  }

  /** Adds a host. */
  host({ behind }: Place = {}): Host {
    const [network, at] = behind === undefined
      ? ["192.0.2", this.#underlay]
      : [NAT_NETWORK, behind];
    const host = this.bareHost(network);
    this.#join(at, `port${this.#hosts.length}`, host);
    host.ip("addr", "add", `${host.address}/24`, "dev", UNDERLAY);
    if (behind === undefined) {
      host.ip("addr", "add", `${host.address6}/64`, "dev", UNDERLAY, "nodad");
    } else host.ip("route", "add", "default", "via", behind.inside);
    return host;
  }

  /** Adds a router that translates the addresses of the hosts behind it to its own. */
  nat(): NatRouter {
    const number = FIRST_NAT + this.#others.filter((other) => other instanceof NatRouter).length;
    const router = new NatRouter(`${this.prefix}-n${number}`, `192.0.2.${number}`);
    this.#others.push(router);
    this.#join(this.#underlay, `port${number}`, router, OUTSIDE);
    router.translate();
    return router;
  }

  /** Adds a container that is attached to nothing yet. */
  container(): Namespace {
    const count = this.#others.filter((other) => /-c\d+$/.test(other.name)).length;
    const container = new Namespace(`${this.prefix}-c${count + 1}`);
    this.#others.push(container);
    return container;
  }

  /** Loses what two hosts send to each other; neither is told. */
  cut(a: Host, b: Host, lost: Lost = "all"): void {
    a.ignore(b, lost);
    b.ignore(a, lost);
  }

  /** The same, and ends their TCP connections, as when the system learns that there is no way. */
  break(a: Host, b: Host): void {
    this.cut(a, b);
    for (const [at, to] of [[a, b], [b, a]] as const) {
      runSync(["ip", "netns", "exec", at.name, "ss", "-K", "-t", "dst", to.address]);
    }
  }

  /** Ends what `cut` and `break` did. */
  heal(a: Host, b: Host): void {
    a.heed(b);
    b.heed(a);
  }

  /** Cuts the underlay of a host at its far end, as pulling a cable does. */
  unplug(host: Host): void {
    this.#port(host, "down");
  }

  /** Joins it again. */
  plug(host: Host): void {
    this.#port(host, "up");
  }

  /** Takes away processes, namespaces, devices and files. */
  [Symbol.dispose](): void {
    for (const signal of ["SIGINT", "SIGTERM"] as const) {
      Deno.removeSignalListener(signal, this.#onSignal);
    }
    for (const namespace of [...this.#hosts, ...this.#others]) namespace.remove();
    Deno.removeSync(this.directory, { recursive: true });
  }

  /** Puts a device into a namespace that is on the bridge of another. */
  #join(bridge: Namespace, port: string, member: Namespace, device = UNDERLAY): void {
    bridge.ip("link", "add", port, "type", "veth", "peer", "name", device, "netns", member.name);
    bridge.ip("link", "set", port, "master", UNDERLAY, "up");
    member.ip("link", "set", device, "up");
  }

  #port(host: Host, state: string): void {
    this.#underlay.ip("link", "set", `port${this.#hosts.indexOf(host) + 1}`, state);
  }
}

/** Two hosts with two containers each, in one subnet, connected. */
export interface Pair {
  /** The first is dialled by the second. */
  readonly hosts: readonly [Host, Host];
  /** Two on the first host, then two on the second: 10.2.1.1 to 10.2.1.4, all /24. */
  readonly containers: readonly [Namespace, Namespace, Namespace, Namespace];
}

/** Address of a container of a {@link pair}, counted from 0. */
export function addressOf(index: number): string {
  return `10.2.1.${index + 1}`;
}

/** Launches two routers in a lab, attaches two containers to each and waits until they are connected. */
export async function pair(lab: Lab, options: LaunchOptions = {}): Promise<Pair> {
  const hosts = [lab.host(), lab.host()] as const;
  const containers = [
    lab.container(),
    lab.container(),
    lab.container(),
    lab.container(),
  ] as const;
  await Promise.all([
    hosts[0].launch(options),
    hosts[1].launch({ ...options, peers: [hosts[0].address] }),
  ]);
  await Promise.all(
    containers.map((container, i) => hosts[i < 2 ? 0 : 1].attach(container, `${addressOf(i)}/24`)),
  );
  await hosts[1].established();
  await until(
    async () => await containers[0].ping(addressOf(2)) === 1,
    READY_MS,
    "the first ping between the hosts",
  );
  return { hosts, containers };
}
