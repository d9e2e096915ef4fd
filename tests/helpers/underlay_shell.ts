/**
 * A {@link BadLink} in each direction between two UDP sockets.
 *
 * @module
 */

import { createSocket, type Socket } from "node:dgram";
import { BadLink, type Faults } from "./underlay.ts";

/** Where one end listens and where it is sent to. */
export interface End {
  /** Address to bind. */
  readonly host: string;
  /** Port to bind; 0 for any. */
  readonly port: number;
  /** Who is served at this end; `undefined`: whoever sends first. */
  readonly peer?: { readonly host: string; readonly port: number };
}

/** A forwarder with faults. What comes in at one end leaves at the other. */
export class Underlay implements AsyncDisposable {
  /** Faults from the first end to the second. */
  readonly there: BadLink;
  /** Faults from the second end to the first. */
  readonly back: BadLink;
  readonly #sockets: readonly [Socket, Socket];
  readonly #timers = new Set<ReturnType<typeof setTimeout>>();
  readonly #peers: ({ readonly host: string; readonly port: number } | undefined)[];

  private constructor(ends: readonly [End, End], faults: Faults, seed: number) {
    this.there = new BadLink(faults, seed);
    this.back = new BadLink(faults, seed + 1);
    this.#peers = ends.map((end) => end.peer);
    this.#sockets = [createSocket("udp4"), createSocket("udp4")];
  }

  /** Opens both ends. @throws if one cannot be bound */
  static async open(ends: readonly [End, End], faults: Faults, seed: number): Promise<Underlay> {
    const underlay = new Underlay(ends, faults, seed);
    await Promise.all([underlay.#listen(0, ends[0]), underlay.#listen(1, ends[1])]);
    return underlay;
  }

  /** Ports that were bound: first end, second end. */
  get ports(): [number, number] {
    return [this.#sockets[0].address().port, this.#sockets[1].address().port];
  }

  /** Closes both ends; what is on its way is lost. */
  async [Symbol.asyncDispose](): Promise<void> {
    for (const timer of this.#timers) clearTimeout(timer);
    await Promise.all(
      this.#sockets.map((socket) => new Promise<void>((resolve) => socket.close(() => resolve()))),
    );
  }

  #listen(side: 0 | 1, end: End): Promise<void> {
    const socket = this.#sockets[side];
    socket.on("message", (message, from) => {
      this.#peers[side] ??= { host: from.address, port: from.port };
      const link = side === 0 ? this.there : this.back;
      for (const delayMs of link.send()) this.#deliver(side === 0 ? 1 : 0, message, delayMs);
    });
    return new Promise((resolve, reject) => {
      socket.once("error", reject);
      socket.bind(end.port, end.host, resolve);
    });
  }

  #deliver(side: 0 | 1, message: Uint8Array, delayMs: number): void {
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      const peer = this.#peers[side];
      if (peer !== undefined) this.#sockets[side].send(message, peer.port, peer.host);
    }, delayMs);
    this.#timers.add(timer);
  }
}
