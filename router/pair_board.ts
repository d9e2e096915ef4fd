/**
 * Pairs as key agreement and the data plane tell of them, side by side: how frames to each peer go, and why so.
 *
 * @module
 */

import type { PeerName } from "../base/mod.ts";
import type { KeysState } from "../mesh/mod.ts";
import type { PairState } from "../switch/mod.ts";
import type { PairRow } from "./status/mod.ts";

/** What the log is told. */
export interface PairTurn {
  /** Frames go by shuttle now, else by sleeve again. */
  readonly shuttle: boolean;
  /** Why by sleeve. */
  readonly reason: string | undefined;
}

/** What status needs of a peer. */
export interface PairPeer {
  /** Its name. */
  readonly name: PeerName;
  /** Its label. */
  readonly nickname: string;
}

interface Row {
  since: number;
  data: PairState | undefined;
  keys: { readonly state: KeysState; readonly reason: string | undefined } | undefined;
}

/** All pairs. */
export class PairBoard {
  readonly #offered: boolean;
  readonly #rows = new Map<PeerName, Row>();

  /** Knows nobody yet. @param offered this router offers shuttle */
  constructor(offered: boolean) {
    this.#offered = offered;
  }

  /** Takes the names of all others that the mesh knows. @param now ms since 1970 */
  peers(names: Iterable<PeerName>, now: number): void {
    const known = new Set(names);
    for (const name of this.#rows.keys()) if (!known.has(name)) this.#rows.delete(name);
    for (const name of known) this.#row(name, now);
  }

  /** Takes where keys with a peer stand; ignored for peers that the mesh does not know. */
  agreed(peer: PeerName, state: KeysState, reason: string | undefined): void {
    const row = this.#rows.get(peer);
    if (row !== undefined) row.keys = { state, reason };
  }

  /**
   * Takes how frames to a peer go; ignored for peers that the mesh does not know.
   *
   * @returns what the log should say, if frames go another way than before
   */
  data(state: PairState, now: number): PairTurn | undefined {
    const row = this.#rows.get(state.peer);
    if (row === undefined) return undefined;
    const turned = (row.data?.shuttle ?? false) !== state.shuttle;
    row.data = state;
    if (!turned) return undefined;
    row.since = now;
    return { shuttle: state.shuttle, reason: this.#reason(row) };
  }

  /** Tells whether a peer has shown that it is weft: frames go by shuttle, or it has agreed on keys. */
  speaks(peer: PeerName): boolean {
    const row = this.#rows.get(peer);
    return row?.data?.shuttle === true || row?.keys?.state === "ready";
  }

  /** Returns the pairs with these peers, in their order. */
  rows(peers: Iterable<PairPeer>): PairRow[] {
    const rows: PairRow[] = [];
    for (const { name: peer, nickname } of peers) {
      const row = this.#rows.get(peer);
      if (row === undefined) continue;
      const { data, since } = row;
      rows.push({
        peer,
        nickname,
        overlay: data?.shuttle === true ? "shuttle" : "sleeve",
        cipher: data?.cipher,
        mtuBytes: data?.mtuBytes,
        reason: this.#reason(row),
        since,
      });
    }
    return rows;
  }

  #row(name: PeerName, since: number): void {
    if (this.#rows.has(name)) return;
    this.#rows.set(name, { since, data: undefined, keys: undefined });
  }

  /** Why frames go by sleeve, or why they will before long: what the data plane says, and what it cannot know. */
  #reason({ data, keys }: Row): string | undefined {
    if (!this.#offered) return "this router does not offer shuttle";
    const reason = data?.shuttle === true ? undefined : data?.reason ?? "nothing is known yet";
    // With a key in use, a reason says why there is no next one.
    const matters = keys?.reason !== undefined &&
      (keys.state === "ready" || data?.cipher === undefined);
    if (!matters) return reason;
    const about = `${keys.state === "ready" ? "next key" : "key"}: ${keys.reason}`;
    return reason === undefined ? about : `${reason} (${about})`;
  }
}
