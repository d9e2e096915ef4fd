/**
 * The links of the mesh and the tunnels of the data plane, side by side: what one has to be told about the other.
 *
 * @module
 */

import type { MeshLink } from "../mesh/mod.ts";
import { opensTunnels, type TunnelState } from "../switch/mod.ts";

/** What the mesh has to be told. */
export type LinkNews =
  /** At least one tunnel works, or none does any more. */
  | { readonly kind: "established"; readonly id: number; readonly established: boolean }
  /** No tunnel is left. */
  | { readonly kind: "failed"; readonly id: number; readonly reason: string };

interface Row {
  readonly link: MeshLink;
  readonly tunnels: Map<number, TunnelState>;
  established: boolean;
  failed: boolean;
}

/** Keeps links and their tunnels. An overlay without tunnels of its own neither holds a link nor fails it. */
export class LinkBoard {
  readonly #rows = new Map<number, Row>();

  /** All links, in the order in which they came. */
  links(): MeshLink[] {
    return [...this.#rows.values()].map(({ link }) => link);
  }

  /** The link of a number, `undefined` if it has ended. */
  link(id: number): MeshLink | undefined {
    return this.#rows.get(id)?.link;
  }

  /** Adds a link. */
  up(link: MeshLink): void {
    this.#rows.set(link.id, { link, tunnels: new Map(), established: false, failed: false });
  }

  /** Removes a link; unknown ones are ignored. */
  down(id: number): void {
    this.#rows.delete(id);
  }

  /** Takes what became of a tunnel. @returns what to tell the mesh; nothing for links that have ended meanwhile */
  tunnel(state: TunnelState): LinkNews | undefined {
    const row = this.#rows.get(state.link);
    if (row === undefined) return undefined;
    row.tunnels.set(state.index, state);
    const states = holding(row).map((tunnel) => tunnel?.state);
    if (states.every((known) => known === "failed")) {
      if (row.failed) return undefined;
      row.failed = true;
      return { kind: "failed", id: state.link, reason: state.reason ?? "no overlay works" };
    }
    const established = states.includes("established");
    if (established === row.established) return undefined;
    row.established = established;
    return { kind: "established", id: state.link, established };
  }

  /** The tunnel that frames of a link take: the best established one, else the best that is not given up. */
  best(id: number | undefined): TunnelState | undefined {
    const row = id === undefined ? undefined : this.#rows.get(id);
    if (row === undefined) return undefined;
    if (!row.established) return holding(row).find((tunnel) => tunnel?.state === "pending");
    return row.link.overlays.map(({ index }) => row.tunnels.get(index))
      .find((tunnel) => tunnel?.state === "established");
  }

  /** The tunnel over the overlay that both ends like best, whether it works or not. */
  preferred(id: number | undefined): TunnelState | undefined {
    const row = id === undefined ? undefined : this.#rows.get(id);
    const [overlay] = row?.link.overlays ?? [];
    return overlay === undefined ? undefined : row?.tunnels.get(overlay.index);
  }
}

/** What is known of the tunnels that hold a link. */
function holding({ link, tunnels }: Row): (TunnelState | undefined)[] {
  return link.overlays.filter(({ name }) => opensTunnels(name)).map(({ index }) =>
    tunnels.get(index)
  );
}
