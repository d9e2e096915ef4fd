/**
 * Data planes without a mesh: switches on hosts of a lab, in a line, told by hand what the router would tell them.
 *
 * ```
 *   container -- bridge -- TAP == switch 0 == underlay == switch 1 == underlay == switch 2 == ... container
 * ```
 *
 * All of them know all peers under the same indices. What one has to say over TCP is handed to the other, and so are keys.
 *
 * @module
 */

import { createLogger, parseIp } from "../../base/mod.ts";
import { openFd, withNetns } from "../../ffi/mod.ts";
import {
  type CounterName,
  type FromWorker,
  type LinkEntry,
  type PairKeys,
  type PairState,
  prepareHost,
  startSwitch,
  type Switch,
  type TunnelState,
} from "../../switch/mod.ts";
import type { Host, Lab } from "./lab.ts";
import type { Namespace } from "./namespace.ts";
import { until } from "./until.ts";

/** Most time until frames take the way they should. */
const READY_MS = 20_000;
const PORT = 6783;
const TAP = "weft-tap";
const NAME = 0x0200_0000_0a01;
const SHORT_ID = 0x101;
const SILENT = createLogger("switch", { level: "error", write: () => {}, now: () => new Date() });
const BOTH_OVERLAYS = ["weft-shuttle", "sleeve"];

/** How a world is made. */
export interface WorldOptions {
  /** With a password: links are sealed and pairs have keys. */
  readonly sealed: boolean;
  /** Common overlays of the link behind each host but the last; default shuttle and sleeve. */
  readonly overlays?: readonly (readonly string[])[];
  /** Links do not seal although there is a password. */
  readonly trusted?: boolean;
  /** Cipher of pairs; default AES-256-OCB. */
  readonly suite?: "AES-256-OCB" | "AES-256-GCM" | "ChaCha20-Poly1305";
  /** MTU of bridges and containers, host by host; default 1376. */
  readonly mtuBytes?: readonly number[];
  /** The underlay speaks IPv6. */
  readonly underlay6?: boolean;
}

/** One host with its switch. */
export interface Station {
  /** The host. */
  readonly host: Host;
  /** Its data plane. */
  readonly plane: Switch;
  /** A container on it. */
  readonly container: Namespace;
  /** Address of the container. */
  readonly address: string;
  /** Its IPv6 address. */
  readonly address6: string;
  /** What the data plane said, but control messages. */
  readonly events: FromWorker[];
}

/** Switches in a line. */
export class SwitchWorld implements AsyncDisposable {
  /** From one end to the other. */
  readonly stations: Station[] = [];
  readonly #options: WorldOptions;
  readonly #count: number;
  readonly #linkKeys = new Map<number, Uint8Array>();
  #keyId = 1;

  private constructor(count: number, options: WorldOptions) {
    this.#count = count;
    this.#options = options;
  }

