/**
 * What has to be done to attach a container to the bridge, or to detach it.
 *
 * ```
 *   bridge "weft" ── vethwepl…  ══  ethwe ── container          port: our end        guest: the container's end
 * ```
 *
 * Pure: from facts and a wish to steps in order (spec/docker.md 2). What is there already makes no step, so that attaching
 * the same address again changes nothing.
 *
 * @module
 */

import { type Cidr, formatCidr, type Ipv4, type Mac } from "../../base/mod.ts";
import { RefusedError } from "../refused.ts";
import { GUEST_NAME, PORT_PREFIX } from "./ref.ts";

/** The pseudo-container that holds the host's own addresses on the bridge. */
export const EXPOSE_ID = "weave:expose";
/** Route for multicast: all of 224.0.0.0/4 leaves by the container's interface. */
export const MULTICAST: Cidr = { address: 0xe000_0000, length: 4 };

/** The container's interface. */
export interface GuestFacts {
  /** Its address. */
  readonly mac: Mac;
  /** Its MTU in bytes. */
  readonly mtuBytes: number;
  /** It is up. */
  readonly up: boolean;
  /** Its IPv4 addresses in the order in which they came. */
  readonly addresses: readonly Cidr[];
}

/** Our end of the pair. */
export interface PortFacts {
  /** Its name. */
  readonly name: string;
  /** Its MTU in bytes. */
  readonly mtuBytes: number;
  /** Index of the bridge that it is a port of, 0 if none. */
  readonly masterIndex: number;
  /** It is up, with hairpin on. */
  readonly ready: boolean;
}

/** Who holds an address on our bridge. */
export interface Holder {
  /** Name of the container, or {@link EXPOSE_ID}. */
  readonly owner: string;
  /** What is held. */
  readonly address: Ipv4;
}

/** What there is. */
export interface AttachFacts {
  /** The bridge. */
  readonly bridge: { readonly name: string; readonly index: number };
  /** The container's interface, if it has one of our name. */
  readonly guest: GuestFacts | undefined;
  /** The other end of it, if that lies in our namespace. */
  readonly port: PortFacts | undefined;
  /** What others hold. */
  readonly holders: readonly Holder[];
  /** Names of interfaces that lead to a former namespace of this container, which the kernel has not taken down yet. */
  readonly former: readonly string[];
  /** Names for our end, best first, with what has that name now: "stale" may be deleted, "taken" must not. */
  readonly names: readonly { readonly name: string; readonly state: "free" | "stale" | "taken" }[];
  /** The container has a route for multicast, by whatever interface. */
  readonly multicastRoute: boolean;
}

/** What is wanted. */
export interface AttachWish {
  /** Name of the container, for messages. */
  readonly container: string;
  /** Addresses, host bits kept. */
  readonly addresses: readonly Cidr[];
  /** MTU of both ends. */
  readonly mtuBytes: number;
  /** Adds the route for multicast. */
  readonly multicastRoute: boolean;
}

/** One step; the order counts. */
export type AttachStep =
  /** A left-over of an attempt that was killed, or of the container's last run. */
  | { readonly kind: "deletePort"; readonly port: string }
  /** The pair; our end is a port of the bridge from the start, the other is born in the container. */
  | { readonly kind: "createPair"; readonly port: string; readonly mtuBytes: number }
  | { readonly kind: "joinBridge"; readonly port: string }
  /** MTU, hairpin on (a container reaches its own service address), no router advertisements, up. */
  | { readonly kind: "readyPort"; readonly port: string; readonly mtuBytes: number }
  /** ARP cache, no router advertisements. */
  | { readonly kind: "guestSysctls" }
  | { readonly kind: "guestMtu"; readonly mtuBytes: number }
  | { readonly kind: "addAddress"; readonly cidr: Cidr }
  | { readonly kind: "guestUp" }
  /** Once the bridge forwards for the port. */
  | { readonly kind: "announce"; readonly port: string; readonly addresses: readonly Ipv4[] }
  /** Last: whoever waits in the container takes it as the sign that the network is complete. */
  | { readonly kind: "multicastRoute" };

/** What {@link planDetach} decides. */
export interface DetachPlan {
  /** Addresses that go, in the order asked for. */
  readonly removed: readonly Cidr[];
  /** No address is left: the interface goes too, and its addresses with it. */
  readonly deleteInterface: boolean;
}

/**
 * Plans an attach.
 *
 * @throws {RefusedError} `address-in-use` naming the owner, `foreign-interface`
 */
