/**
 * Hears which interfaces of a namespace are deleted, and that something else changed: what `ip monitor link address` does.
 *
 * @module
 */

import { check, ERRNO } from "../errno.ts";
import { Fd, OPEN } from "../fd.ts";
import { IFINFOMSG, SOCKADDR_NL } from "../layout.ts";
import { errno, libc } from "../libc.ts";
import { parseMessages, viewOf } from "./message.ts";

/** `sys/socket.h`, `linux/netlink.h`, `linux/rtnetlink.h` */
const AF_NETLINK = 16;
const SOCK_RAW = 3;
const NETLINK_ROUTE = 0;
const RTMGRP_LINK = 1;
const RTMGRP_IPV4_IFADDR = 0x10;
const RTM_DELLINK = 17;
/** What the kernel tells of a port that leaves its bridge has another family: the interface lives on. */
const AF_UNSPEC = 0;
const RECEIVE_BYTES = 65_536;

/** What has happened since it was asked last. */
export interface LinkNews {
  /** Numbers of interfaces that are gone. */
  readonly deleted: readonly number[];
  /** An interface or an IPv4 address came, changed or went. */
  readonly changed: boolean;
  /** The kernel had more to tell than it could keep: who needs to know must look. */
  readonly lost: boolean;
}

/** Hears of deleted interfaces, from when it is opened. */
export class LinkWatch implements Disposable {
  readonly #fd: Fd;
  readonly #buffer = new Uint8Array(RECEIVE_BYTES);

  private constructor(fd: Fd) {
    this.#fd = fd;
  }

  /** Opens one in the namespace of this thread. @throws {SysError} */
  static open(): LinkWatch {
    const type = SOCK_RAW | OPEN.O_NONBLOCK | OPEN.O_CLOEXEC;
    const fd = new Fd(check("socket AF_NETLINK", libc().socket(AF_NETLINK, type, NETLINK_ROUTE)));
    try {
      const address = new Uint8Array(SOCKADDR_NL.size);
      viewOf(address).setUint16(SOCKADDR_NL.family, AF_NETLINK, true);
      viewOf(address).setUint32(SOCKADDR_NL.groups, RTMGRP_LINK | RTMGRP_IPV4_IFADDR, true);
      check("bind AF_NETLINK", libc().bind(fd.number, address, address.length));
      return new LinkWatch(fd);
    } catch (error) {
      fd.close();
      throw error;
    }
  }

  /** Returns what has happened, without waiting. @throws {SysError} if it cannot be read */
  take(): LinkNews {
    const deleted: number[] = [];
    let [changed, lost] = [false, false];
    for (;;) {
      const length = libc().recv(this.#fd.number, this.#buffer, RECEIVE_BYTES, 0);
      if (length >= 0) {
        changed = true;
        deleted.push(...deletedIn(this.#buffer.subarray(0, length)));
        continue;
      }
      const reason = errno();
      if (reason === ERRNO.EAGAIN) return { deleted, changed: changed || lost, lost };
      if (reason === ERRNO.ENOBUFS) lost = true;
      else if (reason !== ERRNO.EINTR) check("receive link news", length);
    }
  }

  /** Closes it. */
  [Symbol.dispose](): void {
    this.#fd.close();
  }
}

function deletedIn(bytes: Uint8Array): number[] {
  return parseMessages(bytes).flatMap(({ type, payload }) => {
    const view = viewOf(payload);
    const isDeletion = type === RTM_DELLINK && view.getUint8(IFINFOMSG.family) === AF_UNSPEC;
    return isDeletion ? [view.getInt32(IFINFOMSG.index, true)] : [];
  });
}
