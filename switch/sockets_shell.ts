/**
 * The UDP sockets of the data plane, one for each address family, and how the outbox leaves through them.
 *
 * One unconnected socket serves all peers, so an ICMP error that one of them caused surfaces at a send to another: a refused
 * send is tried once more before it is counted as lost, and never fails a tunnel.
 *
 * @module
 */

import { type Endpoint, parseIp, unmapIpv4 } from "../base/mod.ts";
import { type Arena, ERRNO, SysError, UdpSocket } from "../ffi/mod.ts";
import { COUNTER } from "./contract.ts";
import type { Outbox } from "./outbox.ts";

/** How many addresses can be stored: one for each tunnel. */
export const ENDPOINTS = 1024;

/** Sends that one system call takes. Four trains are a quarter of a megabyte; more measured no better. */
const SEND_SLOTS = 16;
/** A GRO train is at most this long. */
const RECEIVE_SLOT_BYTES = 65_536;
/** Trains arrive cut into single datagrams on some paths: a batch of 64 then matters. IPv6 underlays are rare. */
const BATCH = { 4: 64, 6: 16 } as const;
/** Room for two batches: what a superframe has in the last one stays until it is whole. */
const BATCHES = 2;
/** Packets wait here while this thread is not scheduled; with the default of 208 KiB only three trains would. */
const RECEIVE_BUFFER_BYTES = 8 << 20;
/** Larger hides drops of the device behind it: its queue is then full before the buffer is. */
const SEND_BUFFER_BYTES = 1 << 20;
/** No path of ours is smaller; anyone on the path can forge an ICMP error. */
const SMALLEST_PATH_MTU = 552;

/** Where the address of our own socket is stored, behind those of all tunnels. */
const OWN_SLOT = ENDPOINTS;
/** A refusal can be of an earlier datagram to another address; so many in a row are of this one. */
const MOST_REFUSALS = 8;
const LOOPBACK = { 4: "127.0.0.1", 6: "::1" } as const;

/** Arena that {@link Sockets.open} needs, in bytes. */
export const SOCKETS_ARENA_BYTES = BATCHES * (BATCH[4] + BATCH[6]) *
    (RECEIVE_SLOT_BYTES + 512) + 2 * ((ENDPOINTS + 1) * 32 + 65_536);

/** What sockets need to reach themselves. */
interface Own {
  /** The address that was bound, `undefined` for all. */
  readonly address: Uint8Array | undefined;
  /** Offset of a byte in the arena. */
  readonly byte: number;
}

/** What {@link Sockets} tells the loop. */
export interface SocketEvents {
  /** Adds to a counter. */
  count(counter: number, by: number): void;
  /** The kernel knows a path MTU to an address (any port), outer IP header included. */
  pathMtu(endpoint: Endpoint, pathMtuBytes: number): void;
}

/** All UDP sockets of a router. */
export class Sockets implements Disposable {
  /** IPv4 first; IPv6 where the machine has it. */
  readonly all: readonly UdpSocket[];
  /** The port that was bound. */
  readonly port: number;
  readonly #slotSocket = new Uint8Array(ENDPOINTS);
  readonly #families: readonly (4 | 6)[];
  /** First slot of each socket's last batch. */
  readonly #firsts = new Uint8Array(2);
  readonly #events: SocketEvents;
  /** Memory of one byte. */
  readonly #byte: number;
  /** Echoes in a row that the kernel did not take. */
  #refusals = 0;

  private constructor(all: UdpSocket[], families: (4 | 6)[], own: Own, events: SocketEvents) {
    this.all = all;
    this.#families = families;
    this.#events = events;
    this.port = all[0]?.port ?? 0;
    this.#byte = own.byte;
    const ip = own.address ?? parseIp(LOOPBACK[families[0] ?? 4]);
    all[0]?.setEndpoint(OWN_SLOT, { ip, port: this.port });
  }

