/**
 * Overlays: ways to carry frames to a neighbour.
 *
 * ```
 *   overlay.ts        the interface          OVERLAYS     the list, best first; its order is part of the protocol
 *   ../shuttle/       opens no tunnels: sends to the address that the tunnel of sleeve beside it has found
 *   sleeve.ts         Weave Net's            conformance.ts   what each of them must pass
 * ```
 *
 * An overlay is a core: datagrams in and out of a slab, time as an argument. It neither decides where a frame goes nor
 * touches a socket; the loop of the worker does both. A new one is a file and a line in the list below.
 *
 * @module
 */

import { SHUTTLE_OVERLAY } from "../shuttle/shuttle_overlay.ts";
import type { Overlay, OverlayContext } from "./overlay.ts";
import { sleeveOverlay } from "./sleeve.ts";

export type { Slab } from "../frame.ts";
export type { Outbox } from "../outbox.ts";
export * from "./overlay.ts";
export { type SleeveOptions, sleeveOverlay } from "./sleeve.ts";
export { SLEEVE_TIMES, type TunnelTimes } from "../tunnel.ts";

/** What can be chosen for all overlays of a worker. */
export interface OverlayOptions {
  /** Random number that makes hash tables unpredictable; default 0. */
  readonly seed?: number;
}

/** One overlay that this router has. */
export interface OverlayKind {
  /** Name in the feature `Overlays`. */
  readonly name: string;
  /** What status pages call it. */
  readonly label: string;
  /** Makes it; absent if it opens no tunnels: another beside it keeps the link, and tells its address. */
  readonly create?: (context: OverlayContext, options: OverlayOptions) => Overlay;
}

/** All overlays, in order of preference. Both ends of a link need the same order (spec/sleeve.md 9.1). */
export const OVERLAYS: readonly OverlayKind[] = [
  { name: SHUTTLE_OVERLAY, label: "shuttle" },
  { name: "sleeve", label: "sleeve", create: sleeveOverlay },
];

/** Names of all overlays, in order of preference. */
export const OVERLAY_NAMES: readonly string[] = OVERLAYS.map(({ name }) => name);

/** What status pages call an overlay, by its name. */
export const OVERLAY_LABELS: Readonly<Record<string, string>> = Object.fromEntries(
  OVERLAYS.map(({ name, label }) => [name, label]),
);

/** Makes all overlays that open tunnels, in order of preference. */
export function createOverlays(context: OverlayContext, options: OverlayOptions = {}): Overlay[] {
  return OVERLAYS.flatMap(({ create }) => create === undefined ? [] : [create(context, options)]);
}

/** Tells whether an overlay opens tunnels: a link works if one of those does. */
export function opensTunnels(name: string): boolean {
  return OVERLAYS.every((overlay) => overlay.name !== name || overlay.create !== undefined);
}
