/**
 * The links that main configured: opens and closes their tunnels, and knows the best one towards each neighbour.
 *
 * ```
 *   LinkEntry (a mesh connection) -- one tunnel for each common overlay -- best = first established in order
 * ```
 *
 * Shuttle is no tunnel: a link whose common overlays name it offers the address of its established tunnel.
 *
 * A core: it neither sends nor reads a clock. It gives each tunnel a slot, the number under which the socket knows the
 * tunnel's address; the loop fills in the address.
 *
 * @module
 */

import { Bug, type Endpoint, macHigh, macLow, type Millis, type PeerName } from "../base/mod.ts";
import type { LinkEntry } from "./contract.ts";
import type { Overlay, Tunnel } from "./overlay/overlay.ts";
import type { ShuttleHop } from "./shuttle/pair.ts";
import { SHUTTLE_OVERLAY } from "./shuttle/shuttle_overlay.ts";

/** One mesh connection and its tunnels. */
export interface Link {
  /** What main said. */
  readonly entry: LinkEntry;
  /** One for each overlay that could be opened, in order of preference. */
  readonly tunnels: Tunnel[];
}

/** A link whose neighbour understands shuttle: `tunnel` is the one of sleeve whose address it uses. */
export interface ShuttleLink {
  /** The link. */
  readonly link: number;
  /** Position of shuttle in the common list. */
  readonly index: number;
  /** Index of the neighbour. */
  readonly peer: number;
  /** The tunnel beside it. */
  readonly tunnel: Tunnel;
}

/** What {@link LinkTable} reports of a link that it could not open. */
export interface LinkFault {
  /** The link. */
  readonly link: number;
  /** Position of the overlay. */
  readonly index: number;
  /** Its name. */
  readonly overlay: string;
  /** Why. */
  readonly reason: string;
}

/** All links of the worker. */
export class LinkTable {
  readonly #overlays: readonly Overlay[];
  readonly #links = new Map<number, Link>();
  readonly #keys = new Map<number, Uint8Array>();
  readonly #freeSlots: number[];
  readonly #peerOfSlot: Int32Array;
  #best: (Tunnel | undefined)[] = [];
  #hops: (ShuttleHop | undefined)[] = [];
  /** Names of neighbours whose first byte is odd, as two integers each: normally none. */
  #oddNames = new Int32Array(0);
  /** 1: the address slot is that of a hop. */
  readonly #isHop: Uint8Array;
  #hopSlots = new Int32Array(0);

  /**
   * @param overlays all overlays that this worker has
   * @param slots how many tunnels there can be at once
   */
  constructor(overlays: readonly Overlay[], slots: number) {
    this.#overlays = overlays;
    this.#freeSlots = Array.from({ length: slots }, (_, i) => i);
    this.#peerOfSlot = new Int32Array(slots).fill(-1);
    this.#isHop = new Uint8Array(slots);
  }

  /** Takes the key of a link that will be configured. */
  addKey(link: number, key: Uint8Array): void {
    this.#keys.set(link, key);
  }

  /**
   * Makes the links those of `entries`: new ones are opened, missing ones closed, others stay as they are.
   *
   * @param nameOf returns the name of a peer by index
   * @returns what could not be opened
   */
  configure(
    entries: readonly LinkEntry[],
    nameOf: (peer: number) => PeerName,
    now: Millis,
  ): LinkFault[] {
    const wanted = new Set(entries.map((entry) => entry.id));
    for (const link of [...this.#links.values()]) {
      if (!wanted.has(link.entry.id)) this.#close(link);
    }
    const faults: LinkFault[] = [];
    for (const entry of entries) {
      const known = this.#links.get(entry.id);
      if (known === undefined) this.#open(entry, nameOf(entry.peer), now, faults);
      else if (known.entry.peer !== entry.peer) throw new Bug("A link changed its peer");
      else this.#retime(known, entry, now);
    }
    this.#oddNames = Int32Array.from(
      entries.map((entry) => nameOf(entry.peer)).filter((name) => (macHigh(name) & 0x100) !== 0)
        .flatMap((name) => [macHigh(name), macLow(name)]),
    );
    this.choose();
    return faults;
  }

  /** Tells whether the name that a datagram begins with is a neighbour's although its first byte is odd. hot path */
  isOddName(view: DataView, datagram: number, length: number): boolean {
    const names = this.#oddNames;
    if (length < 6) return false;
    for (let i = 0; i < names.length; i += 2) {
      if (
        view.getUint16(datagram) === names[i] && view.getInt32(datagram + 2) === names[i + 1]
      ) return true;
    }
    return false;
  }

  /** Returns where a neighbour takes segments of shuttle, `undefined` if it does not, or not yet. hot path */
  hop(peer: number): ShuttleHop | undefined {
    return this.#hops[peer];
  }

  /** Address slots of all hops; lent until the next change. */
  get hopSlots(): Int32Array {
    return this.#hopSlots;
  }

  /** Tells whether an address slot is that of a hop. hot path */
  isHopSlot(slot: number): boolean {
    return this.#isHop[slot] === 1;
  }

  /** Returns the links that shuttle may go over. */
  *shuttleLinks(): Generator<ShuttleLink> {
    for (const { entry, tunnels } of this.#links.values()) {
      const found = entry.overlays.find(({ name }) => name === SHUTTLE_OVERLAY);
      const [tunnel] = tunnels;
      if (found === undefined || tunnel === undefined) continue;
      yield { link: entry.id, index: found.index, peer: entry.peer, tunnel };
    }
  }

