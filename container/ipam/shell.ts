/**
 * Runs the allocator with real time, a real disk and a real mesh.
 *
 * ```
 *   allocate() ──input──> core ──persist──> collected for this turn of the event loop ──one commit──> stored
 *      ^                                                                                 └──> sends, probes, answers
 *      └── promise <──answer
 * ```
 *
 * @module
 */

import {
  type Cidr,
  drive,
  type Driver,
  type Ipv4,
  type Logger,
  type PeerName,
} from "../../base/mod.ts";
import type { Channel } from "../../mesh/mod.ts";
import { type RefusedCode, RefusedError } from "../refused.ts";
import { Allocator } from "./allocator.ts";
import type {
  AllocatorInput,
  AllocatorOutput,
  Answer,
  InitMode,
  InUse,
  IpamChange,
  KnownPeer,
  Request,
} from "./allocator_io.ts";
import { AllocationChannel, sendingOf, WeftChannel } from "./channel.ts";
import { rangeOf } from "./range.ts";
import { parseRepairChoice } from "./repairs.ts";
import { explainIpam, type IpamExplanation, type IpamStatus, ipamStatus } from "./status.ts";
import { IpamStore } from "./store_shell.ts";
import type { Target } from "./weft_channel.ts";

/** After a failed look at what is in use on this host the next one comes after this time. */
const LOOK_AGAIN_MS = 5000;

/** How address allocation is set up. */
export interface IpamConfig {
  /** Our name. */
  readonly self: PeerName;
  /** UID of this run. */
  readonly uid: bigint;
  /** Our label. */
  readonly nickname: string;
  /** The universe. */
  readonly range: Cidr;
  /** Where addresses come from if no subnet is asked for. */
  readonly defaultSubnet: Cidr;
  /** How the first ring comes to be. */
  readonly init: InitMode;
  /** Where `ipam.db` lies. */
  readonly stateDir: string;
  /** Returns whom we were told of at the start: command line, stored list. */
  targets(): readonly string[];
}

/** What address allocation needs of the rest. */
export interface IpamHooks {
  /** Where lines go. */
  readonly log: Logger;
  /** Tells all peers on a channel. */
  broadcast(channel: string, item: unknown): void;
  /** Tells one peer on a channel. */
  unicast(channel: string, to: PeerName, payload: Uint8Array): void;
  /** Returns seconds since 1970. */
  wallSeconds(): number;
  /** Returns 0 <= x < 1. */
  random(): number;
  /** Asks by ARP whether somebody uses an address; `true` if an answer comes within the time. */
  arpProbe(address: Ipv4, withinMs: number): Promise<boolean>;
  /** Returns what is in use on this host at the start. */
  reserved(): Promise<readonly InUse[]>;
}

/** How a call is made. */
export interface OpOptions {
  /** The addresses go back when the container of that id dies. */
  readonly isContainer: boolean;
  /** How long it may wait; default 60 s. */
  readonly waitMs?: number;
  /** Ends the call. */
  readonly signal?: AbortSignal;
  /** For claims: answer at once if the owner cannot be asked, and go on trying. */
  readonly detached?: boolean;
}

/** Running address allocation. Calls that fail throw a {@link RefusedError}; what they changed is on the disk when they return. */
export interface Ipam extends AsyncDisposable {
  /** Channels for the mesh: `IPallocation` and `weft`. */
  readonly channels: readonly Channel[];
  /** The universe. */
  readonly range: Cidr;
  /** Where addresses come from by default. */
  readonly defaultSubnet: Cidr;
  /** Gives an ident an address of a subnet, the same one if it holds one there. */
  allocate(ident: string, subnet: Cidr, options: OpOptions): Promise<Cidr>;
  /** Gives an ident this very address. */
  claim(ident: string, cidr: Cidr, options: OpOptions): Promise<void>;
  /** Returns the addresses of an ident, all or those in a range, in the order in which they were given. */
  lookup(ident: string, within?: Cidr): readonly Cidr[];
  /** Returns all leases, by ident. */
  owned(): readonly { ident: string; isContainer: boolean; cidrs: readonly Cidr[] }[];
  /** Takes one address back. */
  free(ident: string, address: Ipv4): Promise<void>;
  /** Takes all addresses of an ident back. */
  freeAll(ident: string): Promise<void>;
  /** A container's process ended. */
  died(ident: string): void;
  /** It runs again. */
  started(ident: string): void;
  /** It will never run again. */
  destroyed(ident: string): void;
  /** Returns when there is a ring. @param o targets to give up */
  prime(o: { without: readonly string[]; signal?: AbortSignal }): Promise<void>;
  /** Takes the space of a dead peer, by name or nickname. */
  takeOver(peer: string, o: { force: boolean }): Promise<{ peer: string; addresses: number }>;
  /** Leaves for good; returns the peer that was given our space, if any, and whether it has said that it has it. */
  handOver(): Promise<{ heir: string | undefined; confirmed: boolean }>;
  /** Takes the peers there are, ourselves included. */
  topologyChanged(peers: readonly KnownPeer[]): void;
  /** Takes all that we were told of. */
  targetsChanged(targets: readonly Target[]): void;
  /** Returns the present state. */
  status(): IpamStatus;
  /** Returns why it is so. */
  explain(): IpamExplanation;
  /** Ends a conflict: `ours`, `theirs`, `theirs PEER`, with `force` behind it; returns what was done. */
  repair(choice: string): Promise<string>;
}

