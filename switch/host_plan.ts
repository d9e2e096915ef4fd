/**
 * What has to be done so that a host has its bridge and, as a port of it, the TAP that the data plane attaches to.
 *
 * ```
 *   host ── bridge "weft" ──┬── weft-tap ── router        what we make
 *                           └── vethwepl…  ── container   what is already there stays
 * ```
 *
 * Pure: from what exists and what is wanted to steps in order. A host that has everything gets few steps, all harmless,
 * so that the same call heals what a killed router left half done.
 *
 * @module
 */

import type { Mac, PeerName } from "../base/mod.ts";

/** The bridge that we make. */
export const BRIDGE_NAME = "weft";
/** The bridge of Weave Net: adopted if it is there, so that its running containers stay connected. */
export const WEAVE_BRIDGE_NAME = "weave";
/** The TAP that we make. */
export const TAP_NAME = "weft-tap";
/** MTU without another wish: safe on every overlay over a path of 1500 bytes. */
export const DEFAULT_MTU_BYTES = 1376;
/** Marks a bridge as made by us, whatever its name. */
export const BRIDGE_ALIAS = "weft bridge";

/** Is thrown when a host cannot be prepared as it is; the text names the remedy. */
export class HostError extends Error {
  /** Name of the class. */
  override name = "HostError";
}

/** What is wanted. */
export interface HostSpec {
  /** Name of the bridge; `undefined`: adopt "weave" if it is there, else "weft". */
  readonly bridge: string | undefined;
  /** Name of the TAP. */
  readonly tap: string;
  /** MTU in bytes of IP packet; `undefined`: the default, or what a bridge in use has. */
  readonly mtuBytes: number | undefined;
  /** MAC of a bridge of ours: the peer name. */
  readonly mac: PeerName;
}

/** What the plan needs to know of an interface. */
export interface HostLink {
  /** Its number. */
  readonly index: number;
  /** Its name. */
  readonly name: string;
  /** Kind of the kernel: "bridge", "tun", "veth"; empty for hardware. */
  readonly kind: string;
  /** Its address. */
  readonly mac: Mac;
  /** Its MTU in bytes. */
  readonly mtuBytes: number;
  /** Index of the bridge that it is a port of, 0 if none. */
  readonly masterIndex: number;
  /** Free text on it. */
  readonly alias: string;
  /** Of a TUN or TAP. */
  readonly tun: { readonly tap: boolean; readonly persistent: boolean } | undefined;
}

/** One step. A shell does it; the order counts. */
export type HostStep =
  | { readonly kind: "createBridge"; readonly bridge: string }
  | { readonly kind: "createTap"; readonly tap: string }
  /** No IPv6 on it: its own multicast noise would leave through the overlay. */
  | { readonly kind: "quietTap"; readonly tap: string }
  | { readonly kind: "setMtu"; readonly link: string; readonly mtuBytes: number }
  /** Also with the address it has: it is then kept, and no longer follows the ports. */
  | { readonly kind: "setMac"; readonly link: string; readonly mac: Mac }
  | { readonly kind: "join"; readonly bridge: string; readonly tap: string }
  /** Multicast is flooded; a bridge of ours has no spanning tree and is marked as ours. */
  | { readonly kind: "configureBridge"; readonly bridge: string; readonly own: boolean }
  /** Takes no router advertisements; notices in seconds when an address moves to another MAC. */
  | { readonly kind: "bridgeSysctls"; readonly bridge: string }
  /** Hairpin would send each frame that comes from the overlay back into it, for ever. */
  | { readonly kind: "hairpinOff"; readonly tap: string }
  | { readonly kind: "up"; readonly link: string };

/** The steps and what will be when they are done. */
export interface HostPlan {
  /** Name of the bridge. */
  readonly bridge: string;
  /** The bridge is somebody else's: it keeps its MAC and MTU. */
  readonly adopted: boolean;
  /** MTU of bridge and TAP. */
  readonly mtuBytes: number;
  /** What to do, in order. */
  readonly steps: readonly HostStep[];
}

/**
 * Plans bridge and TAP.
 *
 * @param links all interfaces of the namespace
 * @throws {HostError} if an interface of a wanted name is something else, or the MTU is out of range
 */
