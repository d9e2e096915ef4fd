/**
 * What `plan.ts` has to know of a container, its interface, and who else is on the bridge.
 *
 * @module
 */

import { must } from "../../base/mod.ts";
import { netnsInode } from "../../ffi/mod.ts";
import { type Link, linkGet, netnsId, routeList } from "../../ffi/netlink/mod.ts";
import { type AttachFacts, EXPOSE_ID, MULTICAST, same } from "./plan.ts";
import { labelPorts, type Port, portsOf } from "./ports_shell.ts";
import { GUEST_NAME, identOfAlias, portNames } from "./ref.ts";
import { addressesOf, findPort, type Session } from "./session_shell.ts";

/** Gathers them; changes nothing. */
export function gather(session: Session): AttachFacts {
  const { host, inside: inner, bridge, ref } = session;
  const guest = linkGet(inner, GUEST_NAME);
  const port = guest === undefined ? undefined : findPort(session, guest);
  const [former, others] = beside(session, port);
  const names = portNames(ref, netnsInode(session.netns))
    .map((name) => ({ name, state: stateOf(session, linkGet(host, name)) }));
  return {
    bridge,
    guest: guest === undefined ? undefined : {
      mac: guest.mac,
      mtuBytes: guest.mtuBytes,
      up: guest.up,
      addresses: addressesOf(inner, guest),
    },
    port: port === undefined ? undefined : {
      name: port.name,
      mtuBytes: port.mtuBytes,
      masterIndex: port.masterIndex,
      ready: port.up && port.port?.hairpin === true,
    },
    names,
    holders: holdersBeside(session, others),
    former: former.map(({ link }) => link.name),
    multicastRoute: routeList(inner).some((route) => same(route.destination, MULTICAST)),
  };
}

/** An interface is stale if it leads to this container, which has no interface of ours, or nowhere beyond the host. */
function stateOf(session: Session, link: Link | undefined): "free" | "stale" | "taken" {
  if (link === undefined) return "free";
  if (link.kind !== "veth") return "taken";
  const here = netnsId(session.host, session.netns);
  return link.peerNetnsId === undefined || link.peerNetnsId === here ? "stale" : "taken";
}

/** An engine's container keeps its id when it starts again, and has another namespace then. */
function beside({ host, bridge, ref }: Session, own: Link | undefined): [Port[], Port[]] {
  const all = portsOf(host, bridge.index).filter((port) => port.link.index !== own?.index);
  const isFormer = (port: Port): boolean =>
    ref.kind === "docker" && identOfAlias(port.link.alias) === ref.id;
  return [all.filter(isFormer), all.filter((port) => !isFormer(port))];
}

function holdersBeside(
  { host, bridge }: Session,
  others: readonly Port[],
): AttachFacts["holders"] {
  const exposed = addressesOf(host, bridge)
    .map((cidr) => ({ owner: EXPOSE_ID, address: cidr.address }));
  const labels = labelPorts(host, others.filter((port) => port.addresses.length > 0));
  const held = others.filter((port) => port.addresses.length > 0).flatMap((port, i) =>
    port.addresses.map(({ address }) => ({
      owner: must(labels[i], "label of a port").name,
      address,
    }))
  );
  return [...exposed, ...held];
}