  /** Starts them and tells them of each other. */
  static async start(lab: Lab, count: number, options: WorldOptions): Promise<SwitchWorld> {
    const world = new SwitchWorld(count, options);
    try {
      for (let i = 0; i < count; i++) await world.#add(lab, i);
      for (let i = 0; i < count; i++) world.configure(i);
      return world;
    } catch (error) {
      await world[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** Returns a station. */
  at(i: number): Station {
    const station = this.stations[i];
    if (station === undefined) throw new RangeError(`There is no station ${i}`);
    return station;
  }

  /** Name of a peer. */
  name(i: number): number {
    return NAME + i;
  }

  /** Tells a switch of peers and links. */
  configure(i: number, shortId = (peer: number): number => SHORT_ID + peer): void {
    const peers = Array.from({ length: this.#count }, (_, peer) => ({
      name: NAME + peer,
      nextHop: peer === i ? -1 : peer > i ? i + 1 : i - 1,
      edges: [peer - 1, peer + 1].filter((other) => other >= 0 && other < this.#count),
      shortId: shortId(peer),
    }));
    const links = [i - 1, i].filter((left) => left >= 0 && left < this.#count - 1)
      .map((left) => this.#link(left, i));
    const { plane } = this.at(i);
    for (const { id, encrypted } of links) {
      if (encrypted) plane.keys(id, this.#linkKey(id));
    }
    plane.configure({ self: i, peers, links });
  }

  /** Gives two peers keys; the one of the lower index is told as the one who asked. */
  agree(a: number, b: number): void {
    const random = (bytes: number): Uint8Array => crypto.getRandomValues(new Uint8Array(bytes));
    const ids = [this.#keyId++, this.#keyId++] as const;
    const half = (): { key: Uint8Array; salt: Uint8Array } => ({
      key: random(32),
      salt: random(4),
    });
    const there = half();
    const back = half();
    const install = (peer: number, mine: typeof there, its: typeof there): PairKeys => ({
      kind: "pairKeys",
      act: "install",
      peer: NAME + peer,
      suite: this.#options.suite ?? "AES-256-OCB",
      receiveId: peer > a ? ids[0] : ids[1],
      receiveKey: mine.key,
      receiveSalt: mine.salt,
      sendId: peer > a ? ids[1] : ids[0],
      sendKey: its.key,
      sendSalt: its.salt,
      sendNow: peer === a,
    });
    this.at(a).plane.pairKeys(install(b, back, there));
    this.at(b).plane.pairKeys(install(a, there, back));
  }

  /** Waits until a pair goes by shuttle, both ways. */
  async shuttles(a: number, b: number): Promise<void> {
    for (const [from, to] of [[a, b], [b, a]] as const) {
      const ready = (): boolean => this.pair(from, to)?.shuttle === true;
      await until(
        ready,
        READY_MS,
        `shuttle from ${from} to ${to}, which is ` +
          JSON.stringify(this.pair(from, to)),
      );
    }
  }

  /** What a switch said last of its pair with a peer. */
  pair(from: number, to: number): PairState | undefined {
    return this.at(from).events.findLast((event): event is PairState =>
      event.kind === "pair" && event.peer === NAME + to
    );
  }

  /** What a switch said last of an overlay on the link to its neighbour on the right. */
  tunnel(left: number, overlay: string): TunnelState | undefined {
    return this.at(left).events.findLast((event): event is TunnelState =>
      event.kind === "tunnel" && event.link === left + 1 && event.overlay === overlay
    );
  }

  /** Waits until sleeve is up on all links, and a ping from one end reaches the other. */
  async connected(): Promise<void> {
    const last = this.at(this.#count - 1);
    const ready = async (): Promise<boolean> => await this.at(0).container.ping(last.address) === 1;
    await until(ready, READY_MS, "the first ping from end to end");
  }

  /** Counts what happens at a station meanwhile. */
  async counting<T>(
    i: number,
    act: () => Promise<T>,
  ): Promise<{ result: T; counts: Record<CounterName, number> }> {
    const before = this.at(i).plane.counters();
    const result = await act();
    const after = this.at(i).plane.counters();
    const counts = Object.fromEntries(
      Object.entries(after).map(([name, value]) => [name, value - before[name as CounterName]]),
    ) as Record<CounterName, number>;
    return { result, counts };
  }

  /** Ends all switches. */
  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.stations.map(({ plane }) => plane.stop()));
  }

  async #add(lab: Lab, i: number): Promise<void> {
    const host = lab.host();
    const container = lab.container();
    const events: FromWorker[] = [];
    const mtuBytes = this.#options.mtuBytes?.[i];
    using namespace = openFd(host.path, 0);
    // The worker is born in the namespace of its host.
    const starting = withNetns(namespace, () => {
      const state = prepareHost({ bridge: undefined, tap: TAP, mtuBytes, mac: NAME + i });
      return {
        state,
        plane: startSwitch({
          self: NAME + i,
          tap: TAP,
          mtuBytes: state.mtuBytes,
          ownMacs: [state.bridgeMac, state.tapMac],
          host: undefined,
          port: PORT,
          libsodium: "auto",
          pairs: this.#options.sealed ? "sealed" : "clear",
          onEvent: (event) => this.#heard(i, event, events),
          log: SILENT,
        }),
      };
    });
    const plane = await starting.plane;
    const address = `10.2.1.${i + 1}`;
    const address6 = `2001:db8:1::${i + 1}`;
    this.stations.push({ host, plane, container, address, address6, events });
    const mtu = ["mtu", `${starting.state.mtuBytes}`];
    const peer = ["peer", "name", "ethwe", ...mtu, "netns", container.name];
    host.ip("link", "add", "vethwepl1", ...mtu, "type", "veth", ...peer);
    host.ip("link", "set", "vethwepl1", "master", starting.state.bridge, "up");
    container.ip("link", "set", "ethwe", "up");
    container.ip("addr", "add", `${address}/24`, "dev", "ethwe");
    container.ip("addr", "add", `${address6}/64`, "dev", "ethwe", "nodad");
  }

  #heard(i: number, event: FromWorker, events: FromWorker[]): void {
    if (event.kind === "control") {
      const { link, index, tag, body } = event;
      this.stations[link === i + 1 ? i + 1 : i - 1]?.plane.control(link, index, tag, body);
      return;
    }
    events.push(event);
    if (event.kind !== "pairNews" || event.news !== "worked") return;
    // As key agreement does: who asked may use the key once it has heard the other under it.
    const sendId = event.receiveId % 2 === 0 ? event.receiveId - 1 : event.receiveId + 1;
    this.stations[i]?.plane.pairKeys({ kind: "pairKeys", act: "use", peer: event.peer, sendId });
  }

  /** The link between a host and the one to its right, as host `self` sees it. Links are numbered by their right end. */
  #link(left: number, self: number): LinkEntry {
    const { overlays, sealed, trusted, underlay6 } = this.#options;
    const peer = self === left ? left + 1 : left;
    const { host } = this.at(peer);
    const ip = parseIp(underlay6 === true ? host.address6 : host.address);
    const outbound = self === left;
    return {
      id: left + 1,
      peer,
      overlays: (overlays?.[left] ?? BOTH_OVERLAYS).map((name, index) => ({ index, name })),
      connUid: 1000n + BigInt(left),
      outbound,
      trainSegments: 64,
      encrypted: sealed && trusted !== true,
      livelyMs: 250,
      remote: outbound ? { ip, port: PORT } : undefined,
    };
  }

  #linkKey(id: number): Uint8Array {
    let key = this.#linkKeys.get(id);
    if (key === undefined) {
      key = crypto.getRandomValues(new Uint8Array(32));
      this.#linkKeys.set(id, key);
    }
    return key;
  }
}
