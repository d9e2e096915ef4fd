/**
 * A container that is being worked on: its namespace is open, and there is a netlink socket on each side.
 *
 * @module
 */

import type { Cidr } from "../../base/mod.ts";
import {
  ERRNO,
  type Fd,
  netnsCookie,
  netnsInode,
  openNetns,
  openPidNetns,
  SysError,
  withNetns,
} from "../../ffi/mod.ts";
import { addrList, type Link, linkGet, linkList, Netlink, netnsId } from "../../ffi/netlink/mod.ts";
import { RefusedError } from "../refused.ts";
import { type ContainerRef, GUEST_NAME, labelOf } from "./ref.ts";

/** An open container: its namespace, and a socket on each side. */
export interface Session extends Disposable {
  /** The container. */
  readonly ref: ContainerRef;
  /** Its network namespace. */
  readonly netns: Fd;
  /** Speaks of our own namespace. */
  readonly host: Netlink;
  /** Speaks of the container's namespace. */
  readonly inside: Netlink;
  /** The bridge. */
  readonly bridge: Link;
}

/**
 * Opens a container.
 *
 * @param bridgeName the bridge that it hangs on, or will
 * @throws {RefusedError} if it does not run, is on the host's network, or there is no such bridge
 */
export function openSession(ref: ContainerRef, bridgeName: string): Session {
  const stack = new DisposableStack();
  try {
    const netns = stack.use(openContainer(ref));
    refuseHost(ref, netns);
    const host = stack.use(Netlink.open());
    const bridge = linkGet(host, bridgeName);
    if (bridge?.kind !== "bridge") {
      throw new RefusedError(
        "no-bridge",
        `Cannot reach ${
          quoted(ref)
        }: bridge "${bridgeName}" not present; launch the router, which makes it`,
      );
    }
    const inner = stack.use(withNetns(netns, () => Netlink.open()));
    const owned = stack.move();
    return { ref, netns, host, bridge, inside: inner, [Symbol.dispose]: () => owned.dispose() };
  } catch (error) {
    stack.dispose();
    throw error;
  }
}

/**
 * Returns what tells a container's network namespace from all others of this boot: its inode, and where the kernel has one its
 * cookie, since the inode goes to another namespace when it ends.
 *
 * @throws {RefusedError} if it does not run, or is on the host's network
 */
export function containerKey(ref: ContainerRef): string {
  using netns = openContainer(ref);
  refuseHost(ref, netns);
  const cookie = netnsCookie(netns);
  return cookie === undefined ? `${netnsInode(netns)}` : `${netnsInode(netns)}.${cookie}`;
}

/** Runs a synchronous function in the container's namespace. */
export function inside<T>(session: Session, act: () => T): T {
  return withNetns(session.netns, act);
}

/** Returns the container's interface. @throws {RefusedError} if it has none: it ended just now */
export function mustGuest(session: Session): Link {
  const guest = linkGet(session.inside, GUEST_NAME);
  if (guest !== undefined) return guest;
  throw new RefusedError(
    "not-running",
    `Cannot reach ${quoted(session.ref)}: it has just lost its network`,
  );
}

/** Finds our end of the container's interface. */
export function findPort(session: Session, guest: Link): Link | undefined {
  // Listed before the namespace's number is asked for: the list gives it one.
  const links = linkList(session.host).filter((link) =>
    link.kind === "veth" && link.peerIndex === guest.index
  );
  const here = netnsId(session.host, session.netns);
  return here === undefined ? undefined : links.find((link) => link.peerNetnsId === here);
}

/** Lists the IPv4 addresses of an interface. */
export function addressesOf(nl: Netlink, link: { index: number }): Cidr[] {
  return addrList(nl, { ifindex: link.index }).map((address) => address.cidr);
}

function openContainer(ref: ContainerRef): Fd {
  try {
    const netns = ref.kind === "netns" ? openNetns(ref.path) : openPidNetns(ref.pid);
    try {
      netnsInode(netns);
      return netns;
    } catch (error) {
      netns.close();
      throw error;
    }
  } catch (error) {
    const missing: number[] = [ERRNO.ENOENT, ERRNO.ESRCH];
    if (error instanceof TypeError) {
      throw new RefusedError(
        "bad-container",
        `Cannot reach ${quoted(ref)}: the file is no network namespace`,
      );
    }
    if (!(error instanceof SysError)) throw error;
    if (error.errno === ERRNO.EACCES || error.errno === ERRNO.EPERM) {
      throw new RefusedError(
        "bad-container",
        `Cannot reach ${
          quoted(ref)
        }: ${error.message}; it is another user's, or this host shields it`,
      );
    }
    if (!missing.includes(error.errno)) throw error;
    throw ref.kind === "netns"
      ? new RefusedError("no-such-container", `Cannot reach ${quoted(ref)}: there is no such file`)
      : new RefusedError("not-running", `Cannot reach ${quoted(ref)}: not running`);
  }
}

function refuseHost(ref: ContainerRef, netns: Fd): void {
  const inode = netnsInode(netns);
  const own = netnsInode("/proc/thread-self/ns/net");
  if (inode !== own && inode !== hostInode()) return;
  throw new RefusedError(
    "host-network",
    `Cannot attach ${quoted(ref)}: it is in the host network namespace; ` +
      "give the host itself an address with expose",
  );
}

/** The namespace of the first process; `undefined` where it cannot be seen. */
function hostInode(): bigint | undefined {
  try {
    return netnsInode("/proc/1/ns/net");
  } catch (error) {
    if (error instanceof SysError) return undefined;
    throw error;
  }
}

function quoted(ref: ContainerRef): string {
  return JSON.stringify(labelOf(ref).name);
}
