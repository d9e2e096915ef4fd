/**
 * One rtnetlink socket: requests, acknowledgements, dumps; netlink(7).
 *
 * Synchronous: the kernel answers a request before send(2) returns, so that nothing is ever waited for.
 *
 * @module
 */

import { concat } from "../../base/mod.ts";
import { check, ERRNO, SysError } from "../errno.ts";
import { Fd, OPEN } from "../fd.ts";
import { NLMSGHDR, SOCKADDR_NL } from "../layout.ts";
import { errno, libc } from "../libc.ts";
import {
  NLM_F,
  type NlMessage,
  NLMSG,
  parseError,
  parseMessages,
  writeMessage,
} from "./message.ts";

/** `sys/socket.h`, `linux/netlink.h` */
const AF_NETLINK = 16;
const SOCK_RAW = 3;
const NETLINK_ROUTE = 0;
const SOL_SOCKET = 1;
const SO_RCVTIMEO = 20;
const SOL_NETLINK = 270;
const NETLINK_EXT_ACK = 11;
const NETLINK_GET_STRICT_CHK = 12;
const MSG_TRUNC = 0x20;

/** The kernel fills at most 32 KiB of a dump into one datagram; an echo of a request is smaller. */
const RECEIVE_BYTES = 65536;
/** An answer that is not there at once never comes; a bug of ours must not stop the thread for good. */
const RECEIVE_TIMEOUT_S = 5;
/** A dump that changed under way is begun again; a machine on which each of these fails is in constant flux. */
const DUMP_ATTEMPTS = 20;

/** A socket that speaks of the interfaces, addresses, routes and neighbours of one network namespace. */
export class Netlink implements Disposable {
  readonly #fd: Fd;
  readonly #buffer = new Uint8Array(RECEIVE_BYTES);
  #seq = 0;

  private constructor(fd: Fd) {
    this.#fd = fd;
  }

  /** Opens a socket in the namespace that this thread is in; it stays there. @throws {SysError} ENOPROTOOPT before Linux 4.20 */
  static open(): Netlink {
    const type = SOCK_RAW | OPEN.O_CLOEXEC;
    const fd = new Fd(check("socket AF_NETLINK", libc().socket(AF_NETLINK, type, NETLINK_ROUTE)));
    try {
      const address = new Uint8Array(SOCKADDR_NL.size);
      new DataView(address.buffer).setUint16(SOCKADDR_NL.family, AF_NETLINK, true);
      check("bind AF_NETLINK", libc().bind(fd.number, address, address.length));
      setOption(fd, "NETLINK_EXT_ACK", SOL_NETLINK, NETLINK_EXT_ACK, [1]);
      // Without it the kernel ignores the filters of a dump and would answer for the wrong namespace.
      setOption(fd, "NETLINK_GET_STRICT_CHK", SOL_NETLINK, NETLINK_GET_STRICT_CHK, [1]);
      setOption(fd, "SO_RCVTIMEO", SOL_SOCKET, SO_RCVTIMEO, [RECEIVE_TIMEOUT_S, 0, 0, 0]);
      return new Netlink(fd);
    } catch (error) {
      fd.close();
      throw error;
    }
  }

  /**
   * Makes a request and waits for its answer.
   *
   * @param call what is asked, for the error, as "add link weft"
   * @param type RTM_*
   * @param flags of {@link NLM_F}; REQUEST and ACK are added
   * @param payload family header and attributes
   * @returns payloads of the answers; none for a change
   * @throws {SysError} with the kernel's error and, if it gave some, its words
   */
  request(
    call: string,
    type: number,
    flags: number,
    ...payload: readonly Uint8Array[]
  ): Uint8Array[] {
    const seq = this.#send(call, type, flags | NLM_F.ACK, payload);
    const answers: Uint8Array[] = [];
    for (;;) {
      for (const message of this.#receive(call, seq)) {
        if (message.type === NLMSG.ERROR) {
          throwError(call, message);
          return answers;
        }
        answers.push(message.payload.slice());
      }
    }
  }

  /**
   * Lists objects; begins again when the kernel says that they changed meanwhile.
   *
   * @param call what is asked, for the error, as "list links"
   * @param type RTM_GET*
   * @param payload family header and attributes that filter
   * @returns payload of each object
   * @throws {SysError} as {@link Netlink.request}; EAGAIN if each attempt was disturbed
   */
  dump(call: string, type: number, ...payload: readonly Uint8Array[]): Uint8Array[] {
    for (let attempt = 0; attempt < DUMP_ATTEMPTS; attempt++) {
      const objects = this.#dumpOnce(call, type, payload);
      if (objects !== undefined) return objects;
    }
    throw new SysError(call, ERRNO.EAGAIN, "it changes all the time");
  }

  /** Closes the socket. */
  close(): void {
    this.#fd.close();
  }

  /** Closes the socket. */
  [Symbol.dispose](): void {
    this.close();
  }

  #dumpOnce(
    call: string,
    type: number,
    payload: readonly Uint8Array[],
  ): Uint8Array[] | undefined {
    const seq = this.#send(call, type, NLM_F.DUMP, payload);
    const objects: Uint8Array[] = [];
    let disturbed = false;
    for (;;) {
      for (const message of this.#receive(call, seq)) {
        if ((message.flags & NLM_F.DUMP_INTR) !== 0) disturbed = true;
        if (message.type === NLMSG.DONE || message.type === NLMSG.ERROR) {
          throwError(call, message);
          return disturbed ? undefined : objects;
        }
        objects.push(message.payload.slice());
      }
    }
  }

  #send(call: string, type: number, flags: number, payload: readonly Uint8Array[]): number {
    this.#seq = (this.#seq + 1) >>> 0;
    const bytes = writeMessage({
      type,
      flags: flags | NLM_F.REQUEST,
      seq: this.#seq,
      pid: 0,
      payload: concat(...payload),
    });
    check(call, libc().send(this.#fd.number, bytes, bytes.length, 0));
    return this.#seq;
  }

  /** Receives one datagram; what belongs to an earlier request, which an error cut short, is passed over. */
  #receive(call: string, seq: number): NlMessage[] {
    for (;;) {
      const { recv } = libc();
      const length = recv(this.#fd.number, this.#buffer, RECEIVE_BYTES, MSG_TRUNC);
      if (length < 0 && errno() === ERRNO.EINTR) continue;
      check(call, length);
      if (length > RECEIVE_BYTES || length < NLMSGHDR.size) {
        throw new SysError(call, ERRNO.EMSGSIZE, `the kernel's answer has ${length} bytes`);
      }
      return parseMessages(this.#buffer.subarray(0, length)).filter((message) =>
        message.seq === seq && message.type !== NLMSG.NOOP
      );
    }
  }
}

function throwError(call: string, message: NlMessage): void {
  const error = parseError(message);
  if (error.errno !== 0) {
    throw new SysError(call, error.errno, error.text === "" ? undefined : error.text);
  }
}

function setOption(
  fd: Fd,
  name: string,
  level: number,
  option: number,
  words: readonly number[],
): void {
  const value = new Uint8Array(Uint32Array.from(words).buffer);
  check(
    `setsockopt ${name}`,
    libc().setsockopt(fd.number, level, option, value, value.length),
  );
}
