/**
 * Two routers' overlays in memory, joined by an underlay that loses, repeats and reorders, on a virtual clock.
 *
 * ```
 *   station A: slab, outbox, overlay --- datagrams ---> path: size, loss, jitter ---> station B
 *                                    --- control  ---> in order, never lost (it is TCP)
 * ```
 *
 * Time jumps from one thing that is due to the next; the seed makes a run repeatable.
 *
 * @module
 */

import {
  type Endpoint,
  macHigh,
  macLow,
  mapIpv4,
  type Millis,
  type PeerName,
} from "../../base/mod.ts";
import { COUNTER, type CounterName, COUNTERS } from "../contract.ts";
import { arraySlab, type Slab } from "../frame.ts";
import { Outbox } from "../outbox.ts";
import type {
  FrameRef,
  Overlay,
  OverlayContext,
  OverlayEvent,
  Secretbox,
  Tunnel,
} from "./overlay.ts";

/** What the suite needs to know of an overlay. */
export interface Subject {
  /** Name of the overlay, for the names of tests. */
  readonly name: string;
  /** Makes an overlay. */
  readonly create: (context: OverlayContext) => Overlay;
  /** Makes the crypto for a slab. */
  readonly secretbox: (slab: Slab) => Secretbox;
  /** Silence that ends a tunnel. */
  readonly timeoutMs: Millis;
}

/** How the underlay behaves; may be changed while it runs. */
export interface Path {
  /** Largest packet, outer IP header included. */
  mtuBytes: number;
  /** The sender's kernel knows `mtuBytes`; else larger DF datagrams vanish. */
  kernelMtuBytes: number;
  /** Fragments of non-DF datagrams arrive. */
  fragments: boolean;
  /** Share of datagrams that vanish, 0 to 1. */
  loss: number;
  /** Share of datagrams that arrive twice. */
  repeat: number;
  /** Delay, at least 1, and what is added at random. */
  delayMs: Millis;
  jitterMs: Millis;
}

/** A frame that came out of an overlay. */
export interface Delivered {
  readonly origin: PeerName;
  readonly destination: PeerName;
  readonly bytes: Uint8Array;
}

/** A datagram on the way. */
export interface Datagram {
  readonly bytes: Uint8Array;
  readonly df: boolean;
  readonly from: Endpoint;
  readonly to: Endpoint | undefined;
}

const SLAB_BYTES = 4 << 20;
const OUTBOX_BYTES = 1 << 20;
const RECEIVE_BYTES = 66_000;
const OUTER_BYTES = 28;
const PORT = 6783;
const MOST_STEPS = 200_000;

/** Returns a generator of numbers from 0 to 1 (mulberry32). */
export function randomSource(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 0x1_0000_0000;
  };
}

/** One router: overlay, outbox, what it delivered. */
export class Station {
  readonly slab = arraySlab(SLAB_BYTES);
  readonly outbox: Outbox;
  readonly overlay: Overlay;
  readonly counters = new Map<CounterName, number>();
  readonly delivered: Delivered[] = [];
  readonly events: OverlayEvent[] = [];
  /** Keys added and not removed. */
  keys = 0;
  /** Where datagrams of each slot go, set on "changed" as the loop does. */
  readonly remotes: (Endpoint | undefined)[] = [];
  endpoint: Endpoint;
  readonly #receiveAt: number;
  readonly #frameAt: number;

  constructor(subject: Subject, readonly name: PeerName, host: number) {
    this.endpoint = { ip: mapIpv4(host), port: PORT };
    this.outbox = new Outbox(this.slab, OUTBOX_BYTES, 1024);
    this.#receiveAt = this.slab.alloc(RECEIVE_BYTES);
    this.#frameAt = this.slab.alloc(RECEIVE_BYTES);
    const inner = subject.secretbox(this.slab);
    const secretbox: Secretbox = {
      name: inner.name,
      addKey: (key) => {
        this.keys++;
        return inner.addKey(key);
      },
      removeKey: (handle) => {
        this.keys--;
        inner.removeKey(handle);
      },
      seal: (handle, nonce, offset, length) => inner.seal(handle, nonce, offset, length),
      open: (handle, nonce, offset, length) => inner.open(handle, nonce, offset, length),
    };
    this.overlay = subject.create({
      slab: this.slab,
      outbox: this.outbox,
      secretbox,
      self: name,
      count: (counter) => {
        const key = COUNTERS[counter];
        if (key === undefined) throw new Error(`No counter ${counter}`);
        this.counters.set(key, this.counter(key) + 1);
      },
    });
  }