  /** Returns the tunnel that frames for a neighbour take, `undefined` if none is established. hot path */
  towards(peer: number): Tunnel | undefined {
    return this.#best[peer];
  }

  /** Returns the index of the neighbour that a tunnel leads to. hot path */
  peerOf(tunnel: Tunnel): number {
    return this.#peerOfSlot[tunnel.slot] ?? -1;
  }

  /** Chooses again, after a tunnel changed its state. */
  choose(): void {
    const best: (Tunnel | undefined)[] = [];
    const hops: (ShuttleHop | undefined)[] = [];
    for (const { entry, tunnels } of this.#links.values()) {
      const tunnel = tunnels.find((candidate) => candidate.state === "established");
      if (tunnel === undefined) continue;
      best[entry.peer] = tunnel;
      hops[entry.peer] = entry.overlays.some(({ name }) => name === SHUTTLE_OVERLAY)
        ? shuttleHop(entry, tunnel)
        : undefined;
    }
    this.#best = best;
    this.#hops = hops;
    this.#hopSlots = Int32Array.from(hops.flatMap((hop) => hop === undefined ? [] : [hop.slot]));
    this.#isHop.fill(0);
    for (const slot of this.#hopSlots) this.#isHop[slot] = 1;
  }

  /** Returns the tunnel of a link by the overlay's position, `undefined` if there is none. */
  tunnel(link: number, index: number): Tunnel | undefined {
    return this.#links.get(link)?.tunnels.find((tunnel) => tunnel.spec.index === index);
  }

  /** Returns all tunnels. */
  *tunnels(): Generator<Tunnel> {
    for (const link of this.#links.values()) yield* link.tunnels;
  }

  /** Returns all tunnels whose datagrams go to an address, whatever the port. */
  toAddress(endpoint: Endpoint): Tunnel[] {
    return [...this.tunnels()].filter((tunnel) =>
      tunnel.remote?.ip.every((byte, i) => byte === endpoint.ip[i]) === true
    );
  }

  /** Does what is due in all tunnels. @returns when the next thing is due */
  tick(now: Millis): Millis {
    let next = Infinity;
    for (const link of this.#links.values()) {
      for (const tunnel of link.tunnels) {
        if (tunnel.deadline() <= now) tunnel.tick(now);
        next = Math.min(next, tunnel.deadline());
      }
    }
    return next;
  }

  /** Closes everything. */
  closeAll(): void {
    for (const link of [...this.#links.values()]) this.#close(link);
    this.#keys.clear();
    this.#best = [];
    this.#hops = [];
  }

  #open(entry: LinkEntry, peer: PeerName, now: Millis, faults: LinkFault[]): void {
    const tunnels: Tunnel[] = [];
    const key = entry.encrypted ? this.#keys.get(entry.id) : undefined;
    this.#keys.delete(entry.id);
    for (const { index, name } of entry.overlays) {
      const fault = (reason: string): void => {
        faults.push({ link: entry.id, index, overlay: name, reason });
      };
      if (name === SHUTTLE_OVERLAY) continue;
      const overlay = this.#overlays.find((candidate) => candidate.name === name);
      // First in, first out: what still waits for a slot that was freed should not meet its next owner.
      const slot = this.#freeSlots[0];
      if (overlay === undefined) fault("this router has no such overlay");
      else if (entry.encrypted && key === undefined) fault("its key is missing");
      else if (slot === undefined) fault("too many tunnels");
      else {
        this.#freeSlots.shift();
        this.#peerOfSlot[slot] = entry.peer;
        const { id: link, connUid, outbound, remote, trainSegments, livelyMs } = entry;
        const about = { link, index, peer, connUid, outbound, key };
        tunnels.push(overlay.open({ ...about, remote, trainSegments, livelyMs }, slot, now));
      }
    }
    this.#links.set(entry.id, { entry, tunnels });
  }

  #retime({ entry: before, tunnels }: Link, entry: LinkEntry, now: Millis): void {
    const { livelyMs } = entry;
    if (livelyMs === undefined || livelyMs === before.livelyMs) return;
    for (const tunnel of tunnels) tunnel.retime?.(livelyMs, now);
    this.#links.set(entry.id, { entry, tunnels });
  }

  #close(link: Link): void {
    this.#links.delete(link.entry.id);
    this.#keys.delete(link.entry.id);
    for (const tunnel of link.tunnels) {
      const overlay = this.#overlays.find((candidate) =>
        link.entry.overlays.some(({ index, name }) =>
          index === tunnel.spec.index && name === candidate.name
        )
      );
      overlay?.close(tunnel);
      this.#peerOfSlot[tunnel.slot] = -1;
      this.#freeSlots.push(tunnel.slot);
    }
  }
}

/** Before the kernel has said what the path carries there is none. */
function shuttleHop(
  { trainSegments, encrypted }: LinkEntry,
  { slot, pathPayloadBytes }: Tunnel,
): ShuttleHop | undefined {
  if (pathPayloadBytes === undefined) return undefined;
  return { slot, upperBytes: pathPayloadBytes, trainSegments, encrypted };
}