  /**
   * Binds the port.
   *
   * @param host local address as text, `undefined` for all of both families
   * @throws {SysError} EADDRINUSE if the port is taken
   */
  static open(
    arena: Arena,
    host: string | undefined,
    port: number,
    events: SocketEvents,
  ): Sockets {
    const address = host === undefined ? undefined : parseIp(host);
    const wanted: readonly (4 | 6)[] = address === undefined
      ? [4, 6]
      : [unmapIpv4(address) === undefined ? 6 : 4];
    const all: UdpSocket[] = [];
    const families: (4 | 6)[] = [];
    try {
      for (const family of wanted) {
        const socket = openFamily(arena, family, address, all[0]?.port ?? port, all.length > 0);
        if (socket === undefined) continue;
        all.push(socket);
        families.push(family);
      }
    } catch (error) {
      for (const socket of all) socket[Symbol.dispose]();
      throw error;
    }
    return new Sockets(all, families, { address, byte: arena.alloc(1) }, events);
  }

  /** Stores where a slot's datagrams go; without an address, or without a socket of its family, they are dropped. */
  setRemote(slot: number, endpoint: Endpoint | undefined): void {
    const family = endpoint === undefined ? 0 : unmapIpv4(endpoint.ip) === undefined ? 6 : 4;
    const at = this.#families.findIndex((candidate) => candidate === family);
    this.#slotSocket[slot] = at + 1;
    if (endpoint !== undefined && at >= 0) this.all[at]?.setEndpoint(slot, endpoint);
  }

  /**
   * Takes a batch from a socket, in its slots from {@link Sockets.first} on. hot path
   *
   * @param at number of the socket
   * @param keeps the messages of its last batch have to stay
   * @returns how many, 0 for none or an error
   */
  receive(at: number, keeps: boolean): number {
    const most = this.batch(at);
    const first = keeps && this.first(at) === 0 ? most : 0;
    this.#firsts[at] = first;
    return Math.max(0, this.all[at]?.receive(first, most) ?? 0);
  }

  /** Returns the slot of the first message of a socket's last batch. hot path */
  first(at: number): number {
    return this.#firsts[at] ?? 0;
  }

