/**
 * The side that gives: what peers get when they ask for space (spec/ipam.md 10).
 *
 * ```
 *   request ──> about half of what is free there ──> ring: theirs ──> disk ──> tell all, and the asker
 *          └──> nothing there, or hardly anything and others have more ──> denial, and our state
 * ```
 *
 * @module
 */

import type { Millis, PeerName } from "../../base/mod.ts";
import type { Parts } from "./parts.ts";
import { formatRange, type Range } from "./range.ts";
import { askOrder } from "./ring.ts";

/** With no more than this many free addresses we send an asker to others first. */
const RESERVE = 2;
/** Others must have so many times as much, since what we know of them may be old. */
const RICHER = 4;
/** Who asks again within this time did not get anything from the others. */
const INSIST_MS = 60_000;
/** Most askers that are remembered. */
const MAX_SENT_AWAY = 1000;

/** Serves requests for space. */
export class Serving {
  readonly #parts: Parts;
  #sentAway = new Map<string, Millis>();

  /** Gives from the space of these parts. */
  constructor(parts: Parts) {
    this.#parts = parts;
  }

  /** Answers a peer that asks for space in a range; any range. */
  serve(from: PeerName, range: Range, now: Millis): void {
    const { territory, out, config } = this.#parts;
    if (!territory.exists || from === config.self) return;
    const given = this.#mayGive(from, range, now) ? territory.donate(range, from) : undefined;
    if (given === undefined) {
      // The asker learns from the state how much there really is, here and with others.
      territory.report();
      out.push({ kind: "unicast", to: from, message: { kind: "denial", range } });
    } else {
      this.#parts.broadcast = true;
    }
    out.push({ kind: "unicast", to: from, message: { kind: "state" } });
  }

  #mayGive(from: PeerName, range: Range, now: Millis): boolean {
    const { leaving, conflicts } = this.#parts;
    if (leaving || conflicts.any || range.end <= range.start) return false;
    return !this.#keepsReserve(from, range, now);
  }

  /** One address by name is given in any case: nobody else has it. */
  #keepsReserve(from: PeerName, range: Range, now: Millis): boolean {
    const { territory: { space, ring }, peers } = this.#parts;
    const free = space.freeIn(range);
    if (free === 0 || free > RESERVE || range.end - range.start <= 1) return false;
    const key = `${from} ${formatRange(range)}`;
    const sentAway = this.#sentAway.get(key);
    this.#sentAway.delete(key);
    if (sentAway !== undefined && now < sentAway + INSIST_MS) return false;
    const others = new Set(
      askOrder(ring, range, () => 1).filter((peer) => peer !== from && peers.isReachable(peer)),
    );
    const richer = ring.entries.some((entry) =>
      others.has(entry.peer) && entry.free >= free * RICHER &&
      entry.token >= range.start && entry.token < range.end
    );
    if (richer && this.#sentAway.size < MAX_SENT_AWAY) this.#sentAway.set(key, now);
    return richer && this.#sentAway.has(key);
  }
}
