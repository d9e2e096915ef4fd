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

/** Tells whether a frame says that its sender uses an address, or wants it as well. */
export function tellsOf(frame: Uint8Array, address: Ipv4): boolean {
  const view = new DataView(frame.buffer, frame.byteOffset, frame.length);
  if (frame.length < TARGET_AT + 4 || view.getUint16(12) !== ETH_P_ARP) return false;
  const sender = view.getUint32(SENDER_AT);
  return sender === address || (sender === 0 && view.getUint32(TARGET_AT) === address);
}

/** One question on one interface, and who answers. */
export class ArpProbe implements Disposable {
  readonly #socket: PacketSocket;
  readonly #address: Ipv4;

  /**
   * Asks.
   *
   * Equivalent to: `arping -D -c 1 -I NAME ADDRESS`. An interface that is down asks nobody.
   *
   * @param ifindex in the namespace of this thread
   * @param mac of that interface
   * @throws {SysError} EPERM without CAP_NET_RAW
   */
  constructor(ifindex: number, mac: Mac, address: Ipv4) {
    this.#address = address;
    this.#socket = PacketSocket.open({ ifindex, etherType: ETH_P_ARP });
    try {
      this.#socket.send(ifindex, arpProbe(mac, address));
    } catch (error) {
      const harmless: number[] = [ERRNO.ENETDOWN, ERRNO.ENOBUFS, ERRNO.ENXIO];
      if (error instanceof SysError && harmless.includes(error.errno)) return;
      this.#socket[Symbol.dispose]();
      throw error;
    }
  }

  /** Tells, without waiting, whether somebody has answered since it was asked last. */
  answered(): boolean {
    for (;;) {
      const frame = this.#socket.receive(0);
      if (frame === undefined) return false;
      if (tellsOf(frame, this.#address)) return true;
    }
  }

  /** Ends it. */
  [Symbol.dispose](): void {
    this.#socket[Symbol.dispose]();
  }
}
