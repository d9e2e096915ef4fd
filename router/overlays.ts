/**
 * Which overlays this router offers, and what follows from it for its name.
 *
 * ```
 *   --overlay          none, shuttle, weft-shuttle        sleeve
 *   offered            weft-shuttle sleeve                sleeve          without a library: sleeve
 * ```
 *
 * Shuttle never comes alone: sleeve keeps its links, and is the way to peers that shuttle does not reach.
 *
 * @module
 */

import { formatPeerName, type PeerName } from "../base/mod.ts";
import { opensTunnels, OVERLAY_LABELS, OVERLAY_NAMES } from "../switch/mod.ts";
import { UsageError } from "./config/mod.ts";

/** What is offered. */
export interface OfferedOverlays {
  /** Names in order of preference. */
  readonly names: readonly string[];
  /** Something the operator should know. */
  readonly warning: string | undefined;
}

/**
 * Chooses what is offered.
 *
 * @param wanted what `--overlay` says: a name, or what status pages call it; `undefined` for all
 * @param canSeal tells whether this machine has the ciphers of shuttle; asked only if it would be offered
 * @throws {UsageError} if there is no such overlay
 */
export function offeredOverlays(
  wanted: string | undefined,
  canSeal: () => boolean,
): OfferedOverlays {
  const known = OVERLAY_NAMES.find((name) => name === wanted || OVERLAY_LABELS[name] === wanted);
  if (wanted !== undefined && known === undefined) {
    const labels = OVERLAY_NAMES.map((name) => OVERLAY_LABELS[name]);
    throw new UsageError(`Cannot use --overlay "${wanted}": expected one of ${labels.join(", ")}`);
  }
  if (known !== undefined && opensTunnels(known)) {
    return { names: [known], warning: undefined };
  }
  if (canSeal()) return { names: OVERLAY_NAMES, warning: undefined };
  const names = OVERLAY_NAMES.filter(opensTunnels);
  const warning =
    "neither libgcrypt nor libcrypto can be used, so there is no shuttle and data goes by sleeve: " +
    "install libgcrypt20, stop and launch";
  return { names, warning };
}

/**
 * Refuses a name that datagrams of shuttle could be mistaken for: one whose first byte is odd (spec/shuttle.md 2).
 *
 * @throws {UsageError} if shuttle is among `overlays` and the name is such a one
 */
export function checkName(name: PeerName, overlays: readonly string[]): void {
  const odd = Math.floor(name / 2 ** 40) % 2 === 1;
  if (!odd || overlays.every(opensTunnels)) return;
  throw new UsageError(
    `Cannot use --name ${
      formatPeerName(name)
    }: its first byte is odd, and so are those of shuttle's ` +
      "datagrams; take another name, or --overlay sleeve",
  );
}
