/**
 * What the worker tells main: tunnel states when they changed, the MAC table at most once a second, few log lines.
 *
 * A core: the loop passes time in and a function that posts.
 *
 * @module
 */

import { type Millis, sameEndpoint } from "../base/mod.ts";
import type { FromWorker, PairState, TunnelState } from "./contract.ts";
import type { ShuttleLink } from "./link_table.ts";
import type { MacTable } from "./mac_table.ts";
import type { Tunnel } from "./overlay/overlay.ts";
import { UNKNOWN_MTU_BYTES } from "./pmtu.ts";
import { SHUTTLE_OVERLAY } from "./shuttle/mod.ts";

/** Tables are posted this often at most. */
const TABLES_EVERY_MS = 1_000;
/** Log lines in any ten seconds; what is above is counted and said once. */
const LINES_PER_PERIOD = 20;
const PERIOD_MS = 10_000;

/** Posts reports, without repeating itself. */
export class Reporter {
  readonly #post: (message: FromWorker) => void;
  readonly #told = new Map<Tunnel, TunnelState>();
  /** Of the same tunnels: what was told of shuttle beside them. */
  readonly #toldShuttle = new Map<Tunnel, TunnelState>();
  #tablesAt: Millis = -Infinity;
  #tablesVersion = 0;
  #periodAt: Millis = -Infinity;
  #lines = 0;

  /** @param post sends a message to the main thread */
  constructor(post: (message: FromWorker) => void) {
    this.#post = post;
  }

  /** Reports a tunnel, if anything of it differs from what was reported last. */
  tunnel(tunnel: Tunnel, overlay: string): void {
    const state: TunnelState = {
      kind: "tunnel",
      link: tunnel.spec.link,
      index: tunnel.spec.index,
      overlay,
      state: tunnel.state,
      reason: tunnel.reason,
      mtuBytes: tunnel.mtuBytes,
      remote: tunnel.remote,
    };
    this.#tell(this.#told, tunnel, state);
  }

  /** Reports how shuttle does on a link: established while frames to this very neighbour take it. */
  shuttle({ link, index, tunnel }: ShuttleLink, pair: PairState | undefined): void {
    const established = tunnel.state === "established" && pair?.shuttle === true;
    const waits = tunnel.state === "established" ? pair?.reason : "its link is not up";
    this.#tell(this.#toldShuttle, tunnel, {
      kind: "tunnel",
      link,
      index,
      overlay: SHUTTLE_OVERLAY,
      state: established ? "established" : "pending",
      reason: established ? undefined : waits,
      mtuBytes: established ? pair.mtuBytes ?? UNKNOWN_MTU_BYTES : UNKNOWN_MTU_BYTES,
      remote: tunnel.remote,
    });
  }

  #tell(told: Map<Tunnel, TunnelState>, tunnel: Tunnel, state: TunnelState): void {
    const before = told.get(tunnel);
    if (
      before !== undefined && before.state === state.state && before.reason === state.reason &&
      before.mtuBytes === state.mtuBytes && sameEndpoint(before.remote, state.remote)
    ) return;
    told.set(tunnel, state);
    this.#post(state);
  }

  /** Forgets tunnels that are not in `alive`. */
  keep(alive: Iterable<Tunnel>): void {
    const set = new Set(alive);
    for (const told of [this.#told, this.#toldShuttle]) {
      for (const tunnel of told.keys()) if (!set.has(tunnel)) told.delete(tunnel);
    }
  }

  /** Posts the MAC table if it changed and the last time is long enough ago. */
  tables(macs: MacTable, now: Millis): void {
    if (macs.version === this.#tablesVersion || now - this.#tablesAt < TABLES_EVERY_MS) return;
    this.#tablesAt = now;
    this.#tablesVersion = macs.version;
    this.#post({ kind: "tables", macs: macs.entries(now) });
  }

  /** Posts a log line, unless there were many just now. */
  log(level: "debug" | "info" | "warn" | "error", message: string, now: Millis): void {
    if (now - this.#periodAt > PERIOD_MS) {
      const left = this.#lines - LINES_PER_PERIOD;
      if (left > 0) {
        this.#post({ kind: "log", level: "warn", message: `${left} lines were left out` });
      }
      this.#periodAt = now;
      this.#lines = 0;
    }
    if (++this.#lines <= LINES_PER_PERIOD) this.#post({ kind: "log", level, message });
  }
}
