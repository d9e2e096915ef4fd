/**
 * Who hangs on a bridge: its ports, and what is at the other end of each.
 *
 * The other ends are read through the number that our namespace has for theirs, so that no namespace has to be found or
 * entered, and nothing about attachments has to be kept in a file.
 *
 * @module
 */

import type { Cidr, Mac } from "../../base/mod.ts";
import {
  ERRNO,
  listDir,
  netnsInode,
  openNetns,
  readLinkProc,
  readProc,
  SysError,
} from "../../ffi/mod.ts";
import {
  addrList,
  type Link,
  linkGet,
  linkList,
  type Netlink,
  netnsId,
} from "../../ffi/netlink/mod.ts";
import { type ContainerLabel, labelOfAlias } from "./ref.ts";

/** One attached container. */
export interface Attached {
  /** For `ps`: 12 hex digits, `pid:N`, `netns:PATH`, or the pseudo-container of exposed addresses. */
  readonly id: string;
  /** For messages: its name if it has one, else the id. */
  readonly name: string;
  /** What its addresses are held under; `undefined` if nobody has kept that. */
  readonly ident: string | undefined;
  /** MAC of its interface. */
  readonly mac: Mac;
  /** Its addresses in the order in which they came. */
  readonly addresses: readonly Cidr[];
  /** Name of the interface on the bridge; the bridge itself for exposed addresses. */
  readonly port: string;
  /** Number of that interface. */
  readonly portIndex: number;
}

/** One port and its other end. */
export interface Port {
  /** Our end. */
  readonly link: Link;
  /** Number of the namespace that the other end lies in. */
  readonly netnsId: number;
  /** The other end. */
  readonly guest: Link;
  /** Addresses of the other end. */
  readonly addresses: readonly Cidr[];
}

/** Where container engines and `ip netns` keep named namespaces. */
const NETNS_DIRS = ["/run/netns", "/run/docker/netns"];

/** Lists the ports of a bridge that lead to another namespace. One that disappears meanwhile is left out. */
export function portsOf(nl: Netlink, bridgeIndex: number): Port[] {
  return linkList(nl, { masterIndex: bridgeIndex }).flatMap((link) => {
    const port = otherEnd(nl, link);
    return port === undefined ? [] : [port];
  });
}

/**
 * Names what is at the other end of ports: by the mark that we left, else by a process or a named namespace found there.
 *
 * @returns one label for each port, in their order; the port's own name where nobody knows more
 */
export function labelPorts(nl: Netlink, ports: readonly Port[]): ContainerLabel[] {
  let found: ReadonlyMap<number, ContainerLabel> | undefined;
  return ports.map(({ link, netnsId }) => {
    const known = labelOfAlias(link.alias);
    if (known !== undefined) return known;
    // Somebody else's port, as of Weave Net: worth a walk through /proc, once.
    found ??= findNamespaces(nl);
    return found.get(netnsId) ?? { id: link.name, name: link.name };
  });
}

function otherEnd(nl: Netlink, link: Link): Port | undefined {
  const { kind, peerNetnsId: netnsId } = link;
  if (kind !== "veth" || netnsId === undefined || netnsId < 0) return undefined;
  try {
    const guest = linkGet(nl, link.peerIndex, netnsId);
    if (guest === undefined) return undefined;
    const addresses = addrList(nl, { ifindex: guest.index, netnsId }).map((a) => a.cidr);
    return { link, netnsId, guest, addresses };
  } catch (error) {
    // EINVAL: the namespace is being taken down, its veth follows.
    const gone: number[] = [ERRNO.ENODEV, ERRNO.EINVAL];
    if (error instanceof SysError && gone.includes(error.errno)) return undefined;
    throw error;
  }
}

/** Names each namespace that our own has a number for, by its oldest process or its file. */
function findNamespaces(nl: Netlink): Map<number, ContainerLabel> {
  const found = new Map<number, ContainerLabel>();
  const seen = new Set<string>();
  const offer = (path: string, label: () => ContainerLabel): void => {
    const id = numberOf(nl, path);
    if (id !== undefined && !found.has(id)) found.set(id, label());
  };
  const pids = listDir("/proc").filter((name) => /^[0-9]+$/.test(name)).map(Number);
  for (const pid of pids.sort((a, b) => a - b)) {
    const path = `/proc/${pid}/ns/net`;
    const inode = readLinkProc(path);
    if (inode === undefined || seen.has(inode)) continue;
    seen.add(inode);
    offer(path, () => labelOfPid(pid));
  }
  for (const dir of NETNS_DIRS) {
    for (const name of listDir(dir)) {
      const path = `${dir}/${name}`;
      offer(path, () => ({ id: `netns:${path}`, name: `netns:${path}` }));
    }
  }
  return found;
}

function numberOf(nl: Netlink, path: string): number | undefined {
  try {
    using fd = openNetns(path);
    netnsInode(fd);
    return netnsId(nl, fd);
  } catch {
    // The process has ended, or the file is no namespace: neither is a container then.
    return undefined;
  }
}

/** A container engine puts the id of a container into the name of its control group. */
function labelOfPid(pid: number): ContainerLabel {
  const id = /\b([0-9a-f]{64})\b/.exec(readProc(`/proc/${pid}/cgroup`) ?? "")?.[1]?.slice(0, 12);
  const text = id ?? `pid:${pid}`;
  return { id: text, name: text };
}
