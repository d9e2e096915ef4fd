/**
 * Queries by UDP in batches: as many as have come with one system call, and their answers with one more.
 *
 * ```
 *   runtime's socket --- waits; has the first one ---> listener
 *        | the same queue                                 |
 *   recvmmsg: the rest, up to 32 at a time ---------------+---> sendmmsg: the answers
 * ```
 *
 * The runtime takes two asynchronous operations for each datagram and its answer, which cost more than the answer itself.
 *
 * @module
 */

import { type Endpoint, formatIp, unmapIpv4 } from "../../base/mod.ts";
import { Arena, UdpSocket } from "../../ffi/mod.ts";
import { MAX_UDP_BYTES } from "./reply.ts";

/** Longest query by UDP; what is cut off makes it one that does not parse. */
export const MAX_QUERY_BYTES = 4096;
/** Datagrams of one system call. */
export const BATCH_SLOTS = 32;
/** Some 2,500 short queries, those of a quarter of a second at 10,000 a second: the kernel counts the room around them. */
const RECEIVE_BUFFER_BYTES = 1 << 20;
const SEND_BUFFER_BYTES = 1 << 20;
/** Addresses, headers and the like. */
const MARGIN_BYTES = 1 << 16;

/** The second half of a socket that the runtime has bound. */
export class Datagrams implements Disposable {
  /** Answers that could not be sent. */
  unsent = 0;
  #arena: Arena;
  #socket: UdpSocket;
  #answers: number;
  #prepared = 0;

  /**
   * Joins the socket that is bound to an address.
   *
   * @throws {SysError} EBADF if there is none
   */
  constructor({ ip, port }: Endpoint) {
    this.#arena = Arena.open(BATCH_SLOTS * (MAX_QUERY_BYTES + MAX_UDP_BYTES) + MARGIN_BYTES);
    try {
      this.#socket = UdpSocket.join(this.#arena, {
        family: unmapIpv4(ip) === undefined ? 6 : 4,
        host: ip,
        port,
        receiveBufferBytes: RECEIVE_BUFFER_BYTES,
        sendBufferBytes: SEND_BUFFER_BYTES,
        receiveSlots: BATCH_SLOTS,
        slotBytes: MAX_QUERY_BYTES,
        sendSlots: BATCH_SLOTS,
        endpoints: BATCH_SLOTS,
        gso: false,
        gro: false,
      });
      this.#answers = this.#arena.alloc(BATCH_SLOTS * MAX_UDP_BYTES, 64);
    } catch (error) {
      this.#arena[Symbol.dispose]();
      throw error;
    }
  }

  /** How many the kernel dropped because more came than were taken. */
  get dropped(): number {
    return this.#socket.receiveDrops();
  }

  /** Takes what has come. @returns how many, at most 32; 0: nothing is there */
  receive(): number {
    return Math.max(0, this.#socket.receive());
  }

  /** Returns the bytes of datagram `i`; valid until the next `receive`. */
  bytes(i: number): Uint8Array<ArrayBuffer> {
    const at = this.#socket.slotOffset(i);
    return this.#arena.bytes.subarray(at, at + this.#socket.slotLength(i));
  }

  /** Returns where datagram `i` came from. */
  source(i: number): Deno.NetAddr {
    const { ip, port } = this.#socket.source(i);
    return { transport: "udp", hostname: formatIp(ip), port };
  }

  /** Puts down the answer to datagram `i`, one at most, until `flush`. @param bytes at most 4096; copied */
  answer(i: number, bytes: Uint8Array): void {
    const slot = this.#prepared++;
    const at = this.#answers + slot * MAX_UDP_BYTES;
    this.#arena.bytes.set(bytes, at);
    this.#socket.setEndpointToSource(slot, i);
    this.#socket.prepare(slot, slot, at, bytes.length, 0);
  }

  /** Sends the answers that were put down. What the kernel does not take is counted: clients ask again. */
  flush(): void {
    const count = this.#prepared;
    this.#prepared = 0;
    for (let sent = 0; sent < count;) {
      const more = this.#socket.send(sent, count - sent);
      // A client that cannot be reached stands in nobody's way.
      if (more <= 0) this.unsent++;
      sent += Math.max(1, more);
    }
  }

  /** Leaves the socket. The runtime's half is to be closed as well. */
  [Symbol.dispose](): void {
    this.#socket[Symbol.dispose]();
    this.#arena[Symbol.dispose]();
  }
}
