/**
 * One run of a router's allocator: from its start to its crash.
 *
 * @module
 */

import { type Ipv4, type Millis, must, type PeerName, WireError } from "../../base/mod.ts";
import { Allocator } from "../../container/ipam/allocator.ts";
import type {
  AllocatorInput,
  AllocatorOutput,
  Answer,
  Request,
} from "../../container/ipam/allocator_io.ts";
import { AllocationChannel, sendingOf, WeftChannel } from "../../container/ipam/channel.ts";
import { applyChange } from "../../container/ipam/stored.ts";
import type { Channel } from "../../mesh/channel.ts";
import type { How, IpamSimWorld, SimHost } from "./ipam_world.ts";

/** A request without its number. */
export type Wish = Request extends infer R ? R extends Request ? Omit<R, "id"> : never : never;

/** A running allocator. */
export class IpamRun {
  /** Name of the router. */
  readonly name: PeerName;
  /** The core. */
  readonly allocator: Allocator;
  /** Who was linked with it, by number, under the name that it had. */
  readonly met = new Map<number, PeerName>();
  /** It was not linked with anybody yet. */
  isNew = true;
  /** ARP probes that are not back. */
  probes = 0;
  /** Requests without an answer. */
  readonly open = new Map<number, { readonly wish: Wish; readonly since: Millis }>();
  readonly #channels: readonly Channel[];
  readonly #allocation: AllocationChannel;
  #held: AllocatorOutput[] = [];
  #nextId = 1;
  #tickAt: Millis = Infinity;

