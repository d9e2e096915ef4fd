/**
 * Asks by ARP whether an address is in use (RFC 5227 2.1.1): a request with no sender, which changes nobody's table.
 *
 * @module
 */

import type { Ipv4, Mac } from "../base/mod.ts";
import { arpAnnouncement, ETH_P_ARP } from "./arp.ts";
import { ERRNO, SysError } from "./errno.ts";
import { PacketSocket } from "./packet.ts";

/** Where the sender's and the target's address stand in a frame. */
const SENDER_AT = 28;
const TARGET_AT = 38;

/** Returns the request. @param mac of the interface that asks */
export function arpProbe(mac: Mac, address: Ipv4): Uint8Array<ArrayBuffer> {
  const frame = arpAnnouncement(mac, address);
  frame.fill(0, SENDER_AT, SENDER_AT + 4);
  return frame;
}

/** Returns the address that the sender of a frame uses, or wants as well; `undefined`: it says nothing of the kind. */
export function addressTold(frame: Uint8Array): Ipv4 | undefined {
  const view = new DataView(frame.buffer, frame.byteOffset, frame.length);
  if (frame.length < TARGET_AT + 4 || view.getUint16(12) !== ETH_P_ARP) return undefined;
  const sender = view.getUint32(SENDER_AT);
  return sender === 0 ? view.getUint32(TARGET_AT) : sender;
}

/**
 * Asks on one interface, and hears who answers.
 *
 * One serves any number of questions: to close a packet socket blocks for 10 to 20 ms, until no CPU uses it any more.
 */
export class ArpProber implements Disposable {
  readonly #ifindex: number;
  readonly #socket: PacketSocket;

  /**
   * Hears from now on.
   *
   * @param ifindex in the namespace of this thread
   * @throws {SysError} EPERM without CAP_NET_RAW, ENODEV
   */
  constructor(ifindex: number) {
    this.#ifindex = ifindex;
    this.#socket = PacketSocket.open({ ifindex, etherType: ETH_P_ARP });
  }

  /**
   * Asks whether an address is in use.
   *
   * Equivalent to: `arping -D -c 1 -I NAME ADDRESS`. An interface that is down asks nobody.
   *
   * @param mac of the interface
   * @throws {SysError} what the system says
   */
  ask(mac: Mac, address: Ipv4): void {
    try {
      this.#socket.send(this.#ifindex, arpProbe(mac, address));
    } catch (error) {
      const harmless: number[] = [ERRNO.ENETDOWN, ERRNO.ENOBUFS, ERRNO.ENXIO];
      if (!(error instanceof SysError && harmless.includes(error.errno))) throw error;
    }
  }

  /** Returns, without waiting, the addresses that were heard of since the last call. */
  heard(): Set<Ipv4> {
    const addresses = new Set<Ipv4>();
    for (;;) {
      const frame = this.#receive();
      if (frame === undefined) return addresses;
      const address = addressTold(frame);
      if (address !== undefined) addresses.add(address);
    }
  }

  /** Ends it. */
  [Symbol.dispose](): void {
    this.#socket[Symbol.dispose]();
  }

  #receive(): Uint8Array | undefined {
    try {
      return this.#socket.receive(0);
    } catch (error) {
      // The socket tells once that the interface went down, and hears again when it is up.
      if (error instanceof SysError && error.errno === ERRNO.ENETDOWN) return undefined;
      throw error;
    }
  }
}