/**
 * Starts address allocation. It answers at once; nothing is given out before `hooks.reserved` returned.
 *
 * @throws {IpamStoreError} if the stored addresses cannot be used
 */
export function startIpam(config: IpamConfig, hooks: IpamHooks): Ipam {
  return new RunningIpam(config, hooks);
}

type Distribute<T> = T extends Request ? Omit<T, "id"> : never;

interface Caller {
  readonly resolve: (answer: Answer) => void;
  readonly reject: (error: unknown) => void;
}

class RunningIpam implements Ipam {
  readonly channels: readonly [AllocationChannel, WeftChannel];
  readonly range: Cidr;
  readonly defaultSubnet: Cidr;
  readonly #hooks: IpamHooks;
  readonly #allocator: Allocator;
  readonly #store: IpamStore;
  readonly #driver: Driver<AllocatorInput>;
  readonly #callers = new Map<number, Caller>();
  #lastId = 0;
  /** Outputs of this turn from the first persist on. */
  #held: AllocatorOutput[] = [];
  #commitTimer: ReturnType<typeof setTimeout> | undefined;
  #lookTimer: ReturnType<typeof setTimeout> | undefined;
  #stopped = false;

  constructor(config: IpamConfig, hooks: IpamHooks) {
    const { self, range, defaultSubnet, stateDir } = config;
    this.#hooks = hooks;
    this.range = range;
    this.defaultSubnet = defaultSubnet;
    const { store, stored, setAside } = IpamStore.open(stateDir, {
      self,
      range,
      date: () => new Date(hooks.wallSeconds() * 1000),
    });
    this.#store = store;
    if (setAside !== undefined) hooks.log.warn("starts with no addresses", { reason: setAside });
    this.#allocator = new Allocator({ ...config, stored, random: () => hooks.random() });
    const allocator = this.#allocator;
    this.#driver = drive<AllocatorInput, AllocatorOutput>(
      allocator,
      { kind: "tick" },
      (output) => this.#take(output),
    );
    const feed = (input: AllocatorInput): void => this.#driver.feed(input);
    this.channels = [
      new AllocationChannel(allocator, feed, () => hooks.wallSeconds()),
      new WeftChannel(allocator, feed),
    ];
    this.targetsChanged(config.targets().map((text) => ({ text, peer: undefined })));
    void this.#look();
  }

  async allocate(ident: string, subnet: Cidr, options: OpOptions): Promise<Cidr> {
    const { isContainer, waitMs, signal } = options;
    const wait = waitMs === undefined ? {} : { waitMs };
    const answer = await this.#ask(
      { kind: "allocate", ident, subnet, isContainer, ...wait },
      signal,
    );
    return answer.kind === "address" ? answer.cidr : subnet;
  }

  async claim(ident: string, cidr: Cidr, options: OpOptions): Promise<void> {
    const { isContainer, waitMs, signal, detached = false } = options;
    const wait = waitMs === undefined ? {} : { waitMs };
    await this.#ask({ kind: "claim", ident, cidr, isContainer, detached, ...wait }, signal);
  }

  lookup(ident: string, within?: Cidr): readonly Cidr[] {
    const range = within === undefined ? undefined : rangeOf(within);
    return this.#allocator.parts.leases.of(ident, range).map(({ cidr }) => cidr);
  }

  owned(): readonly { ident: string; isContainer: boolean; cidrs: readonly Cidr[] }[] {
    return [...this.#allocator.parts.leases.all()].map(([ident, leases]) => ({
      ident,
      isContainer: leases.some(({ isContainer }) => isContainer),
      cidrs: leases.map(({ cidr }) => cidr),
    }));
  }

  async free(ident: string, address: Ipv4): Promise<void> {
    await this.#ask({ kind: "free", ident, address });
  }

  async freeAll(ident: string): Promise<void> {
    await this.#ask({ kind: "freeAll", ident });
  }

  died(ident: string): void {
    this.#driver.feed({ kind: "died", ident });
  }

  started(ident: string): void {
    this.#driver.feed({ kind: "started", ident });
  }

  destroyed(ident: string): void {
    this.#driver.feed({ kind: "destroyed", ident });
  }

  async prime(o: { without: readonly string[]; signal?: AbortSignal }): Promise<void> {
    await this.#ask({ kind: "prime", without: o.without }, o.signal);
  }

  async takeOver(
    peer: string,
    o: { force: boolean },
  ): Promise<{ peer: string; addresses: number }> {
    const answer = await this.#ask({ kind: "takeOver", peer, force: o.force });
    return answer.kind === "tookOver" ? answer : { peer, addresses: 0 };
  }

  async handOver(): Promise<{ heir: string | undefined; confirmed: boolean }> {
    const answer = await this.#ask({ kind: "handOver" });
    return answer.kind === "heir" ? answer : { heir: undefined, confirmed: false };
  }

  topologyChanged(peers: readonly KnownPeer[]): void {
    this.#driver.feed({ kind: "topology", peers });
  }

  targetsChanged(targets: readonly Target[]): void {
    this.#driver.feed({ kind: "targets", targets });
  }

  status(): IpamStatus {
    return ipamStatus(this.#allocator);
  }

  explain(): IpamExplanation {
    return explainIpam(this.#allocator, performance.now());
  }

  async repair(choice: string): Promise<string> {
    const answer = await this.#ask({ kind: "repair", choice: parseRepairChoice(choice) });
    return answer.kind === "text" ? answer.text : "";
  }

  [Symbol.asyncDispose](): Promise<void> {
    return Promise.try(() => this.#end());
  }

  #end(): void {
    if (this.#stopped) return;
    clearTimeout(this.#lookTimer);
    try {
      this.#commit();
    } finally {
      this.#stopped = true;
      this.#driver.stop();
      this.#store[Symbol.dispose]();
      for (const { reject } of this.#callers.values()) reject(gone("the router stops"));
      this.#callers.clear();
    }
  }

  async #ask(wish: Distribute<Request>, signal?: AbortSignal): Promise<Answer> {
    if (this.#stopped) throw gone("the router stops");
    signal?.throwIfAborted();
    const id = ++this.#lastId;
    const { promise, resolve, reject } = Promise.withResolvers<Answer>();
    this.#callers.set(id, { resolve, reject });
    const onAbort = (): void => this.#driver.feed({ kind: "cancel", id });
    signal?.addEventListener("abort", onAbort);
    this.#driver.feed({ ...wish, id } as Request);
    try {
      const answer = await promise;
      if (answer.kind === "refused") throw new RefusedError(answer.code, answer.reason);
      return answer;
    } finally {
      signal?.removeEventListener("abort", onAbort);
    }
  }

  /** What comes behind a persist waits for the commit, which waits for the end of this turn. */
  #take(output: AllocatorOutput): void {
    if (output.kind !== "persist" && this.#held.length === 0) return this.#perform(output);
    this.#held.push(output);
    this.#commitTimer ??= setTimeout(() => this.#commit(), 0);
  }

  #commit(): void {
    clearTimeout(this.#commitTimer);
    this.#commitTimer = undefined;
    if (this.#held.length === 0 || this.#stopped) return;
    const held = this.#held;
    this.#held = [];
    const changes: IpamChange[] = [];
    let serial = 0;
    for (const output of held) {
      if (output.kind !== "persist") continue;
      changes.push(output.change);
      serial = output.serial;
    }
    // What cannot be stored must not be told: a failure ends the process.
    this.#store.commit(changes);
    this.#driver.feed({ kind: "stored", serial });
    for (const output of held) if (output.kind !== "persist") this.#perform(output);
  }

  #perform(output: AllocatorOutput): void {
    switch (output.kind) {
      case "persist":
        return;
      case "answer":
        this.#callers.get(output.id)?.resolve(output.answer);
        this.#callers.delete(output.id);
        return;
      case "probe":
        return void this.#probe(output.address, output.withinMs);
      case "log":
        return this.#hooks.log[output.level](output.message, output.fields);
    }
    const sending = sendingOf(output, this.channels[0], this.#allocator);
    if (sending?.kind === "unicast") {
      this.#hooks.unicast(sending.channel, sending.to, sending.payload);
    } else if (sending !== undefined) {
      this.#hooks.broadcast(sending.channel, sending.item);
    }
  }

  async #probe(address: Ipv4, withinMs: number): Promise<void> {
    let taken = false;
    try {
      taken = await this.#hooks.arpProbe(address, withinMs);
    } catch (error) {
      // The ring says that it is free; a host without a bridge can still give it out.
      this.#hooks.log.debug("cannot probe an address", { error: String(error) });
    }
    this.#driver.feed({ kind: "probed", address, taken });
  }

  async #look(): Promise<void> {
    try {
      const addresses = await this.#hooks.reserved();
      if (!this.#stopped) this.#driver.feed({ kind: "reserved", addresses });
    } catch (error) {
      const fields = { error: String(error) };
      this.#hooks.log.error("cannot see what is in use here, so no address is given out", fields);
      if (this.#stopped) return;
      this.#lookTimer = setTimeout(() => void this.#look(), LOOK_AGAIN_MS);
    }
  }
}

function gone(reason: string, code: RefusedCode = "cancelled"): RefusedError {
  return new RefusedError(code, `Cancelled: ${reason}`);
}