  /** Goes on from the disk of a host. */
  constructor(readonly world: IpamSimWorld, readonly host: SimHost) {
    this.name = host.name;
    this.allocator = new Allocator({
      self: host.name,
      uid: BigInt(Math.floor(world.random() * 2 ** 52)),
      nickname: `host${host.number}`,
      range: world.universe,
      defaultSubnet: world.universe,
      init: world.init,
      stored: host.disk,
      random: () => world.random(),
    });
    const feed = (input: AllocatorInput): void => this.feed(input);
    this.#allocation = new AllocationChannel(
      this.allocator,
      feed,
      () => Math.floor(world.now / 1e3),
    );
    this.#channels = [
      this.#allocation as Channel,
      new WeftChannel(this.allocator, feed) as Channel,
    ];
  }

  /** It has not ended. */
  get isLive(): boolean {
    return this.host.run === this;
  }

  /** Says what a router says at its start. */
  begin(): void {
    const addresses = [...this.host.held].map(([address, { ident, isContainer }]) => {
      return { ident, cidr: { address, length: this.world.universe.length }, isContainer };
    });
    this.world.after(this.world.random() * 500, () => {
      if (this.isLive) this.feed({ kind: "reserved", addresses });
    });
    this.topology();
  }

  /** Says who is there, and who is behind the targets. */
  topology(): void {
    const there = [...this.world.reach(this).keys()];
    const peers = there.map(({ name, host }) => ({
      name,
      nickname: `host${host.number}`,
      reachable: true,
      weft: !host.plan.real,
    }));
    this.feed({ kind: "topology", peers });
    if (this.isLive) this.tellTargets();
  }

  /** Says who is behind the targets. */
  tellTargets(): void {
    const targets = this.host.targets.map((number) => ({
      text: `192.0.2.${number}`,
      peer: number === this.host.number ? this.name : this.met.get(number),
    }));
    this.feed({ kind: "targets", targets });
  }

  /** Hands in a request. */
  ask(wish: Wish): number {
    const id = this.#nextId++;
    this.open.set(id, { wish, since: this.world.now });
    this.feed({ ...wish, id } as Request);
    return id;
  }

  /** Takes a message. */
  receive(how: How, channel: string, payload: Uint8Array, source: PeerName): void {
    const handler = must(this.#channels.find(({ name }) => name === channel), "channel");
    try {
      const item = handler[how](payload, source, this.world.now);
      if (item === undefined || !this.isLive) return;
      const payloads = handler.encode(item);
      if (how === "broadcast") this.world.relay(source, this, channel, payloads);
      else this.world.gossip(this, channel, payloads);
    } catch (error) {
      if (error instanceof WireError) throw new Error(`unreadable ${how}`, { cause: error });
      throw error;
    }
  }

  /** Returns all that is told on a new link. */
  full(): { channel: string; payloads: readonly Uint8Array[] }[] {
    return this.#channels.flatMap((channel) => {
      const item = channel.full();
      return item === undefined ? [] : [{ channel: channel.name, payloads: channel.encode(item) }];
    });
  }

  /** Tells the neighbours all. */
  gossip(): void {
    for (const { channel, payloads } of this.full()) this.world.gossip(this, channel, payloads);
  }

  /** Hands an input in and performs what comes out. */
  feed(input: AllocatorInput): void {
    if (!this.isLive) return;
    const { allocator, world } = this;
    if (input.kind === "probed") this.probes--;
    world.ledger.before(this);
    allocator.handle(input, world.now);
    for (let out = allocator.poll(); out !== undefined; out = allocator.poll()) {
      if (out.kind === "probe") this.probes++;
      if (out.kind === "persist" && this.#held.length === 0) {
        world.after(world.scenario.commitMs, () => this.#commit());
      }
      if (out.kind === "persist" || this.#held.length > 0) this.#held.push(out);
      else this.#perform(out);
    }
    world.ledger.after(this, input);
    this.#arm();
  }

  #arm(): void {
    const at = this.allocator.deadline() ?? Infinity;
    if (at === this.#tickAt || !this.isLive) return;
    this.#tickAt = at;
    if (at === Infinity) return;
    this.world.after(Math.max(0, at - this.world.now), () => {
      if (this.#tickAt !== at) return;
      this.#tickAt = Infinity;
      this.feed({ kind: "tick" });
      this.#arm();
    });
  }

  /** Writes what is held, and performs what waited for it; unless there is a trap. */
  #commit(): void {
    if (!this.isLive) return;
    const { host } = this;
    const trap = host.trap !== undefined && host.trap.skip-- <= 0 ? host.trap.phase : undefined;
    let rests = host.trap?.rests ?? 0;
    if (trap === "before") return this.world.crash(host.number);
    const outputs = this.#held;
    this.#held = [];
    const before = host.disk;
    for (const out of outputs) {
      if (out.kind === "persist") host.disk = applyChange(host.disk, out.change);
    }
    this.world.ledger.stored(this, before);
    if (trap === "after") return this.world.crash(host.number);
    for (const out of outputs) {
      if (!this.isLive) return;
      if (out.kind === "persist") this.feed({ kind: "stored", serial: out.serial });
      else {
        this.#perform(out);
        if (trap === "between" && rests-- <= 0) return this.world.crash(host.number);
      }
    }
    if (trap === "between") this.world.crash(host.number);
  }

  #perform(output: AllocatorOutput): void {
    switch (output.kind) {
      case "answer":
        return this.#answered(output.id, output.answer);
      case "probe":
        this.world.after(output.withinMs, () => this.#probed(output.address));
        return;
      case "persist":
      case "log":
        return;
    }
    const sending = sendingOf(output, this.#allocation, this.allocator);
    if (sending === undefined) return;
    if (sending.kind === "unicast") {
      return this.world.unicast(this, sending.to, sending.channel, sending.payload);
    }
    const channel = must(this.#channels.find(({ name }) => name === sending.channel), "channel");
    this.world.relay(this.name, this, channel.name, channel.encode(sending.item));
  }

  #answered(id: number, answer: Answer): void {
    const request = this.open.get(id);
    this.open.delete(id);
    if (request !== undefined) this.world.ledger.answered(this, request.wish, answer);
  }

  /** Nobody answers ARP but where two rings may meet: elsewhere a probe must not hide that an address is given twice. */
  #probed(address: Ipv4): void {
    const careful = this.world.scenario.family === "two founders";
    const taken = careful &&
      [...this.world.reach(this).keys()].some(({ host }) => host.held.has(address));
    this.feed({ kind: "probed", address, taken });
  }
}