  /** Returns how many messages a batch of a socket has at most. hot path */
  batch(at: number): number {
    return BATCH[this.#families[at] ?? 4];
  }

  /**
   * Sends what waits in the outbox. hot path
   *
   * @returns false if the kernel's buffer is full: the rest stays, wait for room
   */
  flush(outbox: Outbox): boolean {
    let refused = false;
    while (!outbox.empty) {
      const first = outbox.first;
      const at = this.#slotSocket[outbox.slots[first] ?? 0] ?? 0;
      const socket = this.all[at - 1];
      if (socket === undefined) {
        this.#events.count(COUNTER.dropNoRemote, 1);
        outbox.sent(1);
        continue;
      }
      const sent = this.#send(socket, at, outbox, first);
      if (sent > 0) {
        this.#tally(outbox, first, sent);
        outbox.sent(sent);
        refused = false;
      } else if (sent === -ERRNO.EAGAIN) return false;
      else if (sent !== -ERRNO.EINTR) {
        this.drainErrors(socket);
        if (refused) {
          this.#sendSingly(socket, outbox, first);
          outbox.sent(1);
        }
        refused = !refused;
      }
    }
    return true;
  }

  /**
   * Sends a byte from the first socket to itself, on this host alone; what comes of it is for {@link isEcho}. hot path
   *
   * Where the kernel refuses time after time (the loopback device is down, a firewall) nothing is tried again.
   */
  echo(): void {
    const socket = this.all[0];
    if (socket === undefined || this.#refusals >= MOST_REFUSALS) return;
    socket.prepare(0, OWN_SLOT, this.#byte, 1, 0);
    this.#refusals = socket.send(0, 1) === 1 ? 0 : this.#refusals + 1;
  }

  /** Tells whether a message that a socket received is one of our own. hot path */
  isEcho(at: number, message: number): boolean {
    return at === 0 && this.all[0]?.sourceIs(message, OWN_SLOT) === true;
  }

  /** Tells whether a message that a socket received came from the address of a slot. hot path */
  isFrom(at: number, message: number, slot: number): boolean {
    return this.#slotSocket[slot] === at + 1 && this.all[at]?.sourceIs(message, slot) === true;
  }

  /** Reads all reports of a socket's error queue. */
  drainErrors(socket: UdpSocket): void {
    for (let report = socket.readError(); report !== undefined; report = socket.readError()) {
      if (report.errno === ERRNO.EMSGSIZE && report.mtuBytes > 0) {
        this.#events.pathMtu(report.endpoint, Math.max(report.mtuBytes, SMALLEST_PATH_MTU));
      }
    }
  }

  /** Closes the sockets. */
  [Symbol.dispose](): void {
    for (const socket of this.all) socket[Symbol.dispose]();
  }

  /** Sends as many as go the same way, with the same DF bit, in one call. hot path */
  #send(socket: UdpSocket, at: number, outbox: Outbox, first: number): number {
    const df = outbox.df[first];
    const end = Math.min(outbox.count, first + SEND_SLOTS);
    let i = first;
    for (; i < end; i++) {
      const slot = outbox.slots[i] ?? 0;
      if (outbox.df[i] !== df || this.#slotSocket[slot] !== at) break;
      socket.prepare(
        i - first,
        slot,
        outbox.offsets[i] ?? 0,
        outbox.lengths[i] ?? 0,
        outbox.segments[i] ?? 0,
      );
    }
    socket.setDontFragment(df === 1);
    return socket.send(0, i - first);
  }

  /**
   * Sends the datagrams of a refused train one by one, so that each gets through or gets its own error: the kernel neither
   * fragments a train nor reports the path MTU that refused it.
   */
  #sendSingly(socket: UdpSocket, outbox: Outbox, train: number): void {
    const offset = outbox.offsets[train] ?? 0;
    const length = outbox.lengths[train] ?? 0;
    const segment = outbox.segments[train] || length;
    if (segment === length) return this.#events.count(COUNTER.dropSend, 1);
    for (let at = 0; at < length; at += segment) {
      const bytes = Math.min(segment, length - at);
      socket.prepare(0, outbox.slots[train] ?? 0, offset + at, bytes, 0);
      if (socket.send(0, 1) === 1) {
        this.#events.count(COUNTER.udpSent, 1);
        this.#events.count(COUNTER.udpSentBytes, bytes);
      } else {
        this.#events.count(COUNTER.dropSend, 1);
        this.drainErrors(socket);
      }
    }
  }

  #tally(outbox: Outbox, first: number, sent: number): void {
    for (let i = first; i < first + sent; i++) {
      const length = outbox.lengths[i] ?? 0;
      this.#events.count(COUNTER.udpSent, Math.ceil(length / (outbox.segments[i] || length)));
      this.#events.count(COUNTER.udpSentBytes, length);
    }
  }
}

/** Opens one socket; a second family that the machine lacks is left out. */
function openFamily(
  arena: Arena,
  family: 4 | 6,
  host: Uint8Array | undefined,
  port: number,
  optional: boolean,
): UdpSocket | undefined {
  try {
    return UdpSocket.open(arena, {
      family,
      host,
      port,
      receiveBufferBytes: RECEIVE_BUFFER_BYTES,
      sendBufferBytes: SEND_BUFFER_BYTES,
      receiveSlots: BATCHES * BATCH[family],
      slotBytes: RECEIVE_SLOT_BYTES,
      sendSlots: SEND_SLOTS,
      endpoints: ENDPOINTS + 1,
      gso: true,
      gro: true,
    });
  } catch (error) {
    const missing = ["EAFNOSUPPORT", "EADDRNOTAVAIL", "EPROTONOSUPPORT"];
    if (optional && error instanceof SysError && missing.includes(error.code)) return undefined;
    throw error;
  }
}