export function planAttach(facts: AttachFacts, wish: AttachWish): AttachStep[] {
  const wanted = distinct(wish.addresses);
  for (const cidr of wanted) refuseHeld(cidr, facts.holders);
  const { guest } = facts;
  const missing = wanted.filter((cidr) => guest?.addresses.some((a) => same(a, cidr)) !== true);
  const { port, steps } = guest === undefined
    ? planPair(facts, wish)
    : planExisting(facts, guest, wish);
  steps.unshift(
    ...facts.former.map((former): AttachStep => ({ kind: "deletePort", port: former })),
  );
  steps.push(...missing.map((cidr): AttachStep => ({ kind: "addAddress", cidr })));
  if (guest?.up !== true) steps.push({ kind: "guestUp" });
  if (missing.length > 0) {
    steps.push({ kind: "announce", port, addresses: missing.map((cidr) => cidr.address) });
  }
  if (wish.multicastRoute && !facts.multicastRoute) steps.push({ kind: "multicastRoute" });
  return steps;
}

/**
 * Plans a detach: exactly the addresses given that are there, prefix length included.
 *
 * @param guest the container's interface; `undefined` if it has none of ours: nothing goes then
 */
export function planDetach(
  guest: GuestFacts | undefined,
  addresses: readonly Cidr[],
): DetachPlan {
  if (guest === undefined) return { removed: [], deleteInterface: false };
  const removed = distinct(addresses)
    .filter((cidr) => guest.addresses.some((held) => same(held, cidr)));
  return { removed, deleteInterface: removed.length === guest.addresses.length };
}

/** Tells whether two CIDRs are the same address with the same prefix length. */
export function same(a: Cidr, b: Cidr): boolean {
  return a.address === b.address && a.length === b.length;
}

function planPair(facts: AttachFacts, wish: AttachWish): { port: string; steps: AttachStep[] } {
  const { mtuBytes } = wish;
  const choice = facts.names.find((name) => name.state !== "taken");
  if (choice === undefined) {
    const names = facts.names.map((name) => `"${name.name}"`).join(" and ");
    throw new RefusedError(
      "foreign-interface",
      `Cannot attach ${quote(wish.container)}: the names ${names} are taken by other interfaces; ` +
        "delete one of them",
    );
  }
  const port = choice.name;
  const steps: AttachStep[] = choice.state === "stale" ? [{ kind: "deletePort", port }] : [];
  steps.push(
    { kind: "createPair", port, mtuBytes },
    { kind: "readyPort", port, mtuBytes },
    { kind: "guestSysctls" },
  );
  return { port, steps };
}

/** The container has its interface: what a killed attempt left half done is completed. */
function planExisting(
  facts: AttachFacts,
  guest: GuestFacts,
  wish: AttachWish,
): { port: string; steps: AttachStep[] } {
  const { port, bridge } = facts;
  const { mtuBytes } = wish;
  const elsewhere = port !== undefined && port.masterIndex !== bridge.index;
  const movable = elsewhere && (port.masterIndex === 0 || port.name.startsWith(PORT_PREFIX));
  if (port === undefined || (elsewhere && !movable)) {
    throw new RefusedError(
      "foreign-interface",
      `Cannot attach ${
        quote(wish.container)
      }: its interface "${GUEST_NAME}" does not lead to bridge ` +
        `"${bridge.name}"; remove or rename that interface`,
    );
  }
  const steps: AttachStep[] = [];
  if (elsewhere) steps.push({ kind: "joinBridge", port: port.name });
  if (elsewhere || !port.ready || port.mtuBytes !== mtuBytes) {
    steps.push({ kind: "readyPort", port: port.name, mtuBytes });
  }
  if (!guest.up) steps.push({ kind: "guestSysctls" });
  if (guest.mtuBytes !== mtuBytes) steps.push({ kind: "guestMtu", mtuBytes });
  return { port: port.name, steps };
}

function refuseHeld(cidr: Cidr, holders: readonly Holder[]): void {
  const holder = holders.find((held) => held.address === cidr.address);
  if (holder === undefined) return;
  const remedy = holder.owner === EXPOSE_ID ? "hide it" : "detach it there";
  throw new RefusedError(
    "address-in-use",
    `Cannot attach ${formatCidr(cidr)}: held by ${quote(holder.owner)}; ` +
      `${remedy} first, or choose another address`,
  );
}

function distinct(cidrs: readonly Cidr[]): Cidr[] {
  return cidrs.filter((cidr, i) => cidrs.findIndex((other) => same(cidr, other)) === i);
}

function quote(text: string): string {
  return JSON.stringify(text);
}