export function planHost(links: readonly HostLink[], spec: HostSpec): HostPlan {
  const named = (name: string): HostLink | undefined => links.find((link) => link.name === name);
  const bridge = spec.bridge ??
    (named(WEAVE_BRIDGE_NAME)?.kind === "bridge" ? WEAVE_BRIDGE_NAME : BRIDGE_NAME);
  const existing = named(bridge);
  if (existing !== undefined && existing.kind !== "bridge") {
    throw new HostError(
      `Cannot use "${bridge}" as bridge: an interface of that name exists and is no bridge; ` +
        "delete it, or choose another name with --bridge NAME",
    );
  }
  const tap = named(spec.tap);
  if (tap !== undefined && tap.tun?.tap !== true) {
    throw new HostError(
      `Cannot use "${spec.tap}" as TAP: an interface of that name exists and is no TAP; delete it`,
    );
  }
  const adopted = existing !== undefined && !isOurs(existing);
  const mtuBytes = chooseMtu(links, existing, adopted, spec);
  return {
    bridge,
    adopted,
    mtuBytes,
    steps: steps({ bridge, existing, tap, adopted, mtuBytes }, spec),
  };
}

/** Tells whether a bridge was made by us: by its name, or by the mark that we leave on one of another name. */
export function isOurs(bridge: Pick<HostLink, "name" | "alias">): boolean {
  return bridge.name === BRIDGE_NAME || bridge.alias === BRIDGE_ALIAS;
}

/** Smallest and largest MTU of a TAP (`drivers/net/tun.c`). */
const MIN_MTU_BYTES = 68;
const MAX_MTU_BYTES = 65521;

function chooseMtu(
  links: readonly HostLink[],
  bridge: HostLink | undefined,
  adopted: boolean,
  spec: HostSpec,
): number {
  // Containers keep the MTU that they were attached with; a smaller one of the TAP would swallow their frames.
  const inUse = bridge !== undefined &&
    links.some((link) => link.masterIndex === bridge.index && link.name !== spec.tap);
  if (bridge !== undefined && (adopted || (inUse && spec.mtuBytes === undefined))) {
    // A TAP cannot carry the 65535 of a bridge of Weave Net without its fast path.
    return Math.min(bridge.mtuBytes, MAX_MTU_BYTES);
  }
  const mtuBytes = spec.mtuBytes ?? DEFAULT_MTU_BYTES;
  if (mtuBytes < MIN_MTU_BYTES || mtuBytes > MAX_MTU_BYTES) {
    throw new HostError(
      `Cannot use an MTU of ${mtuBytes}: ${MIN_MTU_BYTES} to ${MAX_MTU_BYTES} bytes are possible`,
    );
  }
  return mtuBytes;
}

interface Situation {
  readonly bridge: string;
  readonly existing: HostLink | undefined;
  readonly tap: HostLink | undefined;
  readonly adopted: boolean;
  readonly mtuBytes: number;
}

function steps(now: Situation, spec: HostSpec): HostStep[] {
  const { bridge, existing, adopted, mtuBytes } = now;
  const tap = spec.tap;
  const plan: HostStep[] = [];
  if (existing === undefined) plan.push({ kind: "createBridge", bridge });
  // Before the first port, else the bridge takes over that port's address.
  const mac = adopted ? existing?.mac ?? spec.mac : spec.mac;
  plan.push({ kind: "setMac", link: bridge, mac });
  plan.push({ kind: "configureBridge", bridge, own: !adopted });
  plan.push({ kind: "bridgeSysctls", bridge });
  if (now.tap?.tun?.persistent !== true) plan.push({ kind: "createTap", tap });
  plan.push({ kind: "quietTap", tap });
  if (now.tap?.mtuBytes !== mtuBytes) plan.push({ kind: "setMtu", link: tap, mtuBytes });
  if (existing === undefined || now.tap?.masterIndex !== existing.index) {
    plan.push({ kind: "join", bridge, tap });
  }
  plan.push({ kind: "hairpinOff", tap });
  // After the TAP has joined: a bridge without ports cannot be set above 1500, and it follows the smallest of its ports
  // until it is set.
  if (!adopted) plan.push({ kind: "setMtu", link: bridge, mtuBytes });
  plan.push({ kind: "up", link: tap }, { kind: "up", link: bridge });
  return plan;
}