  /** Returns a counter. */
  counter(name: CounterName): number {
    return this.counters.get(name) ?? 0;
  }

  /** Returns the sum of all drops. */
  get drops(): number {
    return [...this.counters].filter(([name]) => name in COUNTER && name.startsWith("drop"))
      .reduce((sum, [, count]) => sum + count, 0);
  }

  /** Gives a frame to a tunnel. @returns one of SEND */
  send(tunnel: Tunnel, frame: Delivered, flooded = false): number {
    this.slab.bytes.set(frame.bytes, this.#frameAt);
    const ref: FrameRef = {
      offset: this.#frameAt,
      length: frame.bytes.length,
      originHigh: macHigh(frame.origin),
      originLow: macLow(frame.origin),
      destinationHigh: macHigh(frame.destination),
      destinationLow: macLow(frame.destination),
      flooded,
    };
    return tunnel.send(ref);
  }

  /** Takes a datagram, as the loop does. @returns what `receive` said */
  receive(bytes: Uint8Array, from: Endpoint, now: Millis): boolean {
    const { slab, overlay } = this;
    slab.bytes.set(bytes, this.#receiveAt);
    if (!overlay.receive(this.#receiveAt, bytes.length, () => from, now)) return false;
    for (let frame = overlay.next(); frame !== undefined; frame = overlay.next()) {
      const { offset, length } = frame;
      this.delivered.push({
        origin: frame.originHigh * 0x1_0000_0000 + (frame.originLow >>> 0),
        destination: frame.destinationHigh * 0x1_0000_0000 + (frame.destinationLow >>> 0),
        bytes: slab.bytes.slice(offset, offset + length),
      });
      // The loop writes a virtio header before the frame and may change the frame itself.
      slab.bytes.fill(0xee, offset - 14, offset + length);
    }
    return true;
  }

  /** Takes what the outbox holds, trains cut into datagrams. */
  take(): Datagram[] {
    const { outbox, slab } = this;
    const taken: Datagram[] = [];
    for (let i = outbox.first; i < outbox.count; i++) {
      const begin = outbox.offsets[i] ?? 0;
      const length = outbox.lengths[i] ?? 0;
      const segment = outbox.segments[i] || length;
      for (let at = 0; at < length; at += segment) {
        taken.push({
          bytes: slab.bytes.slice(begin + at, begin + Math.min(length, at + segment)),
          df: outbox.df[i] === 1,
          from: this.endpoint,
          to: this.remotes[outbox.slots[i] ?? 0],
        });
      }
    }
    outbox.sent(outbox.count - outbox.first);
    return taken;
  }
}

/** The two stations, their tunnels, the path and the clock. */
export class Net {
  now: Millis = 1_000;
  readonly a: Station;
  readonly b: Station;
  readonly path: Path = {
    mtuBytes: 1500,
    kernelMtuBytes: 1500,
    fragments: true,
    loss: 0,
    repeat: 0,
    delayMs: 1,
    jitterMs: 0,
  };
  /** Datagrams that were sent, newest last; the newest thousand. */
  readonly sent: Datagram[] = [];
  readonly random: () => number;
  readonly tunnels = new Map<Station, Tunnel>();
  /** What each tunnel looked like when it last told of a change. */
  readonly told = new Map<Tunnel, string>();
  #due: { readonly at: Millis; readonly order: number; readonly act: () => void }[] = [];
  #order = 0;

  constructor(subject: Subject, seed = 1) {
    this.random = randomSource(seed);
    this.a = new Station(subject, 0x0200_0000_0001, 0xc000_0201);
    this.b = new Station(subject, 0xfe00_8000_0002, 0xc000_0202);
  }

  /** Opens the tunnel of both ends; A dialled. */
  join(
    options: { keyA?: Uint8Array; keyB?: Uint8Array; bKnowsA?: boolean; connUid?: bigint } = {},
  ): { a: Tunnel; b: Tunnel } {
    const { a, b } = this;
    const shared = { link: 1, index: 0, connUid: options.connUid ?? 0xfedc_ba98_7654_3210n };
    const ta = a.overlay.open(
      { ...shared, peer: b.name, outbound: true, key: options.keyA, remote: b.endpoint },
      3,
      this.now,
    );
    const remote = options.bKnowsA === true ? a.endpoint : undefined;
    const tb = b.overlay.open(
      { ...shared, peer: a.name, outbound: false, key: options.keyB, remote },
      5,
      this.now,
    );
    a.remotes[3] = b.endpoint;
    b.remotes[5] = remote;
    this.tunnels.set(a, ta).set(b, tb);
    return { a: ta, b: tb };
  }

  /** Returns the tunnel of a station. */
  tunnel(station: Station): Tunnel {
    const tunnel = this.tunnels.get(station);
    if (tunnel === undefined) throw new Error("No tunnel");
    return tunnel;
  }

  /** Lets time pass. */
  run(forMs: Millis): void {
    const until = this.now + forMs;
    for (let step = 0; step < MOST_STEPS; step++) {
      this.settle();
      const next = this.#next();
      if (next > until) {
        this.now = until;
        return;
      }
      this.now = Math.max(this.now, next);
      this.#due.sort((x, y) => x.at - y.at || x.order - y.order);
      while ((this.#due[0]?.at ?? Infinity) <= this.now) this.#due.shift()?.act();
    }
    throw new Error("The overlays do not come to rest");
  }

  /** Does what is due now: ticks, events, sends. */
  settle(): void {
    for (const station of [this.a, this.b]) {
      const tunnel = this.tunnels.get(station);
      if (tunnel === undefined) continue;
      if (tunnel.deadline() <= this.now) tunnel.tick(this.now);
      this.drain(station);
      tunnel.flush();
      for (const datagram of station.take()) this.#transmit(station, datagram);
      this.drain(station);
    }
  }

  /** Takes a station's events, as the loop does. */
  drain(station: Station): void {
    for (let event = station.overlay.poll(); event !== undefined; event = station.overlay.poll()) {
      station.events.push(event);
      if (event.kind === "changed") {
        station.remotes[event.tunnel.slot] = event.tunnel.remote;
        this.told.set(event.tunnel, look(event.tunnel));
        continue;
      }
      const { tag, body } = event;
      const other = station === this.a ? this.b : this.a;
      this.#after(1, () => this.tunnels.get(other)?.control(tag, body, this.now));
    }
  }

  #next(): Millis {
    const deadlines = [...this.tunnels.values()].map((tunnel) => tunnel.deadline());
    return Math.min(...deadlines, ...this.#due.map(({ at }) => at));
  }

  #after(delay: Millis, act: () => void): void {
    this.#due.push({ at: this.now + delay, order: this.#order++, act });
  }

  #transmit(station: Station, datagram: Datagram): void {
    this.sent.push(datagram);
    if (this.sent.length > 1_000) this.sent.shift();
    const { path } = this;
    const size = datagram.bytes.length + OUTER_BYTES;
    if (datagram.df && size > path.kernelMtuBytes) {
      this.tunnel(station).pathMtu(path.kernelMtuBytes, this.now);
      return;
    }
    if (size > path.mtuBytes && (datagram.df || !path.fragments)) return;
    if (this.random() < path.loss) return;
    const copies = this.random() < path.repeat ? 2 : 1;
    for (let i = 0; i < copies; i++) {
      const delay = path.delayMs + this.random() * path.jitterMs;
      this.#after(delay, () => this.#arrive(datagram));
    }
  }

  #arrive(datagram: Datagram): void {
    for (const station of [this.a, this.b]) {
      const { endpoint } = station;
      if (datagram.to?.port !== endpoint.port) continue;
      if (!datagram.to.ip.every((byte, i) => byte === endpoint.ip[i])) continue;
      station.receive(datagram.bytes, datagram.from, this.now);
    }
  }
}

/** Returns all that a tunnel shows to the outside. */
export function look(tunnel: Tunnel): string {
  const { state, reason, mtuBytes, remote } = tunnel;
  return JSON.stringify([state, reason, mtuBytes, remote?.port, [...remote?.ip ?? []]]);
}
