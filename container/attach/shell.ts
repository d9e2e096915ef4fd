/**
 * Attaches containers to the bridge and detaches them: gathers facts, does what `plan.ts` decides, undoes it on failure.
 *
 * Synchronous throughout, since a thread that is in a container's namespace must do nothing else meanwhile. The caller
 * holds one lock per container. Needs CAP_NET_ADMIN and CAP_SYS_ADMIN.
 *
 * @module
 */

import { type Cidr, must, unreachable } from "../../base/mod.ts";
import { announceIpv4, ERRNO, netnsInode, pause, SysError, writeProc } from "../../ffi/mod.ts";
import {
  addrAdd,
  addrDelete,
  linkAdd,
  linkDelete,
  linkGet,
  linkSet,
  Netlink,
  netnsId,
  routeAdd,
} from "../../ffi/netlink/mod.ts";
import { gather } from "./facts_shell.ts";
import { type AttachStep, EXPOSE_ID, MULTICAST, planAttach, planDetach, same } from "./plan.ts";
import { type Attached, labelPorts, type Port, portsOf } from "./ports_shell.ts";
import { aliasOf, type ContainerRef, GUEST_NAME, identOfAlias, labelOf } from "./ref.ts";
import {
  addressesOf,
  findPort,
  inside,
  mustGuest,
  openSession,
  type Session,
} from "./session_shell.ts";

/** How {@link attach} and {@link detach} work. */
export interface AttachOptions {
  /** Name of the bridge. */
  readonly bridge: string;
  /** MTU of both ends; that of the bridge if missing. */
  readonly mtuBytes?: number;
  /** Adds a route for multicast to the container, as its last step. Default true. */
  readonly multicastRoute?: boolean;
  /** What the container's addresses are held under, 64 hex digits; is kept on the interface. */
  readonly ident?: string;
}

/** What {@link attach} did. */
export interface AttachResult extends Attached {
  /** Addresses that the container did not have before. */
  readonly added: readonly Cidr[];
  /** Inode of its network namespace: tells it from a later one under the same name. */
  readonly netnsInode: bigint;
}

/** An address that moved to another MAC is noticed in seconds (spec/docker.md 2). */
const ARP_SETTINGS = { base_reachable_time: "5", delay_first_probe_time: "2", ucast_solicit: "1" };
/** A port forwards as soon as both ends have carrier; nobody waits longer for an announcement to be heard. */
const FORWARDING_WAIT_MS = 100;

/**
 * Gives a container addresses on the bridge, and before that, if it has none, its interface.
 *
 * Addresses that it has already are left as they are. If a step fails, what this call made is undone.
 *
 * @param addresses host bits kept; none: only the interface
 * @throws {RefusedError} if another container holds an address, the container does not run, is on the host's network, …
 * @throws {SysError} what the kernel refuses
 */
export function attach(
  ref: ContainerRef,
  addresses: readonly Cidr[],
  options: AttachOptions,
): AttachResult {
  using session = openSession(ref, options.bridge);
  const before = gather(session);
  const steps = planAttach(before, {
    container: labelOf(ref).name,
    addresses,
    mtuBytes: options.mtuBytes ?? session.bridge.mtuBytes,
    multicastRoute: options.multicastRoute ?? true,
  });
  const undo: (() => void)[] = [];
  try {
    for (const step of steps) perform(session, step, { undo, ident: options.ident });
    keepIdent(session, options.ident);
  } catch (error) {
    for (const act of undo.reverse()) attempt(act);
    throw error;
  }
  const guest = mustGuest(session);
  const had = before.guest?.addresses ?? [];
  const has = addressesOf(session.inside, guest);
  const port = findPort(session, guest);
  return {
    ...labelOf(ref),
    ident: options.ident,
    mac: guest.mac,
    addresses: has,
    added: has.filter((cidr) => !had.some((old) => same(old, cidr))),
    port: port?.name ?? "",
    portIndex: port?.index ?? 0,
    netnsInode: netnsInode(session.netns),
  };
}

/**
 * Takes addresses from a container; with the last of all its addresses the interface goes too.
 *
 * @returns the addresses that it had and has no more, in the order asked for
 * @throws {RefusedError} if the container does not run, or is on the host's network
 */
export function detach(
  ref: ContainerRef,
  addresses: readonly Cidr[],
  options: Pick<AttachOptions, "bridge">,
): Cidr[] {
  using session = openSession(ref, options.bridge);
  const { port, guest } = gather(session);
  const ours = port?.masterIndex === session.bridge.index ? guest : undefined;
  const plan = planDetach(ours, addresses);
  if (plan.deleteInterface && port !== undefined) {
    linkDelete(session.host, port.name);
    return [...plan.removed];
  }
  if (plan.removed.length === 0) return [];
  const { index } = mustGuest(session);
  // Else the other addresses of a subnet would go with its first.
  inside(
    session,
    () => writeProc(`/proc/sys/net/ipv4/conf/${GUEST_NAME}/promote_secondaries`, "1"),
  );
  for (const cidr of plan.removed) addrDelete(session.inside, index, cidr);
  return [...plan.removed];
}

/**
 * Lists what hangs on a bridge: first the host's exposed addresses, if there are any, then each container.
 *
 * Works without a router. A bridge that is not there has nothing.
 */
export function listAttached(bridge: string): Attached[] {
  using nl = Netlink.open();
  const link = linkGet(nl, bridge);
  if (link?.kind !== "bridge") return [];
  const exposed = addressesOf(nl, link);
  const host: Attached = {
    id: EXPOSE_ID,
    name: EXPOSE_ID,
    ident: EXPOSE_ID,
    mac: link.mac,
    addresses: exposed,
    port: bridge,
    portIndex: link.index,
  };
  return [...exposed.length > 0 ? [host] : [], ...attachedOf(nl, portsOf(nl, link.index))];
}

/**
 * Returns the entry of {@link listAttached} of one container, whatever name it was attached under.
 *
 * @returns `undefined` if it is not attached to that bridge
 * @throws {RefusedError} if the container does not run, or is on the host's network
 */
export function findAttached(ref: ContainerRef, bridge: string): Attached | undefined {
  using session = openSession(ref, bridge);
  const ports = portsOf(session.host, session.bridge.index);
  const id = netnsId(session.host, session.netns);
  return attachedOf(session.host, ports.filter((port) => port.netnsId === id))[0];
}

function attachedOf(nl: Netlink, ports: readonly Port[]): Attached[] {
  const labels = labelPorts(nl, ports);
  return ports.map((port, i) => ({
    ...must(labels[i], "label of a port"),
    ident: identOfAlias(port.link.alias),
    mac: port.guest.mac,
    addresses: port.addresses,
    port: port.link.name,
    portIndex: port.link.index,
  }));
}

function perform(
  session: Session,
  step: AttachStep,
  { undo, ident }: { undo: (() => void)[]; ident: string | undefined },
): void {
  const { host, inside: inner, bridge, netns, ref } = session;
  switch (step.kind) {
    case "deletePort":
      // The kernel may be faster.
      return attempt(() => linkDelete(host, step.port));
    case "createPair":
      linkAdd(host, {
        kind: "veth",
        name: step.port,
        mtuBytes: step.mtuBytes,
        masterIndex: bridge.index,
        peer: { name: GUEST_NAME, netns },
      });
      undo.push(() => linkDelete(host, step.port));
      return linkSet(host, step.port, { alias: aliasOf(ref, ident) });
    case "joinBridge":
      return linkSet(host, step.port, { masterIndex: bridge.index });
    case "readyPort":
      noRouterAdvertisements(step.port);
      return linkSet(host, step.port, { mtuBytes: step.mtuBytes, hairpin: true, up: true });
    case "guestSysctls":
      return inside(session, () => {
        noRouterAdvertisements(GUEST_NAME);
        for (const [name, value] of Object.entries(ARP_SETTINGS)) {
          writeProc(`/proc/sys/net/ipv4/neigh/${GUEST_NAME}/${name}`, value);
        }
      });
    case "guestMtu":
      return linkSet(inner, GUEST_NAME, { mtuBytes: step.mtuBytes });
    case "addAddress": {
      const { index } = mustGuest(session);
      addrAdd(inner, index, step.cidr);
      undo.push(() => addrDelete(inner, index, step.cidr));
      return;
    }
    case "guestUp":
      return linkSet(inner, GUEST_NAME, { up: true });
    case "announce": {
      awaitForwarding(host, step.port);
      const { index, mac } = mustGuest(session);
      return inside(session, () => announceIpv4(index, mac, step.addresses));
    }
    case "multicastRoute":
      return addMulticastRoute(session);
    default:
      return unreachable(step);
  }
}

/** An interface that was made before its container had an ident gets it now. */
function keepIdent(session: Session, ident: string | undefined): void {
  if (ident === undefined) return;
  const port = findPort(session, mustGuest(session));
  if (port === undefined || identOfAlias(port.alias) === ident) return;
  linkSet(session.host, port.index, { alias: aliasOf(session.ref, ident) });
}

function addMulticastRoute(session: Session): void {
  try {
    routeAdd(session.inside, { destination: MULTICAST, ifindex: mustGuest(session).index });
  } catch (error) {
    // Somebody in the container was faster; what is there is left alone.
    if (!(error instanceof SysError) || error.errno !== ERRNO.EEXIST) throw error;
  }
}

function awaitForwarding(host: Netlink, port: string): void {
  for (let waited = 0; waited < FORWARDING_WAIT_MS; waited++) {
    if (linkGet(host, port)?.port?.forwarding === true) return;
    pause(1);
  }
}

/** Settings that the kernel has not got are left: a container without IPv6 hears no advertisements. */
function noRouterAdvertisements(link: string): void {
  writeProc(`/proc/sys/net/ipv6/conf/${link}/accept_ra`, "0");
}

function attempt(act: () => void): void {
  try {
    act();
  } catch (error) {
    // The failure that is being undone is what the user must hear; a vanished container fails here as well.
    if (!(error instanceof SysError)) throw error;
  }
}
